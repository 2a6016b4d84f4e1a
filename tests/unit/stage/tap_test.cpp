// SPDX-License-Identifier: Apache-2.0
#include "stage/tap.hpp"

#include <gtest/gtest.h>

#include <vector>

#include "rt/guard.hpp"

namespace sidetone::stage {
namespace {

StageContext context_of(std::uint32_t channels) {
    return {.rate_hz = 48'000, .block_frames = 200, .max_block_frames = 200, .channels = channels};
}

// Two channels, n and 3 n.
struct Sound {
    explicit Sound(std::uint32_t frames) : left(frames), right(frames) {
        for (std::uint32_t n = 0; n < frames; ++n) {
            left[n] = static_cast<float>(n);
            right[n] = 3 * left[n];
        }
    }
    std::vector<float> left, right;
    const float* in[2] = {left.data(), right.data()};
    float* out[2] = {left.data(), right.data()};
};

TEST(Tap, HandsOverTheMeanOfTheChannelsInPieces) {
    Tap tap{Tap::Output::input};
    tap.prepare(context_of(2));
    Sound sound{200};
    tap.process(sound.in, sound.out, 200, {.due_ns = 5'000'000'000, .entered_ns = 5'000'070'000});
    TapPiece piece;
    ASSERT_TRUE(tap.try_take(piece));
    EXPECT_EQ(piece.first_frame, 0);
    EXPECT_EQ(piece.frames, 128U);
    EXPECT_EQ(piece.rate_hz, 48'000U);
    EXPECT_EQ(piece.samples[127], 2 * 127.0F);
    EXPECT_EQ(piece.due_ns, 5'000'000'000 - 72 * 1'000'000'000LL / 48'000);
    EXPECT_EQ(piece.entered_ns, 5'000'070'000);
    EXPECT_EQ(piece.next_block_ns, 0) << "more of this one follows";
    ASSERT_TRUE(tap.try_take(piece));
    EXPECT_EQ(piece.next_block_ns, 5'000'000'000 + 200 * 1'000'000'000LL / 48'000) << "however late this one came";
    EXPECT_EQ(piece.first_frame, 128);
    EXPECT_EQ(piece.frames, 72U);
    EXPECT_EQ(piece.samples[71], 2 * 199.0F);
    EXPECT_EQ(piece.due_ns, 5'000'000'000);
    EXPECT_FALSE(tap.try_take(piece));
    EXPECT_EQ(sound.right[199], 3 * 199.0F) << "the sound goes on";
}

TEST(Tap, IsSilentWhereNobodyIsToHearIt) {
    Tap tap{Tap::Output::silence};
    tap.prepare(context_of(2));
    Sound sound{100};
    tap.process(sound.in, sound.out, 100, {});
    EXPECT_EQ(sound.left, std::vector<float>(100));
    EXPECT_EQ(sound.right, std::vector<float>(100));
    TapPiece piece;
    ASSERT_TRUE(tap.try_take(piece));
    EXPECT_EQ(piece.samples[99], 2 * 99.0F);
}

// Nobody reads: pieces are lost and counted, and frames go on being counted.
TEST(Tap, LosesWhatTheReaderIsTooSlowFor) {
    Tap tap{Tap::Output::input};
    tap.prepare(context_of(2));
    Sound sound{1};
    for (int i = 0; i < 3000; ++i) tap.process(sound.in, sound.out, 1, {});
    EXPECT_EQ(tap.misses(), 3000U - 2048U);
    TapPiece piece;
    for (int i = 0; i < 2048; ++i) ASSERT_TRUE(tap.try_take(piece));
    EXPECT_FALSE(tap.try_take(piece));
    tap.process(sound.in, sound.out, 1, {});
    ASSERT_TRUE(tap.try_take(piece));
    EXPECT_EQ(piece.first_frame, 3000);
}

TEST(Tap, TellsWhenTheCardHasChanged) {
    Tap tap{Tap::Output::input};
    tap.prepare(context_of(2));
    Sound sound{10};
    tap.process(sound.in, sound.out, 10, {});
    tap.prepare(context_of(1));
    tap.process(sound.in, sound.out, 10, {});
    TapPiece before, after;
    ASSERT_TRUE(tap.try_take(before));
    ASSERT_TRUE(tap.try_take(after));
    EXPECT_NE(before.preparation, after.preparation);
    EXPECT_EQ(after.first_frame, 0);
    EXPECT_EQ(after.samples[9], 9.0F);
}

TEST(Tap, MakesNoHeapCalls) {
    if (!rt::interposer_is_present()) GTEST_SKIP() << "the interposer is not linked in";
    Tap tap{Tap::Output::silence};
    tap.prepare(context_of(2));
    Sound sound{200};
    rt::reset_realtime_counts();
    {
        const rt::RealtimeScope scope(rt::RealtimeKind::audio);
        for (int i = 0; i < 2000; ++i) tap.process(sound.in, sound.out, 200, {});
    }
    EXPECT_GT(tap.misses(), 0U);
    EXPECT_EQ(rt::realtime_counts(rt::RealtimeKind::audio).heap_calls, 0U);
    EXPECT_EQ(rt::realtime_counts(rt::RealtimeKind::audio).locks, 0U);
}

}  // namespace
}  // namespace sidetone::stage
