// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>

#include "speech/reading.hpp"

namespace sidetone::cli {

/// Why a reading is none: silence, another text, sound that ends before the text does. Empty where there is nothing to
/// object to.
[[nodiscard]] std::string objection_to(const speech::Reading& reading, bool has_voice, double least_probability);

/// The same, of the speech::mean_probability_of a text's phones alone.
[[nodiscard]] std::string objection_to(double mean_probability, double least_probability);

/// A line for each word: its times and, for each phone, when it begins and how sure the network is of it. What was said
/// beside the text has lines of its own.
[[nodiscard]] std::string to_text(const speech::Reading& reading);
/// These alone; nothing where there was nothing.
[[nodiscard]] std::string beside_to_text(const speech::Reading& reading);

/// `spoken`, `heard_share`, `mean_probability`,
/// `words[{word, left_out, start_s, end_s, phones[{phone, start_s, end_s, confidence}]}]`, `beside[{words, before,
/// start_s, end_s}]` (words before the reader went back to them, or none: something else; before which word), and
/// `reason` where there is an objection; there are then no words.
[[nodiscard]] nlohmann::json to_json(const speech::Reading& reading, const std::string& objection);

}  // namespace sidetone::cli
