// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace sidetone::speech {

/// So many samples at 16 kHz are remembered of an utterance, its last five minutes, to find its words.
inline constexpr std::size_t kLongestUtterance = std::size_t{5} * 60 * 16'000;

/// The latest samples of a stream, to be taken up again when it is known what was in them. No heap after construction
/// but for what `copy` returns. One thread.
class SoundMemory {
public:
    explicit SoundMemory(std::size_t samples) : ring_(samples) {}

    void push(std::span<const float> samples) noexcept;
    void reset() noexcept { pushed_ = 0; }

    /// Samples [begin, end) of the stream, as far as they have come and are not forgotten.
    [[nodiscard]] std::vector<float> copy(std::int64_t begin, std::int64_t end) const;

private:
    std::vector<float> ring_;
    std::int64_t pushed_ = 0;
};

// ── definitions ─────────────────────────────────────────────────────────────────────────────────

inline void SoundMemory::push(std::span<const float> samples) noexcept {
    const auto size = static_cast<std::int64_t>(ring_.size());
    for (const float sample : samples) ring_[static_cast<std::size_t>(pushed_++ % size)] = sample;
}

inline std::vector<float> SoundMemory::copy(std::int64_t begin, std::int64_t end) const {
    const auto size = static_cast<std::int64_t>(ring_.size());
    begin = std::max({begin, pushed_ - size, std::int64_t{0}});
    end = std::min(end, pushed_);
    std::vector<float> samples;
    samples.reserve(static_cast<std::size_t>(std::max<std::int64_t>(end - begin, 0)));
    for (auto at = begin; at < end; ++at) samples.push_back(ring_[static_cast<std::size_t>(at % size)]);
    return samples;
}

}  // namespace sidetone::speech
