// SPDX-License-Identifier: Apache-2.0
#include "stage/hop_timeline.hpp"

#include <gtest/gtest.h>

#include <cstdint>
#include <random>
#include <tuple>
#include <vector>

namespace sidetone::stage {
namespace {

struct Case {
    std::uint32_t card_hz, model_hz, hop, window;
};

constexpr Case kCases[]{{48'000, 16'000, 128, 512}, {48'000, 16'000, 256, 512}, {44'100, 16'000, 128, 512},
                        {16'000, 16'000, 128, 512}, {96'000, 16'000, 128, 512}, {8000, 16'000, 256, 512},
                        {48'000, 48'000, 480, 960}, {22'050, 48'000, 480, 960}, {192'000, 16'000, 160, 400}};

// Plays blocks through the timeline and tells whether at every call all that the output depends on has come in. In the
// pipelined case a hop counts as there one call after the call that completed it.
bool is_causal(const HopTimeline& timeline, const std::vector<std::uint32_t>& blocks, std::uint32_t delay,
               bool pipelined) {
    std::int64_t in = 0, in_before = 0;
    for (const auto block : blocks) {
        in += block;
        const auto newest = timeline.hop_for_output(in - 1 - delay);
        if (timeline.frames_for_hop(newest) > (pipelined ? in_before : in)) return false;
        in_before = in;
    }
    return true;
}

std::vector<std::uint32_t> equal_blocks(std::uint32_t block) {
    return std::vector<std::uint32_t>(200'000 / block + 2000, block);
}

TEST(HopTimeline, DelayIsTheSmallestThatIsCausal) {
    for (const auto& c : kCases) {
        const dsp::PolyphaseResampler down{c.card_hz, c.model_hz}, up{c.model_hz, c.card_hz};
        const HopTimeline timeline{down, up, c.hop, c.window - c.hop};
        for (const std::uint32_t block : {16U, 32U, 64U, 100U, 128U, 384U, 441U, 480U, 1024U, 4096U}) {
            for (const bool pipelined : {false, true}) {
                const auto delay = timeline.delay_frames(block, pipelined ? block : 0);
                EXPECT_TRUE(is_causal(timeline, equal_blocks(block), delay, pipelined)) << c.card_hz << " " << block;
                EXPECT_FALSE(is_causal(timeline, equal_blocks(block), delay - 1, pipelined))
                    << c.card_hz << " " << block;
            }
        }
    }
}

TEST(HopTimeline, DelayForAnyBlockHoldsForBlocksThatChangeFromCallToCall) {
    std::mt19937 random{7};
    std::uniform_int_distribution<std::uint32_t> size{1, 700};
    for (const auto& c : kCases) {
        const dsp::PolyphaseResampler down{c.card_hz, c.model_hz}, up{c.model_hz, c.card_hz};
        const HopTimeline timeline{down, up, c.hop, c.window - c.hop};
        std::vector<std::uint32_t> blocks(3000);
        for (auto& block : blocks) block = size(random);
        EXPECT_TRUE(is_causal(timeline, blocks, timeline.delay_frames(0, 0), false));
        EXPECT_TRUE(is_causal(timeline, equal_blocks(1), timeline.delay_frames(0, 0), false));
    }
}

TEST(HopTimeline, PipeliningAddsExactlyOneBlock) {
    for (const auto& c : kCases) {
        const dsp::PolyphaseResampler down{c.card_hz, c.model_hz}, up{c.model_hz, c.card_hz};
        const HopTimeline timeline{down, up, c.hop, c.window - c.hop};
        for (const std::uint32_t block : {32U, 64U, 128U, 100U, 441U}) {
            EXPECT_EQ(timeline.delay_frames(block, block), timeline.delay_frames(block, 0) + block);
        }
    }
}

TEST(HopTimeline, EqualRatesAndWholeHopsDelayByTheModelAlone) {
    const dsp::PolyphaseResampler same{16'000, 16'000};
    const HopTimeline timeline{same, same, 128, 384};
    EXPECT_EQ(timeline.delay_frames(128, 0), 384U);
    EXPECT_EQ(timeline.delay_frames(256, 0), 384U);
    EXPECT_EQ(timeline.delay_frames(64, 0), 384U + 64U);
    EXPECT_EQ(timeline.delay_frames(0, 0), 384U + 127U);
}

}  // namespace
}  // namespace sidetone::stage
