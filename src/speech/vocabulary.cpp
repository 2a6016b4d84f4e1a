// SPDX-License-Identifier: Apache-2.0
#include "speech/vocabulary.hpp"

#include <algorithm>
#include <utility>

namespace sidetone::speech {
namespace {

std::vector<Pronunciation> pronunciations_of(std::string_view word, const Lexicon& lexicon) {
    std::vector<Pronunciation> pronunciations;
    for (const auto phones : lexicon.find(word)) pronunciations.emplace_back(phones.begin(), phones.end());
    return pronunciations;
}

// Rules pass over what is no letter of English: a number would go unsaid.
bool is_of_letters(std::string_view word) {
    return std::ranges::all_of(word, [](char c) { return (c >= 'a' && c <= 'z') || c == '\''; });
}

class Maker {
public:
    Maker(const Lexicon& lexicon, const LetterToSound* rules, Vocabulary& made)
        : lexicon_(lexicon), rules_(rules), made_(made) {}

    void add_listed_words() {
        for (std::uint32_t number = 0; number < made_.language->word_count(); ++number) {
            if (!made_.language->can_be_said(number)) continue;
            const auto text = made_.language->text(number);
            auto pronunciations = pronunciations_of(text, lexicon_);
            if (pronunciations.empty()) {
                auto guess = rules_ != nullptr && is_of_letters(text) ? rules_->pronounce(text) : Pronunciation{};
                (guess.empty() ? made_.unknown : made_.guessed).emplace_back(text);
                if (guess.empty()) continue;
                pronunciations.push_back(std::move(guess));
            }
            add(text, std::move(pronunciations), number);
        }
    }

    void add_words_of_lexicon(std::uint32_t number) {
        for (std::size_t n = 0; n < lexicon_.word_count(); ++n) {
            const auto text = lexicon_.word(n);
            if (made_.language && made_.language->find(text)) continue;
            add(text, pronunciations_of(text, lexicon_), number);
        }
    }

    /// Words that begin a phrase count for more ahead.
    void heat(const HotWords& hot_words) {
        HotWords::State ignored = 0;
        for (std::uint32_t n = 0; n < words_.size(); ++n) words_[n].log_score += hot_words.score(0, n, ignored);
    }

    [[nodiscard]] const std::vector<SpokenWord>& words() const noexcept { return words_; }

private:
    void add(std::string_view text, std::vector<Pronunciation> pronunciations, std::uint32_t number) {
        const float alone = made_.language ? made_.weights.language * made_.language->score_alone(number) : 0;
        words_.push_back({.text = std::string{text},
                          .pronunciations = std::move(pronunciations),
                          .language_word = number,
                          .log_score = alone + made_.weights.word_bonus});
    }

    const Lexicon& lexicon_;
    const LetterToSound* rules_;
    Vocabulary& made_;
    std::vector<SpokenWord> words_;
};

}  // namespace

Vocabulary vocabulary_of(const Lexicon& lexicon, std::shared_ptr<const WordLanguageModel> language,
                         const LetterToSound* rules, const Vocabulary::Weights& weights,
                         const std::filesystem::path& hot_words) {
    Vocabulary made{.trie = nullptr,
                    .language = std::move(language),
                    .hot_words = nullptr,
                    .weights = weights,
                    .guessed = {},
                    .unknown = {}};
    Maker maker{lexicon, rules, made};
    if (made.language) maker.add_listed_words();
    if (!made.language || made.language->unknown()) {
        maker.add_words_of_lexicon(made.language ? *made.language->unknown() : 0);
    }
    made.trie = std::make_shared<LexiconTrie>(maker.words());
    if (!hot_words.empty()) {
        made.hot_words = std::make_shared<HotWords>(HotWords::read(hot_words, *made.trie));
        maker.heat(*made.hot_words);
        made.trie = std::make_shared<LexiconTrie>(maker.words());
    }
    return made;
}

}  // namespace sidetone::speech
