// SPDX-License-Identifier: Apache-2.0
#include "stage/compressor_settings.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <string_view>

namespace sidetone::stage {
namespace {

using testing::HasSubstr;

CompressTable read(std::string_view text, std::size_t channels = 2) {
    const toml::table table = toml::parse(text, std::string{"aid.toml"});
    return read_compressor(Settings{table, "aid.toml", "stage \"filter_bank\""}, channels);
}

std::string refusal(std::string_view text, std::size_t channels = 2) {
    try {
        (void)read(text, channels);
    } catch (const InputError& error) {
        return error.what();
    }
    return "";
}

constexpr std::string_view kTwoBands =
    "attack_ms = 7\nears = \"linked\"\nfull_scale_db_spl = 111\nknee_db = 4\noutput_limit_db_spl = 100\n"
    "[[band]]\ncentre_hz = 500\nlevels_db_spl = [40, 60]\ngains_db = [20, 10]\n"
    "[[band]]\ncentre_hz = 2000\nlevels_db_spl = [40, 60]\nleft_gains_db = [20, 10]\nright_gains_db = [30, 15]\n"
    "output_limit_db_spl = 90\n";

TEST(CompressorSettings, AreRead) {
    const auto table = read(kTwoBands);
    EXPECT_TRUE(table.has_full_scale);
    const auto& compressor = table.compressor;
    EXPECT_EQ(compressor.attack_ms, 7);
    EXPECT_TRUE(compressor.linked);
    EXPECT_EQ(compressor.full_scale_db_spl, 111);
    EXPECT_THAT(compressor.bands.centres_hz, testing::ElementsAre(500, 2000));
    ASSERT_EQ(compressor.ears.size(), 2U);
    EXPECT_EQ(compressor.ears[0][0].points[1].gain_db, 10);
    EXPECT_EQ(compressor.ears[1][0].points[1].gain_db, 10);
    EXPECT_EQ(compressor.ears[0][1].points[0].gain_db, 20);
    EXPECT_EQ(compressor.ears[1][1].points[0].gain_db, 30);
    EXPECT_EQ(compressor.ears[0][0].knee_db, 4);
    EXPECT_EQ(compressor.ears[0][0].output_limit_db_spl, 100);
    EXPECT_EQ(compressor.ears[1][1].output_limit_db_spl, 90);
}

TEST(CompressorSettings, GainsThatCannotBeAreNamed) {
    const std::string band = "[[band]]\nlevels_db_spl = [40, 60, 80]\ngains_db = ";
    const std::string good = band + "[20, 10, 0]\n";
    EXPECT_THAT(refusal(good + band + "[20, 22, 0]\n"),
                HasSubstr("aid.toml:6: stage \"filter_bank\", key \"band.gains_db\": found 22 dB at 60 dB SPL after 20 "
                          "dB at 40 dB SPL, expected gains that do not rise"));
    EXPECT_THAT(refusal(good + band + "[20, 10, -20]\n"), HasSubstr("found -20 dB at 80 dB SPL after 10 dB"));
    EXPECT_THAT(refusal(good + band + "[20, 10]\n"), HasSubstr("found 2 gains, expected 3"));
    EXPECT_THAT(refusal(good + band + "[20, nan, 0]\n"), HasSubstr("found nan in it"));
    EXPECT_THAT(refusal(good + band + "[900, 0, 0]\n"), HasSubstr("found 900 in it"));
    EXPECT_THAT(refusal(good + "[[band]]\nlevels_db_spl = [60, 40]\ngains_db = [1, 1]\n"), HasSubstr("40 after 60"));
    EXPECT_THAT(refusal(good + "[[band]]\ngains_db = [1, 1]\n"), HasSubstr("found nothing, expected levels that rise"));
}

TEST(CompressorSettings, BandsThatCannotBeAreNamed) {
    const std::string band = "[[band]]\nlevels_db_spl = [40]\ngains_db = [20]\n";
    EXPECT_THAT(refusal(band), HasSubstr("found 1 bands, expected 2 to 18"));
    EXPECT_THAT(refusal("edges_hz = [100, 200]\n" + band + band), HasSubstr("found 2 edges of 2 bands, expected 3"));
    EXPECT_THAT(refusal("edges_hz = [100, 300, 200]\n" + band + band), HasSubstr("found 200 after 300"));
    EXPECT_THAT(refusal(band + "centre_hz = 500\n" + band), HasSubstr("a centre for every band, or for none"));
    EXPECT_THAT(refusal(band + band + "colour = 3\n"), HasSubstr("colour"));
    EXPECT_THAT(refusal("attack_ms = -5\n" + band + band), HasSubstr("found -5, expected a number from 0.1 to 500"));
    EXPECT_THAT(refusal(kTwoBands, 1), HasSubstr("found a chain of 1 channels"));
}

}  // namespace
}  // namespace sidetone::stage
