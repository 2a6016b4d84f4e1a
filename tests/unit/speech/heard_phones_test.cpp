// SPDX-License-Identifier: Apache-2.0
#include "speech/heard_phones.hpp"

#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <vector>

namespace sidetone::speech {
namespace {

constexpr std::int64_t kHop = 320, kFirst = -440;

// Certain of one class an answer.
class Speaker {
public:
    explicit Speaker(HeardPhones& phones) : phones_(phones) {}

    void say(Phone phone, float probability = 0.9F) {
        std::array<float, kPhoneClassCount> row{};
        row.fill(std::log((1 - probability) / (kPhoneClassCount - 1)));
        row[phone] = std::log(probability);
        phones_.push({.log_probabilities = row, .number = number_, .first_sample = kFirst + number_ * kHop});
        ++number_;
    }

private:
    HeardPhones& phones_;
    std::int64_t number_ = 0;
};

TEST(HeardPhones, LieWhereTheirPeaksAreInTheSound) {
    HeardPhones phones{{}};
    Speaker speaker{phones};
    for (const Phone phone : std::initializer_list<Phone>{0, 0, 0, 5, 5, 0, 7, 0, 0}) speaker.say(phone);
    std::array<HeardPhone, 4> heard;
    ASSERT_EQ(phones.size(), 2U);
    ASSERT_EQ(phones.copy(0, heard), 2U);
    EXPECT_EQ(heard[0].phone, 5);
    EXPECT_EQ(heard[0].first_sample, kFirst + 3 * kHop);
    EXPECT_EQ(heard[0].end_sample, kFirst + 5 * kHop);
    EXPECT_NEAR(heard[0].confidence, 0.9, 1e-5);
    EXPECT_EQ(heard[1].phone, 7);
    EXPECT_EQ(heard[1].first_sample, kFirst + 6 * kHop);
}

TEST(HeardPhones, NeverBeginBeforeTheSound) {
    HeardPhones phones{{}};
    Speaker speaker{phones};
    for (const Phone phone : std::initializer_list<Phone>{5, 5, 0}) speaker.say(phone);
    std::array<HeardPhone, 1> heard;
    ASSERT_EQ(phones.copy(0, heard), 1U);
    EXPECT_EQ(heard[0].first_sample, 0);
    EXPECT_EQ(heard[0].end_sample, kFirst + 2 * kHop);
}

TEST(HeardPhones, AreCopiedInPiecesOfAnySize) {
    HeardPhones phones{{}};
    Speaker speaker{phones};
    for (int i = 0; i < 100; ++i) {
        speaker.say(static_cast<Phone>(1 + i % 39));
        speaker.say(kBlank);
    }
    std::vector<HeardPhone> all(200), pieces;
    all.resize(phones.copy(0, all));
    ASSERT_EQ(all.size(), 100U);
    std::array<HeardPhone, 7> some;
    for (std::size_t count = some.size(); count == some.size();) {
        count = phones.copy(pieces.size(), some);
        pieces.insert(pieces.end(), some.begin(), some.begin() + static_cast<std::ptrdiff_t>(count));
    }
    ASSERT_EQ(pieces.size(), all.size());
    for (std::size_t i = 0; i < all.size(); ++i) EXPECT_EQ(pieces[i].first_sample, all[i].first_sample);
}

TEST(HeardPhones, BeginAnewWhereverTheStreamIs) {
    HeardPhones phones{{}};
    Speaker speaker{phones};
    for (const Phone phone : std::initializer_list<Phone>{5, 0, 6, 0}) speaker.say(phone);
    phones.reset();
    EXPECT_EQ(phones.size(), 0U);
    for (const Phone phone : std::initializer_list<Phone>{0, 9, 0}) speaker.say(phone);
    std::array<HeardPhone, 2> heard;
    ASSERT_EQ(phones.copy(0, heard), 1U);
    EXPECT_EQ(heard[0].first_sample, kFirst + 5 * kHop);
}

}  // namespace
}  // namespace sidetone::speech
