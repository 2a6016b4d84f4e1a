// SPDX-License-Identifier: Apache-2.0
#include "stage/hop_feed.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <limits>
#include <vector>

#include "rt/clock.hpp"

namespace sidetone::stage {
namespace {

constexpr std::uint32_t kRate = 8000, kHop = 256;

/// A model that does nothing, for as long as it is told.
class IdleModel final : public HopRunner {
public:
    bool run_hop(std::int64_t /*hop*/, std::uint32_t /*channel*/, const float* /*window*/,
                 float* /*result*/) noexcept override {
        const auto until = rt::now_ns() + run_ns;
        while (rt::now_ns() < until) continue;
        return true;
    }
    void rehearse_hop(std::int64_t /*hop*/, std::uint32_t /*channel*/, const rt::Rehearsal&) noexcept override {
        ++rehearsals;
    }

    std::int64_t run_ns = 0;
    int rehearsals = 0;
};

// Rehearsals of ten that were asked for, when runs take this part of a period of 32 ms.
int rehearsals_with(double part_of_period) {
    IdleModel model;
    model.run_ns = static_cast<std::int64_t>(part_of_period * 1e9 * kHop / kRate);
    StageContext context;
    context.rate_hz = kRate;
    context.channels = 1;
    context.block_frames = context.max_block_frames = kHop;
    HopFeed::Shape shape;
    shape.model_rate_hz = kRate;
    shape.hop = shape.result = kHop;
    shape.window = 2 * kHop;
    HopFeed feed{model, shape, context};
    const std::atomic<std::uint32_t> notified{0};
    const std::vector<float> block(kHop);
    const float* const in[]{block.data()};
    for (std::int64_t hop = 0; hop < 60; ++hop) {
        (void)feed.claim_input(kHop);
        feed.accept(in, kHop, {});
        EXPECT_TRUE(feed.take(hop));
        feed.release(hop);
        if (hop >= 50) feed.rehearse({notified, 0, std::numeric_limits<std::int64_t>::max()});
    }
    return model.rehearsals;
}

TEST(HopFeed, RehearsesHopsThatTakeAnEighthOfTheirPeriodAndMore) {
    EXPECT_EQ(rehearsals_with(0.05), 0);
    EXPECT_EQ(rehearsals_with(0.2), 10);
}

}  // namespace
}  // namespace sidetone::stage
