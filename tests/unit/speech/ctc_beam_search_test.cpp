// SPDX-License-Identifier: Apache-2.0
#include "speech/ctc_beam_search.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <map>
#include <numeric>
#include <random>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "rt/guard.hpp"

namespace sidetone::speech {
namespace {

using Prefix = std::vector<Phone>;
using Posteriors = std::vector<std::vector<float>>;  // natural logarithms, a row per frame
using Sums = std::map<Prefix, double>;

std::vector<float> random_row(std::mt19937& random, std::size_t classes, double sharpness) {
    std::normal_distribution<double> normal(0, sharpness);
    std::vector<double> values(classes);
    double sum = 0;
    for (auto& value : values) sum += value = std::exp(normal(random));
    std::vector<float> row(classes);
    for (std::size_t c = 0; c < classes; ++c) row[c] = static_cast<float>(std::log(values[c] / sum));
    return row;
}

Posteriors random_rows(std::mt19937& random, std::size_t frames, std::size_t classes, double sharpness) {
    Posteriors rows;
    for (std::size_t t = 0; t < frames; ++t) rows.push_back(random_row(random, classes, sharpness));
    return rows;
}

/// A row in which `token` has nearly all the probability.
std::vector<float> clear_row(Phone token, std::size_t classes = kPhoneClassCount) {
    std::vector<float> row(classes, std::log(0.05F / static_cast<float>(classes - 1)));
    row[token] = std::log(0.95F);
    return row;
}

/// A bigram model over 64 tokens: the state is the last token, 64 at the start.
struct Bigram {
    std::vector<float> scores = std::vector<float>(std::size_t{65} * 64);

    explicit Bigram(std::mt19937& random) {
        std::normal_distribution<float> normal(-0.5F, 1);
        for (auto& score : scores) score = normal(random);
    }
    [[nodiscard]] ExternalScore as_external() const {
        return {[](const void* model, std::uint32_t state, Phone token, std::uint32_t& next) noexcept {
                    next = token;
                    return static_cast<const Bigram*>(model)->scores[std::size_t{state} * 64 + token];
                },
                this, 64};
    }
    [[nodiscard]] double factor(const Prefix& prefix) const {
        double sum = 0;
        std::size_t state = 64;
        for (const auto token : prefix) {
            sum += static_cast<double>(scores[state * 64 + token]);
            state = token;
        }
        return std::exp(sum);
    }
};

Prefix folded(const Prefix& path) {
    Prefix prefix;
    for (std::size_t t = 0; t < path.size(); ++t) {
        if (path[t] != kBlank && (t == 0 || path[t] != path[t - 1])) prefix.push_back(path[t]);
    }
    return prefix;
}

/// Every path there is, added to what it folds into.
Sums sums_of_all_paths(const Posteriors& rows) {
    Sums sums;
    const std::size_t classes = rows.front().size();
    Prefix path(rows.size(), 0);
    while (true) {
        double log_prob = 0;
        for (std::size_t t = 0; t < rows.size(); ++t) log_prob += static_cast<double>(rows[t][path[t]]);
        sums[folded(path)] += std::exp(log_prob);
        std::size_t t = 0;
        while (t < path.size() && ++path[t] == classes) path[t++] = 0;
        if (t == path.size()) return sums;
    }
}

Prefix tokens_of(const CtcBeamSearch& search, std::size_t rank = 0) {
    std::vector<CtcToken> tokens(search.length(rank) - search.first_kept());
    EXPECT_EQ(search.copy(search.first_kept(), tokens, rank), tokens.size());
    Prefix prefix;
    for (const auto& token : tokens) prefix.push_back(token.token);
    return prefix;
}

void expect_equal_sums(const CtcBeamSearch& search, const Sums& sums) {
    ASSERT_EQ(search.hypotheses(), sums.size());
    const double best = std::max_element(sums.begin(), sums.end(), [](const auto& a, const auto& b) {
                            return a.second < b.second;
                        })->second;
    EXPECT_NEAR(std::exp(search.log_probability()), best, 1e-12 * best);
    Sums seen;
    for (std::size_t rank = 0; rank < search.hypotheses(); ++rank) {
        seen[tokens_of(search, rank)] = std::exp(search.log_probability(rank));
    }
    ASSERT_EQ(seen.size(), sums.size()) << "a prefix is there twice";
    for (const auto& [prefix, sum] : sums) ASSERT_NEAR(seen.at(prefix), sum, 1e-12 * sum + 1e-300);
}

struct SmallCase {
    std::size_t classes, most_frames;  // no more prefixes than 128
};
constexpr SmallCase kSmallCases[] = {{2, 9}, {3, 6}, {4, 4}, {5, 3}, {11, 2}};

TEST(CtcBeamSearch, EqualsTheSumOverAllPathsOfEachPrefix) {
    std::mt19937 random(1);
    for (int n = 0; n < 4000; ++n) {
        const auto [classes, most] = kSmallCases[static_cast<std::size_t>(n) % std::size(kSmallCases)];
        const auto rows = random_rows(random, 1 + random() % most, classes, 1 + n % 4);
        CtcBeamSearch search({.classes = static_cast<int>(classes), .beam = 128});
        for (const auto& row : rows) search.step(row.data());
        ASSERT_NO_FATAL_FAILURE(expect_equal_sums(search, sums_of_all_paths(rows))) << "case " << n;
    }
}

TEST(CtcBeamSearch, WeighsEveryPrefixByTheExternalScore) {
    std::mt19937 random(2);
    for (int n = 0; n < 2000; ++n) {
        const auto [classes, most] = kSmallCases[static_cast<std::size_t>(n) % std::size(kSmallCases)];
        const Bigram bigram(random);
        const auto rows = random_rows(random, 1 + random() % most, classes, 1 + n % 4);
        CtcBeamSearch search({.classes = static_cast<int>(classes), .beam = 128, .external = bigram.as_external()});
        for (const auto& row : rows) search.step(row.data());
        auto sums = sums_of_all_paths(rows);
        for (auto& [prefix, sum] : sums) sum *= bigram.factor(prefix);
        ASSERT_NO_FATAL_FAILURE(expect_equal_sums(search, sums)) << "case " << n;
    }
}

/// Prefix beam search as the paper has it: a map from prefixes to sums, all extensions, sorted, cut.
class PlainSearch {
public:
    explicit PlainSearch(std::size_t beam, const Bigram* bigram = nullptr) : beam_(beam), bigram_(bigram) {}

