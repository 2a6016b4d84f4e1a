// SPDX-License-Identifier: Apache-2.0
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "device/rtaudio_card.hpp"
#include "unit/device/jack_server.hpp"
#include "unit/device/listening_user.hpp"
#include "unit/device/refusal.hpp"

namespace sidetone::device {
namespace {

using testing::AllOf;
using testing::HasSubstr;

/// RtAudio speaks JACK too, so that its whole way can be tried against JACK's simulated card.
TEST(RtAudioOnJack, BlocksFlowThroughARealServer) {
    if (!TestJackServer::is_installed()) GTEST_SKIP() << "jackd is not installed";
    TestJackServer server;
    ASSERT_TRUE(server.start());
    RtAudioCard card({.input = "jack/system", .input_channels = 2, .output_channels = 2});
    ListeningUser user;
    const StopAtEnd stop_at_end{card};
    card.start(user);
    ASSERT_TRUE(user.wait_for_blocks(100));
    EXPECT_EQ(card.format().rate_hz, 48'000U);
    EXPECT_EQ(card.format().block_frames, 128U);
    EXPECT_FALSE(card.format().interleaved);
    EXPECT_EQ(card.format().format, dsp::SampleFormat::f32);
    EXPECT_NE(card.audio_thread_id(), 0);
    card.stop();
    const auto blocks = user.blocks();
    for (const auto& seen : user.seen()) {
        EXPECT_EQ(seen.frames, 128U);
        EXPECT_LT(std::abs(seen.entered_ns - seen.due_ns), 1'000'000'000);
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
    EXPECT_EQ(user.blocks(), blocks);

    card.start(user);
    EXPECT_TRUE(user.wait_for_blocks(blocks + 20)) << "it can be started again";
    RtAudioCard wrong_rate({.input = "jack", .rate_hz = 44'100});
    EXPECT_THAT(refusal([&] { wrong_rate.start(user); }), AllOf(HasSubstr("44100 Hz"), HasSubstr("48000")));
}

}  // namespace
}  // namespace sidetone::device
