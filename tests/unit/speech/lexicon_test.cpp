// SPDX-License-Identifier: Apache-2.0
#include "speech/lexicon.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <string>
#include <vector>

#include "unit/speech/written_file.hpp"

namespace sidetone::speech {
namespace {

using test::complaint_of;
using test::WrittenFile;
using testing::HasSubstr;

/// "B EH R|B AE R": all pronunciations of `word`.
std::string spoken(const Lexicon& lexicon, std::string_view word) {
    std::string text;
    for (const auto phones : lexicon.find(word)) {
        if (!text.empty()) text += '|';
        for (std::size_t i = 0; i < phones.size(); ++i) {
            if (i > 0) text += ' ';
            text += phone_name(phones[i]);
        }
    }
    return text;
}

Lexicon lexicon_of(std::string_view text) {
    const WrittenFile file{text};
    return Lexicon::read(file.path());
}

std::string complaint(std::string_view text) {
    const WrittenFile file{text, "words.dict"};
    return complaint_of([&] { (void)Lexicon::read(file.path()); });
}

TEST(Lexicon, ReadsTheFormatOfTheCmuDictionary) {
    const auto lexicon = lexicon_of(
        ";;; a comment\n"
        "\n"
        "READ R EH1 D\n"
        "READ(2)  R IY1 D\n"
        "zebra Z IY1 B R AH0 # an animal\r\n"
        "'bout\tB AW T");
    EXPECT_EQ(lexicon.word_count(), 3U);
    EXPECT_EQ(lexicon.pronunciation_count(), 4U);
    EXPECT_EQ(spoken(lexicon, "read"), "R EH D|R IY D");
    EXPECT_EQ(spoken(lexicon, "Zebra"), "Z IY B R AH");
    EXPECT_EQ(spoken(lexicon, "'BOUT"), "B AW T");
    EXPECT_EQ(spoken(lexicon, "bout"), "");
}

TEST(Lexicon, TakesARepeatedWordForOneMorePronunciation) {
    const auto lexicon = lexicon_of("B B IY\nA\tAH0\nA\tEY0\nC S IY\na EY1\n");
    EXPECT_EQ(spoken(lexicon, "A"), "AH|EY") << "those that differ in stress alone are one";
    EXPECT_EQ(lexicon.word_count(), 3U);
    EXPECT_EQ(lexicon.word(0), "a");
    EXPECT_EQ(lexicon.word(2), "c");
}

TEST(Lexicon, KeepsParenthesesThatHoldNoNumber) {
    const auto lexicon = lexicon_of("x(y) EH K S\n(2) T UW\n");
    EXPECT_EQ(spoken(lexicon, "X(Y)"), "EH K S");
    EXPECT_EQ(spoken(lexicon, "(2)"), "T UW");
}

TEST(Lexicon, GrowsByAddingInAnyOrder) {
    Lexicon lexicon;
    const auto add = [&](std::string_view word, std::initializer_list<const char*> names) {
        std::vector<Phone> phones;
        for (const auto* name : names) phones.push_back(*phone_named(name));
        lexicon.add(word, phones);
    };
    add("To", {"T", "UW"});
    add("be", {"B", "IY"});
    add("to", {"T", "AH"});
    add("TO", {"T", "UW"});
    add("or", {"AO", "R"});
    EXPECT_EQ(spoken(lexicon, "to"), "T UW|T AH");
    EXPECT_EQ(spoken(lexicon, "be"), "B IY");
    EXPECT_EQ(spoken(lexicon, "or"), "AO R");
    EXPECT_EQ(lexicon.word_count(), 3U);
    EXPECT_THROW(lexicon.add("", std::vector<Phone>{1}), InputError);
    EXPECT_THROW(lexicon.add("no", {}), InputError);
    EXPECT_THROW(lexicon.add("no", std::vector<Phone>{kBlank}), InputError);
    EXPECT_THROW(lexicon.add("no", std::vector<Phone>{kPhoneClassCount}), InputError);
}

TEST(Lexicon, RefusesWhatIsNoneInOneLine) {
    EXPECT_THAT(complaint("cat K AE T\ndog D OG\n"),
                HasSubstr("words.dict:2: found \"OG\", expected one of ARPAbet's"));
    EXPECT_THAT(complaint("cat\n"), HasSubstr("words.dict:1: found \"cat\" without phones"));
    EXPECT_THAT(complaint("cat # K AE T\n"), HasSubstr("without phones"));
    EXPECT_THAT(complaint(""), HasSubstr("found no word"));
    EXPECT_THAT(complaint(";;; nothing\n\n"), HasSubstr("found no word"));
    EXPECT_THAT(complaint(std::string(65, 'x') + " K\n"), HasSubstr("found a word of 65 bytes, expected at most 64"));
    std::string endless = "word";
    for (int i = 0; i < 65; ++i) endless += " AA";
    EXPECT_THAT(complaint(endless), HasSubstr("found 65 phones in \"word\", expected at most 64"));
    EXPECT_THAT(complaint(std::string("\0\1\2 \xff\xfe", 6)), HasSubstr("words.dict:1: found"));
}

TEST(Lexicon, RefusesAFileThatIsNotThere) {
    const WrittenFile file{"cat K AE T\n"};
    EXPECT_THAT(complaint_of([&] { (void)Lexicon::read(file.path() / "none"); }), HasSubstr("cannot be read"));
    EXPECT_THAT(complaint_of([&] { (void)Lexicon::read(file.path().parent_path()); }), HasSubstr("cannot be read"));
}

TEST(Lexicon, HoldsTheWholeDictionary) {
    const auto file = default_lexicon_file();
    if (file.empty()) GTEST_SKIP() << "no dictionary: install pocketsphinx-en-us";
    const auto lexicon = Lexicon::read(file);
    EXPECT_GT(lexicon.word_count(), 100'000U);
    EXPECT_EQ(spoken(lexicon, "elephant"), "EH L AH F AH N T");
    EXPECT_EQ(lexicon.find("tomato").size(), 2U);
    for (std::size_t i = 0; i < lexicon.word_count(); ++i) EXPECT_FALSE(lexicon.find(lexicon.word(i)).empty());
}

}  // namespace
}  // namespace sidetone::speech
