// SPDX-License-Identifier: Apache-2.0
#include "speech/lexicon_trie.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "speech/lexicon.hpp"
#include "unit/speech/written_file.hpp"

namespace sidetone::speech {
namespace {

using test::complaint_of;
using testing::HasSubstr;

LexiconTrie::Index walk(const LexiconTrie& trie, const Pronunciation& phones) {
    auto node = LexiconTrie::kRoot;
    for (const auto phone : phones) {
        if (node != LexiconTrie::kNone) node = trie.child(node, phone);
    }
    return node;
}

bool begins_with(const Pronunciation& phones, const Pronunciation& beginning) {
    return phones.size() >= beginning.size() && std::equal(beginning.begin(), beginning.end(), phones.begin());
}

Pronunciation random_phones(std::mt19937& random) {
    Pronunciation phones(1 + random() % 4);
    for (auto& phone : phones) phone = static_cast<Phone>(1 + random() % 3);
    return phones;
}

TEST(LexiconTrie, HasExactlyTheBeginningsAndEndingsOfItsWords) {
    std::mt19937 random{1};
    for (int n = 0; n < 200; ++n) {
        std::vector<SpokenWord> words(1 + random() % 12);
        for (auto& word : words) {
            word.text = std::string(1 + random() % 3, static_cast<char>('a' + random() % 26));
            for (auto count = 1 + random() % 3; count > 0; --count)
                word.pronunciations.push_back(random_phones(random));
            word.log_score = -static_cast<float>(random() % 8);
        }
        const LexiconTrie trie{words};
        for (int question = 0; question < 60; ++question) {
            const auto phones = random_phones(random);
            std::set<std::uint32_t> endings;
            float most = -1000;
            for (std::uint32_t index = 0; index < words.size(); ++index) {
                for (const auto& own : words[index].pronunciations) {
                    if (own == phones) endings.insert(index);
                    if (begins_with(own, phones)) most = std::max(most, words[index].log_score);
                }
            }
            const auto node = walk(trie, phones);
            ASSERT_EQ(node != LexiconTrie::kNone, most > -1000);
            if (node == LexiconTrie::kNone) continue;
            const auto found = trie.words_at(node);
            ASSERT_EQ(std::set<std::uint32_t>(found.begin(), found.end()), endings);
            ASSERT_EQ(found.size(), endings.size()) << "a word ends once, however often it is listed";
            ASSERT_NEAR(trie.look_ahead(node), std::exp(static_cast<double>(most)), 1e-6);
        }
        for (std::uint32_t index = 0; index < words.size(); ++index) ASSERT_EQ(trie.text(index), words[index].text);
    }
}

TEST(LexiconTrie, RefusesWordsThatAreNone) {
    const auto complaint = [](const std::vector<SpokenWord>& words) {
        return complaint_of([&] { const LexiconTrie trie{words}; });
    };
    EXPECT_THAT(complaint({}), HasSubstr("found no words"));
    EXPECT_THAT(complaint({{.text = "a", .pronunciations = {}}}), HasSubstr("word \"a\" has no pronunciation"));
    EXPECT_THAT(complaint({{.text = "a", .pronunciations = {{1}, {}}}}), HasSubstr("a pronunciation that is none"));
    EXPECT_THAT(complaint({{.text = "a", .pronunciations = {{kBlank}}}}), HasSubstr("a pronunciation that is none"));
}

TEST(LexiconTrie, HoldsTheWholeDictionaryInAFewMegabytes) {
    const auto file = default_lexicon_file();
    if (file.empty()) GTEST_SKIP() << "no dictionary: install pocketsphinx-en-us";
    const auto lexicon = Lexicon::read(file);
    std::vector<SpokenWord> words;
    for (std::size_t n = 0; n < lexicon.word_count(); ++n) {
        SpokenWord word{.text = std::string{lexicon.word(n)}, .pronunciations = {}};
        for (const auto phones : lexicon.pronunciations(n))
            word.pronunciations.emplace_back(phones.begin(), phones.end());
        words.push_back(std::move(word));
    }
    const LexiconTrie trie{words};
    EXPECT_EQ(trie.word_count(), lexicon.word_count());
    EXPECT_LT(trie.bytes(), std::size_t{20} << 20);
    for (std::uint32_t n = 0; n < words.size(); ++n) {
        for (const auto& phones : words[n].pronunciations) {
            const auto node = walk(trie, phones);
            ASSERT_NE(node, LexiconTrie::kNone);
            ASSERT_NE(std::ranges::find(trie.words_at(node), n), trie.words_at(node).end()) << words[n].text;
        }
    }
}

}  // namespace
}  // namespace sidetone::speech
