// SPDX-License-Identifier: Apache-2.0
#include "device/jack_card.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <jack/jack.h>

#include <algorithm>

#include "rt/clock.hpp"
#include "unit/device/jack_server.hpp"
#include "unit/device/listening_user.hpp"
#include "unit/device/refusal.hpp"

namespace sidetone::device {
namespace {

using testing::AllOf;
using testing::HasSubstr;

/// Against a real server with JACK's own simulated card.
class JackCardTest : public testing::Test {
protected:
    void SetUp() override {
        if (!TestJackServer::is_installed()) GTEST_SKIP() << "jackd is not installed";
        ASSERT_TRUE(server.start()) << "jackd did not come up";
    }

    TestJackServer server;
};

/// Another client of the same server, to look at the graph from outside.
class Onlooker {
public:
    Onlooker() : client_(jack_client_open("onlooker", JackNoStartServer, nullptr)) {}
    ~Onlooker() { jack_client_close(client_); }
    Onlooker(const Onlooker&) = delete;
    Onlooker& operator=(const Onlooker&) = delete;

    [[nodiscard]] std::uint32_t latency(const char* port, jack_latency_callback_mode_t mode) const {
        jack_latency_range_t range{};
        jack_port_get_latency_range(jack_port_by_name(client_, port), mode, &range);
        return range.max;
    }
    [[nodiscard]] int connections(const char* port) const {
        return jack_port_connected(jack_port_by_name(client_, port));
    }
    void set_buffer_size(std::uint32_t frames) const { jack_set_buffer_size(client_, frames); }

private:
    jack_client_t* client_;
};

TEST_F(JackCardTest, BlocksFlowAtTheServersSizeWithItsTimes) {
    JackCard card({});
    ListeningUser user;
    const StopAtEnd stop_at_end{card};
    card.start(user);
    ASSERT_TRUE(user.wait_for_blocks(200));
    EXPECT_NE(card.audio_thread_id(), 0);
    card.stop();
    EXPECT_EQ(card.format().rate_hz, 48'000U);
    EXPECT_EQ(card.format().block_frames, 128U);
    const auto seen = user.seen();
    for (std::size_t k = 0; k < seen.size(); ++k) {
        EXPECT_EQ(seen[k].frames, 128U);
        EXPECT_GT(seen[k].period_ns, 0);
        // JACK's clock is ours: the block began at some moment of the last seconds.
        EXPECT_LT(std::abs(seen[k].due_monotonic_ns - rt::monotonic_ns()), 60'000'000'000);
        EXPECT_LT(std::abs(seen[k].entered_ns - seen[k].due_ns), 1'000'000'000);
    }
    // The server itself may be stalled, so single steps may be anything; the usual one is a period.
    std::vector<std::int64_t> steps_ns;
    for (std::size_t k = 1; k < seen.size(); ++k)
        steps_ns.push_back(seen[k].due_monotonic_ns - seen[k - 1].due_monotonic_ns);
    std::nth_element(steps_ns.begin(), steps_ns.begin() + 100, steps_ns.end());
    EXPECT_NEAR(static_cast<double>(steps_ns[100]), 128e9 / 48'000, 0.05 * 128e9 / 48'000);
}

TEST_F(JackCardTest, NothingRunsAfterStop) {
    JackCard card({});
    ListeningUser user;
    const StopAtEnd stop_at_end{card};
    card.start(user);
    ASSERT_TRUE(user.wait_for_blocks(20));
    card.stop();
    const auto blocks = user.blocks();
    std::this_thread::sleep_for(std::chrono::milliseconds(30));
    EXPECT_EQ(user.blocks(), blocks);
    card.stop();
}

TEST_F(JackCardTest, IsConnectedToTheCardAndReportsLatencyBothWays) {
    JackCard card({});
    ListeningUser user;
    user.delay = 77;
    const StopAtEnd stop_at_end{card};
    card.start(user);
    const Onlooker onlooker;
    EXPECT_EQ(onlooker.connections("sidetone:in_1"), 1);
    EXPECT_EQ(onlooker.connections("sidetone:out_1"), 2) << "one voice for both ears";
    const auto capture = onlooker.latency("system:capture_1", JackCaptureLatency);
    const auto playback = onlooker.latency("system:playback_1", JackPlaybackLatency);
    EXPECT_GE(capture, 128U);
    EXPECT_GE(playback, 128U);
    EXPECT_EQ(card.format().capture_latency_frames, capture);
    EXPECT_EQ(card.format().playback_latency_frames, playback);
    EXPECT_TRUE(ListeningUser::eventually(
        [&] { return onlooker.latency("sidetone:out_1", JackCaptureLatency) == capture + 77; }));
    EXPECT_TRUE(ListeningUser::eventually(
        [&] { return onlooker.latency("sidetone:in_1", JackPlaybackLatency) == playback + 77; }));
}

TEST_F(JackCardTest, ANewBufferSizeIsPreparedForBeforeItsFirstBlock) {
    JackCard card({});
    ListeningUser user;
    std::atomic<bool> overlapped{false};
    std::atomic<std::uint32_t> prepared{0};
    std::atomic<bool> surprised{false};
    user.on_prepare = [&](const CardFormat& format) {
        if (user.inside()) overlapped = true;
        prepared = format.max_block_frames;
    };
    user.on_process = [&](const CardBlock& block) {
        if (block.frames != prepared) surprised = true;
    };
    const StopAtEnd stop_at_end{card};
    card.start(user);
    ASSERT_TRUE(user.wait_for_blocks(20));
    const Onlooker onlooker;
    for (const std::uint32_t frames : {256U, 64U, 128U}) {
        onlooker.set_buffer_size(frames);
        ASSERT_TRUE(ListeningUser::eventually([&] { return prepared == frames; })) << frames;
        ASSERT_TRUE(user.wait_for_blocks(user.blocks() + 20));
    }
    card.stop();
    EXPECT_FALSE(overlapped) << "prepare ran while a block did";
    EXPECT_FALSE(surprised) << "a block of a size that was not prepared for";
    EXPECT_EQ(user.formats().size(), 4U);
}

TEST_F(JackCardTest, AUserThatCannotTakeTheNewSizeIsLost) {
    JackCard card({});
    ListeningUser user;
    user.on_prepare = [](const CardFormat& format) {
        if (format.block_frames != 128) throw InputError("only 128");
    };
    const StopAtEnd stop_at_end{card};
    card.start(user);
    ASSERT_TRUE(user.wait_for_blocks(20));
    Onlooker().set_buffer_size(256);
    EXPECT_TRUE(user.wait_for(CardEvent::lost));
}

TEST_F(JackCardTest, AServerThatGoesAwayIsLostAndANewOneIsFound) {
    JackCard card({});
    ListeningUser user;
    const StopAtEnd stop_at_end{card};
    card.start(user);
    ASSERT_TRUE(user.wait_for_blocks(20));
    server.stop();
    ASSERT_TRUE(user.wait_for(CardEvent::lost));
    card.stop();
    EXPECT_THAT(refusal([&] { card.start(user); }),
                AllOf(HasSubstr("no JACK server"), HasSubstr(server.name()), HasSubstr("jackd -R -d")));

    ASSERT_TRUE(server.start());
    const auto before = user.blocks();
    card.start(user);
    EXPECT_TRUE(user.wait_for_blocks(before + 50));
    EXPECT_EQ(user.count(CardEvent::lost), 1);
}

TEST_F(JackCardTest, SoundGoesFromOneClientToAnother) {
#ifdef SIDETONE_SANITIZED
    GTEST_SKIP() << "sanitizers do not see how the server hands a buffer from one client to the next";
#endif
    JackCard player({.client_name = "player", .input_channels = 0});
    struct Constant : ListeningUser {
        void process(const CardBlock& block) noexcept override {
            std::fill_n(static_cast<float*>(block.output.data[0]), block.frames, 0.25F);
        }
    } constant;
    const StopAtEnd stop_player{player};
    player.start(constant);
    JackCard listener({.client_name = "listener", .output_channels = 0, .capture_pattern = "player:out_.*"});
    ListeningUser user;
    std::atomic<float> heard{0};
    user.on_process = [&](const CardBlock& block) {
        heard = static_cast<const float*>(block.input.data[0])[block.frames - 1];
    };
    const StopAtEnd stop_listener{listener};
    listener.start(user);
    EXPECT_TRUE(ListeningUser::eventually([&] { return heard == 0.25F; }));
}

TEST_F(JackCardTest, WhatTheServerLacksIsRefusedNamingWhatItHas) {
    ListeningUser user;
    EXPECT_THAT(refusal([&] { JackCard({.rate_hz = 44'100}).start(user); }),
                AllOf(HasSubstr("48000 Hz"), HasSubstr("44100 Hz")));
    EXPECT_THAT(refusal([&] { JackCard({.capture_pattern = "no-such-port"}).start(user); }),
                AllOf(HasSubstr("no-such-port"), HasSubstr("system:capture_1")));
    JackCard other_block({.block_frames = 64});
    const StopAtEnd stop_other_block{other_block};
    other_block.start(user);
    EXPECT_THAT(other_block.warnings(), testing::Contains(HasSubstr("128 frames, not 64")));
}

TEST_F(JackCardTest, TheServerIsFoundForLists) {
    const auto found = find_jack_server();
    ASSERT_TRUE(found);
    EXPECT_EQ(found->name, server.name());
    EXPECT_EQ(found->rate_hz, 48'000U);
    EXPECT_THAT(found->capture_ports, testing::Contains("system:capture_1"));
}

TEST(JackCardAlone, ServerThatDoesNotRunIsNamedWithTheCommandThatStartsIt) {
    ListeningUser user;
    EXPECT_THAT(refusal([&] { JackCard({.server = "sidetone-nobody"}).start(user); }),
                AllOf(HasSubstr("\"sidetone-nobody\""), HasSubstr("start one with: jackd")));
}

}  // namespace
}  // namespace sidetone::device
