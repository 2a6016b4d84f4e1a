// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <string>

#include "cli/listening.hpp"
#include "cli/speech_model.hpp"
#include "cli/spoken_words.hpp"
#include "speech/heard_words.hpp"
#include "speech/phone_language_model.hpp"
#include "speech/voice_detector.hpp"

namespace sidetone::cli {

/// What live captions are made with.
struct CaptionArguments {
    ListeningArguments listening;
    SpeechModelArguments model;
    std::size_t beam = 4;
    std::shared_ptr<const speech::PhoneLanguageModel> language;
    std::string json, json_lines;  ///< files; `json_lines` "-": standard output
};

/// Shows what is spoken into a card while it is, until the user stops it; then the ledger. Returns an ExitCode.
/// `detector` finds the voices; `words`, if any, are listened for too; `texts` finds the text of utterances that are
/// over; null: nobody. Throws InputError.
[[nodiscard]] int show_captions(const CaptionArguments& arguments, std::unique_ptr<speech::VoiceDetector> detector,
                                std::optional<speech::HeardWords> words, std::unique_ptr<SpokenWords> texts);

}  // namespace sidetone::cli
