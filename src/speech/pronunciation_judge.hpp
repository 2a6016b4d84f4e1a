// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <optional>
#include <span>
#include <vector>

#include "speech/certainty.hpp"
#include "speech/prompt.hpp"
#include "speech/pronunciation_features.hpp"
#include "speech/pronunciation_scorer.hpp"

namespace sidetone::speech {

/// What the networks answered to somebody who read a prompt: rows of kPhoneClassCount natural logarithms. A pass that
/// did not listen has none.
struct AnswersOfPasses {
    std::span<const float> streaming, full;
};

/// What is to be said of a reading.
struct Judgement {
    PronunciationFeatures
        features;         ///< by the streaming pass, whose borders are better, where it listened; else by the full
    ExpertScores scores;  ///< the mean of both passes' where both listened
    /// How probable it is that experts take each phone for fine; none where that is not known of these scorers.
    std::vector<float> fine;
};

/// Judges readings by the streaming network, by the one that also hears what comes after a sound, or by both: each has
/// a scorer of its own, and the mean of both errs less than either (models/phone-scorer/README.md).
///
/// Built on the control thread; any thread may ask.
class PronunciationJudge {
public:
    /// Weights of each pass's scorer; no name: that pass is not to be judged by.
    struct Scorers {
        std::filesystem::path streaming, full;
        std::filesystem::path certainty = {};  ///< how sure one may be of their scores; no name: nobody knows
    };

    /// Throws InputError where a file is no scorer.
    explicit PronunciationJudge(const Scorers& scorers);

    /// By the passes that have both answers and a scorer; there must be one. Of several pronunciations of a word all
    /// passes judge the one that the first of them heard. Nothing where there is too little sound for the prompt.
    /// Throws InputError as ForcedAlignment does. Allocates, and takes time that grows with frames times phones.
    [[nodiscard]] std::optional<Judgement> judge(const AnswersOfPasses& answers, const Prompt& prompt) const;

private:
    std::optional<PronunciationScorer> streaming_, full_;
    std::optional<Certainty> of_streaming_, of_full_, of_both_;
};

/// The prompt with nothing but the pronunciations that `alignment` found.
[[nodiscard]] Prompt prompt_as_heard(const Prompt& prompt, std::span<const AlignedPhone> alignment);

}  // namespace sidetone::speech
