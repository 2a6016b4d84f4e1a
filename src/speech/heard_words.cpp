// SPDX-License-Identifier: Apache-2.0
#include "speech/heard_words.hpp"

#include <algorithm>
#include <array>

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
    if (search_.frames() == 0) first_answer_sample_ = answer.first_sample;
    if (search_.frames() == 1) hop_ = answer.first_sample - first_answer_sample_;
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
    std::array<CtcWord, 32> words{};
    first = std::max(first, search_.first_kept());
    const auto sample_of = [&](std::int64_t frame) {
        return std::max<std::int64_t>(0, first_answer_sample_ + frame * hop_);
    };
    std::size_t copied = 0;
    while (copied < out.size()) {
        const auto wanted = std::min(words.size(), out.size() - copied);
        const auto count = search_.copy(first + copied, std::span{words}.first(wanted), rank);
        for (std::size_t i = 0; i < count; ++i) {
            out[copied + i] = {.word = words[i].word,
                               .confidence = words[i].time.confidence,
                               .first_sample = sample_of(words[i].time.first_frame),
                               .end_sample = sample_of(words[i].time.last_frame + 1)};
        }
        copied += count;
        if (count < wanted) break;
    }
    return copied;
}

}  // namespace sidetone::speech
