// SPDX-License-Identifier: Apache-2.0
#include "speech/ctc_word_search.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <functional>
#include <limits>
#include <map>
#include <memory>
#include <random>
#include <stdexcept>
#include <string>
#include <vector>

#include "rt/guard.hpp"
#include "unit/speech/written_file.hpp"

namespace sidetone::speech {
namespace {

using Random = std::mt19937;
using Row = std::array<float, kPhoneClassCount>;
using Rows = std::vector<Row>;
using Path = std::vector<Phone>;

constexpr Phone kPhonesUsed = 3;
constexpr float kNever = -std::numeric_limits<float>::infinity();

/// Probabilities of the blank and the first phones; all others are impossible.
Row random_row(Random& random, double sharpness) {
    std::normal_distribution<double> normal{0, sharpness};
    Row row;
    row.fill(kNever);
    double sum = 0;
    for (Phone c = 0; c <= kPhonesUsed; ++c) {
        row[c] = static_cast<float>(normal(random));
        sum += std::exp(static_cast<double>(row[c]));
    }
    for (Phone c = 0; c <= kPhonesUsed; ++c) row[c] -= static_cast<float>(std::log(sum));
    return row;
}

Row clear_row(Phone phone) {
    Row row;
    row.fill(std::log(0.05F / kPhoneCount));
    row[phone] = std::log(0.95F);
    return row;
}

/// What there is to say, and what is likely.
struct Language {
    std::vector<SpokenWord> words;
    std::shared_ptr<const LexiconTrie> trie;
    std::shared_ptr<const WordLanguageModel> model;
    std::shared_ptr<const HotWords> hot;
    float weight = 1, bonus = 0, phone_bonus = 0;

    [[nodiscard]] CtcWordSearch search(std::size_t beam, double least_share = 0) const {
        return CtcWordSearch{trie,
                             model,
                             {.beam = beam,
                              .least_log_prob = kNever,
                              .least_share = least_share,
                              .language_weight = weight,

                              .word_bonus = bonus,
                              .phone_bonus = phone_bonus},
                             hot};
    }
};

std::shared_ptr<const WordLanguageModel> random_bigrams(std::size_t words, Random& random) {
    const auto logarithm = [&] { return -static_cast<double>(random() % 2000) / 1000; };
    std::string text = fmt::format("\\data\\\n\\1-grams:\n-9 <s> {}\n{} </s>\n", logarithm(), logarithm());
    for (std::size_t n = 0; n < words; ++n) text += fmt::format("{} w{} {}\n", logarithm(), n, logarithm());
    text += "\\2-grams:\n";
    for (std::size_t first = 0; first < words; ++first) {
        for (std::size_t next = 0; next < words; ++next) {
            if (random() % 2 == 0) text += fmt::format("{} w{} w{}\n", logarithm(), first, next);
        }
        if (random() % 2 == 0) text += fmt::format("{} <s> w{}\n", logarithm(), first);
    }
    const test::WrittenFile file{text + "\\end\\\n"};
    return std::make_shared<WordLanguageModel>(file.path());
}

Pronunciation random_phones(Random& random) {
    Pronunciation phones(1 + random() % 3);
    for (auto& phone : phones) phone = static_cast<Phone>(1 + random() % kPhonesUsed);
    return phones;
}

/// Few words, so many sound alike or begin as others do.
Language random_language(Random& random, bool has_model) {
    Language language;
    language.words.resize(1 + random() % 5);
    if (has_model) language.model = random_bigrams(language.words.size(), random);
    language.weight = has_model ? 0.5F + static_cast<float>(random() % 3) / 2 : 1;
    language.bonus = static_cast<float>(random() % 5) - 2;
    language.phone_bonus = static_cast<float>(random() % 3) / 2;
    for (std::size_t n = 0; n < language.words.size(); ++n) {
        auto& word = language.words[n];
        word.text = fmt::format("w{}", n);
        for (auto count = 1 + random() % 2; count > 0; --count) word.pronunciations.push_back(random_phones(random));
        std::ranges::sort(word.pronunciations);
        auto& ways = word.pronunciations;
        ways.erase(std::unique(ways.begin(), ways.end()), ways.end());
        word.log_score = language.bonus;
        if (!has_model) continue;
        word.language_word = *language.model->find(word.text);
        word.log_score += language.weight * language.model->score_alone(word.language_word);
    }
    if (random() % 2 == 0) {
        std::vector<HotWords::Phrase> phrases(1 + random() % 3);
        for (auto& phrase : phrases) {
            phrase.words.resize(1 + random() % 3);
            for (auto& word : phrase.words) word = static_cast<std::uint32_t>(random() % language.words.size());
        }
        language.hot = std::make_shared<HotWords>(phrases);
    }
    language.trie = std::make_shared<LexiconTrie>(language.words);
    return language;
}

// ── the definition ──────────────────────────────────────────────────────────────────────────────

Path folded(const Path& path) {
    Path phones;
    for (std::size_t t = 0; t < path.size(); ++t) {
        if (path[t] != kBlank && (t == 0 || path[t] != path[t - 1])) phones.push_back(path[t]);
    }
    return phones;
}

/// Every path there is, added to the phones that it folds into.
std::map<Path, double> sums_of_all_paths(const Rows& rows) {
    std::map<Path, double> sums;
    Path path(rows.size(), 0);
    while (true) {
        double log_prob = 0;
        for (std::size_t t = 0; t < rows.size(); ++t) log_prob += static_cast<double>(rows[t][path[t]]);
        sums[folded(path)] += std::exp(log_prob);
        std::size_t t = 0;
        while (t < path.size() && ++path[t] == kPhonesUsed + 1) path[t++] = 0;
        if (t == path.size()) return sums;
    }
}

/// Words, and phones of one that is not over.
struct Saying {
    std::vector<std::uint32_t> words;
    Path rest;
    [[nodiscard]] auto operator<=>(const Saying&) const = default;
};
using Sums = std::map<Saying, double>;

/// All ways to make words of phones.
class EveryReading {
public:
    EveryReading(const Language& language, const std::map<Path, double>& paths) : language_(language) {
        for (const auto& [phones, sum] : paths) {
            const auto bonus = static_cast<double>(language.phone_bonus) * static_cast<double>(phones.size());
            read(phones, sum * std::exp(bonus), {}, {language.model ? language.model->start() : 0, 0});
        }
    }
    [[nodiscard]] const Sums& sums() const { return sums_; }
    [[nodiscard]] const std::map<std::vector<std::uint32_t>, double>& ended() const { return ended_; }

private:
    /// Of the language model and of the hot words.
    struct State {
        std::uint32_t language = 0, hot = 0;
    };

