// SPDX-License-Identifier: Apache-2.0
#include "dsp/real_fft.hpp"

#include <gtest/gtest.h>
#include <kiss_fftr.h>

#include <algorithm>
#include <cmath>
#include <complex>
#include <memory>
#include <numbers>
#include <numeric>
#include <stdexcept>
#include <vector>

#include "unit/dsp/signals.hpp"

namespace sidetone::dsp {
namespace {

using Spectrum = std::vector<std::complex<float>>;

std::vector<std::size_t> all_sizes() {
    std::vector<std::size_t> sizes;
    for (std::size_t size = 1; size <= 8192; ++size) {
        if (RealFft::supports(size)) sizes.push_back(size);
    }
    return sizes;
}

std::vector<std::complex<double>> exact_transform(const std::vector<float>& signal) {
    const std::size_t size = signal.size();
    std::vector<std::complex<double>> roots(size);
    for (std::size_t k = 0; k < size; ++k) {
        roots[k] = std::polar(1.0, -2 * std::numbers::pi * static_cast<double>(k) / static_cast<double>(size));
    }
    std::vector<std::complex<double>> spectrum(size / 2 + 1);
    for (std::size_t k = 0; k < spectrum.size(); ++k) {
        for (std::size_t n = 0; n < size; ++n) spectrum[k] += static_cast<double>(signal[n]) * roots[k * n % size];
    }
    return spectrum;
}

Spectrum transform(RealFft& fft, const std::vector<float>& signal) {
    Spectrum spectrum(fft.bins());
    fft.forward(signal.data(), spectrum.data());
    return spectrum;
}

template <class Reference>
double largest_error_over_rms(const Spectrum& spectrum, const Reference& reference) {
    double energy = 0;
    double worst = 0;
    for (std::size_t k = 0; k < spectrum.size(); ++k) {
        const std::complex<double> expected(reference[k]);
        energy += std::norm(expected);
        worst = std::max(worst, std::abs(std::complex<double>(spectrum[k]) - expected));
    }
    return worst / std::sqrt(energy / static_cast<double>(spectrum.size()));
}

class RealFftOfEverySize : public ::testing::TestWithParam<std::size_t> {};
INSTANTIATE_TEST_SUITE_P(Sizes, RealFftOfEverySize, ::testing::ValuesIn(all_sizes()));

TEST_P(RealFftOfEverySize, EqualsTheDefinitionInDoublePrecision) {
    const auto signal = test::white_noise(GetParam(), 1);
    RealFft fft(GetParam());
    EXPECT_LT(largest_error_over_rms(transform(fft, signal), exact_transform(signal)), 1e-6);
}

TEST_P(RealFftOfEverySize, EqualsKissFft) {
    const auto signal = test::white_noise(GetParam(), 2);
    RealFft fft(GetParam());
    const std::unique_ptr<kiss_fftr_state, void (*)(kiss_fftr_state*)> plan(
        kiss_fftr_alloc(static_cast<int>(GetParam()), 0, nullptr, nullptr),
        [](kiss_fftr_state* p) { kiss_fftr_free(p); });
    std::vector<kiss_fft_cpx> bins(fft.bins());
    kiss_fftr(plan.get(), signal.data(), bins.data());
    Spectrum reference(bins.size());
    std::transform(bins.begin(), bins.end(), reference.begin(),
                   [](const kiss_fft_cpx& bin) { return std::complex<float>(bin.r, bin.i); });
    EXPECT_LT(largest_error_over_rms(transform(fft, signal), reference), 2e-6);
}

TEST_P(RealFftOfEverySize, InverseUndoesForward) {
    const auto signal = test::white_noise(GetParam(), 3);
    RealFft fft(GetParam());
    const auto spectrum = transform(fft, signal);
    std::vector<float> back(GetParam());
    fft.inverse(spectrum.data(), back.data());
    for (std::size_t n = 0; n < signal.size(); ++n) ASSERT_NEAR(back[n], signal[n], 3e-6) << "sample " << n;
}

TEST_P(RealFftOfEverySize, KeepsEnergy) {
    const auto signal = test::white_noise(GetParam(), 4);
    RealFft fft(GetParam());
    const auto spectrum = transform(fft, signal);
    double in_time = 0;
    for (const float sample : signal) in_time += static_cast<double>(sample) * static_cast<double>(sample);
    double in_frequency = std::norm(spectrum.front()) + std::norm(spectrum.back());
    for (std::size_t k = 1; k + 1 < spectrum.size(); ++k)
        in_frequency += 2 * std::norm(std::complex<double>(spectrum[k]));
    EXPECT_NEAR(in_frequency / static_cast<double>(GetParam()) / in_time, 1.0, 1e-6);
}

TEST_P(RealFftOfEverySize, IsLinear) {
    const auto a = test::white_noise(GetParam(), 5);
    const auto b = test::white_noise(GetParam(), 6);
    std::vector<float> mix(GetParam());
    for (std::size_t n = 0; n < mix.size(); ++n) mix[n] = 0.5F * a[n] - 2.0F * b[n];
    RealFft fft(GetParam());
    const auto of_a = transform(fft, a);
    const auto of_b = transform(fft, b);
    Spectrum expected(fft.bins());
    for (std::size_t k = 0; k < expected.size(); ++k) expected[k] = 0.5F * of_a[k] - 2.0F * of_b[k];
    EXPECT_LT(largest_error_over_rms(transform(fft, mix), expected), 2e-6);
}

TEST_P(RealFftOfEverySize, TakesAnyAlignment) {
    const auto signal = test::white_noise(GetParam(), 7);
    RealFft fft(GetParam());
    const auto expected = transform(fft, signal);
    std::vector<float> shifted(GetParam() + 1);
    std::copy(signal.begin(), signal.end(), shifted.begin() + 1);
    Spectrum spectrum(fft.bins() + 1);
    fft.forward(shifted.data() + 1, spectrum.data() + 1);
    for (std::size_t k = 0; k < expected.size(); ++k) ASSERT_EQ(spectrum[k + 1], expected[k]) << "bin " << k;
}

TEST(RealFft, SinesLandInTheirBins) {
    constexpr std::size_t kSize = 1536;
    RealFft fft(kSize);
    for (const std::size_t bin : {1U, 2U, 7U, 255U, 256U, 384U, 511U, 767U}) {
        const auto spectrum = transform(fft, test::sine(static_cast<double>(bin), kSize, 0, kSize));
        for (std::size_t k = 0; k < spectrum.size(); ++k) {
            const std::complex<float> expected(0, k == bin ? -0.5F * kSize : 0);
            ASSERT_NEAR(std::abs(spectrum[k] - expected), 0, 2e-3) << "sine " << bin << ", bin " << k;
        }
    }
}

TEST(RealFft, ConstantAndAlternatingSignalsHaveOneRealBin) {
    RealFft fft(96);
    std::vector<float> signal(96, 1.0F);
    auto spectrum = transform(fft, signal);
    EXPECT_EQ(spectrum.front(), std::complex<float>(96, 0));
    EXPECT_NEAR(std::abs(spectrum.back()), 0, 1e-5);
    for (std::size_t n = 1; n < 96; n += 2) signal[n] = -1.0F;
    spectrum = transform(fft, signal);
    EXPECT_EQ(spectrum.back(), std::complex<float>(96, 0));
    EXPECT_NEAR(std::abs(spectrum.front()), 0, 1e-5);
}

TEST(RealFft, InverseIgnoresImaginaryPartsOfTheOuterBins) {
    RealFft fft(512);
    auto spectrum = transform(fft, test::white_noise(512, 8));
    std::vector<float> expected(512);
    fft.inverse(spectrum.data(), expected.data());
    spectrum.front().imag(123);
    spectrum.back().imag(-45);
    std::vector<float> signal(512);
    fft.inverse(spectrum.data(), signal.data());
    EXPECT_EQ(signal, expected);
}

TEST(RealFft, MovedAndCopiedTransformsWork) {
    const auto signal = test::white_noise(512, 9);
    RealFft original(512);
    const auto expected = transform(original, signal);
    RealFft copy(original);
    RealFft moved(std::move(original));
    EXPECT_EQ(transform(copy, signal), expected);
    EXPECT_EQ(transform(moved, signal), expected);
}

TEST(RealFft, SupportsExactlyTheSizesWithFactorsTwoThreeAndOneFive) {
    const std::vector<std::size_t> expected{64,   96,   128,  160,  192,  256,  288,  320,  384,  480,  512,
                                            576,  640,  768,  864,  960,  1024, 1152, 1280, 1440, 1536, 1728,
                                            1920, 2048, 2304, 2560, 2592, 2880, 3072, 3456, 3840, 4096};
    EXPECT_EQ(all_sizes(), expected);
    for (const std::size_t size : {0U, 32U, 100U, 240U, 513U, 800U, 1000U, 8192U}) {
        EXPECT_FALSE(RealFft::supports(size)) << size;
        EXPECT_THROW(RealFft{size}, std::invalid_argument) << size;
    }
}

}  // namespace
}  // namespace sidetone::dsp
