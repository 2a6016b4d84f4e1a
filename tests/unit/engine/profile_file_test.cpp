// SPDX-License-Identifier: Apache-2.0
#include "engine/profile_file.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "engine/calibration_file.hpp"
#include "engine/chain_file.hpp"
#include "unit/nn/test_models.hpp"

namespace sidetone::engine {
namespace {

using nn::test::error_of;
using testing::HasSubstr;

class ProfileFile : public testing::Test {
protected:
    [[nodiscard]] std::string refusal(const std::string& text) const {
        nn::test::write(folder_.path() / "bad.toml", text);
        return error_of([&] { (void)read_profiles(folder_.path() / "bad.toml"); });
    }

    nn::test::TemporaryFolder folder_;
    std::filesystem::path file_ = folder_.path() / "sidetone" / "profiles.toml";
};

TEST_F(ProfileFile, IsReadAsItWasWritten) {
    EXPECT_TRUE(read_profiles(file_).empty());
    const Profile headphones{.chain = "surround",
                             .settings = {{"compress.band.2.gains_db", std::vector<double>{6, 3.5}},
                                          {"spatialise.balance_db", -1.5},
                                          {"spatialise.hrir", std::string{"/a \"b\"/room.sofa"}}}};
    write_profiles(file_, {{"jack", {.chain = "denoise", .settings = {}}}, {"rtaudio:alsa/a \"b\"", headphones}});
    const auto profiles = read_profiles(file_);
    ASSERT_EQ(profiles.size(), 2U);
    EXPECT_EQ(profiles.at("jack").chain, "denoise");
    EXPECT_TRUE(profiles.at("jack").settings.empty());
    const auto& read = profiles.at("rtaudio:alsa/a \"b\"");
    ASSERT_EQ(read.settings.size(), headphones.settings.size());
    for (std::size_t n = 0; n < read.settings.size(); ++n) {
        EXPECT_EQ(read.settings[n].name, headphones.settings[n].name);
        EXPECT_EQ(read.settings[n].value, headphones.settings[n].value);
    }
    EXPECT_FALSE(std::filesystem::exists(file_.string() + ".part"));
}

TEST_F(ProfileFile, WhatCannotBeIsOneLine) {
    EXPECT_THAT(refusal("[[profile]\n"), HasSubstr("bad.toml:1: "));
    EXPECT_THAT(refusal("[[profile]]\nchain = \"a\"\n"), HasSubstr("key \"profile.device\": found nothing"));
    EXPECT_THAT(refusal("[[profile]]\ndevice = \"a\"\nchain = 5\n"), HasSubstr("chain\": found 5, expected a text"));
    EXPECT_THAT(refusal("[[profile]]\ndevice = \"a\"\nchain = \"b\"\nvolume = 5\n"), HasSubstr("volume"));
    EXPECT_THAT(refusal("profile = 5\n"), HasSubstr("found 5, expected"));
    const std::string one = "[[profile]]\ndevice = \"a\"\nchain = \"b\"\n";
    EXPECT_THAT(refusal(one + one), HasSubstr("found \"a\", expected one profile for each device"));
    EXPECT_THAT(refusal(one + "settings = 5\n"), HasSubstr("found 5, expected"));
    EXPECT_THAT(refusal(one + "[profile.settings]\nx = true\n"), HasSubstr("expected a number, numbers in brackets"));
    EXPECT_THAT(refusal(one + "[profile.settings]\nx = [1, \"a\"]\n"), HasSubstr("expected a number, numbers"));
}

TEST_F(ProfileFile, WhereNobodyCanLookOrWriteIsOneLine) {
    const auto circle = folder_.path() / "circle";
    std::filesystem::create_symlink(circle, circle);
    EXPECT_THAT(error_of([&] { (void)read_profiles(circle / "profiles.toml"); }), HasSubstr("cannot be read: "));
    EXPECT_THAT(error_of([&] { (void)read_calibrations(circle / "calibration.toml"); }), HasSubstr("cannot be read: "));
    EXPECT_THAT(error_of([&] { write_profiles(circle / "profiles.toml", {}); }), HasSubstr("cannot be written"));
    nn::test::write(file_ / "in the way", "");
    EXPECT_THAT(error_of([&] { write_profiles(file_, {}); }), HasSubstr("profiles.toml: cannot be written: "));
    EXPECT_FALSE(std::filesystem::exists(file_.string() + ".part"));
}

TEST_F(ProfileFile, ValuesAreWhatAUserMeansByThem) {
    EXPECT_EQ(std::get<double>(parse_setting("a.b", "-1.5").value), -1.5);
    EXPECT_EQ(std::get<std::vector<double>>(parse_setting("a.b", "6,3,0").value), (std::vector<double>{6, 3, 0}));
    for (const auto* const text : {"", "loud", "room.sofa", "5.1.2", "1,", "nan", "1 2"}) {
        EXPECT_EQ(std::get<std::string>(parse_setting("a.b", text).value), text);
    }
    for (const auto* const text : {"-1.5", "6,3,0", "room.sofa"})
        EXPECT_EQ(setting_text(parse_setting("a", text)), text);
}

TEST_F(ProfileFile, RestoringGoesBackToTheChainFileFirst) {
    auto chain = read_chain_text(
        "[[stage]]\nkind = \"gain\"\ngain_db = 3\n[[stage]]\nkind = \"limit\"\nceiling_dbfs = -6\n", "test.toml", 1);
    const Change louder{"gain.gain_db", 6.0}, lower{"limit.ceiling_dbfs", -12.0}, wrong{"limit.ceiling_dbfs", 3.0};
    chain.settings.change({&louder, 1});
    chain.settings.restore({&lower, 1});
    EXPECT_THAT(error_of([&] {
                    chain.settings.restore({&wrong, 1});
                }),
                HasSubstr("found 3, expected a number from -80"));
    EXPECT_THAT(error_of([&] {
                    const Change none{"reverb.wet", 1.0};
                    chain.settings.restore({&none, 1});
                }),
                HasSubstr("found no such stage"));
    chain.settings.restore({});
}

}  // namespace
}  // namespace sidetone::engine
