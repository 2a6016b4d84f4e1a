// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <CLI/CLI.hpp>
#include <cstdint>
#include <string>

#include "speech/lexicon.hpp"
#include "speech/phoneme_recognizer.hpp"
#include "speech/prompt.hpp"

namespace sidetone::cli {

/// The options that commands share which recognise phonemes.
struct SpeechModelArguments {
    std::string model = "phoneme-ctc";
    std::uint32_t chunk_ms = 80;
};

void add_speech_model_options(CLI::App& command, SpeechModelArguments& arguments);

/// Throws InputError: no such model, weights that are missing or not the manifest's.
[[nodiscard]] speech::PhonemeRecognizer open_recognizer(const SpeechModelArguments& arguments);

/// `asked`, or the default one where it is empty. Throws InputError: there is none, or it is none.
[[nodiscard]] speech::Lexicon read_lexicon(const std::string& asked);

/// What a prompt is made from.
struct PromptArguments {
    std::string text, lexicon;
    bool is_strict = false;
};

void add_prompt_options(CLI::App& command, PromptArguments& arguments);

/// Words that the lexicon does not have are said by rule, and named in a message. Throws InputError: no lexicon, a text
/// without words, words that nobody knows how to say, or with --strict any that the lexicon does not have (named).
[[nodiscard]] speech::Prompt read_prompt(const PromptArguments& arguments);

}  // namespace sidetone::cli
