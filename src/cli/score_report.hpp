// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "cli/score_prompt.hpp"
#include "speech/pronunciation_features.hpp"
#include "speech/pronunciation_scorer.hpp"
#include "speech/reading.hpp"

namespace sidetone::cli {

/// A recording of somebody who reads a prompt, judged.
struct ScoredRecording {
    std::string file;
    ScorePrompt prompt;
    std::string objection;  ///< why there are no scores; empty where there are
    speech::PronunciationFeatures features;
    speech::ExpertScores scores;
    std::vector<float> fine = {};         ///< of each phone, how probable it is that experts take it for fine; or none
    std::vector<speech::ReadWord> words;  ///< where a detector of voices knew the pauses: with better times
    std::function<double(std::int64_t frame)> seconds_of;           ///< of a frame's beginning in the recording
    std::function<double(std::int64_t frame)> end_seconds_of = {};  ///< of the end of the one before, if another time

    [[nodiscard]] double end_s(std::int64_t frame) const {
        return end_seconds_of ? end_seconds_of(frame) : seconds_of(frame);
    }
};

/// Why the text was not read aloud there; empty where it was.
[[nodiscard]] std::string objection_to(const speech::PronunciationFeatures& features, double least_probability);

/// A line for each word: its times, its score, and those of its phones with what was heard instead; then the utterance.
/// Of a phone about which nobody can be sure there is no score but a question mark. In colours by verdict, if wanted.
[[nodiscard]] std::string to_text(const ScoredRecording& scored, bool has_colours = false);

/// `file`, `spoken`, `guessed_words`, and `reason` where there is an objection; else `words[{word, start_s, end_s,
/// score, phones[{phone, start_s, end_s, score, fine, verdict, heard}]}]` (`fine`: how probable that is, `verdict`:
/// "fine", "otherwise" or "not sure", both null where nobody knows) and `utterance{accuracy, completeness, fluency,
/// prosodic, total}`. Phones from 0 to 2, words and utterance to 10.
[[nodiscard]] nlohmann::json to_json(const ScoredRecording& scored);

}  // namespace sidetone::cli
