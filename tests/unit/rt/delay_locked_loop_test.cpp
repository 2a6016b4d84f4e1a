// SPDX-License-Identifier: Apache-2.0
#include "rt/delay_locked_loop.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <random>

namespace sidetone::rt {
namespace {

constexpr double kNominalNs = 128 / 48'000.0 * 1e9;
constexpr double kOriginNs = 5e12;  // a machine that has been up for hours

/// A card whose period is off by `skew`; call `n` comes `jitter_ns(n)` late.
class Card {
public:
    explicit Card(double skew) : period_ns_(kNominalNs * (1 + skew)) {}
    [[nodiscard]] double period_ns() const { return period_ns_; }
    [[nodiscard]] double due_ns(int n) const { return kOriginNs + n * period_ns_; }

private:
    double period_ns_;
};

std::int64_t rounded(double ns) {
    return std::llround(ns);
}

class SkewedCard : public testing::TestWithParam<double> {};

TEST_P(SkewedCard, IsFollowedWithoutRemainingErrorWhenNothingJitters) {
    const Card card(GetParam());
    DelayLockedLoop loop(kNominalNs, 1.0);
    constexpr int kCalls = 5'000;  // 13 s, many times the loop's 0.16 s
    for (int n = 0; n < kCalls; ++n) loop.update(rounded(card.due_ns(n)));
    EXPECT_NEAR(loop.period_ns(), card.period_ns(), 0.1);
    EXPECT_NEAR(loop.current_ns(), card.due_ns(kCalls - 1), 2);
    EXPECT_NEAR(loop.next_ns(), card.due_ns(kCalls), 2);
}

TEST_P(SkewedCard, IsPredictedThroughJitter) {
    const Card card(GetParam());
    std::mt19937 random(11);
    constexpr double kSpreadNs = 300'000;
    std::uniform_real_distribution<double> jitter_ns(-kSpreadNs, kSpreadNs);
    DelayLockedLoop loop(kNominalNs, 0.5);
    double square_error = 0;
    constexpr int kSettling = 4'000;
    constexpr int kCalls = 1'000'000;
    for (int n = 0; n < kCalls; ++n) {
        loop.update(rounded(card.due_ns(n) + jitter_ns(random)));
        if (n >= kSettling) square_error += std::pow(loop.next_ns() - card.due_ns(n + 1), 2);
    }
    const double rms_error_ns = std::sqrt(square_error / (kCalls - kSettling));
    const double rms_jitter_ns = kSpreadNs / std::sqrt(3);
    // A loop with b = sqrt(2) w, c = w^2 passes 3 w / (2 sqrt(2)) of white jitter's power, to first order in w.
    const double w = 2 * M_PI * 0.5 * kNominalNs * 1e-9;
    const double expected_ns = rms_jitter_ns * std::sqrt(3 * w / (2 * std::sqrt(2.0)));
    EXPECT_NEAR(rms_error_ns, expected_ns, 0.04 * expected_ns);
    EXPECT_NEAR(loop.period_ns() / card.period_ns(), 1, 300e-6);
}

INSTANTIATE_TEST_SUITE_P(DelayLockedLoop, SkewedCard, testing::Values(-500e-6, -50e-6, 0.0, 150e-6));

DelayLockedLoop settled_on(const Card& card, int calls) {
    DelayLockedLoop loop(kNominalNs, 1.0);
    for (int n = 0; n < calls; ++n) loop.update(rounded(card.due_ns(n)));
    return loop;
}

TEST(DelayLockedLoop, DroppedCallsShiftThePhaseByWholePeriodsAndLeaveTheRate) {
    const Card card(100e-6);
    constexpr int kCalls = 5'000;
    for (int dropped = 1; dropped <= 6; ++dropped) {
        auto loop = settled_on(card, kCalls);
        loop.update(rounded(card.due_ns(kCalls + dropped)));
        EXPECT_NEAR(loop.period_ns(), card.period_ns(), 0.2);
        EXPECT_NEAR(loop.next_ns(), card.due_ns(kCalls + dropped + 1), 5);
    }
}

TEST(DelayLockedLoop, ALateCallMadeGoodInABurstLeavesTheRate) {
    const Card card(0);
    constexpr int kCalls = 5'000;
    auto loop = settled_on(card, kCalls);
    // Three calls come at once when the fourth is due, then all is as before.
    for (int n = kCalls; n < kCalls + 4; ++n) loop.update(rounded(card.due_ns(kCalls + 3)) + n - kCalls);
    loop.update(rounded(card.due_ns(kCalls + 4)));
    EXPECT_NEAR(loop.period_ns(), card.period_ns(), 1);
    EXPECT_NEAR(loop.next_ns(), card.due_ns(kCalls + 5), 5);
}

TEST(DelayLockedLoop, AJumpRestartsItThere) {
    const Card card(400e-6);
    auto loop = settled_on(card, 5'000);
    const double later_ns = card.due_ns(5'000) + 100.3 * kNominalNs;
    loop.update(rounded(later_ns));
    EXPECT_NEAR(loop.current_ns(), later_ns, 1);
    EXPECT_NEAR(loop.next_ns(), later_ns + kNominalNs, 1);
    EXPECT_EQ(loop.period_ns(), kNominalNs);
}

TEST(DelayLockedLoop, ResetTakesTheNewPeriod) {
    auto loop = settled_on(Card(0), 100);
    loop.reset(2 * kNominalNs);
    loop.update(rounded(kOriginNs));
    EXPECT_NEAR(loop.next_ns(), kOriginNs + 2 * kNominalNs, 1);
}

}  // namespace
}  // namespace sidetone::rt
