// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "device/card.hpp"
#include "device/clock_bridge.hpp"
#include "device/process_gate.hpp"

namespace sidetone::device {

struct JoinSettings {
    BridgeQuality quality = BridgeQuality::fastest;
    double bandwidth_hz = 0.05;
    double spare_blocks = 0.5;  ///< see BridgeSettings
};

/// Two cards with clocks of their own as one: blocks come from the output card's thread, at its rate and size, and what
/// the input card captured is resampled to them (device/clock_bridge.hpp). Input blocks are planar floats, whatever the
/// input card delivers.
///
/// `format().capture_latency_frames` holds the bridge's delay in. Either card lost means the joined card is lost;
/// `stop` and `start` bring both back.
class JoinedCard final : public Card {
public:
    /// `input` with no outputs in use, `output` with no inputs.
    JoinedCard(std::unique_ptr<Card> input, std::unique_ptr<Card> output, JoinSettings settings = {});
    ~JoinedCard() override;

    void start(CardUser& user) override;
    void stop() noexcept override;
    [[nodiscard]] const CardFormat& format() const noexcept override { return format_; }
    [[nodiscard]] std::string description() const override;
    [[nodiscard]] std::vector<std::string> warnings() const override;
    [[nodiscard]] int audio_thread_id() const noexcept override { return output_->audio_thread_id(); }
    [[nodiscard]] std::string playback_name() const override { return output_->playback_name(); }
    [[nodiscard]] bool default_has_moved() override {
        return input_->default_has_moved() || output_->default_has_moved();
    }
    /// Its counts are of all starts.
    [[nodiscard]] std::optional<JoinedClocks> clocks() const override;

    /// How the two clocks get on; null before the first `start`. Its counters may be read at any time while the card
    /// does not change.
    [[nodiscard]] const ClockBridge* bridge() const noexcept { return bridge_.get(); }

private:
    /// Receives one card's calls.
    class Side final : public CardUser {
    public:
        Side(JoinedCard& owner, bool is_input) : owner_(owner), is_input_(is_input) {}
        void prepare(const CardFormat& format) override;
        void process(const CardBlock& block) noexcept override SIDETONE_REALTIME;
        void on_event(CardEvent event) noexcept override SIDETONE_REALTIME;
        [[nodiscard]] std::uint32_t delay_frames() const noexcept override;

        CardFormat format;
        bool known = false;
        ProcessGate gate;

    private:
        JoinedCard& owner_;
        bool is_input_;
    };

    void settle();
    void capture(const CardBlock& block) noexcept SIDETONE_REALTIME;
    void play(const CardBlock& block) noexcept SIDETONE_REALTIME;
    void finish_when_drained(std::uint32_t frames) noexcept SIDETONE_REALTIME;
    void report_once(CardEvent event) noexcept SIDETONE_REALTIME;

    std::unique_ptr<Card> input_, output_;
    JoinSettings settings_;
    Side capturing_{*this, true}, playing_{*this, false};
    mutable std::mutex
        settling_;  // either card may ask for a new format, each from a thread of its own; never the audio threads
    CardFormat format_;
    CardUser* user_ = nullptr;
    std::unique_ptr<ClockBridge> bridge_;
    JoinedClocks before_;  // counts of the bridges that this one replaced; under settling_
    std::vector<std::vector<float>> planes_;
    std::vector<float*> plane_pointers_;
    std::vector<const void*> source_pointers_;
    std::atomic<bool> input_finished_{false};
    std::uint64_t frames_since_finish_ = 0;
    std::atomic<bool> ended_{false};  // lost or finished has been reported
};

}  // namespace sidetone::device
