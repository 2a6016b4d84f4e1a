// SPDX-License-Identifier: Apache-2.0
#include "engine/calibration_file.hpp"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "rt/error.hpp"
#include "unit/nn/test_models.hpp"

namespace sidetone::engine {
namespace {

class CalibrationFile : public testing::Test {
protected:
    nn::test::TemporaryFolder folder_;  // tests run side by side
    std::filesystem::path file_ = folder_.path() / "sidetone" / "calibration.toml";
};

TEST_F(CalibrationFile, IsReadAsItWasWritten) {
    EXPECT_TRUE(read_calibrations(file_).empty());
    write_calibrations(file_, {{"jack", {118.5, 110}}, {"rtaudio:a \"b\"", {std::nullopt, 101}}});
    const auto cards = read_calibrations(file_);
    ASSERT_EQ(cards.size(), 2U);
    EXPECT_EQ(cards.at("jack").input_full_scale_db_spl, 118.5);
    EXPECT_EQ(cards.at("jack").output_full_scale_db_spl, 110);
    EXPECT_EQ(cards.at("rtaudio:a \"b\"").input_full_scale_db_spl, std::nullopt);
}

TEST_F(CalibrationFile, WhatCannotBeIsRefused) {
    std::filesystem::create_directories(file_.parent_path());
    std::ofstream{file_} << "[[card]]\nname = \"jack\"\ninput_full_scale_db_spl = 900\n";
    EXPECT_THROW((void)read_calibrations(file_), InputError);
}

TEST_F(CalibrationFile, IsMadeWhenBothSidesAre) {
    const std::map<std::string, CardCalibration> cards{{"a", {110, 100}}, {"b", {115, std::nullopt}}};
    EXPECT_TRUE(calibration_of(cards, "a", "a").is_made);
    EXPECT_EQ(calibration_of(cards, "a", "a").output_full_scale_db_spl, 100);
    const auto half = calibration_of(cards, "a", "b");
    EXPECT_FALSE(half.is_made);
    EXPECT_EQ(half.input_full_scale_db_spl, 110);
    EXPECT_EQ(half.output_full_scale_db_spl, 110) << "no gain that nobody asked for";
    EXPECT_FALSE(calibration_of({}, "a", "a").is_made);
}

}  // namespace
}  // namespace sidetone::engine
