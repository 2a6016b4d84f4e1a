// SPDX-License-Identifier: Apache-2.0
#include "stage/tap.hpp"

#include <algorithm>

namespace sidetone::stage {

Tap::Tap(Output output)
    : output_(output), arena_(kPieces * sizeof(TapPiece) + rt::kCacheLine), ring_(arena_, kPieces) {}

// The ring stays as it is, for the reader may be reading: pieces tell which preparation they are of.
void Tap::prepare(const StageContext& context) {
    channels_ = context.channels;
    piece_.rate_hz = context.rate_hz;
    ++piece_.preparation;
    frames_ = 0;
}

void Tap::process(const float* const* in, float* const* out, std::uint32_t frames, const BlockTime& time) noexcept {
    piece_.entered_ns = time.entered_ns;
    // A callback that came late says nothing of the next one; one that came early does.
    const auto block_ns = std::int64_t{frames} * 1'000'000'000 / piece_.rate_hz;
    const auto next_block_ns = std::min(time.due_ns, time.entered_ns) + block_ns;
    for (std::uint32_t first = 0; first < frames; first += TapPiece::kMostFrames) {
        const auto count = std::min(TapPiece::kMostFrames, frames - first);
        const auto still_to_come = std::int64_t{frames} - first - count;
        piece_.due_ns = time.due_ns - still_to_come * 1'000'000'000 / piece_.rate_hz;
        piece_.next_block_ns = still_to_come == 0 ? next_block_ns : 0;
        hand_over(in, first, count);
    }
    for (std::uint32_t c = 0; c < channels_; ++c) {
        if (output_ == Output::silence) {
            std::fill_n(out[c], frames, 0.0F);
        } else if (out[c] != in[c]) {
            std::copy_n(in[c], frames, out[c]);
        }
    }
}

void Tap::hand_over(const float* const* in, std::uint32_t first, std::uint32_t frames) noexcept {
    piece_.first_frame = frames_;
    piece_.frames = frames;
    const float share = 1.0F / static_cast<float>(channels_);
    for (std::uint32_t n = 0; n < frames; ++n) {
        float sum = 0;
        for (std::uint32_t c = 0; c < channels_; ++c) sum += in[c][first + n];
        piece_.samples[n] = share * sum;
    }
    frames_ += frames;
    if (!ring_.try_push(piece_)) lost_.fetch_add(1, std::memory_order_relaxed);
}

}  // namespace sidetone::stage
