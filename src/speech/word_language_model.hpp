// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "rt/realtime.hpp"

namespace sidetone::speech {

/// Which word is likely after which: an n-gram model that backs off, from a file in ARPA's form.
///
/// Built on the control thread; any threads may ask for scores. A question takes, for each word of the history that
/// counts, a search by halves among the words that are listed after it.
class WordLanguageModel {
public:
    using Word = std::uint32_t;   ///< below word_count()
    using State = std::uint32_t;  ///< the latest words, as many as count
    static constexpr std::size_t kMostBytes = std::size_t{512} << 20;

    /// Words are told apart without regard to case (of ASCII letters). Throws InputError that names file and line.
    explicit WordLanguageModel(const std::filesystem::path& file);

    /// Among those listed by themselves, `<s>`, `</s>` and `<unk>` as the others.
    [[nodiscard]] std::optional<Word> find(std::string_view word) const;
    [[nodiscard]] std::size_t word_count() const noexcept { return words_.size(); }
    [[nodiscard]] std::string_view text(Word word) const noexcept { return words_[word]; }
    /// False for `<s>`, `</s>` and `<unk>`.
    [[nodiscard]] bool can_be_said(Word word) const noexcept;
    /// What words that are not listed count as; nothing where only listed words can be said.
    [[nodiscard]] std::optional<Word> unknown() const noexcept { return unknown_; }
    [[nodiscard]] std::size_t order() const noexcept { return order_; }

    /// Before an utterance's first word.
    [[nodiscard]] State start() const noexcept { return start_; }
    /// Natural logarithm of the probability of `word` after `state`, and the state after it.
    float score(State state, Word word, State& next) const noexcept SIDETONE_REALTIME;
    /// Of the utterance's end after `state`; 0 where the file does not list `</s>`.
    [[nodiscard]] float score_of_end(State state) const noexcept SIDETONE_REALTIME;
    /// Whatever came before.
    [[nodiscard]] float score_alone(Word word) const noexcept { return nexts_[word].ln_probability; }

private:
    struct Next {
        Word word;
        float ln_probability;
        State state;
    };
    struct Context {
        std::uint32_t first_next = 0, next_count = 0;
        State shorter = 0;
        float back_off = 0;
    };
    class Builder;

    [[nodiscard]] const Next* find_next(State state, Word word) const noexcept;

    std::vector<Context> contexts_;  // 0 is no history: every word is listed, in order
    std::vector<Next> nexts_;        // of all contexts, in order of context, then of word
    std::vector<std::string> words_;
    std::unordered_map<std::string, Word> numbers_;
    std::optional<Word> beginning_, end_, unknown_;
    State start_ = 0;
    std::size_t order_ = 0;
};

}  // namespace sidetone::speech
