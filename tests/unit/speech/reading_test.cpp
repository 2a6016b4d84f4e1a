// SPDX-License-Identifier: Apache-2.0
#include "speech/reading.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "unit/nn/test_models.hpp"

namespace sidetone::speech {
namespace {

const Prompt kPrompt{{.text = "one", .pronunciations = {{1, 2}}},
                     {.text = "two", .pronunciations = {{3, 4, 5}, {3, 4}}},
                     {.text = "three", .pronunciations = {{6}}}};

AlignedPhone phone(Phone name, int word, std::int64_t first, std::int64_t end, double probability) {
    const auto& phones = kPrompt[static_cast<std::size_t>(word)].pronunciations[0];
    return {.phone = name,
            .word = word,
            .position = static_cast<int>(std::find(phones.begin(), phones.end(), name) - phones.begin()),
            .first_frame = first,
            .end_frame = end,
            .peak_log_probability = static_cast<float>(std::log(probability))};
}

Reading read(const std::vector<AlignedPhone>& phones, double seconds, bool is_whole = true) {
    const PhonemeRecognizer recognizer{nn::read_manifest(nn::test::kSource / "tests" / "data" / "phoneme-tiny")};
    return reading_of(kPrompt, {.phones = phones, .is_complete = is_whole}, recognizer, seconds);
}

// Answer t is about the sound from 320 (t - 2) + 200 samples on, and the border before it was kBorderLatenessSamples
// earlier.
TEST(Reading, HasWordsAndPhonesInTheTimeOfTheSound) {
    const auto reading = read({phone(1, 0, 4, 6, 0.5), phone(2, 0, 6, 9, 0.25), phone(6, 2, 12, 20, 0.75)}, 10);
    ASSERT_EQ(reading.words.size(), 3U);
    EXPECT_TRUE(reading.is_whole);
    const auto& one = reading.words[0];
    EXPECT_EQ(one.text, "one");
    ASSERT_EQ(one.phones.size(), 2U);
    EXPECT_DOUBLE_EQ(one.start_s, (2 * 320 + 200 - kBorderLatenessSamples) / 16'000.0);
    EXPECT_DOUBLE_EQ(one.phones[0].end_s, (4 * 320 + 200 - kBorderLatenessSamples) / 16'000.0);
    EXPECT_DOUBLE_EQ(one.end_s, (7 * 320 + 200 - kBorderLatenessSamples - kFadingSamples) / 16'000.0)
        << "a pause follows";
    EXPECT_NEAR(one.phones[1].confidence, 0.25, 1e-6);
    EXPECT_TRUE(reading.words[1].is_left_out());
    EXPECT_FALSE(reading.words[2].is_left_out());
}

// A quarter of 20 ms, which is also where the phone before ends.
TEST(Reading, PutsBordersBetweenFrames) {
    std::vector<AlignedPhone> phones{phone(1, 0, 4, 6, 0.5), phone(2, 0, 6, 9, 0.25)};
    phones[1].begin_offset = -0.25F;
    const auto reading = read(phones, 10);
    const auto& one = reading.words[0];
    EXPECT_DOUBLE_EQ(one.phones[1].start_s, (4 * 320 + 200 - kBorderLatenessSamples - 80) / 16'000.0);
    EXPECT_DOUBLE_EQ(one.phones[0].end_s, one.phones[1].start_s);
    EXPECT_DOUBLE_EQ(one.phones[1].end_s, (7 * 320 + 200 - kBorderLatenessSamples - kFadingSamples) / 16'000.0);
}

TEST(Reading, StaysWithinTheRecording) {
    const auto reading = read({phone(1, 0, 0, 3, 0.5), phone(2, 0, 3, 999, 0.5)}, 1.5, false);
    EXPECT_FALSE(reading.is_whole);
    EXPECT_EQ(reading.words[0].start_s, 0);
    EXPECT_EQ(reading.words[0].end_s, 1.5);
}

// "one two, one two three (something else) three".
TEST(Reading, TellsWhatWasSaidBesideTheText) {
    std::vector<AlignedPhone> phones{phone(1, 0, 4, 6, 0.5),   phone(2, 0, 6, 9, 0.25),  phone(3, 1, 9, 10, 0.5),
                                     phone(4, 1, 10, 11, 0.5), phone(1, 0, 12, 14, 0.1), phone(2, 0, 14, 16, 0.1),
                                     phone(3, 1, 16, 18, 0.5), phone(4, 1, 18, 19, 0.5), phone(6, 2, 20, 22, 0.5),
                                     phone(6, 2, 25, 30, 0.5), phone(6, 2, 32, 40, 0.75)};
    phones[9].phone = kBlank;
    const auto reading = read(phones, 10);
    ASSERT_EQ(reading.beside.size(), 3U);
    EXPECT_EQ(reading.beside[0].again, (std::vector<std::size_t>{0, 1}));
    EXPECT_EQ(reading.beside[0].before, 0U);
    EXPECT_EQ(reading.beside[0].first_frame, 4);
    EXPECT_EQ(reading.beside[0].end_frame, 11);
    EXPECT_DOUBLE_EQ(reading.beside[0].start_s, (2 * 320 + 200 - kBorderLatenessSamples) / 16'000.0);
    EXPECT_EQ(reading.beside[1].again, std::vector<std::size_t>{2});
    EXPECT_TRUE(reading.beside[2].again.empty());
    EXPECT_EQ(reading.beside[2].first_frame, 25);
    EXPECT_NEAR(reading.words[0].phones[0].confidence, 0.1, 1e-6) << "the last time counts";
    EXPECT_EQ(reading.words[0].phones.size(), 2U);
    EXPECT_EQ(reading.words[1].phones.size(), 2U);
    EXPECT_NEAR(reading.words[2].phones[0].confidence, 0.75, 1e-6);
    EXPECT_DOUBLE_EQ(reading.heard_share, 1);
}

// "one two, one three": what is behind the place to which somebody went back does not count.
TEST(Reading, HasWordsInOrderWhereSomebodyWentBack) {
    const auto reading =
        read({phone(1, 0, 4, 6, 0.5), phone(2, 0, 6, 9, 0.5), phone(3, 1, 9, 10, 0.5), phone(4, 1, 10, 11, 0.5),
              phone(1, 0, 12, 14, 0.5), phone(2, 0, 14, 16, 0.5), phone(6, 2, 20, 22, 0.5)},
             10);
    EXPECT_GT(reading.words[0].start_s, reading.beside.at(0).start_s);
    EXPECT_TRUE(reading.words[1].is_left_out());
    EXPECT_FALSE(reading.words[2].is_left_out());
}

// Of "one", "two" in its shortest form and "three": five phones.
TEST(Reading, CountsThePhonesThatWereHeard) {
    EXPECT_DOUBLE_EQ(read({phone(1, 0, 4, 6, 0.5), phone(2, 0, 6, 9, 0.01), phone(6, 2, 12, 20, 0.75)}, 9).heard_share,
                     2.0 / 5);
    EXPECT_EQ(read({}, 9).heard_share, 0);
}

// The two phones of "two" in its shortest form are left out.
TEST(Reading, TellsHowProbableItsPhonesAre) {
    const auto reading = read({phone(1, 0, 4, 6, 0.5), phone(2, 0, 6, 9, 0.25), phone(6, 2, 12, 20, 0.125)}, 9);
    const double logarithms = std::log(0.5) + std::log(0.25) + std::log(0.125) + 2 * std::log(kLeftOutProbability);
    EXPECT_NEAR(reading.mean_probability, std::exp(logarithms / 5), 1e-6);
    EXPECT_EQ(read({}, 9).mean_probability, 0);
}

}  // namespace
}  // namespace sidetone::speech
