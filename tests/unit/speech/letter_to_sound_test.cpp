// SPDX-License-Identifier: Apache-2.0
#include "speech/letter_to_sound.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <iterator>
#include <random>
#include <string>

#include "speech/lexicon.hpp"
#include "unit/speech/written_file.hpp"

namespace sidetone::speech {
namespace {

using test::complaint_of;
using test::WrittenFile;
using testing::HasSubstr;

const LetterToSound& rules() {
    static const LetterToSound rules{default_letter_to_sound_file()};
    return rules;
}

std::string spoken(std::string_view word) {
    std::string text;
    for (const auto phone : rules().pronounce(word)) text += (text.empty() ? "" : " ") + std::string{phone_name(phone)};
    return text;
}

std::string contents_of_default_file() {
    std::ifstream in{default_letter_to_sound_file(), std::ios::binary};
    return {std::istreambuf_iterator<char>{in}, {}};
}

std::string complaint(const std::string& contents) {
    const WrittenFile file{contents, "rules.bin"};
    return complaint_of([&] { (void)LetterToSound{file.path()}; });
}

TEST(LetterToSound, SaysRegularWordsAsTheyAreWritten) {
    EXPECT_EQ(spoken("splat"), "S P L AE T");
    EXPECT_EQ(spoken("Thinking"), "TH IH NG K IH NG");
    EXPECT_EQ(spoken("BOX"), "B AA K S");
    EXPECT_EQ(spoken("shake"), "SH EY K");
    EXPECT_EQ(spoken("sha-ke9"), spoken("shake")) << "what is no letter is passed over";
}

TEST(LetterToSound, SpellsWordsWithoutVowels) {
    EXPECT_EQ(spoken("xml"), "EH K S EH M EH L");
    EXPECT_EQ(spoken("W"), "D AH B AH L Y UW");
}

TEST(LetterToSound, SaysNothingOfWhatIsNoWord) {
    for (const auto* word : {"", "42", "\xE4\xBD\xA0", "'", "-"}) EXPECT_EQ(spoken(word), "") << word;
    EXPECT_EQ(spoken(std::string(kMaxWordBytes + 1, 'a')), "");
}

TEST(LetterToSound, StaysWithinBoundsWhateverTheBytes) {
    std::mt19937 random(1);
    for (int n = 0; n < 20'000; ++n) {
        std::string word(random() % (kMaxWordBytes + 8), ' ');
        for (auto& c : word) c = static_cast<char>(n % 2 == 0 ? random() % 256 : 'a' + random() % 26);
        const auto phones = rules().pronounce(word);
        EXPECT_LE(phones.size(), kMaxPhonesOfWord);
        for (const auto phone : phones) EXPECT_TRUE(phone > kBlank && phone < kPhoneClassCount);
    }
}

TEST(LetterToSound, RefusesFilesThatAreNoForest) {
    const auto good = contents_of_default_file();
    EXPECT_EQ(complaint(good), "");
    EXPECT_THAT(complaint(""), HasSubstr("rules.bin"));
    EXPECT_THAT(complaint("GIF8 and more"), HasSubstr("S2P1"));
    EXPECT_THAT(complaint(good.substr(0, good.size() - 1)), HasSubstr("its end"));
    EXPECT_THAT(complaint(good + "x"), HasSubstr("expected"));
    auto looped = good;
    looped.replace(looped.size() - 8, 8, std::string(8, '\0'));
    EXPECT_THAT(complaint(looped), HasSubstr("bad node")) << "a node that leads back";
    EXPECT_THAT(complaint_of([] { (void)LetterToSound{"/no/such/file"}; }), HasSubstr("/no/such/file"));
}

TEST(LetterToSound, WhateverIsReadFromDamagedFilesStaysWithinBounds) {
    const auto good = contents_of_default_file();
    std::mt19937 random(2);
    for (int n = 0; n < 100; ++n) {
        auto bad = good;
        for (int k = 0; k < 20; ++k) bad[random() % bad.size()] = static_cast<char>(random() % 256);
        const WrittenFile file{bad, "rules.bin"};
        try {
            const LetterToSound damaged{file.path()};
            for (const auto* word : {"extraordinary", "through", "o'clock"}) {
                EXPECT_LE(damaged.pronounce(word).size(), kMaxPhonesOfWord);
            }
        } catch (const InputError&) {
        }
    }
}

}  // namespace
}  // namespace sidetone::speech
