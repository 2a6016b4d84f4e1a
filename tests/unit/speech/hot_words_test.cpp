// SPDX-License-Identifier: Apache-2.0
#include "speech/hot_words.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <string>
#include <vector>

#include "unit/speech/written_file.hpp"

namespace sidetone::speech {
namespace {

using test::complaint_of;
using test::WrittenFile;
using testing::HasSubstr;

using Words = std::vector<std::uint32_t>;

/// How many of the first `count` words of `phrase` end `said`: all or none.
bool ends_with(const Words& said, const Words& phrase, std::size_t count) {
    return said.size() >= count && std::equal(phrase.begin(), phrase.begin() + static_cast<std::ptrdiff_t>(count),
                                              said.end() - static_cast<std::ptrdiff_t>(count));
}

/// Of the longest beginning of any phrase that ends `said`, whole ones included, what it counts for.
float pending_after(const Words& said, const std::vector<HotWords::Phrase>& phrases) {
    std::size_t longest = 0;
    float pending = 0;
    for (const auto& phrase : phrases) {
        for (std::size_t count = 1; count <= phrase.words.size(); ++count) {
            if (!ends_with(said, phrase.words, count) || count < longest) continue;
            if (count > longest) pending = 0;
            longest = count;
            if (count == phrase.words.size()) continue;
            pending =
                std::max(pending, phrase.boost * static_cast<float>(count) / static_cast<float>(phrase.words.size()));
        }
    }
    return pending;
}

TEST(HotWords, AddTheBoostsOfAllPhrasesThatAreSaidAndNothingElse) {
    std::mt19937 random{1};
    for (int n = 0; n < 500; ++n) {
        std::vector<HotWords::Phrase> phrases(1 + random() % 5);
        for (auto& phrase : phrases) {
            phrase.words.resize(1 + random() % 4);
            for (auto& word : phrase.words) word = static_cast<std::uint32_t>(random() % 3);
            phrase.boost = 1 + static_cast<float>(random() % 5);
        }
        const HotWords hot{phrases};
        HotWords::State state = 0;
        Words said;
        float sum = 0, whole = 0;
        for (int step = 0; step < 30; ++step) {
            said.push_back(static_cast<std::uint32_t>(random() % 4));
            sum += hot.score(state, said.back(), state);
            for (const auto& phrase : phrases)
                whole += ends_with(said, phrase.words, phrase.words.size()) ? phrase.boost : 0;
            ASSERT_NEAR(hot.pending(state), pending_after(said, phrases), 1e-5) << "case " << n;
            ASSERT_NEAR(sum - hot.pending(state), whole, 1e-3) << "case " << n;
        }
        float most = 0;
        for (std::uint32_t word = 0; word < 4; ++word) most = std::max(most, hot.score(state, word, state));
        EXPECT_LE(most, hot.most());
    }
}

LexiconTrie small_vocabulary() {
    return LexiconTrie{std::vector<SpokenWord>{{.text = "turn", .pronunciations = {{1}}},
                                               {.text = "left", .pronunciations = {{2}}},
                                               {.text = "right", .pronunciations = {{3}}}}};
}

TEST(HotWords, AreReadFromLinesOfWordsAndBoosts) {
    const WrittenFile file{"# where to\nTurn left :6\n\nright # the other way\n"};
    const auto hot = HotWords::read(file.path(), small_vocabulary());
    HotWords::State turn = 0, after = 0;
    EXPECT_EQ(hot.score(0, 0, turn), 3);
    EXPECT_EQ(hot.score(turn, 1, after), 3);
    EXPECT_EQ(hot.score(turn, 2, after), -3 + HotWords::kUsualBoost);
    EXPECT_EQ(hot.score(turn, 0, after), 0);
    EXPECT_EQ(after, turn);
    EXPECT_EQ(hot.score(0, 1, after), 0);
}

TEST(HotWords, RefuseWhatIsNoneInOneLine) {
    const auto complaint = [](const std::string& text) {
        const WrittenFile file{text, "hot.txt"};
        return complaint_of([&] { (void)HotWords::read(file.path(), small_vocabulary()); });
    };
    EXPECT_THAT(complaint("left\nturn back\n"),
                HasSubstr("hot.txt:2: found \"back\", expected words that may be said"));
    EXPECT_THAT(complaint("left :much\n"),
                HasSubstr("hot.txt:1: found \":much\", expected a boost above 0, 50 at most"));
    EXPECT_THAT(complaint("left :-1\n"), HasSubstr("found \":-1\""));
    EXPECT_THAT(complaint("left :nan\n"), HasSubstr("found \":nan\""));
    EXPECT_THAT(complaint("# nothing\n"), HasSubstr("found no phrase"));
    std::string endless;
    for (int n = 0; n < 17; ++n) endless += "left ";
    EXPECT_THAT(complaint(endless), HasSubstr("found 17 words, expected 16 at most"));
}

}  // namespace
}  // namespace sidetone::speech
