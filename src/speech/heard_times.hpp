// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include "speech/phoneme_recognizer.hpp"

namespace sidetone::speech {

/// Where the frames of a search lie in the stream that a recognizer heard.
class FrameTimes {
public:
    /// Before the search takes the answer; `frames`: how many it has taken since it began anew.
    void note(const PhonemeAnswer& answer, std::uint64_t frames) noexcept SIDETONE_REALTIME {
        if (frames == 0) first_answer_sample_ = answer.first_sample;
        if (frames == 1) hop_ = answer.first_sample - first_answer_sample_;
    }
    [[nodiscard]] std::int64_t sample_of(std::int64_t frame) const noexcept SIDETONE_REALTIME {
        return std::max<std::int64_t>(0, first_answer_sample_ + frame * hop_);
    }
    /// The one that is about a sample, from the first on.
    [[nodiscard]] std::int64_t frame_of(std::int64_t sample) const noexcept SIDETONE_REALTIME {
        return hop_ > 0 ? std::max<std::int64_t>(0, (sample - first_answer_sample_) / hop_) : 0;
    }

private:
    std::int64_t first_answer_sample_ = 0, hop_ = 0;
};

/// Fills `out` with what a search found from number `first` on, until there is no more; returns how many.
/// `copy(number, span of Found)` copies some and returns how many; `heard_of(Found)` is what goes out.
template <class Found, class Heard, class Copy, class HeardOf>
std::size_t copy_heard(std::uint64_t first, std::span<Heard> out, Copy&& copy, HeardOf&& heard_of) noexcept {
    std::array<Found, 32> found{};
    std::size_t copied = 0;
    while (copied < out.size()) {
        const auto wanted = std::min(found.size(), out.size() - copied);
        const auto count = copy(first + copied, std::span{found}.first(wanted));
        for (std::size_t i = 0; i < count; ++i) out[copied + i] = heard_of(found[i]);
        copied += count;
        if (count < wanted) break;
    }
    return copied;
}

}  // namespace sidetone::speech
