// SPDX-License-Identifier: Apache-2.0
#include "stage/settings.hpp"

#include <gtest/gtest.h>

#include <array>
#include <functional>
#include <string>

namespace sidetone::stage {
namespace {

std::string message_of(std::string_view text, const std::function<void(Settings&)>& read) {
    const toml::table table = toml::parse(text, std::string{"chain.toml"});
    Settings settings{table, "chain.toml", "stage \"compress\""};
    try {
        read(settings);
        settings.finish();
    } catch (const InputError& error) {
        return error.what();
    }
    return "";
}

TEST(Settings, ValueOutOfRangeNamesLineKeyFoundAndExpected) {
    EXPECT_EQ(message_of("\nattack_ms = -5\n", [](Settings& s) { (void)s.number("attack_ms", 1, 0.1, 500); }),
              "chain.toml:2: stage \"compress\", key \"attack_ms\": found -5, expected a number from 0.1 to 500");
}

TEST(Settings, WrongTypeIsRefused) {
    EXPECT_NE(message_of("bands = 2.5", [](Settings& s) { (void)s.integer("bands", 1, 1, 18); })
                  .find("an integer from 1 to 18"),
              std::string::npos);
    EXPECT_NE(message_of("name = 3", [](Settings& s) { (void)s.text("name", ""); }).find("a text that is not empty"),
              std::string::npos);
}

TEST(Settings, NotANumberIsOutOfEveryRange) {
    EXPECT_NE(message_of("gain_db = nan", [](Settings& s) { (void)s.number("gain_db", 0, -120, 40); }), "");
}

TEST(Settings, UnknownKeyIsNamedWithThoseThereAre) {
    EXPECT_EQ(message_of("gian_db = 3", [](Settings& s) { (void)s.number("gain_db", 0, -120, 40); }),
              "chain.toml:1: stage \"compress\", key \"gian_db\": found an unknown key, expected one of \"gain_db\"");
}

TEST(Settings, ChoiceListsWhatThereIs) {
    constexpr std::array<std::string_view, 2> choices{"left", "right"};
    EXPECT_NE(message_of("ear = \"nose\"", [&](Settings& s) { (void)s.choice("ear", "left", choices); })
                  .find("found \"nose\", expected one of \"left\", \"right\""),
              std::string::npos);
}

TEST(Settings, MissingKeysTakeTheirDefaults) {
    const toml::table table = toml::parse("a = 2");
    Settings settings{table, "f", "w"};
    EXPECT_EQ(settings.number("a", 1, 0, 10), 2);
    EXPECT_EQ(settings.number("b", 1, 0, 10), 1);
    EXPECT_NO_THROW(settings.finish());
}

}  // namespace
}  // namespace sidetone::stage
