// SPDX-License-Identifier: Apache-2.0
#include "speech/prompt_text.hpp"

#include <gmock/gmock.h>

namespace sidetone::speech {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

constexpr Phone kAa = 1, kAe = 2;

std::vector<std::string> texts(const Prompt& prompt) {
    std::vector<std::string> words;
    for (const auto& word : prompt) words.push_back(word.text);
    return words;
}

TEST(PromptText, WordsAreFreeOfPunctuation) {
    EXPECT_THAT(words_of("We call it: \"bear\"; (really)."), ElementsAre("We", "call", "it", "bear", "really"));
    EXPECT_THAT(words_of("well-known \u2014 it\u2019s \u201Cso\u201D\u2026"),
                ElementsAre("well", "known", "it's", "so"));
    EXPECT_THAT(words_of("  \t\r\n "), IsEmpty());
    EXPECT_THAT(words_of("... - ' !"), IsEmpty());
    EXPECT_THAT(words_of("a"), ElementsAre("a"));
    EXPECT_THAT(words_of("3 na\u00EFve o'clock"), ElementsAre("3", "na\u00EFve", "o'clock"));
}

TEST(PromptText, HasEveryPronunciationAndNamesUnknownWordsOnce) {
    Lexicon lexicon;
    lexicon.add("Bear", std::vector<Phone>{kAa});
    lexicon.add("bear", std::vector<Phone>{kAe, kAa});
    lexicon.add("it", std::vector<Phone>{kAe});
    const auto text = prompt_of("It, BEAR; zyx bear zyx!", lexicon);
    EXPECT_THAT(texts(text.prompt), ElementsAre("It", "BEAR", "bear"));
    EXPECT_THAT(text.prompt[1].pronunciations, ElementsAre(Pronunciation{kAa}, Pronunciation{kAe, kAa}));
    EXPECT_THAT(text.unknown, ElementsAre("zyx"));
}

TEST(PromptText, SaysByRuleWhatTheLexiconDoesNotHaveAndTellsSo) {
    Lexicon lexicon;
    lexicon.add("bear", std::vector<Phone>{kAe, kAa});
    const LetterToSound rules{default_letter_to_sound_file()};
    const auto text = prompt_of("Bear zimble 42 caf\u00E9 zimble", lexicon, &rules);
    EXPECT_THAT(texts(text.prompt), ElementsAre("Bear", "zimble", "zimble"));
    EXPECT_THAT(text.prompt[1].pronunciations, ElementsAre(rules.pronounce("zimble")));
    EXPECT_THAT(text.guessed, ElementsAre("zimble"));
    EXPECT_THAT(text.unknown, ElementsAre("42", "caf\u00E9"));
}

TEST(PromptText, TellsQuotesFromApostrophes) {
    Lexicon lexicon;
    lexicon.add("'tis", std::vector<Phone>{kAa});
    lexicon.add("dogs'", std::vector<Phone>{kAa});
    lexicon.add("yes", std::vector<Phone>{kAa});
    const auto text = prompt_of("'tis the dogs' 'yes' 'no'", lexicon);
    EXPECT_THAT(texts(text.prompt), ElementsAre("'tis", "dogs'", "yes"));
    EXPECT_THAT(text.unknown, ElementsAre("the", "no"));
}

}  // namespace
}  // namespace sidetone::speech
