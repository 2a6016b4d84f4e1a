// SPDX-License-Identifier: Apache-2.0
#include "stage/miss_concealment.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "unit/stage/spectrum.hpp"

namespace sidetone::stage {
namespace {

constexpr std::uint32_t kHop = 128;
constexpr double kRate = 16'000;

float sine(std::size_t n) {
    return 0.5F * static_cast<float>(std::sin(2 * M_PI * 200 * static_cast<double>(n) / kRate));
}

// Renders `hops` hops of a sine whose wet version is `gain` times the dry one; hop h is missed where `missed(h)`.
template <class Missed>
std::vector<float> render(MissPolicy policy, float gain, std::size_t hops, Missed missed, float dry_share = 0) {
    MissConcealment concealment{{.policy = policy, .dry_share = dry_share, .rate_hz = 16'000}};
    std::vector<float> out((hops + 1) * kHop), wet(kHop), dry(kHop);
    for (std::size_t h = 0; h < hops; ++h) {
        for (std::size_t i = 0; i < kHop; ++i) {
            dry[i] = sine(h * kHop + i);
            wet[i] = gain * dry[i];
        }
        concealment.render(missed(h) ? nullptr : wet.data(), dry.data(), &out[h * kHop], &out[(h + 1) * kHop], kHop);
    }
    out.erase(out.begin(), out.begin() + kHop);
    return out;
}

float largest_step(const std::vector<float>& signal) {
    float step = 0;
    for (std::size_t i = 1; i < signal.size(); ++i) step = std::max(step, std::fabs(signal[i] - signal[i - 1]));
    return step;
}

float peak(const std::vector<float>& signal, std::size_t first_hop, std::size_t hops) {
    float value = 0;
    for (std::size_t i = first_hop * kHop; i < (first_hop + hops) * kHop; ++i)
        value = std::max(value, std::fabs(signal[i]));
    return value;
}

TEST(MissConcealment, GlidesToAnotherShareOfTheDrySignalWithoutAClick) {
    constexpr std::size_t kHops = 40;
    std::vector<float> gliding((kHops + 1) * kHop), sudden(kHops * kHop), dry(kHop);
    const std::vector<float> wet(kHop, 0.0F);
    MissConcealment concealment{{.dry_share = 0.7F, .rate_hz = 16'000}};
    for (std::size_t h = 0; h < kHops; ++h) {
        if (h == kHops / 4) concealment.go_to_dry_share(0.03F);
        for (std::size_t i = 0; i < kHop; ++i) {
            dry[i] = sine(h * kHop + i);
            sudden[h * kHop + i] = (h < kHops / 4 ? 0.7F : 0.03F) * dry[i];
        }
        concealment.render(wet.data(), dry.data(), &gliding[h * kHop], &gliding[(h + 1) * kHop], kHop);
    }
    EXPECT_LT(test::power_above_db(std::span{gliding}.subspan(kHop), 2'000, kRate), -75);
    EXPECT_GT(test::power_above_db(sudden, 2'000, kRate), -55);
    for (std::size_t n = (kHops - 2) * kHop; n < kHops * kHop; ++n) ASSERT_EQ(gliding[n + kHop], sudden[n]);
}

TEST(MissConcealment, LetsTheModelThroughUntouched) {
    const auto out = render(MissPolicy::hold, 0.25F, 20, [](std::size_t) { return false; });
    for (std::size_t i = 0; i < out.size(); ++i) ASSERT_EQ(out[i], 0.25F * sine(i));
}

TEST(MissConcealment, DryShareLimitsTheAttenuation) {
    const auto out = render(
        MissPolicy::hold, 0.0F, 20, [](std::size_t) { return false; }, 0.1F);
    for (std::size_t i = 0; i < out.size(); ++i) ASSERT_NEAR(out[i], 0.1F * sine(i), 1e-6F);
}

TEST(MissConcealment, HoldsTheGainOfHopsOfAnyLength) {
    for (std::uint32_t hop = 1; hop <= 9; ++hop) {
        MissConcealment concealment{{.policy = MissPolicy::hold, .rate_hz = 16'000}};
        // The last sample is the loudest: a sum that leaves out any would find another gain, or none.
        std::vector<float> wet(hop), dry(hop), out(2 * hop);
        for (std::uint32_t i = 0; i < hop; ++i) {
            dry[i] = 0.01F * static_cast<float>((i + 1) * (i + 1));
            wet[i] = (i + 1 == hop ? 0.5F : 0.25F) * dry[i];
        }
        double heard = 0, came = 0;
        for (std::uint32_t i = 0; i < hop; ++i) {
            heard += static_cast<double>(wet[i]) * wet[i];
            came += static_cast<double>(dry[i]) * dry[i];
        }
        for (int n = 0; n < 40; ++n) concealment.render(wet.data(), dry.data(), out.data(), &out[hop], hop);
        for (int n = 0; n < 40; ++n) {  // the step from the model's last sample dies away
            std::copy_n(out.begin() + hop, hop, out.begin());
            concealment.render(nullptr, dry.data(), out.data(), &out[hop], hop);
        }
        EXPECT_NEAR(out.back(), std::sqrt(heard / came) * dry.back(), 1e-4 * dry.back()) << hop;
    }
}

TEST(MissConcealment, NoPolicyStepsMoreThanTheSignalItselfWhenMissesComeAndGo) {
    const auto missed = [](std::size_t h) { return h % 7 == 5 || (h > 40 && h < 60); };
    const float of_signal = 0.5F * static_cast<float>(2 * M_PI * 200 / kRate);
    for (const auto policy : {MissPolicy::hold, MissPolicy::repeat, MissPolicy::bypass, MissPolicy::silence}) {
        const auto out = render(policy, 0.3F, 100, missed);
        // The fade of the largest possible step (1.0 peak to peak) over 2 ms moves by 0.16 in its first sample.
        EXPECT_LT(largest_step(out), of_signal + 0.16F) << to_string(policy);
    }
}

TEST(MissConcealment, HoldKeepsTheGainThenRampsToUnity) {
    const auto out = render(MissPolicy::hold, 0.25F, 120, [](std::size_t h) { return h >= 20; });
    EXPECT_NEAR(peak(out, 21, 2), 0.125F, 0.02F);   // 40 ms: the last gain
    EXPECT_NEAR(peak(out, 110, 10), 0.5F, 0.005F);  // long after: the dry signal
}

TEST(MissConcealment, BypassIsTheDrySignalAndSilenceIsSilent) {
    const auto all_after = [](std::size_t h) { return h >= 20; };
    EXPECT_NEAR(peak(render(MissPolicy::bypass, 0.25F, 60, all_after), 30, 20), 0.5F, 1e-3F);
    EXPECT_LT(peak(render(MissPolicy::silence, 0.25F, 60, all_after), 30, 20), 1e-6F);
}

TEST(MissConcealment, RepeatDiesAway) {
    const auto out = render(MissPolicy::repeat, 1.0F, 60, [](std::size_t h) { return h >= 20; });
    EXPECT_GT(peak(out, 20, 1), 0.2F);
    EXPECT_LT(peak(out, 40, 10), 1e-3F);
}

}  // namespace
}  // namespace sidetone::stage
