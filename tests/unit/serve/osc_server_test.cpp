// SPDX-License-Identifier: Apache-2.0
#include "serve/osc_server.hpp"

#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <chrono>
#include <functional>
#include <random>
#include <thread>

#include "engine/engine.hpp"
#include "rt/error.hpp"
#include "rt/guard.hpp"
#include "unit/engine/hand_driven_card.hpp"
#include "unit/serve/osc_writer.hpp"

namespace sidetone::serve {
namespace {

using engine::test::HandDrivenCard;
using engine::test::Planes;
using test::Bytes;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::MatchesRegex;

constexpr device::CardFormat kCard{
    .rate_hz = 48'000, .block_frames = 64, .max_block_frames = 64, .input_channels = 1, .output_channels = 1};
constexpr auto kChain = "[[stage]]\nkind = \"gain\"\n[[stage]]\nkind = \"equalise\"\n";

/// Sends to the server by the loopback interface.
class Peer {
public:
    explicit Peer(std::uint16_t port) : socket_(::socket(AF_INET, SOCK_DGRAM, 0)) {
        sockaddr_in to{};
        to.sin_family = AF_INET;
        to.sin_port = htons(port);
        to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        EXPECT_EQ(::connect(socket_, reinterpret_cast<const sockaddr*>(&to), sizeof to), 0);
    }
    ~Peer() { ::close(socket_); }
    Peer(const Peer&) = delete;
    Peer& operator=(const Peer&) = delete;

    void send(const Bytes& bytes) const {
        EXPECT_EQ(::send(socket_, bytes.data(), bytes.size(), 0), static_cast<ssize_t>(bytes.size()));
    }

private:
    int socket_;
};

// A packet on the loopback interface arrives, but when is the scheduler's matter: no test fails for that.
void wait_until(const std::function<bool()>& is_so) {
    while (!is_so()) std::this_thread::sleep_for(std::chrono::milliseconds{1});
}

class OscServerTest : public testing::Test {
protected:
    void SetUp() override { server_.start(engine_); }

    [[nodiscard]] float level() {
        const auto out = card_.play({std::vector<float>(12'800, 0.5F)});
        return out[0].back();
    }

    engine::Engine engine_{engine::read_chain_text(kChain, "chain.toml", 1)};
    HandDrivenCard card_{engine_, kCard};
    OscServer server_{"0"};
    Peer peer_{server_.port()};
};

TEST_F(OscServerTest, MessageOverTheLoopbackInterfaceChangesASetting) {
    peer_.send(test::message("/gain/gain_db", {-20}));
    wait_until([&] { return server_.made() == 1; });
    EXPECT_NEAR(level(), 0.05F, 1e-5F);
    peer_.send(test::bundle({test::message("/gain/gain_db", {0}), test::message("/equalise/preamp_db", {-40})}));
    wait_until([&] { return server_.made() == 3; });
    EXPECT_NEAR(level(), 0.005F, 1e-5F);
}

TEST_F(OscServerTest, WhatCannotBeIsCountedAndToldAndTheRestGoesOn) {
    peer_.send(test::message("/gain/gain_db", {100}));
    wait_until([&] { return server_.refused() == 1; });
    peer_.send(test::message("/nothing/here", {1}));
    wait_until([&] { return server_.refused() == 2; });
    peer_.send(test::message("/gain/gain_db", {-20}));
    wait_until([&] { return server_.made() == 1; });
    EXPECT_NEAR(level(), 0.05F, 1e-5F);
    server_.stop();
    EXPECT_THAT(
        server_.take_lines(),
        ElementsAre(MatchesRegex("OSC: listening on 127.0.0.1:[0-9]+"),
                    "OSC: chain.toml: stage \"gain\", key \"gain_db\": found 100, expected a number from -120 to 40",
                    "OSC: 1 changes made, 2 refused, 0 malformed packets"));
}

TEST_F(OscServerTest, MalformedPacketsAreCountedAndNamedOnce) {
    std::mt19937 random{1};
    for (std::uint64_t i = 1; i <= 300; ++i) {
        Bytes junk(i % 2 == 0 ? random() % 1'500 : 9'000, static_cast<std::byte>(random() % 255 + 1));
        peer_.send(junk);
        wait_until([&] { return server_.malformed() == i; });
    }
    peer_.send(test::message("/gain/gain_db", {-20}));
    wait_until([&] { return server_.made() == 1; });
    EXPECT_NEAR(level(), 0.05F, 1e-5F);
    server_.stop();
    EXPECT_THAT(
        server_.take_lines(),
        ElementsAre(HasSubstr("listening"),
                    MatchesRegex("OSC: a packet from 127.0.0.1:[0-9]+ is malformed, at byte 0: found .*, expected "
                                 ".*; more of them are only counted"),
                    "OSC: 1 changes made, 0 refused, 300 malformed packets"));
}

TEST_F(OscServerTest, SoundHasNeitherHeapCallsNorLocksWhileChangesPourIn) {
    if (!rt::interposer_is_present()) GTEST_SKIP() << "no interposer: nothing is counted";
    rt::reset_realtime_counts();
    const Planes sound{std::vector<float>(64, 0.5F)};
    Planes out(1);
    int sent = 0;
    while (server_.made() < 200) {
        peer_.send(test::bundle({test::message("/gain/gain_db", {static_cast<float>(-(sent % 20))}),
                                 test::message("/equalise/preamp_db", {static_cast<float>(-(++sent % 20))})}));
        for (int i = 0; i < 20; ++i) card_.block(sound, 0, 64, out);
    }
    const auto counts = rt::realtime_counts(rt::RealtimeKind::audio);
    EXPECT_EQ(counts.heap_calls, 0U);
    EXPECT_EQ(counts.locks, 0U);
}

TEST(OscServer, EndpointThatCannotBeIsRefusedInOneLine) {
    const auto refusal = [](const std::string& endpoint) -> std::string {
        try {
            const OscServer server{endpoint};
        } catch (const InputError& error) {
            return error.what();
        }
        return "";
    };
    for (const auto* const endpoint :
         {"", "x", "65536", "-1", "9000x", "localhost:9000", "1.2.3:9000", ":9000", "127.0.0.1:"}) {
        EXPECT_THAT(refusal(endpoint), HasSubstr("expected a port, or an IPv4 address and a port")) << endpoint;
    }
    const OscServer taken{"127.0.0.1:0"};
    EXPECT_THAT(refusal(std::to_string(taken.port())), HasSubstr("cannot listen on 127.0.0.1:"));
    EXPECT_THAT(refusal("192.0.2.1:0"), HasSubstr("cannot listen on 192.0.2.1:0"));
}

}  // namespace
}  // namespace sidetone::serve
