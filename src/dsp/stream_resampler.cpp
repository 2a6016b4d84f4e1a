// SPDX-License-Identifier: Apache-2.0
#include "dsp/stream_resampler.hpp"

namespace sidetone::dsp {

// Inputs from the oldest that an output needs to the newest that has come: a filter's span, what one output steps over,
// and the piece that came last.
StreamResampler::StreamResampler(std::uint32_t in_rate_hz, std::uint32_t out_rate_hz)
    : resampler_(in_rate_hz, out_rate_hz),
      before_(std::int64_t{resampler_.half()}),
      ring_(4 * std::size_t{resampler_.half()} + 4 * kPiece) {}

void StreamResampler::write(std::span<const float> samples) noexcept {
    std::ranges::copy(samples, ring_.at(static_cast<std::uint64_t>(taken_ + before_)));
    taken_ += static_cast<std::int64_t>(samples.size());
}

std::span<const float> StreamResampler::make(std::int64_t ready) noexcept {
    const auto count = static_cast<std::size_t>(std::clamp<std::int64_t>(ready - made_, 0, kPiece));
    if (count == 0) return {};
    const auto oldest = resampler_.oldest_input(made_);
    resampler_.compute(ring_.at(static_cast<std::uint64_t>(oldest + before_)), oldest, made_, count, out_.data());
    made_ += static_cast<std::int64_t>(count);
    return std::span{out_}.first(count);
}

void StreamResampler::reset() noexcept {
    ring_.clear();
    taken_ = made_ = 0;
}

}  // namespace sidetone::dsp
