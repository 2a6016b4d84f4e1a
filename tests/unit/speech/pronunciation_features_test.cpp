// SPDX-License-Identifier: Apache-2.0
#include "speech/pronunciation_features.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <random>
#include <vector>

namespace sidetone::speech {
namespace {

Phone phone(std::string_view name) {
    return phone_named(name).value();
}

/// Frames in which the class named has nearly all of the probability, as a trained network's have.
std::vector<float> said(const std::vector<Phone>& classes, std::uint32_t seed = 1) {
    std::mt19937 random(seed);
    std::vector<float> rows;
    for (const auto heard : classes) {
        std::vector<double> row(kPhoneClassCount);
        for (auto& value : row) value = 1e-3 * static_cast<double>(1 + random() % 5);
        row[heard] += 1;
        const double sum = std::accumulate(row.begin(), row.end(), 0.0);
        for (const double value : row) rows.push_back(static_cast<float>(std::log(value / sum)));
    }
    return rows;
}

const Prompt kPrompt = {{"we", {{phone("W"), phone("IY")}}}, {"call", {{phone("K"), phone("AO"), phone("L")}}}};

std::vector<float> we_call() {
    return said({0, 0, phone("W"), 0, phone("IY"), phone("IY"), 0, 0, 0, 0, 0, 0, phone("K"), 0, phone("AO"), 0,
                 phone("L"), 0});
}

TEST(PronunciationFeatures, AreTheLikelihoodRatiosOfGoodnessAndFactsOfTheAlignment) {
    const auto rows = we_call();
    const auto features = pronunciation_features(rows, kPrompt);
    ASSERT_TRUE(features);
    const std::vector<Phone> phones = {phone("W"), phone("IY"), phone("K"), phone("AO"), phone("L")};
    const auto goodness = goodness_of_pronunciation(rows, phones);
    ASSERT_EQ(features->phones.size(), phones.size());
    for (std::size_t n = 0; n < phones.size(); ++n) {
        const auto& one = features->phones[n];
        const auto& aligned = features->alignment[n];
        EXPECT_EQ(aligned.phone, phones[n]);
        double all = 0, largest = -1e9;
        for (std::size_t c = 0; c < kPhoneClassCount; ++c) {
            const double ratio = goodness.phones[n][c];
            EXPECT_NEAR(one[c], std::clamp(ratio, -12.0, 6.0) / 6, 1e-5);
            all += std::exp(ratio);
            if (c != phones[n]) largest = std::max(largest, ratio);
        }
        EXPECT_NEAR(one[40], -std::log(all) / 4, 1e-4);
        EXPECT_NEAR(one[41], std::max(largest, -12.0) / 4, 1e-5);
        EXPECT_NEAR(one[42], aligned.peak_log_probability / 4, 1e-5);
        EXPECT_NEAR(one[44], std::log(static_cast<double>(aligned.frames())) / 2, 1e-5);
    }
}

TEST(PronunciationFeatures, TellAPhoneSaidWrongFromOneSaidRight) {
    const auto right = pronunciation_features(we_call(), kPrompt);
    const auto wrong = pronunciation_features(said({0, 0, phone("V"), 0, phone("IY"), phone("IY"), 0, 0, 0, 0, 0, 0,
                                                    phone("K"), 0, phone("AO"), 0, phone("L"), 0}),
                                              kPrompt);
    ASSERT_TRUE(right && wrong);
    EXPECT_GT(right->phones[0][40], -0.1F);
    EXPECT_LT(wrong->phones[0][40], -0.8F);
    const auto& ratios = wrong->goodness[0];
    EXPECT_EQ(std::max_element(ratios.begin(), ratios.end()) - ratios.begin(), phone("V"));
    EXPECT_NEAR(wrong->phones[4][40], right->phones[4][40], 0.05);
}

TEST(PronunciationFeatures, HaveEveryWordEvenOneThatWasLeftOut) {
    const auto features = pronunciation_features(
        said({0, 0, phone("W"), 0, phone("IY"), phone("IY"), 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0}), kPrompt);
    ASSERT_TRUE(features);
    ASSERT_EQ(features->phones.size(), 5U);
    for (const std::size_t n : {2U, 3U, 4U}) EXPECT_LT(features->phones[n][40], -0.5F) << n;
    EXPECT_EQ(features->alignment.back().word, 1);
}

TEST(PronunciationFeatures, TakeThePronunciationThatWasHeard) {
    const Prompt prompt = {{"read", {{phone("R"), phone("EH"), phone("D")}, {phone("R"), phone("IY"), phone("D")}}}};
    const auto features = pronunciation_features(said({0, phone("R"), 0, phone("IY"), 0, phone("D"), 0}), prompt);
    ASSERT_TRUE(features);
    EXPECT_EQ(features->alignment[1].phone, phone("IY"));
}

TEST(PronunciationFeatures, AreNoneOfFewerFramesThanPhones) {
    EXPECT_FALSE(pronunciation_features(said({phone("W"), phone("IY"), phone("K")}), kPrompt));
    EXPECT_FALSE(pronunciation_features({}, kPrompt));
}

TEST(PronunciationFeatures, AreFiniteWhateverTheFrames) {
    std::vector<float> rows(30 * kPhoneClassCount);
    std::mt19937 random(3);
    constexpr float kOdd[] = {NAN, INFINITY, -INFINITY, 0, -1e30F, -3};
    for (auto& value : rows) value = kOdd[random() % std::size(kOdd)];
    const auto features = pronunciation_features(rows, kPrompt);
    if (!features) return;
    for (const auto& one : features->phones) {
        for (const float value : one) EXPECT_TRUE(std::isfinite(value));
    }
    for (const float value : features->utterance) EXPECT_TRUE(std::isfinite(value));
}

}  // namespace
}  // namespace sidetone::speech
