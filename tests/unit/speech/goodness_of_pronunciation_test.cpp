// SPDX-License-Identifier: Apache-2.0
#include "speech/goodness_of_pronunciation.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <random>
#include <vector>

#include "unit/speech/written_file.hpp"

namespace sidetone::speech {
namespace {

using Phones = std::vector<Phone>;
using Random = std::mt19937;

constexpr std::size_t kClasses = kPhoneClassCount;
constexpr Phone kSounding = 4;  // classes below it are heard, the others never

int below(int count, Random& random) {
    return std::uniform_int_distribution<int>{0, count - 1}(random);
}

std::vector<float> random_frames(std::size_t count, Random& random) {
    std::vector<float> all(count * kClasses, -std::numeric_limits<float>::infinity());
    std::normal_distribution<double> spread{0, 2};
    for (std::size_t frame = 0; frame < count; ++frame) {
        double sum = 0;
        std::vector<double> values(kSounding);
        for (auto& value : values) sum += value = std::exp(spread(random));
        for (std::size_t i = 0; i < kSounding; ++i)
            all[frame * kClasses + i] = static_cast<float>(std::log(values[i] / sum));
    }
    return all;
}

/// The probability of every sequence of phones, from every path: repeats are merged, then blanks dropped.
class EveryPath {
public:
    explicit EveryPath(const std::vector<float>& frames) : frames_(frames) { go(0, 1, kBlank, {}); }
    [[nodiscard]] double log_probability(const Phones& phones) const {
        const auto found = all_.find(phones);
        return found == all_.end() ? -std::numeric_limits<double>::infinity() : std::log(found->second);
    }

private:
    void go(std::size_t frame, double probability, Phone last, const Phones& phones) {
        if (frame == frames_.size() / kClasses) {
            all_[phones] += probability;
            return;
        }
        for (Phone now = 0; now < kSounding; ++now) {
            auto after = phones;
            if (now != kBlank && now != last) after.push_back(now);
            go(frame + 1, probability * std::exp(static_cast<double>(frames_[frame * kClasses + now])), now, after);
        }
    }

    const std::vector<float>& frames_;
    std::map<Phones, double> all_;
};

TEST(GoodnessOfPronunciation, EqualsTheSumOverAllPaths) {
    int scored = 0, first_and_last_only = 0, impossible = 0;
    for (unsigned seed = 0; seed < 400; ++seed) {
        Random random{seed};
        const auto frames = random_frames(static_cast<std::size_t>(1 + below(6, random)), random);
        Phones phones(static_cast<std::size_t>(1 + below(4, random)));
        for (auto& phone : phones) phone = static_cast<Phone>(1 + below(kSounding - 1, random));
        const EveryPath every{frames};
        const double expected = every.log_probability(phones);
        const auto found = goodness_of_pronunciation(frames, phones);
        ASSERT_EQ(found.phones.empty(), std::isinf(expected)) << "seed " << seed;
        if (found.phones.empty()) {
            EXPECT_EQ(found.log_likelihood, expected);
            ++impossible;
            continue;
        }
        EXPECT_NEAR(found.log_likelihood, expected, 1e-9) << "seed " << seed;
        ASSERT_EQ(found.phones.size(), phones.size());
        for (std::size_t i = 0; i < phones.size(); ++i) {
            auto without = phones;
            without.erase(without.begin() + static_cast<std::ptrdiff_t>(i));
            EXPECT_NEAR(found.phones[i][kBlank], every.log_probability(without) - expected, 1e-5)
                << "seed " << seed << ", phone " << i << " left out";
            for (Phone other = 1; other < kSounding; ++other) {
                auto with = phones;
                with[i] = other;
                const double ratio = every.log_probability(with) - expected;
                if (std::isinf(ratio)) {
                    EXPECT_EQ(found.phones[i][other], static_cast<float>(ratio));
                } else {
                    EXPECT_NEAR(found.phones[i][other], ratio, 1e-5) << "seed " << seed << ", phone " << i;
                }
            }
        }
        ++scored;
        if (phones.size() == 1) ++first_and_last_only;
    }
    EXPECT_GT(scored, 200);
    EXPECT_GT(first_and_last_only, 20);
    EXPECT_GT(impossible, 20);
}

/// Peaks of one frame between blanks.
std::vector<float> peaks_of(const Phones& phones) {
    std::vector<float> frames;
    const auto add = [&](Phone phone) {
        const auto first = frames.size();
        frames.resize(first + kClasses, std::log(0.1F / kPhoneCount));
        frames[first + phone] = std::log(0.9F);
    };
    for (const auto phone : phones) {
        for (const auto now : {kBlank, phone, kBlank}) add(now);
    }
    return frames;
}

TEST(GoodnessOfPronunciation, TellsWhatWasHeardInstead) {
    const Phones expected{5, 9, 9, 20};
    const auto good = goodness_of_pronunciation(peaks_of(expected), expected);
    for (const auto& phone : good.phones) {
        for (const float ratio : phone) EXPECT_LE(ratio, 0);
    }
    const auto replaced = goodness_of_pronunciation(peaks_of({5, 30, 9, 20}), expected);
    EXPECT_EQ(std::ranges::max_element(replaced.phones[1]) - replaced.phones[1].begin(), 30);
    EXPECT_GT(replaced.phones[1][30], 3);
    const auto left_out = goodness_of_pronunciation(peaks_of({5, 9, 9}), expected);
    EXPECT_EQ(std::ranges::max_element(left_out.phones[3]) - left_out.phones[3].begin(), kBlank);
    EXPECT_GT(left_out.phones[3][kBlank], 3);
}

TEST(GoodnessOfPronunciation, StaysFiniteForLongAndHopelessSpeech) {
    const Phones phones(60, 7);
    std::vector<float> frames(1500 * kClasses, std::numeric_limits<float>::quiet_NaN());
    const auto goodness = goodness_of_pronunciation(frames, phones);
    ASSERT_EQ(goodness.phones.size(), phones.size());
    EXPECT_TRUE(std::isfinite(goodness.log_likelihood));
    for (const auto& phone : goodness.phones) {
        for (const float ratio : phone) EXPECT_TRUE(std::isfinite(ratio));
    }
}

TEST(GoodnessOfPronunciation, PretendsNoScoreWithoutFrames) {
    const auto goodness = goodness_of_pronunciation({}, Phones{1});
    EXPECT_TRUE(goodness.phones.empty());
    EXPECT_TRUE(std::isinf(goodness.log_likelihood));
}

TEST(GoodnessOfPronunciation, RefusesWhatIsNoPrompt) {
    using test::complaint_of;
    using testing::HasSubstr;
    const auto complaint = [](std::size_t values, const Phones& phones) {
        const std::vector<float> frames(values, -1);
        return complaint_of([&] { (void)goodness_of_pronunciation(frames, phones); });
    };
    EXPECT_THAT(complaint(kClasses, {}), HasSubstr("found no phones"));
    EXPECT_THAT(complaint(kClasses, {kBlank}), HasSubstr("found phone 0, expected 1 to 39"));
    EXPECT_THAT(complaint(kClasses, {40}), HasSubstr("found phone 40, expected 1 to 39"));
    EXPECT_THAT(complaint(kClasses + 1, {1}), HasSubstr("found 41 probabilities, expected a multiple of 40"));
}

}  // namespace
}  // namespace sidetone::speech
