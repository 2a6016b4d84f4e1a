// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "device/card.hpp"
#include "device/process_gate.hpp"

namespace sidetone::device {

struct JackSettings {
    std::string client_name = "sidetone";
    std::string server = {};         ///< empty: JACK_DEFAULT_SERVER, else "default"
    std::uint32_t rate_hz = 0;       ///< 0: the server's; else it must be the server's
    std::uint32_t block_frames = 0;  ///< asked for by the user; another one of the server's is only warned about
    std::uint32_t input_channels = 1;
    std::uint32_t output_channels = 1;
    std::string capture_pattern = {};   ///< regular expression for the ports to listen to; empty: the physical ones
    std::string playback_pattern = {};  ///< and to play to
};

/// A client of a running JACK server (or of PipeWire in its guise); it never starts one.
///
/// Ports in_1 … and out_1 …; blocks point straight into the port buffers, planar floats. They are connected in order to
/// the physical ports, or to those that match a pattern; a single output plays on the first two. Latency is passed on
/// both ways: what comes in plus the chain's delay on the outputs, what lies behind the outputs plus that delay on the
/// inputs.
///
/// `process` runs on JACK's thread for this client. A new buffer size leads to `prepare` with no block in between: JACK
/// 2 announces it from a thread of its own while the graph stands still, JACK 1 from the audio thread itself (the one
/// place where `prepare` runs there). When the server goes away the user gets `lost`; `stop` and `start` then find a
/// new server.
class JackCard final : public Card {
public:
    explicit JackCard(JackSettings settings);
    ~JackCard() override;

    void start(CardUser& user) override;
    void stop() noexcept override;
    [[nodiscard]] const CardFormat& format() const noexcept override { return format_; }
    [[nodiscard]] std::string description() const override;
    [[nodiscard]] std::string playback_name() const override {
        return settings_.playback_pattern.empty() ? "jack" : "jack:" + settings_.playback_pattern;
    }
    [[nodiscard]] std::vector<std::string> warnings() const override;
    [[nodiscard]] int audio_thread_id() const noexcept override { return kernel_id_.load(std::memory_order_relaxed); }

private:
    class Client;  // hides jack.h, and is whom JACK calls

    JackSettings settings_;
    CardFormat format_;
    std::vector<std::string> warnings_;
    mutable std::vector<std::string> messages_;  // libjack's, fetched when asked for
    std::atomic<int> kernel_id_{0};
    std::unique_ptr<Client> client_;
};

/// What a running server offers, for lists. Nothing when none runs.
struct JackServer {
    std::string name = {};
    std::uint32_t rate_hz = 0, block_frames = 0;
    std::vector<std::string> capture_ports = {},
                             playback_ports = {};  ///< ports one can listen to, ports one can play to
};
[[nodiscard]] std::unique_ptr<JackServer> find_jack_server();

}  // namespace sidetone::device
