// SPDX-License-Identifier: Apache-2.0
#include "stage/equaliser_settings.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <string>

#include "rt/error.hpp"
#include "unit/rt/temporary_folder.hpp"

namespace sidetone::stage {
namespace {

using Shape = dsp::EqualiserFilter::Shape;
using testing::HasSubstr;

class ParametricFile : public testing::Test {
protected:
    EqualiserSettings read(const std::string& text) {
        sidetone::test::write(file_, text);
        return read_parametric_file(file_);
    }
    std::string refusal(const std::string& text) {
        try {
            (void)read(text);
        } catch (const InputError& error) {
            return error.what();
        }
        return "";
    }

    sidetone::test::TemporaryFolder folder_;
    std::filesystem::path file_ = folder_ / "equaliser.txt";
};

TEST_F(ParametricFile, IsReadAsAutoEqWritesIt) {
    const auto settings = read(
        "Preamp: -6.2 dB\r\n"
        "Filter 1: ON LSC Fc 105 Hz Gain 5.5 dB Q 0.70\r\n"
        "Filter 2: ON PK Fc 1892 Hz Gain -3.1 dB Q 2.41\r\n"
        "\r\n"
        "# a word from the author\r\n"
        "Filter 3: OFF PK Fc 20 Hz Gain 0 dB Q 1\r\n"
        "Filter 4: ON HSC Fc 10000 Hz Gain -2 dB Q 0.70\r\n");
    EXPECT_EQ(settings.preamp_db, -6.2);
    ASSERT_EQ(settings.filters.size(), 3U);
    EXPECT_EQ(settings.filters[0].shape, Shape::low_shelf);
    EXPECT_EQ(settings.filters[0].frequency_hz, 105);
    EXPECT_EQ(settings.filters[0].gain_db, 5.5);
    EXPECT_EQ(settings.filters[0].q, 0.7);
    EXPECT_EQ(settings.filters[1].shape, Shape::peaking);
    EXPECT_EQ(settings.filters[2].shape, Shape::high_shelf);
}

TEST_F(ParametricFile, WhatCannotBeIsNamedWithItsLine) {
    EXPECT_THAT(refusal("Preamp: loud dB\n"), HasSubstr(".txt:1: found \"loud\", expected a number from -40 to 40"));
    EXPECT_THAT(refusal("\nFilter 1: ON PK Fc 105 kHz Gain 5 dB Q 1\n"), HasSubstr(".txt:2: found \"kHz\""));
    EXPECT_THAT(refusal("Filter 1: ON XX Fc 105 Hz\n"), HasSubstr("found \"XX\", expected PK, LSC"));
    EXPECT_THAT(refusal("Filter 1: ON PK Fc 105 Hz Gain 5 dB\n"), HasSubstr("found the line's end, expected \"Q\""));
    EXPECT_THAT(refusal("Filter 1: ON PK Fc 105 Hz Gain 5 dB Q nan\n"), HasSubstr("found \"nan\""));
    EXPECT_THAT(refusal("Filter 1: ON PK Fc 105 Hz Gain 5 dB Q 1 and more\n"), HasSubstr("found \"and\""));
    EXPECT_THAT(refusal("GraphicEQ: 20 0; 21 0\n"), HasSubstr("expected \"Preamp:\" or \"Filter\""));
    std::string eleven;
    for (int n = 1; n <= 11; ++n) eleven += "Filter 1: ON PK Fc 105 Hz Gain 5 dB Q 1\n";
    EXPECT_THAT(refusal(eleven), HasSubstr(":11: found \"Filter\", expected at most 10 filters"));
    EXPECT_THROW((void)read_parametric_file("/no/such/file.txt"), InputError);
}

EqualiserSettings from_table(std::string_view text) {
    const toml::table table = toml::parse(text);
    const Settings settings{table, "chain.toml", "stage \"equalise\""};
    auto equaliser = read_equaliser(settings);
    settings.finish();
    return equaliser;
}

TEST(EqualiserTable, IsRead) {
    const auto settings = from_table(
        "preamp_db = -3\n"
        "[[filter]]\nfrequency_hz = 100\ngain_db = 4\nshape = \"low_shelf\"\n"
        "[[filter]]\nfrequency_hz = 3000\ngain_db = -4\nq = 2.5\n");
    EXPECT_EQ(settings.preamp_db, -3);
    ASSERT_EQ(settings.filters.size(), 2U);
    EXPECT_EQ(settings.filters[0].shape, Shape::low_shelf);
    EXPECT_EQ(settings.filters[1].shape, Shape::peaking);
    EXPECT_EQ(settings.filters[1].q, 2.5);
}

TEST(EqualiserTable, WhatCannotBeIsRefused) {
    EXPECT_THROW((void)from_table("[[filter]]\ngain_db = 4\n"), InputError);
    EXPECT_THROW((void)from_table("[[filter]]\nfrequency_hz = 100\ncolour = 4\n"), InputError);
    EXPECT_THROW((void)from_table("[[filter]]\nfrequency_hz = 100\nq = 0\n"), InputError);
    EXPECT_THROW((void)from_table("file = \"a.txt\"\n[[filter]]\nfrequency_hz = 100\n"), InputError);
}

}  // namespace
}  // namespace sidetone::stage
