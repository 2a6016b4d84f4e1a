// SPDX-License-Identifier: Apache-2.0
#include "dsp/overlap_add.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <complex>
#include <stdexcept>
#include <vector>

#include "dsp/real_fft.hpp"
#include "dsp/window.hpp"
#include "unit/dsp/signals.hpp"

namespace sidetone::dsp {
namespace {

struct Grid {
    WindowShape shape;
    std::size_t length, hop;
    float sum;  ///< of the squared windows over all frames at one sample
};

class AnalysisAndSynthesis : public ::testing::TestWithParam<Grid> {};
INSTANTIATE_TEST_SUITE_P(
    Grids, AnalysisAndSynthesis,
    ::testing::Values(Grid{WindowShape::sqrt_hann, 512, 256, 1.0F}, Grid{WindowShape::sqrt_hann, 512, 128, 2.0F},
                      Grid{WindowShape::vorbis, 1536, 768, 1.0F}, Grid{WindowShape::hann, 96, 24, 1.5F},
                      Grid{WindowShape::rectangular, 64, 64, 1.0F}, Grid{WindowShape::rectangular, 576, 192, 3.0F}));

TEST_P(AnalysisAndSynthesis, GiveBackTheSignalAfterLengthMinusHop) {
    const auto [shape, length, hop, sum] = GetParam();
    const auto window = make_window(shape, length);
    const std::size_t frames = 24;
    const auto signal = test::white_noise(length + frames * hop, 11);
    RealFft fft(length);
    OverlapAdd synthesis(length, hop, window);
    ASSERT_EQ(synthesis.delay_frames(), length - hop);

    std::vector<float> frame(length);
    std::vector<std::complex<float>> spectrum(fft.bins());
    std::vector<float> out;
    for (std::size_t k = 0; k < frames; ++k) {
        multiply(signal.data() + k * hop, window.data(), frame.data(), length);
        fft.forward(frame.data(), spectrum.data());
        fft.inverse(spectrum.data(), frame.data());
        out.resize(out.size() + hop);
        synthesis.add(frame.data(), out.data() + k * hop);
    }
    for (std::size_t n = length - hop; n < out.size(); ++n) {
        ASSERT_NEAR(out[n], sum * signal[n], 2e-5) << "sample " << n;
    }
}

TEST(OverlapAdd, SumsFramesWhereTheyMeet) {
    OverlapAdd synthesis(6, 2);
    const std::vector<float> ones(6, 1.0F);
    std::vector<float> out(2);
    for (const float expected : {1.0F, 2.0F, 3.0F, 3.0F, 3.0F}) {
        synthesis.add(ones.data(), out.data());
        EXPECT_EQ(out, std::vector<float>(2, expected));
    }
    synthesis.reset();
    synthesis.add(ones.data(), out.data());
    EXPECT_EQ(out, std::vector<float>(2, 1.0F));
}

TEST(OverlapAdd, PlacesEverySampleOfAFrame) {
    OverlapAdd synthesis(60, 12);
    const auto frame = test::white_noise(60, 12);
    const std::vector<float> silence(60, 0.0F);
    std::vector<float> out(60);
    for (std::size_t k = 0; k < 5; ++k) synthesis.add(k == 0 ? frame.data() : silence.data(), out.data() + 12 * k);
    EXPECT_EQ(out, frame);
}

TEST(OverlapAdd, RefusesHopsAndWindowsThatDoNotFit) {
    EXPECT_THROW(OverlapAdd(512, 100), std::invalid_argument);
    EXPECT_THROW(OverlapAdd(512, 0), std::invalid_argument);
    EXPECT_THROW(OverlapAdd(0, 0), std::invalid_argument);
    EXPECT_THROW(OverlapAdd(512, 128, std::vector<float>(511)), std::invalid_argument);
}

TEST(Products, EqualScalarArithmeticForEveryCount) {
    for (std::size_t count = 0; count < 70; ++count) {
        const auto a = test::white_noise(count, 13);
        const auto b = test::white_noise(count, 14);
        std::vector<std::complex<float>> spectrum(count);
        for (std::size_t k = 0; k < count; ++k) spectrum[k] = {b[k], a[k] - b[k]};

        std::vector<float> product(count + 1, 7.0F);
        multiply(a.data(), b.data(), product.data(), count);
        std::vector<float> magnitudes(count + 1, 7.0F);
        magnitude(spectrum.data(), magnitudes.data(), count);
        auto scaled = spectrum;
        scaled.emplace_back(7.0F);
        std::vector<std::complex<float>> mask(count);
        for (std::size_t k = 0; k < count; ++k) mask[k] = {a[k], b[k] + 0.5F * a[k]};
        auto masked = spectrum;
        masked.emplace_back(7.0F);
        apply_mask(mask.data(), masked.data(), count);
        apply_gains(a.data(), scaled.data(), count);
        for (std::size_t k = 0; k < count; ++k) {
            ASSERT_EQ(product[k], a[k] * b[k]);
            ASSERT_NEAR(magnitudes[k], std::abs(spectrum[k]), 2e-7 * std::abs(spectrum[k]));
            ASSERT_EQ(scaled[k], spectrum[k] * a[k]);
            const auto expected = std::complex<double>(spectrum[k]) * std::complex<double>(mask[k]);
            ASSERT_LE(std::abs(std::complex<double>(masked[k]) - expected), 3e-7 * std::abs(expected));
        }
        EXPECT_EQ(product[count], 7.0F);
        EXPECT_EQ(magnitudes[count], 7.0F);
        EXPECT_EQ(scaled[count], std::complex<float>(7.0F));
        EXPECT_EQ(masked[count], std::complex<float>(7.0F));
    }
}

TEST(Products, MultiplyWorksInPlace) {
    auto a = test::white_noise(133, 15);
    const auto b = test::white_noise(133, 16);
    const auto before = a;
    multiply(a.data(), b.data(), a.data(), a.size());
    for (std::size_t n = 0; n < a.size(); ++n) ASSERT_EQ(a[n], before[n] * b[n]);
}

}  // namespace
}  // namespace sidetone::dsp
