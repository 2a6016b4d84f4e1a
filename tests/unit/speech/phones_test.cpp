// SPDX-License-Identifier: Apache-2.0
#include "speech/phones.hpp"

#include <gtest/gtest.h>

namespace sidetone::speech {
namespace {

TEST(Phones, AreFoundByTheirNames) {
    for (int index = 1; index < kPhoneClassCount; ++index) {
        const auto phone = static_cast<Phone>(index);
        EXPECT_EQ(phone_named(phone_name(phone)), phone);
    }
}

TEST(Phones, MayCarryStress) {
    EXPECT_EQ(phone_named("AH0"), phone_named("AH"));
    EXPECT_EQ(phone_named("IY1"), phone_named("IY"));
}

TEST(Phones, AreNotFoundByOtherNames) {
    for (const char* name : {"", "-", "A", "0", "ah", "AH3", "AHH", "SIL", "ZZ"})
        EXPECT_EQ(phone_named(name), std::nullopt);
}

TEST(Phones, FifteenAreVowels) {
    int vowels = 0;
    for (int index = 0; index < kPhoneClassCount; ++index) vowels += is_vowel(static_cast<Phone>(index)) ? 1 : 0;
    EXPECT_EQ(vowels, 15);
    EXPECT_TRUE(is_vowel(*phone_named("ER")));
    EXPECT_FALSE(is_vowel(*phone_named("R")));
    EXPECT_FALSE(is_vowel(kBlank));
}

}  // namespace
}  // namespace sidetone::speech