    void read(const Path& rest, double sum, const std::vector<std::uint32_t>& words, const State& state) {
        if (rest.empty()) {
            sums_[{words, {}}] += sum;
            float end = language_.model ? language_.weight * language_.model->score_of_end(state.language) : 0;
            if (language_.hot) end -= language_.hot->pending(state.hot);
            ended_[words] += sum * std::exp(static_cast<double>(end));
            return;
        }
        bool may_go_on = false;
        for (std::uint32_t n = 0; n < language_.words.size(); ++n) {
            for (const auto& own : language_.words[n].pronunciations) {
                may_go_on |= own.size() > rest.size() && std::equal(rest.begin(), rest.end(), own.begin());
                if (own.size() > rest.size() || !std::equal(own.begin(), own.end(), rest.begin())) continue;
                State next;
                auto more = words;
                more.push_back(n);
                const double more_sum = sum * factor(n, state, next);
                read({rest.begin() + static_cast<std::ptrdiff_t>(own.size()), rest.end()}, more_sum, more, next);
            }
        }
        if (may_go_on) sums_[{words, rest}] += sum;
    }
    double factor(std::uint32_t word, const State& state, State& next) const {
        auto score = static_cast<double>(language_.bonus);
        if (language_.model) {
            score += static_cast<double>(language_.weight) *
                     static_cast<double>(
                         language_.model->score(state.language, language_.words[word].language_word, next.language));
        }
        if (language_.hot) score += static_cast<double>(language_.hot->score(state.hot, word, next.hot));
        return std::exp(score);
    }

