// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "rt/realtime.hpp"
#include "speech/ctc_word_search.hpp"
#include "speech/heard_times.hpp"
#include "speech/phoneme_recognizer.hpp"
#include "speech/vocabulary.hpp"

namespace sidetone::speech {

/// A word that was heard, from the peak of its first phone to that of its last.
struct HeardWord {
    std::uint32_t word = 0;                         ///< its number in the vocabulary
    float confidence = 0;                           ///< geometric mean of its phones' largest probabilities, 0 to 1
    std::int64_t first_sample = 0, end_sample = 0;  ///< [first, end) at 16 kHz, since the stream's first sample
};

/// A recognizer's answers become words of a vocabulary while they come.
///
/// Built on the control thread; the rest one thread at a time. No heap after construction.
class HeardWords {
public:
    /// Throws std::invalid_argument for settings out of range.
    HeardWords(const Vocabulary& vocabulary, std::size_t beam);

    void push(const PhonemeAnswer& answer) noexcept SIDETONE_REALTIME;
    /// Forgets what was heard; the next answer may have any number.
    void reset() noexcept SIDETONE_REALTIME;

    /// Words in the best hypothesis, from the first one on.
    [[nodiscard]] std::uint64_t size() const noexcept { return search_.length(); }
    /// So many of the first ones will not change any more.
    [[nodiscard]] std::uint64_t settled() const noexcept { return search_.stable_length(); }
    /// Copies words number `first`, first + 1, … until there are no more or `out` is full; returns how many. Words can
    /// be had until some thousand more have settled.
    std::size_t copy(std::uint64_t first, std::span<HeardWord> out) const noexcept SIDETONE_REALTIME;
    /// The same, were nothing more to come: of the best hypothesis whose last word is over.
    std::size_t copy_end(std::uint64_t first, std::span<HeardWord> out) const noexcept SIDETONE_REALTIME;

    [[nodiscard]] std::string_view text(const HeardWord& heard) const noexcept {
        return search_.vocabulary().text(heard.word);
    }

private:
    std::size_t copy_of(std::size_t rank, std::uint64_t first, std::span<HeardWord> out) const noexcept;

    CtcWordSearch search_;
    FrameTimes times_;
};

}  // namespace sidetone::speech
