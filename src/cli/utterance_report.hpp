// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>

#include "cli/spoken_words.hpp"
#include "speech/utterances.hpp"

namespace sidetone::cli {

/// When an utterance begins and ends, the pauses around it taken off as far as phones tell.
[[nodiscard]] double start_s(const speech::Utterance& utterance) noexcept;
[[nodiscard]] double end_s(const speech::Utterance& utterance) noexcept;

/// A line of all its phones, or of all its words where some were listened for.
[[nodiscard]] std::string line_of(const speech::Utterance& utterance, const std::optional<speech::HeardWords>& words);
/// A line for each of these: when, and how sure.
[[nodiscard]] std::string table_of(const speech::Utterance& utterance, const std::optional<speech::HeardWords>& words);
[[nodiscard]] nlohmann::json to_json(const speech::Utterance& utterance,
                                     const std::optional<speech::HeardWords>& words);

/// A line of the text of an utterance, or why there is none.
[[nodiscard]] std::string text_line(double start_s, double end_s, const WordsOfUtterance& words);
/// Adds the key "text", or "no_text": why there is none.
void add_text(nlohmann::json& utterance, const WordsOfUtterance& words);

}  // namespace sidetone::cli
