// SPDX-License-Identifier: Apache-2.0
#include "dsp/polyphase_resampler.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <complex>
#include <cstdint>
#include <numbers>
#include <stdexcept>
#include <string>
#include <vector>

#include "unit/dsp/signals.hpp"

namespace sidetone::dsp {
namespace {

constexpr std::uint32_t kRates[] = {8000, 11'025, 16'000, 22'050, 32'000, 44'100, 48'000, 88'200, 96'000, 192'000};

std::int64_t floor_divided(std::int64_t a, std::int64_t b) {
    return a >= 0 ? a / b : -((-a + b - 1) / b);
}

/// Outputs first … first + count - 1 of a sine that begins long before input sample 0.
std::vector<float> resampled_sine(const PolyphaseResampler& resampler, double frequency_hz, double in_rate_hz,
                                  std::int64_t first, std::size_t count) {
    const std::int64_t begin = resampler.oldest_input(first);
    const std::int64_t end = resampler.newest_input(first + static_cast<std::int64_t>(count) - 1) + 1;
    const auto in = test::sine(frequency_hz, in_rate_hz, begin, static_cast<std::size_t>(end - begin));
    std::vector<float> out(count);
    resampler.compute(in.data(), begin, first, count, out.data());
    return out;
}

/// Complex amplitude against exp(2πi f m / rate), under a Hann window; 1 for the sine test::sine makes.
std::complex<double> amplitude_of(const std::vector<float>& signal, double frequency_hz, double rate_hz,
                                  std::int64_t first) {
    std::complex<double> sum = 0;
    double weights = 0;
    for (std::size_t n = 0; n < signal.size(); ++n) {
        const double turn = 2 * std::numbers::pi;
        const double at = static_cast<double>(first + static_cast<std::int64_t>(n));
        const double weight =
            0.5 - 0.5 * std::cos(turn * (static_cast<double>(n) + 0.5) / static_cast<double>(signal.size()));
        sum += weight * static_cast<double>(signal[n]) * std::polar(1.0, -turn * frequency_hz * at / rate_hz);
        weights += weight;
    }
    return sum * std::complex<double>(0, 2) / weights;
}

double rms_of(const std::vector<float>& signal) {
    double energy = 0;
    for (const float sample : signal) energy += static_cast<double>(sample) * static_cast<double>(sample);
    return std::sqrt(energy / static_cast<double>(signal.size()));
}

/// What is left when the ideal output (the same sine at the other rate) is taken away, in dB below the sine.
double residue_db(const std::vector<float>& out, double frequency_hz, double rate_hz, std::int64_t first) {
    auto rest = test::sine(frequency_hz, rate_hz, first, out.size());
    const double full = rms_of(rest);
    for (std::size_t n = 0; n < out.size(); ++n) rest[n] -= out[n];
    return 20 * std::log10(rms_of(rest) / full);
}

struct Pair {
    explicit Pair(std::uint32_t in, std::uint32_t out)
        : in_rate(in), out_rate(out), lower_nyquist(std::min(in, out) / 2.0), resampler(in, out) {}
    std::uint32_t in_rate, out_rate;
    double lower_nyquist;
    PolyphaseResampler resampler;
};

/// The parameter is the input rate; `check` sees it with every output rate.
class EveryPairOfRates : public ::testing::TestWithParam<std::uint32_t> {
protected:
    template <class Check>
    void with_each(Check check) {
        for (const auto out_rate : kRates) {
            SCOPED_TRACE(std::to_string(GetParam()) + " Hz to " + std::to_string(out_rate) + " Hz");
            check(Pair(GetParam(), out_rate));
        }
    }
};
INSTANTIATE_TEST_SUITE_P(Rates, EveryPairOfRates, ::testing::ValuesIn(kRates));

TEST_P(EveryPairOfRates, SinesOfThePassBandKeepAmplitudeAndPhase) {
    with_each([](const Pair& pair) {
        for (const double share : {0.02, 0.3, 0.6, 0.85}) {
            const double frequency = share * pair.lower_nyquist;
            // Long enough for the window to tell the sine from its mirror at the negative frequency.
            const auto count = std::max<std::size_t>(2000, static_cast<std::size_t>(12 * pair.out_rate / frequency));
            const auto out = resampled_sine(pair.resampler, frequency, pair.in_rate, 1000, count);
            const auto amplitude = amplitude_of(out, frequency, pair.out_rate, 1000);
            EXPECT_NEAR(20 * std::log10(std::abs(amplitude)), 0.0, 0.01) << share;
            EXPECT_NEAR(std::arg(amplitude), 0.0, 1e-3) << share;
            // Whatever else is in the output: images and aliases of the sine, at any frequency.
            EXPECT_LT(residue_db(out, frequency, pair.out_rate, 1000), -72.0) << share;
        }
    });
}

TEST_P(EveryPairOfRates, TheStopBandIsSilent) {
    with_each([](const Pair& pair) {
        if (pair.out_rate >= pair.in_rate) return;  // nothing can alias: the residues above held the images
        for (const double share : {1.15, 1.3, 1.7, 2.0}) {
            const double frequency = share * pair.lower_nyquist;
            if (frequency > pair.in_rate / 2.0) break;
            // Just below, so that a sine at half the input rate is no row of zeros.
            const auto out = resampled_sine(pair.resampler, frequency * 0.999, pair.in_rate, 1000, 2000);
            EXPECT_LT(20 * std::log10(rms_of(out) * std::numbers::sqrt2), -74.0) << share;
        }
    });
}

TEST_P(EveryPairOfRates, AConstantStaysConstant) {
    with_each([](const Pair& pair) {
        std::vector<float> ones(20'000, 1.0F);
        std::vector<float> out(
            std::min<std::size_t>(700, static_cast<std::size_t>(pair.resampler.outputs_ready(19'000))));
        pair.resampler.compute(ones.data(), -1000, 0, out.size(), out.data());
        for (const float sample : out) ASSERT_LT(std::fabs(sample - 1.0F), 3.16e-5F) << "-90 dB";
    });
}

TEST_P(EveryPairOfRates, ChunksOfAnySizeGiveTheSameBits) {
    with_each([](const Pair& pair) {
        constexpr std::int64_t kFirst = -400;
        constexpr std::size_t kCount = 1500;
        const std::int64_t begin = pair.resampler.oldest_input(kFirst);
        const std::int64_t end = pair.resampler.newest_input(kFirst + static_cast<std::int64_t>(kCount) - 1) + 1;
        const auto in = test::white_noise(static_cast<std::size_t>(end - begin), 61);
        std::vector<float> whole(kCount);
        pair.resampler.compute(in.data(), begin, kFirst, kCount, whole.data());

        for (const std::size_t chunk : {1U, 2U, 3U, 5U, 7U, 16U, 43U, 128U, 441U}) {
            std::vector<float> out;
            for (std::size_t done = 0; done < kCount; done += chunk) {
                const std::size_t count = std::min(chunk, kCount - done);
                const std::int64_t first = kFirst + static_cast<std::int64_t>(done);
                // Exactly the promised inputs, in memory of their own: at another alignment, and checkable by a
                // sanitizer.
                const std::int64_t from = pair.resampler.oldest_input(first);
                const std::int64_t to = pair.resampler.newest_input(first + static_cast<std::int64_t>(count) - 1) + 1;
                const std::vector<float> own(in.begin() + (from - begin), in.begin() + (to - begin));
                std::vector<float> between(count + 2, 9.0F);
                pair.resampler.compute(own.data(), from, first, count, between.data() + 1);
                ASSERT_EQ(between.front(), 9.0F);
                ASSERT_EQ(between.back(), 9.0F);
                out.insert(out.end(), between.begin() + 1, between.end() - 1);
            }
            ASSERT_EQ(out, whole) << "chunks of " << chunk;
        }
    });
}

TEST_P(EveryPairOfRates, OutputsReadyAgreesWithNewestInput) {
    with_each([](const Pair& pair) {
        std::int64_t ready = 0;
        for (std::int64_t available = 0; available < 1500; ++available) {
            while (pair.resampler.newest_input(ready) < available) ++ready;
            ASSERT_EQ(pair.resampler.outputs_ready(available), ready) << available;
        }
    });
}

TEST_P(EveryPairOfRates, DependsOnExactlyTheInputsItNames) {
    with_each([](const Pair& pair) {
        const std::int64_t phases = pair.resampler.phases();
        const std::int64_t step = pair.resampler.step();
        EXPECT_EQ(phases * pair.in_rate, step * pair.out_rate);
        for (std::int64_t m = -3 * phases - 2; m <= 3 * phases + 2; m += phases / 7 + 1) {
            const std::int64_t floor = floor_divided(m * step, phases);
            ASSERT_EQ(pair.resampler.newest_input(m), floor + pair.resampler.half()) << m;
            const std::int64_t before = pair.in_rate == pair.out_rate ? 0 : std::int64_t{pair.resampler.half()} - 1;
            ASSERT_EQ(pair.resampler.oldest_input(m), floor - before) << m;
        }
    });
}

TEST(PolyphaseResampler, EqualRatesAreTheIdentity) {
    const PolyphaseResampler resampler(44'100, 44'100);
    EXPECT_EQ(resampler.half(), 0U);
    EXPECT_EQ(resampler.outputs_ready(17), 17);
    const auto in = test::white_noise(50, 62);
    std::vector<float> out(30);
    resampler.compute(in.data(), -10, 5, 30, out.data());
    EXPECT_TRUE(std::equal(out.begin(), out.end(), in.begin() + 15));
}

TEST(PolyphaseResampler, AMultipleOfTheRateKeepsTheInputsThemselves) {
    for (const std::uint32_t multiple : {2U, 3U, 4U}) {
        const PolyphaseResampler resampler(16'000, 16'000 * multiple);
        constexpr std::int64_t kInputs = 300;
        const std::int64_t begin = resampler.oldest_input(0);
        const auto end = resampler.newest_input((kInputs - 1) * std::int64_t{multiple}) + 1;
        const auto in = test::white_noise(static_cast<std::size_t>(end - begin), 62);
        for (const std::size_t count : {std::size_t{1}, std::size_t{5}, std::size_t{64}, std::size_t{kInputs}}) {
            std::vector<float> out(count * multiple - (multiple - 1));
            resampler.compute(in.data(), begin, 0, out.size(), out.data());
            for (std::size_t n = 0; n < count; ++n)
                ASSERT_EQ(out[n * multiple], in[n - static_cast<std::size_t>(begin)]) << multiple << ", " << n;
        }
    }
}

TEST(PolyphaseResampler, LooksAheadAboutOneMillisecondBetween16And48Kilohertz) {
    EXPECT_LE(PolyphaseResampler(48'000, 16'000).half() / 48.0, 1.1);
    EXPECT_LE(PolyphaseResampler(16'000, 48'000).half() / 16.0, 1.1);
}

TEST(PolyphaseResampler, IsFlatTo6800HzAt16Kilohertz) {
    const PolyphaseResampler down(48'000, 16'000);
    const PolyphaseResampler up(16'000, 48'000);
    for (double frequency = 50; frequency <= 6800; frequency += 150) {
        const auto low = resampled_sine(down, frequency, 48'000, 0, 3000);
        EXPECT_NEAR(20 * std::log10(std::abs(amplitude_of(low, frequency, 16'000, 0))), 0.0, 0.1) << frequency;
        const auto high = resampled_sine(up, frequency, 16'000, 0, 3000);
        EXPECT_NEAR(20 * std::log10(std::abs(amplitude_of(high, frequency, 48'000, 0))), 0.0, 0.1) << frequency;
    }
}

TEST(PolyphaseResampler, AliasesBelowThePassBandEdgeAreSeventyDecibelsDown) {
    const PolyphaseResampler down(48'000, 16'000);
    for (double frequency = 9200; frequency < 24'000; frequency += 170) {
        const auto out = resampled_sine(down, frequency, 48'000, 0, 2000);
        EXPECT_LT(20 * std::log10(rms_of(out) * std::numbers::sqrt2), -74.0) << frequency;
    }
}

TEST(PolyphaseResampler, ImagesOfThePassBandAreSeventyDecibelsDown) {
    const PolyphaseResampler up(16'000, 48'000);
    for (double frequency = 100; frequency <= 6800; frequency += 170) {
        const auto out = resampled_sine(up, frequency, 16'000, 0, 3000);
        for (const double image : {16'000 - frequency, 16'000 + frequency}) {
            EXPECT_LT(20 * std::log10(std::abs(amplitude_of(out, image, 48'000, 0))), -74.0)
                << frequency << ", " << image;
        }
    }
}

TEST(PolyphaseResampler, AMilderDesignLooksLessFarAhead) {
    const PolyphaseResampler usual(48'000, 16'000);
    const PolyphaseResampler mild(48'000, 16'000, {.stop_band_db = 60, .pass_band = 0.75});
    const PolyphaseResampler steep(48'000, 16'000, {.stop_band_db = 100, .pass_band = 0.95});
    EXPECT_LT(mild.half(), usual.half());
    EXPECT_GT(steep.half(), usual.half());
    const auto out = resampled_sine(steep, 7600, 48'000, 0, 4000);
    EXPECT_LT(residue_db(out, 7600, 16'000, 0), -95.0);
}

TEST(PolyphaseResampler, RefusalsNameTheRates) {
    const auto message_of = [](std::uint32_t in, std::uint32_t out, const PolyphaseResampler::Design& design) {
        try {
            const PolyphaseResampler resampler(in, out, design);
        } catch (const std::invalid_argument& error) {
            return std::string(error.what());
        }
        return std::string("accepted");
    };
    for (const auto& message :
         {message_of(7999, 48'000, {}), message_of(48'000, 192'001, {}), message_of(191'999, 8001, {}),
          message_of(48'000, 16'000, {.stop_band_db = 10}), message_of(48'000, 16'000, {.stop_band_db = NAN}),
          message_of(48'000, 16'000, {.pass_band = 1.0})}) {
        EXPECT_NE(message.find(" Hz -> "), std::string::npos) << message;
    }
    EXPECT_NE(message_of(191'999, 8001, {}).find("191999 Hz -> 8001 Hz"), std::string::npos);
}

}  // namespace
}  // namespace sidetone::dsp
