// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <span>
#include <string>
#include <thread>
#include <vector>

#include "engine/live.hpp"
#include "sidetone/change.hpp"

namespace sidetone::serve {

/// Takes changes of a running chain as OSC packets over UDP (serve/osc_packet.hpp), on a thread of its own. Nothing is
/// ever answered. Of changes that wait, only the last of each setting is made. Whoever reaches the port may change
/// what can be changed by name, and nothing else.
class OscServer final : public engine::Remote {
public:
    /// Control thread. `endpoint`: a port, on the loopback interface, or the numeric IPv4 address of one and a port:
    /// "9000", "0.0.0.0:9000". Port 0 is any that is free. Throws InputError.
    explicit OscServer(const std::string& endpoint);
    ~OscServer() override;
    OscServer(const OscServer&) = delete;
    OscServer& operator=(const OscServer&) = delete;

    // engine::Remote
    void start(engine::Engine& engine) override;
    void stop() override;
    [[nodiscard]] std::vector<std::string> take_lines() override;

    [[nodiscard]] std::uint16_t port() const noexcept { return port_; }

    /// Any thread: changes that were made, and refused; packets that are not OSC.
    [[nodiscard]] std::uint64_t made() const noexcept { return made_.load(); }
    [[nodiscard]] std::uint64_t refused() const noexcept { return refused_.load(); }
    [[nodiscard]] std::uint64_t malformed() const noexcept { return malformed_.load(); }

private:
    using Packets = std::vector<std::vector<Change>>;

    void serve(engine::Engine& engine);
    [[nodiscard]] Packets receive();
    void note_malformed(const std::string& sender, const char* fault);
    void note_refused(std::size_t changes, const char* reason);
    void tell(std::string line);

    int socket_ = -1;
    std::string place_;  // "127.0.0.1:9000"
    std::uint16_t port_ = 0;
    std::thread thread_;
    std::atomic<bool> stops_{false};
    std::atomic<std::uint64_t> made_{0}, refused_{0}, malformed_{0};
    std::int64_t next_refusal_ns_ = 0;  // when one is told again
    std::mutex mutex_;
    std::vector<std::string> lines_;
};

}  // namespace sidetone::serve
