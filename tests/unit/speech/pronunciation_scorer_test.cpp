// SPDX-License-Identifier: Apache-2.0
#include "speech/pronunciation_scorer.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <limits>
#include <random>
#include <string>
#include <vector>

#include "unit/speech/written_file.hpp"

namespace sidetone::speech {
namespace {

using test::complaint_of;
using test::WrittenFile;
using testing::HasSubstr;

constexpr std::size_t kWidth = 6, kHead = 3;
using Vector = std::vector<double>;

struct Layer {
    std::size_t inputs, outputs;
    std::vector<float> matrix, bias;

    [[nodiscard]] Vector of(const Vector& from) const {
        Vector to(bias.begin(), bias.end());
        for (std::size_t row = 0; row < outputs; ++row) {
            for (std::size_t k = 0; k < inputs; ++k) to[row] += static_cast<double>(matrix[row * inputs + k]) * from[k];
        }
        return to;
    }
};

Vector rectified(Vector values) {
    for (auto& value : values) value = std::max(value, 0.0);
    return values;
}

Vector joined(const std::vector<Vector>& parts) {
    Vector all;
    for (const auto& part : parts) all.insert(all.end(), part.begin(), part.end());
    return all;
}

Vector mean(const std::vector<Vector>& rows) {
    Vector sum(rows.front().size());
    for (const auto& row : rows) {
        for (std::size_t k = 0; k < sum.size(); ++k) sum[k] += row[k] / static_cast<double>(rows.size());
    }
    return sum;
}

std::vector<Layer> random_layers(std::mt19937& random) {
    constexpr std::size_t kSizes[][2] = {
        {86, kWidth}, {4 * kWidth + 5, kWidth}, {2 * kWidth, 1}, {2 * kWidth + 2, kHead},
        {kHead, 1},   {2 * kWidth + 7, kHead},  {kHead, 5}};
    std::normal_distribution<float> normal(0.1F, 0.3F);
    std::vector<Layer> layers;
    for (const auto& [inputs, outputs] : kSizes) {
        layers.push_back({inputs, outputs, std::vector<float>(inputs * outputs), std::vector<float>(outputs)});
        for (auto& value : layers.back().matrix) value = normal(random);
        for (auto& value : layers.back().bias) value = normal(random);
    }
    return layers;
}

std::string file_of(const std::vector<std::vector<Layer>>& networks) {
    std::string file = "S2PN";
    for (const auto number : {kPhoneFeatureCount, kUtteranceFeatureCount, networks.size(), kWidth, kHead}) {
        file += static_cast<char>(number % 256);
        file += static_cast<char>(number / 256);
    }
    for (const auto& layers : networks) {
        for (const auto& layer : layers) {
            for (const auto* part : {&layer.matrix, &layer.bias}) {
                file.append(reinterpret_cast<const char*>(part->data()), part->size() * sizeof(float));
            }
        }
    }
    return file;
}

/// Three words of 2, 1 and 4 phones.
PronunciationFeatures random_features(std::mt19937& random) {
    std::normal_distribution<float> normal(0, 1);
    PronunciationFeatures features;
    for (const int word : {0, 0, 1, 2, 2, 2, 2}) {
        auto& one = features.phones.emplace_back();
        for (auto& value : one) value = normal(random);
        AlignedPhone aligned;
        aligned.phone = static_cast<Phone>(1 + random() % kPhoneCount);
        aligned.word = word;
        features.alignment.push_back(aligned);
    }
    for (auto& value : features.utterance) value = normal(random);
    return features;
}

struct Expected {
    Vector phones, words, utterance;
};

/// The network as its header describes it, in double precision.
Expected reference(const std::vector<Layer>& l, const PronunciationFeatures& f) {
    std::vector<Vector> alone, around, both;
    for (std::size_t n = 0; n < f.phones.size(); ++n) {
        Vector kind(kPhoneClassCount);
        kind[f.alignment[n].phone] = 1;
        alone.push_back(rectified(l[0].of(joined({Vector(f.phones[n].begin(), f.phones[n].end()), kind}))));
    }
    const Vector whole(f.utterance.begin(), f.utterance.end());
    const Vector nobody(kWidth);
    Expected expected;
    for (std::size_t n = 0; n < alone.size(); ++n) {
        around.push_back(
            rectified(l[1].of(joined({n == 0 ? nobody : alone[n - 1], alone[n],
                                      n + 1 == alone.size() ? nobody : alone[n + 1], mean(alone), whole}))));
        both.push_back(joined({around[n], alone[n]}));
        expected.phones.push_back(l[2].of(both[n])[0]);
    }
    const auto ending = [&](std::size_t first, std::size_t end) {
        const Vector part(expected.phones.begin() + static_cast<std::ptrdiff_t>(first),
                          expected.phones.begin() + static_cast<std::ptrdiff_t>(end));
        double sum = 0;
        for (const double value : part) sum += value;
        return Vector{*std::min_element(part.begin(), part.end()), sum / static_cast<double>(part.size())};
    };
    constexpr std::size_t kBorders[] = {0, 2, 3, 7};
    for (std::size_t w = 0; w + 1 < std::size(kBorders); ++w) {
        const std::vector<Vector> part(both.begin() + static_cast<std::ptrdiff_t>(kBorders[w]),
                                       both.begin() + static_cast<std::ptrdiff_t>(kBorders[w + 1]));
        expected.words.push_back(
            5 * l[4].of(rectified(l[3].of(joined({mean(part), ending(kBorders[w], kBorders[w + 1])}))))[0]);
    }
    for (const double value : l[6].of(rectified(l[5].of(joined({mean(both), whole, ending(0, 7)}))))) {
        expected.utterance.push_back(5 * value);
    }
    return expected;
}

void expect_near(const ExpertScores& scores, const Expected& expected) {
    ASSERT_EQ(scores.phones.size(), expected.phones.size());
    ASSERT_EQ(scores.words.size(), expected.words.size());
    for (std::size_t n = 0; n < scores.phones.size(); ++n)
        EXPECT_NEAR(scores.phones[n], std::clamp(expected.phones[n], 0.0, 2.0), 1e-4);
    for (std::size_t n = 0; n < scores.words.size(); ++n)
        EXPECT_NEAR(scores.words[n], std::clamp(expected.words[n], 0.0, 10.0), 1e-3);
    const auto& u = scores.utterance;
    const float whole[] = {u.accuracy, u.completeness, u.fluency, u.prosody, u.total};
    for (std::size_t n = 0; n < 5; ++n) EXPECT_NEAR(whole[n], std::clamp(expected.utterance[n], 0.0, 10.0), 1e-3);
}

TEST(PronunciationScorer, IsTheNetworkInDoublePrecision) {
    std::mt19937 random(5);
    std::size_t inside = 0;
    for (int round = 0; round < 50; ++round) {
        const auto layers = random_layers(random);
        const WrittenFile file{file_of({layers}), "scorer.bin"};
        const PronunciationScorer scorer{file.path()};
        const auto features = random_features(random);
        const auto expected = reference(layers, features);
        for (const double value : expected.phones) inside += value > 0 && value < 2 ? 1U : 0U;
        expect_near(scorer.score(features), expected);
    }
    EXPECT_GT(inside, 50U) << "else only the limits are compared";
}

TEST(PronunciationScorer, TakesTheMeanOfItsNetworks) {
    std::mt19937 random(6);
    const auto one = random_layers(random);
    const auto other = random_layers(random);
    const WrittenFile file{file_of({one, other}), "scorer.bin"};
    const auto features = random_features(random);
    auto expected = reference(one, features);
    const auto second = reference(other, features);
    const auto average = [](Vector& a, const Vector& b) {
        for (std::size_t n = 0; n < a.size(); ++n) a[n] = (a[n] + b[n]) / 2;
    };
    average(expected.phones, second.phones);
    average(expected.words, second.words);
    average(expected.utterance, second.utterance);
    expect_near(PronunciationScorer{file.path()}.score(features), expected);
}

TEST(PronunciationScorer, HasNoScoresOfNothing) {
    std::mt19937 random(7);
    const WrittenFile file{file_of({random_layers(random)}), "scorer.bin"};
    EXPECT_TRUE(PronunciationScorer{file.path()}.score({}).phones.empty());
}

TEST(PronunciationScorer, RefusesFilesThatAreNoScorer) {
    std::mt19937 random(8);
    const auto good = file_of({random_layers(random)});
    const auto complaint = [](const std::string& contents) {
        const WrittenFile file{contents, "scorer.bin"};
        return complaint_of([&] { (void)PronunciationScorer{file.path()}; });
    };
    EXPECT_EQ(complaint(good), "");
    EXPECT_THAT(complaint("S2P1"), HasSubstr("S2PN"));
    EXPECT_THAT(complaint(good.substr(0, 100)), HasSubstr("its end"));
    EXPECT_THAT(complaint(good + "x"), HasSubstr("expected"));
    auto wide = good;
    wide[11] = '\x7F';
    EXPECT_THAT(complaint(wide), HasSubstr("width"));
    auto other = good;
    other[4] = 1;
    EXPECT_THAT(complaint(other), HasSubstr("features of a phone: found 1, expected 46"));
    auto odd = good;
    const float nan = std::numeric_limits<float>::quiet_NaN();
    std::memcpy(odd.data() + 14, &nan, sizeof nan);
    EXPECT_THAT(complaint(odd), HasSubstr("no number"));
}

TEST(PronunciationScorer, OfThisProjectIsSmall) {
    const PronunciationScorer scorer{default_pronunciation_scorer_file()};
    EXPECT_LE(scorer.parameter_count(), 100'000U);
}

}  // namespace
}  // namespace sidetone::speech
