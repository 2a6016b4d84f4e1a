// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "speech/letter_to_sound.hpp"
#include "speech/lexicon.hpp"
#include "speech/prompt.hpp"

namespace sidetone::cli {

/// A prompt, and the words of it whose pronunciation is a guess from their letters.
struct ScorePrompt {
    speech::Prompt prompt;
    std::vector<std::string> guessed;
};

/// Makes prompts of texts, or of phones that somebody has written down. Lexicon and letter-to-sound rules are read when
/// they are needed first.
class ScorePrompts {
public:
    /// `lexicon`: a file, or empty for the default one. `is_strict`: a word that it does not have is refused.
    ScorePrompts(std::string lexicon, bool is_strict) : file_(std::move(lexicon)), is_strict_(is_strict) {}

    /// `phones`: "W IY | K AO L", words apart; empty: from the text. Throws InputError: no word, a word that nobody
    /// knows how to say, what is no phone, other words than the text has, more phones than an utterance may have.
    [[nodiscard]] ScorePrompt make(const std::string& text, const std::string& phones);

private:
    [[nodiscard]] ScorePrompt from_text(const std::string& text);

    std::string file_;
    bool is_strict_;
    std::optional<speech::Lexicon> lexicon_;
    std::optional<speech::LetterToSound> rules_;
};

}  // namespace sidetone::cli
