// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "dsp/sample_conversion.hpp"
#include "rt/realtime.hpp"

namespace sidetone::device {

/// What the user asked of a card; zeros mean "as the card likes".
struct CardRequest {
    std::string
        input;  ///< "sim", "jack", "rtaudio", "rtaudio:NAME" … ; a name behind the colon picks a card or port pattern
    std::string output;  ///< same card as `input` when empty; another one is joined by a drift-compensating resampler
    std::uint32_t rate_hz = 0;
    std::uint32_t block_frames = 0;
    std::uint32_t input_channels = 1;
    std::uint32_t output_channels = 1;
};

/// What the card gives. `prepare` of the user is called with it whenever it changes.
struct CardFormat {
    std::uint32_t rate_hz = 0;
    std::uint32_t block_frames = 0;  ///< the usual block; no block is longer than max_block_frames
    std::uint32_t max_block_frames = 0;
    bool fixed_block = true;  ///< every block has block_frames frames
    std::uint32_t input_channels = 0;
    std::uint32_t output_channels = 0;
    dsp::SampleFormat format = dsp::SampleFormat::f32;
    bool interleaved = false;
    std::uint32_t capture_latency_frames = 0;  ///< as the card or server reports it, its period included
    std::uint32_t playback_latency_frames = 0;
};

/// One call of the card: what came in, where what goes out is wanted. Alive during the call only.
struct CardBlock {
    dsp::SampleSource input;
    dsp::SampleSink output;
    std::uint32_t frames = 0;
    std::int64_t due_ns = 0;            ///< stamp clock (rt::now_ns): when this period should have begun
    std::int64_t entered_ns = 0;        ///< stamp clock: when the callback was entered
    std::int64_t due_monotonic_ns = 0;  ///< CLOCK_MONOTONIC: the same moment as due_ns
    double period_ns = 0;               ///< smoothed true length of a nominal period
    std::uint64_t lost_frames = 0;      ///< frames the card skipped since the last block (over-run), 0 normally
};

/// How the clocks of two cards get on that were joined to one (device/joined_card.hpp). Delays are in frames of the
/// output.
struct JoinedClocks {
    double correction_ppm = 0;  ///< how much faster than nominal the input is drawn
    double delay_frames = 0, target_delay_frames = 0;
    std::uint64_t under_runs = 0, recentres = 0, dropped_frames = 0;
};

enum class CardEvent : std::uint8_t {
    xrun,      ///< the card or server reports a missed deadline
    lost,      ///< the card vanished or the server went away; no more blocks come
    finished,  ///< a file or a simulation has reached its end
};

/// Who uses a card: the engine.
class CardUser {
public:
    virtual ~CardUser() = default;

    /// Never on the audio thread, and never while `process` runs: before the first block, and again when rate, block or
    /// channels have changed. May allocate and throw InputError (the card then stops and reports `lost`).
    virtual void prepare(const CardFormat& format) = 0;

    /// The card's audio thread. Must fill the output.
    virtual void process(const CardBlock& block) noexcept SIDETONE_REALTIME = 0;

    /// Any thread, the audio thread too.
    virtual void on_event(CardEvent event) noexcept SIDETONE_REALTIME = 0;

    /// The chain's own delay, for cards that report latency onwards (JACK). Any thread.
    [[nodiscard]] virtual std::uint32_t delay_frames() const noexcept = 0;
};

/// A sound card, real or simulated. Control thread only.
class Card {
public:
    virtual ~Card() = default;

    /// Opens the device, calls `user.prepare`, then lets blocks flow. Throws InputError: no such card, or not with that
    /// rate (naming those it has).
    virtual void start(CardUser& user) = 0;

    /// After its return no callback runs. Harmless when not running.
    virtual void stop() noexcept = 0;

    [[nodiscard]] virtual const CardFormat& format() const noexcept = 0;

    /// For people: "JACK server 'default', 48000 Hz, 128 frames".
    [[nodiscard]] virtual std::string description() const = 0;

    /// Where sound goes, by the name that `sidetone devices` has for it; the same each time that device is started.
    /// Empty: not known.
    [[nodiscard]] virtual std::string playback_name() const { return {}; }

    /// Whether the default device was asked for, and another one is it now, with the channels and the rate of this one;
    /// `start` takes it. Control thread, while it runs.
    [[nodiscard]] virtual bool default_has_moved() { return false; }

    /// Warnings from start-up (no real-time priority …), one line each.
    [[nodiscard]] virtual std::vector<std::string> warnings() const { return {}; }

    /// Kernel id of the audio thread, 0 while unknown; for finding the cause of a miss.
    [[nodiscard]] virtual int audio_thread_id() const noexcept { return 0; }

    /// Nothing where there is only one clock, or as long as it is not known.
    [[nodiscard]] virtual std::optional<JoinedClocks> clocks() const { return std::nullopt; }
};

}  // namespace sidetone::device
