// SPDX-License-Identifier: Apache-2.0
#include "speech/heard_words.hpp"

#include <algorithm>

namespace sidetone::speech {
namespace {

constexpr std::size_t kKeptWords = 1024;

}  // namespace

HeardWords::HeardWords(const Vocabulary& vocabulary, std::size_t beam)
    : search_(vocabulary.trie, vocabulary.language,
              {.beam = beam,
               .kept_words = kKeptWords,
               .language_weight = vocabulary.weights.language,
               .word_bonus = vocabulary.weights.word_bonus,
               .phone_bonus = vocabulary.weights.phone_bonus},
              vocabulary.hot_words) {}

void HeardWords::push(const PhonemeAnswer& answer) noexcept {
    times_.note(answer, search_.frames());
    search_.step(answer.log_probabilities.data());
}

void HeardWords::reset() noexcept {
    search_.reset();
}

std::size_t HeardWords::copy(std::uint64_t first, std::span<HeardWord> out) const noexcept {
    return copy_of(0, first, out);
}

std::size_t HeardWords::copy_end(std::uint64_t first, std::span<HeardWord> out) const noexcept {
    return copy_of(search_.best_end().value_or(0), first, out);
}

std::size_t HeardWords::copy_of(std::size_t rank, std::uint64_t first, std::span<HeardWord> out) const noexcept {
    return copy_heard<CtcWord>(
        std::max(first, search_.first_kept()), out,
        [&](std::uint64_t number, std::span<CtcWord> words) { return search_.copy(number, words, rank); },
        [&](const CtcWord& found) {
            return HeardWord{.word = found.word,
                             .confidence = found.time.confidence,
                             .first_sample = times_.sample_of(found.time.first_frame),
                             .end_sample = times_.sample_of(found.time.last_frame + 1)};
        });
}

}  // namespace sidetone::speech
