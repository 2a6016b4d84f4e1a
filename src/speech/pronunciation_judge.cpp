// SPDX-License-Identifier: Apache-2.0
#include "speech/pronunciation_judge.hpp"

#include <cstddef>
#include <utility>
#include <vector>

namespace sidetone::speech {
namespace {

float mean(float a, float b) noexcept {
    return (a + b) / 2;
}

void average(std::vector<float>& scores, const std::vector<float>& others) noexcept {
    for (std::size_t n = 0; n < scores.size(); ++n) scores[n] = mean(scores[n], others[n]);
}

ExpertScores mean(ExpertScores scores, const ExpertScores& others) {
    average(scores.phones, others.phones);
    average(scores.words, others.words);
    auto& whole = scores.utterance;
    const auto& other = others.utterance;
    whole = {.accuracy = mean(whole.accuracy, other.accuracy),
             .completeness = mean(whole.completeness, other.completeness),
             .fluency = mean(whole.fluency, other.fluency),
             .prosody = mean(whole.prosody, other.prosody),
             .total = mean(whole.total, other.total)};
    return scores;
}

std::vector<float> fine_of(const std::vector<float>& scores, const std::optional<Certainty>& certainty) {
    std::vector<float> fine;
    if (!certainty) return fine;
    for (const float score : scores) fine.push_back(certainty->fine_probability(score));
    return fine;
}

std::optional<Judgement> judge_by(const PronunciationScorer& scorer, const std::optional<Certainty>& certainty,
                                  std::span<const float> answers, const Prompt& prompt) {
    auto features = pronunciation_features(answers, prompt);
    if (!features) return std::nullopt;
    auto scores = scorer.score(*features);
    auto fine = fine_of(scores.phones, certainty);
    return Judgement{.features = *std::move(features), .scores = std::move(scores), .fine = std::move(fine)};
}

}  // namespace

PronunciationJudge::PronunciationJudge(const Scorers& scorers) {
    if (!scorers.streaming.empty()) streaming_.emplace(scorers.streaming);
    if (!scorers.full.empty()) full_.emplace(scorers.full);
    if (scorers.certainty.empty()) return;
    of_streaming_ = read_certainty(scorers.certainty, "streaming");
    of_full_ = read_certainty(scorers.certainty, "full");
    of_both_ = read_certainty(scorers.certainty, "both");
}

std::optional<Judgement> PronunciationJudge::judge(const AnswersOfPasses& answers, const Prompt& prompt) const {
    const bool by_streaming = streaming_ && !answers.streaming.empty();
    const bool by_full = full_ && !answers.full.empty();
    if (!by_streaming) {
        return by_full ? judge_by(*full_, of_full_, answers.full, prompt) : std::nullopt;
    }
    auto judged = judge_by(*streaming_, of_streaming_, answers.streaming, prompt);
    if (!judged || !by_full) return judged;
    const auto again = judge_by(*full_, of_full_, answers.full, prompt_as_heard(prompt, judged->features.alignment));
    if (!again) return std::nullopt;
    judged->scores = mean(std::move(judged->scores), again->scores);
    judged->fine = fine_of(judged->scores.phones, of_both_);
    return judged;
}

Prompt prompt_as_heard(const Prompt& prompt, std::span<const AlignedPhone> alignment) {
    auto heard = prompt;
    for (const auto& phone : alignment) {
        const auto word = static_cast<std::size_t>(phone.word);
        heard[word].pronunciations = {prompt[word].pronunciations[static_cast<std::size_t>(phone.pronunciation)]};
    }
    return heard;
}

}  // namespace sidetone::speech
