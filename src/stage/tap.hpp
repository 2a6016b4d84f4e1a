// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <atomic>
#include <cstdint>

#include "rt/arena.hpp"
#include "rt/single_writer_single_reader_ring.hpp"
#include "stage/stage.hpp"

namespace sidetone::stage {

/// Some frames of what passes a tap: the mean of the channels.
struct TapPiece {
    static constexpr std::uint32_t kMostFrames = 128;

    std::int64_t first_frame = 0;  ///< since the stage was prepared; frames that were lost count
    std::int64_t due_ns = 0;       ///< stamp clock: when the piece's last frame had been heard
    std::int64_t entered_ns = 0;   ///< stamp clock: when the callback came
    std::uint32_t rate_hz = 0;
    std::uint32_t preparation = 0;  ///< grows when the card has changed, and frames begin anew
    std::uint32_t frames = 0;
    /// Stamp clock: when the next block is to be expected; 0 where more of this one follows.
    std::int64_t next_block_ns = 0;
    std::array<float, kMostFrames> samples{};
};

/// Hands what passes to one other thread, which listens: the audio thread copies it into a ring, and never waits. What
/// goes on down the chain is the sound itself, or silence where nobody is to hear it.
class Tap final : public Stage {
public:
    enum class Output : std::uint8_t { input, silence };

    explicit Tap(Output output);

    [[nodiscard]] const char* kind() const noexcept override { return "tap"; }
    void prepare(const StageContext& context) override;
    void process(const float* const* in, float* const* out, std::uint32_t frames,
                 const BlockTime& time) noexcept SIDETONE_REALTIME override;
    /// Pieces that the reader was too slow for.
    [[nodiscard]] std::uint64_t misses() const noexcept override { return lost_.load(std::memory_order_relaxed); }

    /// One reading thread, never woken: it has to look. False when there is nothing yet. Frames that were lost are
    /// missing from `first_frame`'s order.
    [[nodiscard]] bool try_take(TapPiece& piece) noexcept SIDETONE_REALTIME { return ring_.try_pop(piece); }

private:
    static constexpr std::size_t kPieces = 2048;  // 5 s at 48 kHz in blocks of 128 frames, 1 s in blocks of 24

    void hand_over(const float* const* in, std::uint32_t first, std::uint32_t frames) noexcept SIDETONE_REALTIME;

    Output output_;
    rt::Arena arena_;
    rt::SingleWriterSingleReaderRing<TapPiece> ring_;
    TapPiece piece_;  // on its way into the ring
    std::int64_t frames_ = 0;
    std::uint32_t channels_ = 0;
    std::atomic<std::uint64_t> lost_{0};
};

}  // namespace sidetone::stage
