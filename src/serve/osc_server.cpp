// SPDX-License-Identifier: Apache-2.0
#include "serve/osc_server.hpp"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <charconv>
#include <chrono>
#include <cstring>
#include <exception>
#include <set>
#include <utility>

#include "engine/engine.hpp"
#include "rt/clock.hpp"
#include "rt/error.hpp"
#include "serve/osc_packet.hpp"

namespace sidetone::serve {
namespace {

constexpr auto kLoopback = "127.0.0.1";
constexpr int kPollMs = 50;          // within which it stops
constexpr std::size_t kAtOnce = 64;  // packets
// Between packets and the next ones: a flood of them takes its share of a core and no more.
constexpr auto kRest = std::chrono::milliseconds{2};
constexpr std::int64_t kRefusalEveryNs = 1'000'000'000;
constexpr std::size_t kMostLines = 64;  // that nobody has taken

struct Endpoint {
    std::string address = kLoopback;
    std::uint16_t port = 0;
};

Endpoint read_endpoint(const std::string& text) {
    Endpoint endpoint;
    const auto colon = text.rfind(':');
    if (colon != std::string::npos) endpoint.address = text.substr(0, colon);
    const auto port = colon == std::string::npos ? text : text.substr(colon + 1);
    const auto [end, error] = std::from_chars(port.data(), port.data() + port.size(), endpoint.port);
    in_addr ignored{};
    if (port.empty() || error != std::errc{} || end != port.data() + port.size() ||
        inet_pton(AF_INET, endpoint.address.c_str(), &ignored) != 1) {
        throw InputError(fmt::format("OSC: found \"{}\", expected a port, or an IPv4 address and a port: 9000, {}:9000",
                                     text, "0.0.0.0"));
    }
    return endpoint;
}

sockaddr_in socket_address(const Endpoint& endpoint) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(endpoint.port);
    (void)inet_pton(AF_INET, endpoint.address.c_str(), &address.sin_addr);
    return address;
}

std::string words_of(const sockaddr_in& address) {
    std::array<char, INET_ADDRSTRLEN> text{};
    (void)inet_ntop(AF_INET, &address.sin_addr, text.data(), text.size());
    return fmt::format("{}:{}", text.data(), ntohs(address.sin_port));
}

/// Leaves of changes that wait only the last of each setting.
void drop_outdated(std::vector<std::vector<Change>>& packets) {
    std::set<std::string> newer;
    for (auto packet = packets.rbegin(); packet != packets.rend(); ++packet) {
        std::erase_if(*packet, [&](const Change& change) { return newer.contains(change.name); });
        for (const auto& change : *packet) newer.insert(change.name);
    }
}

}  // namespace

OscServer::OscServer(const std::string& endpoint) {
    const auto wanted = read_endpoint(endpoint);
    auto address = socket_address(wanted);
    socklen_t size = sizeof address;
    auto* generic = reinterpret_cast<sockaddr*>(&address);
    socket_ = ::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (socket_ < 0 || ::bind(socket_, generic, size) != 0 || ::getsockname(socket_, generic, &size) != 0) {
        const auto* const reason = std::strerror(errno);
        if (socket_ >= 0) ::close(socket_);
        throw InputError(fmt::format("OSC: cannot listen on {}:{}: {}", wanted.address, wanted.port, reason));
    }
    port_ = ntohs(address.sin_port);
    place_ = words_of(address);
}

OscServer::~OscServer() {
    stop();
    ::close(socket_);
}

void OscServer::start(engine::Engine& engine) {
    stop();
    stops_ = false;
    tell(fmt::format("OSC: listening on {}", place_));
    thread_ = std::thread([this, &engine] { serve(engine); });
}

void OscServer::stop() {
    if (!thread_.joinable()) return;
    stops_ = true;
    thread_.join();
    tell(fmt::format("OSC: {} changes made, {} refused, {} malformed packets", made(), refused(), malformed()));
}

std::vector<std::string> OscServer::take_lines() {
    const std::lock_guard lock{mutex_};
    return std::exchange(lines_, {});
}

void OscServer::serve(engine::Engine& engine) {
    while (!stops_) {
        pollfd waiting{.fd = socket_, .events = POLLIN, .revents = 0};
        if (::poll(&waiting, 1, kPollMs) <= 0) continue;
        auto packets = receive();
        drop_outdated(packets);
        for (const auto& packet : packets) {
            try {
                engine.change(packet);
                made_ += packet.size();
            } catch (const std::exception& error) {
                note_refused(packet.size(), error.what());
            }
        }
        std::this_thread::sleep_for(kRest);
    }
}

OscServer::Packets OscServer::receive() {
    Packets packets;
    std::array<std::byte, kLongestOscPacket + 1> bytes{};
    for (std::size_t i = 0; i < kAtOnce; ++i) {
        sockaddr_in sender{};
        socklen_t size = sizeof sender;
        const auto count =
            ::recvfrom(socket_, bytes.data(), bytes.size(), 0, reinterpret_cast<sockaddr*>(&sender), &size);
        if (count < 0) break;
        try {
            packets.push_back(read_osc(std::span{bytes}.first(static_cast<std::size_t>(count))));
        } catch (const InputError& error) {
            note_malformed(words_of(sender), error.what());
        }
    }
    return packets;
}

void OscServer::note_malformed(const std::string& sender, const char* fault) {
    if (malformed_++ != 0) return;
    tell(fmt::format("OSC: a packet from {} is malformed, {}; more of them are only counted", sender, fault));
}

void OscServer::note_refused(std::size_t changes, const char* reason) {
    refused_ += changes;
    const auto now = rt::monotonic_ns();
    if (now < next_refusal_ns_) return;
    next_refusal_ns_ = now + kRefusalEveryNs;
    tell(fmt::format("OSC: {}", reason));
}

void OscServer::tell(std::string line) {
    const std::lock_guard lock{mutex_};
    if (lines_.size() < kMostLines) lines_.push_back(std::move(line));
}

}  // namespace sidetone::serve
