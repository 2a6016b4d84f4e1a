// SPDX-License-Identifier: Apache-2.0
#include "dsp/limiter.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>
#include <random>
#include <vector>

#include "dsp/limiter_kernels.hpp"
#include "rt/guard.hpp"
#include "unit/dsp/signals.hpp"

namespace sidetone::dsp {
namespace {

constexpr double kRateHz = 48'000;
constexpr LimiterSettings kSettings{.ceiling_db = -6, .knee_db = 6, .release_ms = 50};
const float kCeiling = static_cast<float>(std::pow(10.0, -6.0 / 20));

using Channels = std::vector<std::vector<float>>;

template <class Limiter>
Channels through(Limiter& limiter, const Channels& signal, std::size_t block = 128) {
    Channels out = signal;
    for (std::size_t n = 0; n < signal[0].size(); n += block) {
        std::vector<const float*> in;
        std::vector<float*> written;
        for (std::size_t c = 0; c < signal.size(); ++c) {
            in.push_back(out[c].data() + n);
            written.push_back(out[c].data() + n);
        }
        limiter.process(in.data(), written.data(), std::min(block, signal[0].size() - n));
    }
    return out;
}

template <class Limiter>
class EveryLimiter : public testing::Test {};
using Limiters = testing::Types<SoftLimiter, TruePeakLimiter>;
TYPED_TEST_SUITE(EveryLimiter, Limiters);

TYPED_TEST(EveryLimiter, LeavesWhatIsSoftAsItIsButForTheDelay) {
    TypeParam limiter(kSettings, 2, kRateHz);
    const Channels noise{test::white_noise(5000, 61, 0.04F), test::white_noise(5000, 62, 0.04F)};
    const auto out = through(limiter, noise);
    const auto delay = limiter.delay_frames();
    for (std::size_t c = 0; c < 2; ++c) {
        for (std::size_t n = 0; n < 5000; ++n) {
            ASSERT_EQ(out[c][n], n < delay ? 0 : noise[c][n - delay]) << "frame " << n;
        }
    }
}

TYPED_TEST(EveryLimiter, NoSampleIsBeyondTheCeilingWhateverComesIn) {
    constexpr float kNan = std::numeric_limits<float>::quiet_NaN();
    constexpr float kInfinity = std::numeric_limits<float>::infinity();
    for (std::uint32_t seed = 0; seed < 20; ++seed) {
        TypeParam limiter(kSettings, 2, kRateHz);
        Channels signal{test::white_noise(4000, seed, seed % 4 == 0 ? 100.0F : 1.0F),
                        test::sine(37.0 * (seed + 1), kRateHz, 0, 4000)};
        std::mt19937 generator(seed);
        for (const float bad : {kNan, -kNan, kInfinity, -kInfinity, 1e30F, -1e30F, 3.4e38F}) {
            for (int times = 0; times < 10; ++times) signal[generator() % 2][generator() % 2000] = bad;
        }
        const auto out = through(limiter, signal, 1 + generator() % 300);
        for (const auto& channel : out) {
            for (const float sample : channel) {
                ASSERT_TRUE(std::isfinite(sample));
                ASSERT_LE(std::fabs(sample), kCeiling);
            }
        }
    }
}

TYPED_TEST(EveryLimiter, RecoversFromWhatIsNoSound) {
    TypeParam limiter(kSettings, 1, kRateHz);
    auto signal = test::white_noise(48'000, 63, 0.04F);
    const auto clean = signal;
    signal[100] = std::numeric_limits<float>::quiet_NaN();
    signal[101] = 1e30F;
    const auto out = through(limiter, {signal})[0];
    for (std::size_t n = 40'000; n < 48'000; ++n) {
        ASSERT_NEAR(out[n], clean[n - limiter.delay_frames()], 1e-4F * std::fabs(clean[n - limiter.delay_frames()]));
    }
}

TYPED_TEST(EveryLimiter, BlockSizeChangesNothing) {
    const Channels noise{test::white_noise(5000, 64, 0.6F), test::white_noise(5000, 65, 0.2F)};
    Channels expected;
    for (const std::size_t block : {128U, 1U, 63U, 64U, 65U, 5000U}) {
        TypeParam limiter(kSettings, 2, kRateHz);
        const auto out = through(limiter, noise, block);
        if (expected.empty()) expected = out;
        for (std::size_t c = 0; c < 2; ++c) {
            // Vectors and single elements may round apart.
            for (std::size_t n = 0; n < 5000; ++n) ASSERT_NEAR(out[c][n], expected[c][n], 2e-7F) << block;
        }
    }
}

TYPED_TEST(EveryLimiter, AllChannelsHaveOneGain) {
    TypeParam limiter(kSettings, 2, kRateHz);
    Channels signal{test::white_noise(5000, 66, 1.0F), {}};
    for (const float sample : signal[0]) signal[1].push_back(sample * 0.25F);
    const auto out = through(limiter, signal);
    for (std::size_t n = 100; n < 5000; ++n) ASSERT_NEAR(out[1][n], 0.25F * out[0][n], 1e-6F);
}

TYPED_TEST(EveryLimiter, GainComesBackWithinTheReleaseTime) {
    TypeParam limiter(kSettings, 1, kRateHz);
    std::vector<float> signal(24'000, 0.01F);
    std::fill(signal.begin(), signal.begin() + 4'800, 2.0F);
    const auto out = through(limiter, {signal})[0];
    const auto at_ms = [&](double ms) {
        return out[4'800 + limiter.delay_frames() + static_cast<std::size_t>(ms * 48)] / 0.01F;
    };
    EXPECT_LT(at_ms(1), 0.35F);
    EXPECT_GT(at_ms(200), 0.98F);
    float before = 0;
    for (double ms = 2; ms < 300; ms += 1) {
        EXPECT_GE(at_ms(ms), before - 1e-6F);
        before = at_ms(ms);
    }
}

TYPED_TEST(EveryLimiter, MakesNoHeapCallAndTakesNoLock) {
    if (!rt::interposer_is_present()) GTEST_SKIP() << "the interposer is not linked in";
    TypeParam limiter(kSettings, 2, kRateHz);
    auto left = test::white_noise(128, 67);
    auto right = test::white_noise(128, 68);
    float* buffers[] = {left.data(), right.data()};
    rt::reset_realtime_counts();
    {
        const rt::RealtimeScope scope(rt::RealtimeKind::audio);
        for (int block = 0; block < 20; ++block) limiter.process(buffers, buffers, 128);
    }
    EXPECT_EQ(rt::realtime_counts(rt::RealtimeKind::audio).heap_calls, 0U);
    EXPECT_EQ(rt::realtime_counts(rt::RealtimeKind::audio).locks, 0U);
}

TEST(SoftLimiter, SteadyLevelsFollowTheCurve) {
    for (const float level : {0.1F, 0.3F, 0.5F, 1.0F, 4.0F}) {
        SoftLimiter limiter(kSettings, 1, kRateHz);
        const auto out = through(limiter, {std::vector<float>(1000, level)})[0];
        const double knee = std::pow(10.0, -12.0 / 20);
        const double width = kCeiling - knee;
        const double u = (level - knee) / width;
        const double expected = level <= knee ? level : knee + width * u / std::sqrt(1 + u * u);
        EXPECT_NEAR(out.back(), expected, 1e-6) << level;
    }
}

/// The largest magnitude of the band-limited signal through `samples`, on 32 points for each: a sinc of 64 samples.
double true_peak(const std::vector<float>& samples) {
    double peak = 0;
    for (std::size_t n = 64; n + 64 < samples.size(); ++n) {
        if (std::fabs(samples[n]) < 0.2F && std::fabs(samples[n + 1]) < 0.2F) continue;
        for (int part = 0; part < 32; ++part) {
            double sum = 0;
            for (int t = -31; t <= 32; ++t) {
                const double x = std::numbers::pi * (t - part / 32.0);
                const double window = 0.5 + 0.5 * std::cos(x / 33);
                const double sinc = x == 0 ? 1 : std::sin(x) / x;
                sum += samples[static_cast<std::size_t>(static_cast<int>(n) + t)] * sinc * window;
            }
            peak = std::max(peak, std::fabs(sum));
        }
    }
    return peak;
}

TEST(TruePeakLimiter, PeaksBetweenSamplesAreHeldToo) {
    struct Case {
        double frequency_hz, over_db;
    };
    for (const auto& [frequency_hz, over_db] : {Case{997, 0.05}, Case{12'000, 0.2}, Case{19'100, 0.7}}) {
        TruePeakLimiter limiter(kSettings, 1, kRateHz);
        // An eighth of a period off: at a quarter of the rate all samples lie 3 dB below the peaks.
        std::vector<float> tone(4000);
        for (std::size_t n = 0; n < tone.size(); ++n) {
            const double turns = frequency_hz * static_cast<double>(n) / kRateHz + 0.125;
            tone[n] = static_cast<float>(std::sin(2 * std::numbers::pi * turns));
        }
        auto out = through(limiter, {tone})[0];
        out.erase(out.begin(), out.begin() + 2000);
        EXPECT_GT(true_peak({tone.begin() + 3000, tone.end()}), 0.98);
        EXPECT_LE(20 * std::log10(true_peak({out.begin(), out.begin() + 600})), -6 + over_db) << frequency_hz;
        EXPECT_GE(20 * std::log10(true_peak({out.begin(), out.begin() + 600})), -6 - 0.3) << frequency_hz;
    }
}

TEST(TruePeakLimiter, GainIsDownWhenAPeakComesAndNeverJumps) {
    TruePeakLimiter limiter(kSettings, 1, kRateHz);
    ASSERT_EQ(limiter.delay_frames(), 48U);
    std::vector<float> signal(1000, 0.1F);
    signal[500] = 1;
    const auto out = through(limiter, {signal})[0];
    EXPECT_NEAR(out[548], kCeiling, 0.01F);
    for (std::size_t n = 450; n < 700; ++n) {
        if (n >= 547 && n <= 549) continue;  // the peak itself
        EXPECT_LT(std::fabs(out[n] - out[n - (n == 550 ? 3 : 1)]), 0.1F * 0.04F) << n;
    }
    EXPECT_EQ(out[500], 0.1F);
}

TEST(SlidingMinimumAndMean, AreThoseOfEveryWindow) {
    for (const std::size_t length : {1U, 2U, 3U, 7U, 8U, 43U, 44U, 187U}) {
        constexpr std::size_t kCount = 64;
        const auto in = test::white_noise(kCount + length - 1, 69);
        std::vector<float> scratch(in.size());
        std::vector<float> minimum(kCount);
        std::vector<float> mean(kCount);
        sliding_minimum(in.data(), length, scratch.data(), minimum.data(), kCount);
        sliding_mean(in.data(), length, scratch.data(), mean.data(), kCount);
        for (std::size_t n = 0; n < kCount; ++n) {
            const auto first = in.begin() + static_cast<std::ptrdiff_t>(n);
            const auto last = first + static_cast<std::ptrdiff_t>(length);
            EXPECT_EQ(minimum[n], *std::min_element(first, last));
            double sum = 0;
            for (auto value = first; value != last; ++value) sum += *value;
            EXPECT_NEAR(mean[n], sum / static_cast<double>(length), 1e-6);
        }
    }
}

}  // namespace
}  // namespace sidetone::dsp
