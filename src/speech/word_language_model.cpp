// SPDX-License-Identifier: Apache-2.0
#include "speech/word_language_model.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "speech/arpa_file.hpp"
#include "speech/text_file.hpp"

namespace sidetone::speech {
namespace {

constexpr std::uint64_t key_of(std::uint32_t context, std::uint32_t word) noexcept {
    return std::uint64_t{context} << 32U | word;
}

}  // namespace

/// While the file is read: n-grams by what they follow. Those of each length come in one piece, short ones first, so
/// what is shorter is complete.
class WordLanguageModel::Builder {
public:
    Builder(WordLanguageModel& model, const std::filesystem::path& file) : model_(model), arpa_(file, kMostBytes) {}

    void build() {
        model_.contexts_.emplace_back();
        for (NGram found; arpa_.next(found);) add(found);
        if (model_.words_.empty()) arpa_.refuse("found no words, expected \"\\1-grams:\" with one at least");
        model_.order_ = arpa_.order();
        lay_out();
    }

private:
    struct Entry {
        std::uint64_t key;
        float ln_probability;
        State state;
    };

    void add(const NGram& found) {
        if (found.words.size() == 1) add_word(found.words.front());
        State history = 0;
        for (const auto text : found.words.first(found.words.size() - 1)) history = step(history, number_of(text));
        const auto word = number_of(found.words.back());
        const auto key = key_of(history, word);
        const auto state = static_cast<State>(model_.contexts_.size());
        if (!states_.emplace(key, state).second)
            arpa_.refuse(fmt::format("found \"{}\" again, expected it once", shown(found.words.back())));
        model_.contexts_.push_back({.shorter = history == 0 ? 0 : longest(model_.contexts_[history].shorter, word),
                                    .back_off = static_cast<float>(found.ln_back_off)});
        entries_.push_back({key, static_cast<float>(std::max(found.ln_probability, -100.0)), state});
    }

    void add_word(std::string_view text) {
        const auto word = static_cast<Word>(model_.words_.size());
        auto lower = lower_case(text);
        if (!model_.numbers_.emplace(lower, word).second)
            arpa_.refuse(fmt::format("found \"{}\" again, expected it once", shown(text)));
        model_.words_.push_back(std::move(lower));
    }

    [[nodiscard]] Word number_of(std::string_view text) const {
        const auto found = model_.find(text);
        if (!found) arpa_.refuse(fmt::format("found \"{}\", expected words that are listed alone", shown(text)));
        return *found;
    }

    [[nodiscard]] State step(State history, Word word) const {
        const auto found = states_.find(key_of(history, word));
        if (found == states_.end()) {
            arpa_.refuse(fmt::format("found \"{}\" in a history that is not listed, expected shorter n-grams first",
                                     model_.words_[word]));
        }
        return found->second;
    }

    // The longest history of the model that ends what is `history` and then `word`.
    [[nodiscard]] State longest(State history, Word word) const {
        for (;;) {
            if (const auto found = states_.find(key_of(history, word)); found != states_.end()) return found->second;
            if (history == 0) return 0;
            history = model_.contexts_[history].shorter;
        }
    }

    // A history as long as the model's order never counts: what is shorter by its first word takes its place.
    void lay_out() {
        std::sort(entries_.begin(), entries_.end(), [](const Entry& a, const Entry& b) { return a.key < b.key; });
        for (const auto& entry : entries_) {
            auto& context = model_.contexts_[entry.key >> 32U];
            if (context.next_count++ == 0) context.first_next = static_cast<std::uint32_t>(model_.nexts_.size());
            model_.nexts_.push_back({static_cast<Word>(entry.key), entry.ln_probability, entry.state});
        }
        // Histories without anything after them are none; longer ones were made later.
        for (auto& next : model_.nexts_) {
            while (next.state != 0 && model_.contexts_[next.state].next_count == 0 &&
                   model_.contexts_[next.state].back_off == 0)
                next.state = model_.contexts_[next.state].shorter;
        }
    }

    WordLanguageModel& model_;
    ArpaFile arpa_;
    std::vector<Entry> entries_;
    std::unordered_map<std::uint64_t, State> states_;
};

WordLanguageModel::WordLanguageModel(const std::filesystem::path& file) {
    Builder{*this, file}.build();
    beginning_ = find("<s>");
    end_ = find("</s>");
    unknown_ = find("<unk>");
    if (beginning_) start_ = nexts_[*beginning_].state;
}

std::optional<WordLanguageModel::Word> WordLanguageModel::find(std::string_view word) const {
    const auto found = numbers_.find(lower_case(word));
    if (found == numbers_.end()) return std::nullopt;
    return found->second;
}

bool WordLanguageModel::can_be_said(Word word) const noexcept {
    return word != beginning_ && word != end_ && word != unknown_;
}

const WordLanguageModel::Next* WordLanguageModel::find_next(State state, Word word) const noexcept {
    const auto& context = contexts_[state];
    const auto* first = nexts_.data() + context.first_next;
    if (state == 0) return first + word;
    const auto* const end = first + context.next_count;
    const auto* const found =
        std::lower_bound(first, end, word, [](const Next& next, Word wanted) { return next.word < wanted; });
    return found != end && found->word == word ? found : nullptr;
}

float WordLanguageModel::score(State state, Word word, State& next) const noexcept {
    float left = 0;
    const auto* found = find_next(state, word);
    // Ends: with no history every word is listed, and each step takes the history's oldest word away.
    for (; found == nullptr; found = find_next(state, word)) {
        left += contexts_[state].back_off;
        state = contexts_[state].shorter;
    }
    next = found->state;
    return left + found->ln_probability;
}

float WordLanguageModel::score_of_end(State state) const noexcept {
    if (!end_) return 0;
    State ignored = 0;
    return score(state, *end_, ignored);
}

}  // namespace sidetone::speech