    void step(const std::vector<float>& row) {
        std::map<Prefix, std::pair<double, double>> next;
        for (const auto& [prefix, sums] : beam_now_) {
            const double all = sums.first + sums.second;
            for (Phone c = 0; c < row.size(); ++c) {
                const double p = std::exp(static_cast<double>(row[c]));
                if (c == kBlank) {
                    next[prefix].first += all * p;
                    continue;
                }
                const bool repeat = !prefix.empty() && prefix.back() == c;
                if (repeat) next[prefix].second += sums.second * p;
                auto longer = prefix;
                longer.push_back(c);
                const double factor = bigram_ == nullptr ? 1 : bigram_->factor(longer) / bigram_->factor(prefix);
                next[longer].second += (repeat ? sums.first : all) * p * factor;
            }
        }
        beam_now_.assign(next.begin(), next.end());
        const auto sum = [](const auto& entry) { return entry.second.first + entry.second.second; };
        std::sort(beam_now_.begin(), beam_now_.end(), [&](const auto& a, const auto& b) { return sum(a) > sum(b); });
        if (beam_now_.size() > beam_) beam_now_.resize(beam_);
        const double scale = sum(beam_now_.front());
        for (auto& [prefix, sums] : beam_now_) {
            sums.first /= scale;
            sums.second /= scale;
        }
    }
    [[nodiscard]] Sums sums() const {
        Sums sums;
        for (const auto& [prefix, pair] : beam_now_) sums[prefix] = pair.first + pair.second;
        return sums;
    }

private:
    std::size_t beam_;
    const Bigram* bigram_;
    std::vector<std::pair<Prefix, std::pair<double, double>>> beam_now_{{{}, {1, 0}}};
};

void expect_as_plain(std::size_t beam, double sharpness, std::size_t frames, bool with_bigram, std::uint32_t seed) {
    std::mt19937 random(seed);
    const Bigram bigram(random);
    PlainSearch plain(beam, with_bigram ? &bigram : nullptr);
    CtcBeamSearch search(
        {.beam = beam, .longest_doubt = 1024, .external = with_bigram ? bigram.as_external() : ExternalScore{}});
    for (std::size_t t = 0; t < frames; ++t) {
        const auto row = random_row(random, kPhoneClassCount, sharpness);
        plain.step(row);
        search.step(row.data());
        if (t % 7 != 0 && t + 1 != frames) continue;
        const auto expected = plain.sums();
        ASSERT_EQ(search.hypotheses(), expected.size());
        for (std::size_t rank = 0; rank < search.hypotheses(); ++rank) {
            const auto found = expected.find(tokens_of(search, rank));
            ASSERT_NE(found, expected.end()) << "frame " << t;
            const double relative = std::exp(search.log_probability(rank) - search.log_probability());
            ASSERT_NEAR(relative, found->second, 1e-9 * found->second) << "frame " << t;
        }
    }
}

TEST(CtcBeamSearch, KeepsTheSamePrefixesAsThePlainSearchAtAnyBeam) {
    for (const std::size_t beam : {1U, 2U, 3U, 4U, 16U, 33U, 128U}) {
        for (const double sharpness : {0.5, 2.0, 5.0}) {
            SCOPED_TRACE("beam " + std::to_string(beam) + ", sharpness " + std::to_string(sharpness));
            const std::size_t frames = beam > 32 ? 40 : 150;
            ASSERT_NO_FATAL_FAILURE(expect_as_plain(beam, sharpness, frames, false, 3));
            ASSERT_NO_FATAL_FAILURE(expect_as_plain(beam, sharpness, frames / 3, true, 4));
        }
    }
}

TEST(CtcBeamSearch, DatesTokensByTheirFrames) {
    CtcBeamSearch search({.beam = 16});
    const Prefix path{0, 0, 5, 5, 5, 0, 5, 7, 7, 0, 0, 0, 12};
    for (const auto token : path) search.step(clear_row(token).data());
    std::vector<CtcToken> tokens(8);
    ASSERT_EQ(search.copy(0, tokens), 4U);
    const CtcToken expected[] = {{5, 0.95F, 2, 4}, {5, 0.95F, 6, 6}, {7, 0.95F, 7, 8}, {12, 0.95F, 12, 12}};
    for (std::size_t n = 0; n < 4; ++n) {
        EXPECT_EQ(tokens[n].token, expected[n].token);
        EXPECT_EQ(tokens[n].first_frame, expected[n].first_frame) << n;
        EXPECT_EQ(tokens[n].last_frame, expected[n].last_frame) << n;
        EXPECT_NEAR(tokens[n].confidence, 0.95, 1e-6) << n;
    }
    EXPECT_EQ(search.copy(2, std::span(tokens).first(1)), 1U);
    EXPECT_EQ(tokens[0].token, 7);
    EXPECT_EQ(tokens[0].first_frame, 7);
}

/// The likeliest path that folds into `prefix`; the frames of its last token, which are exact.
std::pair<std::int64_t, std::int64_t> last_token_frames(const Posteriors& rows, const Prefix& prefix) {
    const std::size_t classes = rows.front().size();
    Prefix path(rows.size(), 0);
    Prefix likeliest;
    double best = -1e300;
    while (true) {
        double log_prob = 0;
        for (std::size_t t = 0; t < rows.size(); ++t) log_prob += static_cast<double>(rows[t][path[t]]);
        if (log_prob > best && folded(path) == prefix) {
            best = log_prob;
            likeliest = path;
        }
        std::size_t t = 0;
        while (t < path.size() && ++path[t] == classes) path[t++] = 0;
        if (t == path.size()) break;
    }
    auto last = static_cast<std::int64_t>(rows.size()) - 1;
    while (likeliest[static_cast<std::size_t>(last)] == kBlank) --last;
    auto first = last;
    while (first > 0 && likeliest[static_cast<std::size_t>(first - 1)] == prefix.back()) --first;
    return {first, last};
}

TEST(CtcBeamSearch, TheLastTokenLiesWhereTheLikeliestPathHasIt) {
    std::mt19937 random(5);
    for (int n = 0; n < 300; ++n) {
        const auto rows = random_rows(random, 6, 3, 2);
        CtcBeamSearch search({.classes = 3, .beam = 128});
        for (const auto& row : rows) search.step(row.data());
        const auto prefix = tokens_of(search);
        if (prefix.empty()) continue;
        std::vector<CtcToken> tokens(prefix.size());
        search.copy(0, tokens);
        const auto [first, last] = last_token_frames(rows, prefix);
        ASSERT_EQ(tokens.back().first_frame, first) << "case " << n;
        ASSERT_EQ(tokens.back().last_frame, last) << "case " << n;
    }
}

std::size_t common_length(const std::vector<Prefix>& prefixes) {
    std::size_t common = prefixes.front().size();
    for (const auto& prefix : prefixes) {
        const auto most = static_cast<std::ptrdiff_t>(std::min(common, prefix.size()));
        const auto end = std::mismatch(prefix.begin(), prefix.begin() + most, prefixes.front().begin()).first;
        common = static_cast<std::size_t>(end - prefix.begin());
    }
    return common;
}

TEST(CtcBeamSearch, WhatIsStableIsWhatAllHypothesesBeginWithAndNeverChanges) {
    std::mt19937 random(6);
    CtcBeamSearch search({.classes = 6, .beam = 8, .longest_doubt = 1024});
    Prefix stable;
    for (int t = 0; t < 600; ++t) {
        search.step(random_row(random, 6, 4).data());
        std::vector<Prefix> prefixes;
        for (std::size_t rank = 0; rank < search.hypotheses(); ++rank) prefixes.push_back(tokens_of(search, rank));
        ASSERT_EQ(search.stable_length(), common_length(prefixes));
        const Prefix now(prefixes[0].begin(),
                         prefixes[0].begin() + static_cast<std::ptrdiff_t>(search.stable_length()));
        ASSERT_GE(now.size(), stable.size());
        ASSERT_TRUE(std::equal(stable.begin(), stable.end(), now.begin()));
        stable = now;
    }
    EXPECT_GT(stable.size(), 50U);
}

TEST(CtcBeamSearch, TokensAreInOrderAndDoNotOverlap) {
    std::mt19937 random(7);
    for (const double sharpness : {1.0, 3.0}) {
        CtcBeamSearch search({.classes = 12, .beam = 16, .longest_doubt = 12});
        std::vector<CtcToken> tokens(1000);
        for (int t = 0; t < 400; ++t) {
            search.step(random_row(random, 12, sharpness).data());
            const auto count = search.copy(0, tokens);
            for (std::size_t n = 0; n < count; ++n) {
                ASSERT_LE(tokens[n].first_frame, tokens[n].last_frame);
                ASSERT_GE(tokens[n].first_frame, n == 0 ? 0 : tokens[n - 1].last_frame + 1) << "frame " << t;
                ASSERT_LE(tokens[n].last_frame, t);
                ASSERT_GT(tokens[n].confidence, 0);
                ASSERT_LE(tokens[n].confidence, 1.0001F);
            }
        }
    }
}

TEST(CtcBeamSearch, DecodesAnHourInFlatMemory) {
    std::mt19937 random(8);
    CtcBeamSearch search({.beam = 4, .kept_tokens = 64});
    Prefix said;
    std::vector<std::vector<float>> rows;
    for (Phone c = 0; c < kPhoneClassCount; ++c) rows.push_back(clear_row(c));
    std::uint64_t checked = 0;
    std::size_t most_nodes = 0;
    std::vector<CtcToken> tokens(64);
    for (int word = 0; word < 180'000 / 5; ++word) {
        const auto token = static_cast<Phone>(1 + random() % kPhoneCount);
        said.push_back(token);
        for (const Phone shown : {token, token, kBlank, kBlank, kBlank}) search.step(rows[shown].data());
        most_nodes = std::max(most_nodes, search.used_nodes());
        const auto count = search.copy(checked, std::span(tokens).first(search.stable_length() - checked));
        for (std::size_t n = 0; n < count; ++n, ++checked) {
            ASSERT_EQ(tokens[n].token, said[checked]);
            ASSERT_EQ(tokens[n].first_frame, 5 * static_cast<std::int64_t>(checked));
        }
    }
    EXPECT_EQ(search.frames(), 180'000U);
    EXPECT_GT(checked + 40, said.size());
    EXPECT_LE(most_nodes, 4 * 64 + 1U);
    EXPECT_NEAR(search.log_probability(), 180'000 * std::log(0.95), 200) << "an hour's probability is far below 1e-308";
}

TEST(CtcBeamSearch, DecidesForTheBestWhenHypothesesDifferForTooLong) {
    for (const std::size_t beam : {2U, 5U, 64U}) {
        std::mt19937 random(9);
        CtcBeamSearch search({.classes = 40, .beam = beam, .longest_doubt = 5, .kept_tokens = 16});
        const std::vector<float> anything(40, std::log(1 / 40.0F));
        std::uint64_t stable = 0;
        for (int t = 0; t < 20'000; ++t) {
            const bool flat = t / 50 % 2 == 0;
            search.step(flat ? anything.data() : random_row(random, 40, 0.3).data());
            ASSERT_GE(search.stable_length(), stable);
            stable = search.stable_length();
            ASSERT_LE(search.used_nodes(), beam * 5 + 1);
            for (std::size_t rank = 0; rank < search.hypotheses(); ++rank) {
                ASSERT_GE(search.length(rank), stable);
                ASSERT_LE(search.length(rank), stable + 5);
                ASSERT_LE(search.log_probability(rank), search.log_probability() + 1e-9);
            }
        }
        EXPECT_GT(stable, 100U);
    }
}

TEST(CtcBeamSearch, BeginsOnlyTokensThatAreLikelyEnough) {
    const auto lengths_with = [](float least) {
        CtcBeamSearch search({.classes = 3, .beam = 128, .least_log_prob = least});
        const std::vector<float> row{std::log(0.6F), std::log(0.3F), std::log(0.1F)};
        search.step(row.data());
        return search.hypotheses();
    };
    EXPECT_EQ(lengths_with(std::log(0.05F)), 3U);
    EXPECT_EQ(lengths_with(std::log(0.2F)), 2U);
    EXPECT_EQ(lengths_with(std::log(0.5F)), 1U);
}

TEST(CtcBeamSearch, PassesOverFramesInWhichNothingIsPossible) {
    constexpr float kInfinity = std::numeric_limits<float>::infinity();
    constexpr float kNan = std::numeric_limits<float>::quiet_NaN();
    CtcBeamSearch search({.classes = 3, .beam = 8});
    search.step(clear_row(1, 3).data());
    const auto before = search.log_probability();
    for (const float value : {-kInfinity, kNan, kInfinity}) search.step(std::vector<float>(3, value).data());
    EXPECT_EQ(search.log_probability(), before);
    EXPECT_EQ(search.frames(), 4U);
    search.step(std::vector<float>{kNan, -kInfinity, 0.0F}.data());
    EXPECT_EQ(tokens_of(search), (Prefix{1, 2}));
}

TEST(CtcBeamSearch, ForgetsAllWhenReset) {
    std::mt19937 random(10);
    const auto rows = random_rows(random, 100, kPhoneClassCount, 3);
    CtcBeamSearch fresh({.beam = 16});
    CtcBeamSearch used({.beam = 16});
    for (const auto& row : rows) used.step(row.data());
    used.reset();
    EXPECT_EQ(used.length(), 0U);
    EXPECT_EQ(used.log_probability(), 0);
    for (std::size_t t = 50; t < 100; ++t) {
        fresh.step(rows[t].data());
        used.step(rows[t].data());
    }
    EXPECT_EQ(used.log_probability(), fresh.log_probability());
    EXPECT_EQ(tokens_of(used), tokens_of(fresh));
}

TEST(CtcBeamSearch, MakesNoHeapCalls) {
    if (!rt::interposer_is_present()) GTEST_SKIP() << "the interposer is not linked in";
    std::mt19937 random(11);
    const auto rows = random_rows(random, 300, kPhoneClassCount, 2);
    const Bigram bigram(random);
    for (const bool scored : {false, true}) {
        CtcBeamSearch search(
            {.beam = 32, .longest_doubt = 6, .external = scored ? bigram.as_external() : ExternalScore{}});
        std::vector<CtcToken> tokens(64);
        rt::reset_realtime_counts();
        {
            const rt::RealtimeScope scope(rt::RealtimeKind::audio);
            for (const auto& row : rows) {
                search.step(row.data());
                search.copy(search.first_kept(), tokens);
            }
            search.reset();
        }
        EXPECT_EQ(rt::realtime_counts(rt::RealtimeKind::audio).heap_calls, 0U);
        EXPECT_EQ(rt::realtime_counts(rt::RealtimeKind::audio).locks, 0U);
    }
}

TEST(CtcBeamSearch, RefusesSettingsOutOfRange) {
    EXPECT_THROW(CtcBeamSearch({.classes = 1}), std::invalid_argument);
    EXPECT_THROW(CtcBeamSearch({.classes = 65}), std::invalid_argument);
    EXPECT_THROW(CtcBeamSearch({.beam = 0}), std::invalid_argument);
    EXPECT_THROW(CtcBeamSearch({.beam = 129}), std::invalid_argument);
    EXPECT_THROW(CtcBeamSearch({.longest_doubt = 0}), std::invalid_argument);
    EXPECT_THROW(CtcBeamSearch({.kept_tokens = 0}), std::invalid_argument);
    EXPECT_NO_THROW(CtcBeamSearch({.classes = 64, .beam = 128}));
}

}  // namespace
}  // namespace sidetone::speech
