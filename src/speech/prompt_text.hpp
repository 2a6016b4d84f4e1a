// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "speech/letter_to_sound.hpp"
#include "speech/lexicon.hpp"
#include "speech/prompt.hpp"

namespace sidetone::speech {

/// The words of a text, as they are to be looked up: what stands between blanks, hyphens and dashes, without the
/// punctuation around it. Typographic apostrophes become plain ones; letters keep their case.
[[nodiscard]] std::vector<std::string> words_of(std::string_view text);

/// A text as a prompt: each word that the lexicon has, with all its pronunciations, and each other one as `rules` say
/// it.
struct PromptText {
    Prompt prompt;
    std::vector<std::string> guessed;  ///< words that the lexicon does not have, said by rule
    std::vector<std::string> unknown;  ///< words that nobody knows how to say; they are not in `prompt`
};

/// Without `rules` what the lexicon does not have is unknown.
[[nodiscard]] PromptText prompt_of(std::string_view text, const Lexicon& lexicon, const LetterToSound* rules = nullptr);

}  // namespace sidetone::speech
