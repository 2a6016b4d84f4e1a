// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "cli/command_line.hpp"
#include "speech/lexicon.hpp"
#include "speech/phoneme_recognizer.hpp"
#include "speech/prompt.hpp"
#include "speech/pronunciation_judge.hpp"

namespace sidetone::cli {

/// The options that commands share which recognise phonemes.
struct SpeechModelArguments {
    std::string model;          ///< empty: that of the pass
    std::string pass = "full";  ///< or "streaming"; for scores also "both"
    std::uint32_t chunk_ms = 80;
};

/// --model and --chunk-ms.
void add_speech_model_options(Command command, SpeechModelArguments& arguments);
/// --pass, instead of --model; after that.
void add_pass_option(Command command, SpeechModelArguments& arguments);

/// The same with both passes together, of which scores may be the mean.
void add_scoring_pass_option(Command command, SpeechModelArguments& arguments);

/// Whether both passes are to hear it.
[[nodiscard]] bool are_both_passes(const SpeechModelArguments& arguments);
/// Whether that network hears which waits for what comes after a sound.
[[nodiscard]] bool is_second_pass(const SpeechModelArguments& arguments);
/// What hears while somebody speaks: the streaming network, but for --model.
[[nodiscard]] SpeechModelArguments live(SpeechModelArguments arguments);
/// What hears it once more where both passes are to.
[[nodiscard]] SpeechModelArguments second(SpeechModelArguments arguments);
/// The weights of what scores the answers of the passes that are to hear it: each has a scorer of its own; and how
/// sure one may be of their scores. Throws InputError where there are none.
[[nodiscard]] speech::PronunciationJudge::Scorers scorer_files(const SpeechModelArguments& arguments);
/// Below this probability of its phones a text was not read (speech/reading.hpp).
[[nodiscard]] double least_mean_probability(const SpeechModelArguments& arguments);
/// The model's name or folder.
[[nodiscard]] std::string model_called(const SpeechModelArguments& arguments);
/// That of each network that is to hear it.
[[nodiscard]] std::vector<std::string> heard_by(const SpeechModelArguments& arguments);

/// Throws InputError: no such model, weights that are missing or not the manifest's.
[[nodiscard]] speech::PhonemeRecognizer open_recognizer(const SpeechModelArguments& arguments);

/// `asked`, or the default one where it is empty. Throws InputError: there is none, or it is none.
[[nodiscard]] speech::Lexicon read_lexicon(const std::string& asked);

/// What a prompt is made from.
struct PromptArguments {
    std::string text, lexicon;
    bool is_strict = false;
};

void add_prompt_options(Command command, PromptArguments& arguments);

/// Words that the lexicon does not have are said by rule, and named in a message. Throws InputError: no lexicon, a text
/// without words, words that nobody knows how to say, or with --strict any that the lexicon does not have (named).
[[nodiscard]] speech::Prompt read_prompt(const PromptArguments& arguments);

}  // namespace sidetone::cli
