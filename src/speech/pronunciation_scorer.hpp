// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstddef>
#include <filesystem>
#include <span>
#include <vector>

#include "speech/pronunciation_features.hpp"

namespace sidetone::speech {

/// Of an utterance, each from 0 to 10.
struct UtteranceScores {
    float accuracy = 0, completeness = 0, fluency = 0, prosody = 0, total = 0;
};

/// What experts would say, as far as a small network has learnt it from theirs.
struct ExpertScores {
    std::vector<float> phones;  ///< 0 (wrong or missing), 1 (heavy accent) to 2 (right), the mean of experts
    std::vector<float> words;   ///< 0 to 10
    UtteranceScores utterance;
};

/// Features of pronunciation to experts' scores: the mean of a few equal networks. Each has a layer for each phone by
/// itself, one that sees its neighbours and the mean of the utterance, and layers for words and for the utterance.
/// tools/train/phone_scorer makes the weights, and says what they are.
///
/// Built on the control thread; any thread may ask.
class PronunciationScorer {
public:
    /// Throws InputError where `file` holds no such networks.
    explicit PronunciationScorer(const std::filesystem::path& file);

    [[nodiscard]] ExpertScores score(const PronunciationFeatures& features) const;

    [[nodiscard]] std::size_t parameter_count() const noexcept;

private:
    /// outputs × inputs, and a bias for each output.
    struct Layer {
        std::size_t inputs = 0, outputs = 0;
        std::vector<float> matrix, bias;
        void apply(std::span<const float> from, std::span<float> to) const noexcept;
    };
    struct Network {
        Layer phone, around, phone_score, word, word_score, utterance, utterance_scores;
    };
    struct Hidden;

    void add_scores(const Network& network, const PronunciationFeatures& features, ExpertScores& sum) const;

    std::vector<Network> networks_;
};

/// Sidetone's own weights. Throws InputError where they are not installed.
[[nodiscard]] std::filesystem::path default_pronunciation_scorer_file();

}  // namespace sidetone::speech
