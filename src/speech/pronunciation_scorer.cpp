// SPDX-License-Identifier: Apache-2.0
#include "speech/pronunciation_scorer.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <numeric>

#include "speech/weights_file.hpp"

namespace sidetone::speech {
namespace {

constexpr std::size_t kMaxBytes = std::size_t{1} << 20;
constexpr std::size_t kMaxWidth = 256;
constexpr std::size_t kUtteranceScoreCount = 5;
constexpr float kMostOfPhone = 2;
constexpr float kScale = 5;  // words and utterances are learnt as a fifth of their scores, in the range of phones'

void rectify(std::span<float> values) noexcept {
    for (auto& value : values) value = std::max(value, 0.0F);
}

void append(std::vector<float>& to, std::span<const float> values) {
    to.insert(to.end(), values.begin(), values.end());
}

std::size_t expect(WeightsFile& file, const char* what, std::size_t least, std::size_t most) {
    const std::size_t found = file.next_16_bits();
    if (found < least || found > most)
        file.refuse(fmt::format("{}: found {}, expected {} to {}", what, found, least, most));
    return found;
}

}  // namespace

/// What the networks think of each phone, a row each.
struct PronunciationScorer::Hidden {
    std::size_t width;
    std::vector<float> alone, around;

    [[nodiscard]] std::span<const float> row(const std::vector<float>& rows, std::size_t n) const {
        return std::span{rows}.subspan(n * width, width);
    }
    [[nodiscard]] std::vector<float> mean(const std::vector<float>& rows, std::size_t first, std::size_t end) const {
        std::vector<float> sum(width);
        for (std::size_t n = first; n < end; ++n) {
            const auto values = row(rows, n);
            for (std::size_t k = 0; k < width; ++k) sum[k] += values[k] / static_cast<float>(end - first);
        }
        return sum;
    }
};

void PronunciationScorer::Layer::apply(std::span<const float> from, std::span<float> to) const noexcept {
    for (std::size_t row = 0; row < outputs; ++row) {
        to[row] = std::inner_product(from.begin(), from.end(),
                                     matrix.begin() + static_cast<std::ptrdiff_t>(row * inputs), bias[row]);
    }
}

PronunciationScorer::PronunciationScorer(const std::filesystem::path& file) {
    WeightsFile weights{file, "S2PN", kMaxBytes};
    expect(weights, "features of a phone", kPhoneFeatureCount, kPhoneFeatureCount);
    expect(weights, "features of an utterance", kUtteranceFeatureCount, kUtteranceFeatureCount);
    const auto count = expect(weights, "networks", 1, 16);
    const auto width = expect(weights, "width", 1, kMaxWidth);
    const auto head = expect(weights, "width of heads", 1, kMaxWidth);
    const auto read = [&](std::size_t inputs, std::size_t outputs) {
        Layer layer{inputs, outputs, std::vector<float>(inputs * outputs), std::vector<float>(outputs)};
        for (auto& value : layer.matrix) value = weights.next_float();
        for (auto& value : layer.bias) value = weights.next_float();
        return layer;
    };
    for (std::size_t n = 0; n < count; ++n) {
        Network network;
        network.phone = read(kPhoneFeatureCount + kPhoneClassCount, width);
        network.around = read(4 * width + kUtteranceFeatureCount, width);
        network.phone_score = read(2 * width, 1);
        network.word = read(2 * width + 2, head);
        network.word_score = read(head, 1);
        network.utterance = read(2 * width + kUtteranceFeatureCount + 2, head);
        network.utterance_scores = read(head, kUtteranceScoreCount);
        networks_.push_back(std::move(network));
    }
    weights.expect_end();
}

std::size_t PronunciationScorer::parameter_count() const noexcept {
    std::size_t count = 0;
    for (const auto& n : networks_) {
        for (const auto* layer :
             {&n.phone, &n.around, &n.phone_score, &n.word, &n.word_score, &n.utterance, &n.utterance_scores}) {
            count += layer->matrix.size() + layer->bias.size();
        }
    }
    return count;
}

ExpertScores PronunciationScorer::score(const PronunciationFeatures& features) const {
    ExpertScores scores;
    if (features.phones.empty()) return scores;
    scores.phones.resize(features.phones.size());
    scores.words.resize(static_cast<std::size_t>(features.alignment.back().word) + 1);
    for (const auto& network : networks_) add_scores(network, features, scores);
    const auto finish = [this](float& sum, float factor, float most) {
        sum = std::clamp(sum * factor / static_cast<float>(networks_.size()), 0.0F, most);
    };
    for (auto& score : scores.phones) finish(score, 1, kMostOfPhone);
    for (auto& score : scores.words) finish(score, kScale, 10);
    auto& whole = scores.utterance;
    for (auto* score : {&whole.accuracy, &whole.completeness, &whole.fluency, &whole.prosody, &whole.total}) {
        finish(*score, kScale, 10);
    }
    return scores;
}

void PronunciationScorer::add_scores(const Network& network, const PronunciationFeatures& features,
                                     ExpertScores& sum) const {
    const auto count = features.phones.size();
    const auto width = network.phone.outputs;
    Hidden hidden{width, std::vector<float>(count * width), std::vector<float>(count * width)};
    std::vector<float> input;
    for (std::size_t n = 0; n < count; ++n) {
        input.assign(features.phones[n].begin(), features.phones[n].end());
        input.resize(kPhoneFeatureCount + kPhoneClassCount);
        input[kPhoneFeatureCount + features.alignment[n].phone] = 1;
        const auto to = std::span{hidden.alone}.subspan(n * width, width);
        network.phone.apply(input, to);
        rectify(to);
    }
    const auto mean = hidden.mean(hidden.alone, 0, count);
    const std::vector<float> nobody(width);
    std::vector<float> scores(count);
    for (std::size_t n = 0; n < count; ++n) {
        input.clear();
        append(input, n == 0 ? nobody : hidden.row(hidden.alone, n - 1));
        append(input, hidden.row(hidden.alone, n));
        append(input, n + 1 == count ? nobody : hidden.row(hidden.alone, n + 1));
        append(input, mean);
        append(input, features.utterance);
        const auto to = std::span{hidden.around}.subspan(n * width, width);
        network.around.apply(input, to);
        rectify(to);
        input.clear();
        append(input, to);
        append(input, hidden.row(hidden.alone, n));
        network.phone_score.apply(input, std::span{scores}.subspan(n, 1));
        sum.phones[n] += scores[n];
    }
    // The mean of what is thought of phones `first` to `end`, then the least and the mean of their scores.
    const auto finish_input = [&](std::size_t first, std::size_t end) {
        const auto part = std::span{scores}.subspan(first, end - first);
        input.push_back(*std::min_element(part.begin(), part.end()));
        input.push_back(std::accumulate(part.begin(), part.end(), 0.0F) / static_cast<float>(part.size()));
    };
    std::vector<float> head(network.word.outputs);
    for (std::size_t first = 0; first < count;) {
        auto end = first;
        while (end < count && features.alignment[end].word == features.alignment[first].word) ++end;
        input = hidden.mean(hidden.around, first, end);
        append(input, hidden.mean(hidden.alone, first, end));
        finish_input(first, end);
        network.word.apply(input, head);
        rectify(head);
        float score = 0;
        network.word_score.apply(head, {&score, 1});
        sum.words[static_cast<std::size_t>(features.alignment[first].word)] += score;
        first = end;
    }
    input = hidden.mean(hidden.around, 0, count);
    append(input, mean);
    append(input, features.utterance);
    finish_input(0, count);
    network.utterance.apply(input, head);
    rectify(head);
    std::array<float, kUtteranceScoreCount> whole{};
    network.utterance_scores.apply(head, whole);
    sum.utterance.accuracy += whole[0];
    sum.utterance.completeness += whole[1];
    sum.utterance.fluency += whole[2];
    sum.utterance.prosody += whole[3];
    sum.utterance.total += whole[4];
}

std::filesystem::path default_pronunciation_scorer_file() {
    return find_weights("phone-scorer", "phone-scorer.bin");
}

}  // namespace sidetone::speech
