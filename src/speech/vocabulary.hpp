// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "speech/hot_words.hpp"
#include "speech/letter_to_sound.hpp"
#include "speech/lexicon.hpp"
#include "speech/lexicon_trie.hpp"
#include "speech/word_language_model.hpp"

namespace sidetone::speech {

/// Which words may be said, how, and how likely they are: what a search for words needs.
struct Vocabulary {
    /// What the language model weighs beside the network (docs/speak.md).
    struct Weights {
        float language = 1;        ///< of its logarithms
        float word_bonus = 0;      ///< natural logarithm for every word, or short sentences would win
        float phone_bonus = 2.5F;  ///< the same for every phone: the network is rarely sure
    };

    std::shared_ptr<const LexiconTrie> trie;
    std::shared_ptr<const WordLanguageModel> language;  ///< none: all words are as likely
    std::shared_ptr<const HotWords> hot_words;          ///< perhaps none
    Weights weights;
    std::vector<std::string> guessed;  ///< words that the lexicon does not have, said by rule
    std::vector<std::string> unknown;  ///< words that nobody knows how to say: they cannot be heard
};

/// With `language` the words are those that it lists, and if `<unk>` is among them, all of `lexicon` too. What the
/// lexicon does not have is said as `rules` have it, if there are some. `hot_words` is a file of them (HotWords::read),
/// or empty. Control thread only. Throws InputError where no word is left, and as HotWords::read does.
[[nodiscard]] Vocabulary vocabulary_of(const Lexicon& lexicon, std::shared_ptr<const WordLanguageModel> language,
                                       const LetterToSound* rules, const Vocabulary::Weights& weights,
                                       const std::filesystem::path& hot_words = {});

}  // namespace sidetone::speech