    const Language& language_;
    Sums sums_;
    std::map<std::vector<std::uint32_t>, double> ended_;
};

// ── the search ──────────────────────────────────────────────────────────────────────────────────

std::vector<std::uint32_t> words_of(const CtcWordSearch& search, std::size_t rank = 0) {
    std::vector<CtcWord> found(search.length(rank) - search.first_kept());
    EXPECT_EQ(search.copy(search.first_kept(), found, rank), found.size());
    std::vector<std::uint32_t> words;
    for (const auto& one : found) words.push_back(one.word);
    return words;
}

/// Phones on the way to each node of a trie.
std::map<LexiconTrie::Index, Path> beginnings_of(const LexiconTrie& trie) {
    std::map<LexiconTrie::Index, Path> all;
    const std::function<void(LexiconTrie::Index, const Path&)> visit = [&](LexiconTrie::Index node, const Path& path) {
        all[node] = path;
        for (Phone phone = 1; phone < kPhoneClassCount; ++phone) {
            if (trie.child(node, phone) == LexiconTrie::kNone) continue;
            auto longer = path;
            longer.push_back(phone);
            visit(trie.child(node, phone), longer);
        }
    };
    visit(LexiconTrie::kRoot, {});
    return all;
}

Sums sums_of(const CtcWordSearch& search) {
    const auto beginnings = beginnings_of(search.vocabulary());
    Sums sums;
    for (std::size_t rank = 0; rank < search.hypotheses(); ++rank) {
        sums[{words_of(search, rank), beginnings.at(search.place(rank))}] += std::exp(search.log_probability(rank));
    }
    return sums;
}

void expect_equal_sums(const Sums& found, const Sums& expected, int number) {
    ASSERT_EQ(found.size(), expected.size()) << "case " << number;
    for (const auto& [saying, sum] : expected) {
        ASSERT_TRUE(found.contains(saying)) << "case " << number;
        ASSERT_NEAR(found.at(saying), sum, 1e-5 * sum) << "case " << number;
    }
}

TEST(CtcWordSearch, EqualsTheSumOverAllPathsAndReadings) {
    Random random{1};
    std::size_t most = 0;
    for (int n = 0; n < 2000; ++n) {
        const auto language = random_language(random, n % 2 == 0);
        Rows rows(1 + random() % 4);
        for (auto& row : rows) row = random_row(random, 1 + n % 3);
        auto search = language.search(1024);
        for (const auto& row : rows) search.step(row.data());
        const EveryReading every{language, sums_of_all_paths(rows)};
        ASSERT_LT(every.sums().size(), 1024U);
        most = std::max(most, every.sums().size());
        ASSERT_NO_FATAL_FAILURE(expect_equal_sums(sums_of(search), every.sums(), n));
    }
    EXPECT_GT(most, 100U);
}

TEST(CtcWordSearch, EndsWithTheBestOfAllReadings) {
    Random random{2};
    int compared = 0;
    for (int n = 0; n < 400; ++n) {
        const auto language = random_language(random, true);
        Rows rows(1 + random() % 5);
        for (auto& row : rows) row = random_row(random, 2);
        auto search = language.search(1024);
        for (const auto& row : rows) search.step(row.data());
        const EveryReading every{language, sums_of_all_paths(rows)};
        std::vector<double> sums;
        for (const auto& [words, sum] : every.ended()) sums.push_back(sum);
        std::ranges::sort(sums, std::greater<>{});
        const auto best = std::ranges::max_element(every.ended(), {}, [](const auto& one) { return one.second; });
        // Hypotheses with another last phone are apart, so two close ones may change places.
        if (sums.size() > 1 && sums[0] < 2.5 * sums[1]) continue;
        ASSERT_TRUE(search.best_end()) << "case " << n;
        ASSERT_EQ(words_of(search, *search.best_end()), best->first) << "case " << n;
        ++compared;
    }
    EXPECT_GT(compared, 150);
}

TEST(CtcWordSearch, FindsWithAFewHypothesesWhatManyFind) {
    Random random{3};
    int equal = 0;
    for (int n = 0; n < 150; ++n) {
        const auto language = random_language(random, true);
        Rows rows(20);
        for (auto& row : rows) row = random_row(random, 4);
        auto narrow = language.search(16, 1e-10);
        auto wide = language.search(1024);
        for (const auto& row : rows) {
            narrow.step(row.data());
            wide.step(row.data());
        }
        equal += words_of(narrow) == words_of(wide) ? 1 : 0;
    }
    EXPECT_GE(equal, 130);
}

Language small_language() {
    Language language;
    language.words = {{.text = "two", .pronunciations = {{1, 2}}},
                      {.text = "to", .pronunciations = {{1, 2}, {1, 3}}},
                      {.text = "tomato", .pronunciations = {{1, 3, 4, 5}, {1, 3, 4, 6}}},
                      {.text = "all", .pronunciations = {{7}}}};
    language.trie = std::make_shared<LexiconTrie>(language.words);
    return language;
}

TEST(CtcWordSearch, DatesWordsByTheirFrames) {
    const auto language = small_language();
    auto search = language.search(32);
    for (const auto phone : {0, 1, 1, 0, 3, 0, 4, 5, 5, 0, 0, 7, 0, 7, 0}) {
        search.step(clear_row(static_cast<Phone>(phone)).data());
    }
    std::vector<CtcWord> words(8);
    ASSERT_EQ(search.copy(0, words), 3U);
    const std::array<CtcWord, 3> expected{{{2, {1, 8, 0.95F}}, {3, {11, 11, 0.95F}}, {3, {13, 13, 0.95F}}}};
    for (std::size_t n = 0; n < expected.size(); ++n) {
        EXPECT_EQ(words[n].word, expected[n].word) << n;
        EXPECT_EQ(words[n].time.first_frame, expected[n].time.first_frame) << n;
        EXPECT_EQ(words[n].time.last_frame, expected[n].time.last_frame) << n;
        EXPECT_NEAR(words[n].time.confidence, 0.95, 1e-6) << n;
    }
    EXPECT_EQ(search.copy(1, std::span{words}.first(1)), 1U);
    EXPECT_EQ(words[0].word, 3U);
}

TEST(CtcWordSearch, WhatIsStableNeverChangesAndMemoryIsFlat) {
    Random random{4};
    const auto language = random_language(random, true);
    CtcWordSearch search{language.trie, language.model, {.beam = 8, .longest_doubt = 4, .kept_words = 32}};
    std::vector<std::uint32_t> stable;
    std::vector<CtcWord> words(64);
    for (int t = 0; t < 50'000; ++t) {
        search.step(random_row(random, t / 500 % 2 == 0 ? 0.1 : 4).data());
        ASSERT_LE(search.used_nodes(), 8 * 5 + 2U);
        const auto count = search.copy(search.first_kept(), words);
        ASSERT_GE(search.stable_length(), stable.size());
        for (std::size_t n = 0; n < count; ++n) {
            const auto number = search.first_kept() + n;
            if (number < stable.size()) {
                ASSERT_EQ(words[n].word, stable[number]) << t;
            }
            if (number == stable.size() && number < search.stable_length()) stable.push_back(words[n].word);
            ASSERT_LE(words[n].time.first_frame, words[n].time.last_frame);
            if (n > 0) {
                ASSERT_GT(words[n].time.first_frame, words[n - 1].time.last_frame);
            }
        }
        for (std::size_t rank = 0; rank < search.hypotheses(); ++rank) {
            ASSERT_GE(search.length(rank), search.stable_length());
            ASSERT_LE(search.length(rank), search.stable_length() + 4);
        }
    }
    EXPECT_GT(stable.size(), 1000U);
}

TEST(CtcWordSearch, SurvivesFramesInWhichNothingCanBeSaid) {
    const auto language = small_language();
    auto search = language.search(8);
    Row nothing;
    nothing.fill(std::numeric_limits<float>::quiet_NaN());
    search.step(clear_row(7).data());
    const auto before = search.log_probability();
    search.step(nothing.data());
    Row outside;
    outside.fill(kNever);
    outside[20] = 0;  // no word has it
    search.step(outside.data());
    EXPECT_EQ(search.log_probability(), before);
    EXPECT_EQ(search.frames(), 3U);
    EXPECT_EQ(words_of(search), std::vector<std::uint32_t>{3});
    search.reset();
    EXPECT_EQ(search.frames(), 0U);
    EXPECT_EQ(search.length(), 0U);
    EXPECT_EQ(search.log_probability(), 0);
}

TEST(CtcWordSearch, MakesNoHeapCalls) {
    if (!rt::interposer_is_present()) GTEST_SKIP() << "the interposer is not linked in";
    Random random{5};
    const auto language = random_language(random, true);
    auto search = language.search(32, 1e-10);
    Rows rows(500);
    for (auto& row : rows) row = random_row(random, 2);
    std::vector<CtcWord> words(64);
    rt::reset_realtime_counts();
    {
        const rt::RealtimeScope scope(rt::RealtimeKind::audio);
        for (const auto& row : rows) {
            search.step(row.data());
            search.copy(search.first_kept(), words);
            (void)search.best_end();
        }
        search.reset();
    }
    EXPECT_EQ(rt::realtime_counts(rt::RealtimeKind::audio).heap_calls, 0U);
    EXPECT_EQ(rt::realtime_counts(rt::RealtimeKind::audio).locks, 0U);
}

TEST(CtcWordSearch, RefusesSettingsOutOfRange) {
    const auto trie = small_language().trie;
    const auto make = [&](const CtcWordSearch::Settings& settings) { const CtcWordSearch search{trie, {}, settings}; };
    EXPECT_THROW(make({.beam = 0}), std::invalid_argument);
    EXPECT_THROW(make({.beam = 1025}), std::invalid_argument);
    EXPECT_THROW(make({.least_share = 1}), std::invalid_argument);
    EXPECT_THROW(make({.longest_doubt = 0}), std::invalid_argument);
    EXPECT_THROW(make({.kept_words = 0}), std::invalid_argument);
    EXPECT_NO_THROW(make({.beam = 1}));
}

}  // namespace
}  // namespace sidetone::speech
