// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "dsp/sample_conversion.hpp"
#include "rt/arena.hpp"
#include "rt/mirrored_ring.hpp"
#include "rt/realtime.hpp"

namespace sidetone::device {

/// Which of libsamplerate's filters: what it passes, and how far it looks ahead.
enum class BridgeQuality : std::uint8_t {
    fastest,  ///< 80 % of the band, 97 dB, 20 frames
    medium,   ///< 90 % of the band, 121 dB, 47 frames
};

struct BridgeSettings {
    std::uint32_t channels = 1;
    std::uint32_t input_rate_hz = 48'000, output_rate_hz = 48'000;      ///< nominal
    std::uint32_t input_block_frames = 128, output_block_frames = 128;  ///< longest
    BridgeQuality quality = BridgeQuality::fastest;
    /// Of the loop that follows the clocks: slow, so that its corrections (some ppm) are never heard.
    double bandwidth_hz = 0.05;
    /// What either callback may be late before the sound breaks, as a share of the longer block; part of the delay.
    double spare_blocks = 0.5;
};

/// Carries sound from a card to another whose clock runs a little faster or slower, or at another rate altogether: a
/// ring, a resampler (libsamplerate) and a loop that trims its ratio so that the delay stays where it was set.
///
/// Delay is the age of a frame when it is read: from the due time of the block that brought it, extrapolated to the due
/// time of the reading block, so it does not jump with the blocks. It is held at two blocks of the longer kind, the
/// filter's look-ahead and the spare. The loop is a proportional-integral control, critically damped (compare Fons
/// Adriaensen, "Controlling adaptive resampling", LAC 2012). Built on the control thread; then one thread writes, one
/// reads, both wait-free.
class ClockBridge {
public:
    /// Throws std::bad_alloc, or std::invalid_argument when libsamplerate refuses.
    explicit ClockBridge(const BridgeSettings& settings);

    /// Writing card's thread: a block that was due at `due_ns` (CLOCK_MONOTONIC), `lost_frames` after the one before.
    /// Input frames that find no room are dropped and counted.
    void write(const dsp::SampleSource& input, std::uint32_t frames, std::uint64_t lost_frames,
               std::int64_t due_ns) noexcept SIDETONE_REALTIME;

    /// Reading card's thread: `frames` frames for a block due at `due_ns`, one buffer per channel. Silence until enough
    /// has come in; after `lost_frames` of the reading card, or when the sound ran out, it starts anew at the set delay
    /// with a short fade.
    void read(std::span<float* const> output, std::uint32_t frames, std::uint64_t lost_frames,
              std::int64_t due_ns) noexcept SIDETONE_REALTIME;

    /// The delay that is aimed for and the present one, in frames of the output.
    [[nodiscard]] double target_delay_frames() const noexcept { return target_ / step_; }
    [[nodiscard]] double delay_frames() const noexcept { return delay_.load(std::memory_order_relaxed) / step_; }

    /// How much faster than nominal the input is drawn. Any thread.
    [[nodiscard]] double correction_ppm() const noexcept { return correction_.load(std::memory_order_relaxed) * 1e6; }
    /// Times the sound ran out, and times the delay was set anew because it had left its bounds or a card had lost
    /// frames. Any thread.
    [[nodiscard]] std::uint64_t under_runs() const noexcept { return under_runs_.load(std::memory_order_relaxed); }
    [[nodiscard]] std::uint64_t recentres() const noexcept { return recentres_.load(std::memory_order_relaxed); }
    [[nodiscard]] std::uint64_t dropped_frames() const noexcept {
        return dropped_frames_.load(std::memory_order_relaxed);
    }
    [[nodiscard]] std::uint64_t not_finite() const noexcept { return not_finite_.load(std::memory_order_relaxed); }

private:
    struct Resampler {
        void operator()(void* state) const noexcept;
    };
    /// Where the input stood at a moment; published by the writer, guarded by a sequence count.
    struct InputClock {
        std::uint64_t written = 0;
        std::int64_t due_ns = 0;
    };

    void store(const dsp::SampleSource& input, std::uint32_t frames) noexcept;
    void store_silence(std::uint64_t frames) noexcept;
    [[nodiscard]] std::uint64_t room() const noexcept;
    void publish(InputClock clock) noexcept;
    [[nodiscard]] bool observe(InputClock& clock) const noexcept;

    [[nodiscard]] bool start_at(double position, std::uint32_t frames) noexcept;
    void follow(double error, std::uint32_t frames) noexcept;
    [[nodiscard]] std::size_t resample(std::uint32_t frames) noexcept;
    void fade_in(std::size_t produced) noexcept;
    void fade_out_whole(std::size_t produced) noexcept;
    void run_out(std::size_t produced, std::uint32_t frames) noexcept;
    void hand_out(std::span<float* const> output, std::uint32_t frames) noexcept;

    BridgeSettings settings_;
    double step_;            // nominal input frames per output frame
    double look_ahead_;      // input frames the filter needs beyond its position
    double target_;          // delay aimed for, in input frames
    double most_error_;      // beyond it the delay is set anew, in input frames
    rt::MirroredRing ring_;  // interleaved
    std::uint64_t ring_frames_;
    std::unique_ptr<void, Resampler> resampler_;
    std::vector<float> channel_;   // writer's scratch
    std::vector<float> produced_;  // reader's scratch, interleaved
    std::vector<float> last_;      // last frame handed out

    // Writer.
    alignas(rt::kCacheLine) std::atomic<std::uint64_t> written_{0};
    std::atomic<std::uint32_t> clock_sequence_{0};
    std::atomic<std::uint64_t> clock_written_{0};
    std::atomic<std::int64_t> clock_due_ns_{0};
    std::atomic<std::uint64_t> dropped_frames_{0}, not_finite_{0};

    // Reader.
    alignas(rt::kCacheLine) std::atomic<std::uint64_t> fetched_{0};  // frames before it may be overwritten
    double position_ = 0;                                            // of the next output frame on the input's axis
    double integral_ = 0;   // of the loop: the clocks' ratio found so far, minus 1
    double running_s_ = 0;  // since the loop last started
    bool running_ = false;
    bool fading_in_ = false;
    std::atomic<double> delay_{0}, correction_{0};
    std::atomic<std::uint64_t> under_runs_{0}, recentres_{0};
};

}  // namespace sidetone::device
