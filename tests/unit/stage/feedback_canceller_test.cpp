// SPDX-License-Identifier: Apache-2.0
#include "stage/feedback_canceller.hpp"

#include <gtest/gtest.h>

#include <vector>

#include "rt/arena.hpp"
#include "stage/events.hpp"
#include "unit/dsp/closed_loop.hpp"
#include "unit/dsp/signals.hpp"

namespace sidetone::stage {
namespace {

constexpr std::uint32_t kBlock = 64;

StageContext context_of(rt::EventLog* events, std::uint32_t channels = 1) {
    StageContext context;
    context.rate_hz = 48'000;
    context.block_frames = context.max_block_frames = kBlock;
    context.channels = channels;
    context.index = 3;
    context.audio_events = events;
    return context;
}

// The stage as a canceller in a closed loop.
struct InLoop {
    FeedbackCancellerStage& stage;
    void cancel(const float* in, float* out, std::size_t frames) const {
        stage.process(&in, &out, static_cast<std::uint32_t>(frames), {});
    }
    void play(const float* out, std::size_t frames) const { stage.hear(&out, static_cast<std::uint32_t>(frames)); }
};

TEST(FeedbackCancellerStage, KeepsALoopQuietThatHowlsWithoutIt) {
    FeedbackCancellerStage stage{{}};
    stage.prepare(context_of(nullptr));
    EXPECT_EQ(stage.delay_frames(), 0U);
    const auto path = dsp::test::acoustic_path(48'000, 7);
    const dsp::test::ClosedLoop loop{.path = path,
                                     .block = kBlock,
                                     .gain = 4 / dsp::test::largest_response(path),
                                     .first_gain = 0.5 / dsp::test::largest_response(path)};
    InLoop canceller{stage};
    const auto outcome = loop.run(dsp::test::gliding_voice(48'000, 6, 2), canceller, [](std::size_t) {});
    float loudest = 0;
    for (std::size_t n = 3 * 48'000; n < outcome.played.size(); ++n)
        loudest = std::max(loudest, std::fabs(outcome.played[n]));
    EXPECT_LT(loudest, 1.0F);
    EXPECT_EQ(stage.divergences(), 0U);
}

TEST(FeedbackCancellerStage, ChannelsDoNotTouchEachOther) {
    FeedbackCancellerStage one{{}}, both{{}};
    one.prepare(context_of(nullptr));
    both.prepare(context_of(nullptr, 2));
    const auto left = dsp::test::white_noise(9600, 1, 0.1F), right = dsp::test::white_noise(9600, 2, 0.1F);
    std::vector<float> alone(9600), first(9600), second(9600);
    for (std::size_t at = 0; at < left.size(); at += kBlock) {
        const float* const in_one[]{&right[at]};
        float* const out_one[]{&alone[at]};
        one.process(in_one, out_one, kBlock, {});
        one.hear(out_one, kBlock);
        const float* const in_both[]{&left[at], &right[at]};
        float* const out_both[]{&first[at], &second[at]};
        both.process(in_both, out_both, kBlock, {});
        both.hear(out_both, kBlock);
    }
    EXPECT_EQ(second, alone);
}

TEST(FeedbackCancellerStage, SaysWhenItBeginsAnew) {
    rt::Arena arena{1 << 20};
    rt::EventLog events{arena, 64};
    FeedbackCancellerStage stage{{.path_ms = 5}};
    stage.prepare(context_of(&events));
    // One second of what is played comes back; then nothing does, and far more is played.
    auto played = dsp::test::white_noise(96'000, 1, 0.02F);
    for (std::size_t n = 48'000; n < played.size(); ++n) played[n] *= 10;
    std::vector<float> out(kBlock);
    for (std::size_t at = 0; at < played.size(); at += kBlock) {
        std::vector<float> microphone(kBlock, 0.0F);
        for (std::size_t i = 0; at >= 200 && at < 48'000 && i < kBlock; ++i)
            microphone[i] = 0.3F * played[at + i - 200];
        const float* const in[]{microphone.data()};
        float* const outs[]{out.data()};
        const float* const heard[]{&played[at]};
        stage.process(in, outs, kBlock, {});
        stage.hear(heard, kBlock);
    }
    EXPECT_GE(stage.divergences(), 1U);
    rt::Event event;
    ASSERT_TRUE(events.take(event));
    EXPECT_EQ(static_cast<EventKind>(event.kind), EventKind::canceller_diverged);
    EXPECT_EQ(event.stage, 3U);
    EXPECT_EQ(event.values[0], 1);
}

TEST(FeedbackCancellerStage, SaysWhichPathItModels) {
    FeedbackCancellerStage stage{{.path_ms = 8, .bulk_delay_ms = 4}};
    stage.prepare(context_of(nullptr));
    EXPECT_EQ(stage.decision(), "cancel_feedback: models the path from 4.0 to 12.0 ms after sound is played");
}

}  // namespace
}  // namespace sidetone::stage
