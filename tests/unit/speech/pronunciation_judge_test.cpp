// SPDX-License-Identifier: Apache-2.0
#include "speech/pronunciation_judge.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <random>
#include <string_view>
#include <vector>

#include "speech/weights_file.hpp"

namespace sidetone::speech {
namespace {

Phone phone(std::string_view name) {
    return phone_named(name).value();
}

/// Answers of a network that is sure of each of `classes` for a frame, and of the blank for the two behind it.
std::vector<float> answers(const std::vector<Phone>& classes, std::uint32_t seed) {
    std::mt19937 random(seed);
    std::vector<float> rows;
    const auto append = [&](Phone heard) {
        std::vector<double> row(kPhoneClassCount);
        for (auto& value : row) value = 1e-4 * static_cast<double>(1 + random() % 50);
        row[heard] += 1;
        double sum = 0;
        for (const double value : row) sum += value;
        for (const double value : row) rows.push_back(static_cast<float>(std::log(value / sum)));
    };
    for (const auto heard : classes) {
        for (const auto one : {heard, kBlank, kBlank}) append(one);
    }
    return rows;
}

const Prompt kWe = {{"we", {{phone("W"), phone("IY")}}}};
/// Two ways to say it, of different lengths.
const Prompt kRead = {{"read", {{phone("R"), phone("IY"), phone("D")}, {phone("R"), phone("EH")}}}};

PronunciationJudge::Scorers scorers() {
    return {find_weights("phone-scorer", "phone-scorer.bin"), find_weights("phone-scorer", "second-pass.bin")};
}

TEST(PronunciationJudge, TakesTheMeanOfBothPasses) {
    const PronunciationJudge judge{scorers()};
    const auto well = answers({phone("W"), phone("IY")}, 1);
    const auto badly = answers({phone("W"), phone("EH")}, 2);
    const auto one = judge.judge({well, {}}, kWe);
    const auto other = judge.judge({{}, badly}, kWe);
    const auto both = judge.judge({well, badly}, kWe);
    ASSERT_TRUE(one && other && both);
    ASSERT_GT(one->scores.phones[1], other->scores.phones[1] + 0.3F) << "else the mean is no other";
    for (std::size_t n = 0; n < 2; ++n) {
        EXPECT_NEAR(both->scores.phones[n], (one->scores.phones[n] + other->scores.phones[n]) / 2, 1e-6);
    }
    EXPECT_NEAR(both->scores.words[0], (one->scores.words[0] + other->scores.words[0]) / 2, 1e-5);
    const auto whole = [](const Judgement& judged) { return judged.scores.utterance; };
    EXPECT_NEAR(whole(*both).total, (whole(*one).total + whole(*other).total) / 2, 1e-5);
    EXPECT_NEAR(whole(*both).accuracy, (whole(*one).accuracy + whole(*other).accuracy) / 2, 1e-5);
    EXPECT_NEAR(whole(*both).completeness, (whole(*one).completeness + whole(*other).completeness) / 2, 1e-5);
    EXPECT_NEAR(whole(*both).fluency, (whole(*one).fluency + whole(*other).fluency) / 2, 1e-5);
    EXPECT_NEAR(whole(*both).prosody, (whole(*one).prosody + whole(*other).prosody) / 2, 1e-5);
}

TEST(PronunciationJudge, FeaturesAreThoseOfTheStreamingPass) {
    const auto first = answers({phone("W"), phone("IY")}, 1);
    const auto again = answers({phone("W"), phone("EH")}, 2);
    const auto judged = PronunciationJudge{scorers()}.judge({first, again}, kWe);
    const auto expected = pronunciation_features(first, kWe);
    ASSERT_TRUE(judged && expected);
    EXPECT_EQ(judged->features.phones, expected->phones);
}

TEST(PronunciationJudge, IsByThePassesThatHaveAScorer) {
    const auto first = answers({phone("W"), phone("IY")}, 1);
    const auto again = answers({phone("W"), phone("EH")}, 2);
    const PronunciationJudge full{{.streaming = {}, .full = scorers().full}};
    const auto judged = full.judge({first, again}, kWe);
    const auto expected = PronunciationJudge{scorers()}.judge({{}, again}, kWe);
    ASSERT_TRUE(judged && expected);
    EXPECT_EQ(judged->scores.phones, expected->scores.phones);
    EXPECT_FALSE(full.judge({first, {}}, kWe));
}

TEST(PronunciationJudge, BothPassesJudgeThePronunciationThatTheFirstHeard) {
    const auto past = answers({phone("R"), phone("EH")}, 3);
    const auto present = answers({phone("R"), phone("IY"), phone("D")}, 4);
    const PronunciationJudge judge{scorers()};
    const auto of_past = judge.judge({past, present}, kRead);
    ASSERT_TRUE(of_past);
    EXPECT_EQ(of_past->scores.phones.size(), 2U);
    const auto of_present = judge.judge({present, past}, kRead);
    ASSERT_TRUE(of_present);
    EXPECT_EQ(of_present->scores.phones.size(), 3U);
    EXPECT_GT(of_past->scores.phones[0], 1) << "both heard R";
}

TEST(PronunciationJudge, SaysNothingOfTooLittleSound) {
    const auto enough = answers({phone("W"), phone("IY")}, 1);
    const std::vector<float> one_row(enough.begin(), enough.begin() + kPhoneClassCount);
    const PronunciationJudge judge{scorers()};
    EXPECT_FALSE(judge.judge({one_row, enough}, kWe));
    EXPECT_FALSE(judge.judge({enough, one_row}, kWe));
    EXPECT_FALSE(judge.judge({}, kWe));
}

}  // namespace
}  // namespace sidetone::speech
