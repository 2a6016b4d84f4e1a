// SPDX-License-Identifier: Apache-2.0
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <memory>
#include <string>

#include "sidetone/sidetone.h"
#include "unit/engine/sounds.hpp"

namespace sidetone {
namespace {

using testing::HasSubstr;
using testing::MatchesRegex;

struct Closer {
    void operator()(sidetone_chain* chain) const noexcept { sidetone_chain_close(chain); }
};
using Handle = std::unique_ptr<sidetone_chain, Closer>;

constexpr sidetone_chain_format kFormat{48'000, 128, 0, 1, 1, 0};

class CAbi : public testing::Test {
protected:
    [[nodiscard]] std::string chain(const std::string& text) const {
        nn::test::write(folder_.path() / "chain.toml", text);
        return (folder_.path() / "chain.toml").string();
    }
    [[nodiscard]] Handle open(const std::string& file, const sidetone_chain_format& format = kFormat) {
        return Handle{sidetone_chain_open(file.c_str(), &format, error_, sizeof error_)};
    }

    nn::test::TemporaryFolder folder_;
    char error_[512] = "untouched";
};

TEST_F(CAbi, OpensProcessesInPlaceAndCloses) {
    const auto handle = open(chain("[[stage]]\nkind = \"denoise\"\nmode = \"direct\"\n"));
    ASSERT_NE(handle, nullptr) << error_;
    const auto speech = engine::test::speech_at(48'000, 1.28);
    auto sound = speech;
    for (std::size_t first = 0; first + 128 <= sound.size(); first += 128) {
        float* planes[] = {sound.data() + first};
        sidetone_chain_process(handle.get(), planes, planes, 128);
    }
    EXPECT_EQ(engine::test::delay_found(speech, sound), sidetone_chain_delay_frames(handle.get()));
    EXPECT_EQ(sidetone_chain_misses(handle.get()), 0U);
    EXPECT_STREQ(error_, "untouched");
}

TEST_F(CAbi, FormatIsTakenOver) {
    const auto file = chain("[[stage]]\nkind = \"denoise\"\n");
    const auto fixed = open(file, {48'000, 128, 0, 1, 1, 1}), stereo = open(file, {16'000, 64, 512, 0, 2, 1});
    ASSERT_NE(fixed, nullptr) << error_;
    ASSERT_NE(stereo, nullptr) << error_;
    EXPECT_NE(sidetone_chain_delay_frames(fixed.get()), sidetone_chain_delay_frames(stereo.get()));
    std::vector<float> a(512, 0.1F), b(512, 0.1F);
    float* planes[] = {a.data(), b.data()};
    sidetone_chain_process(stereo.get(), planes, planes, 512);
    EXPECT_EQ(a[0], 0.0F);
    EXPECT_EQ(b[0], 0.0F);
}

TEST_F(CAbi, FailureGivesOneLineAndNoHandle) {
    EXPECT_EQ(open("/no/such/chain.toml"), nullptr);
    EXPECT_THAT(error_, HasSubstr("/no/such/chain.toml: cannot be read"));
    EXPECT_EQ(std::strchr(error_, '\n'), nullptr);
    EXPECT_EQ(open(chain("[[stage]]\nkind = \"reverb\"\n")), nullptr);
    EXPECT_THAT(error_, HasSubstr("chain.toml:2:"));
    EXPECT_EQ(std::strchr(error_, '\n'), nullptr);
    EXPECT_EQ(open(chain("[[stage]]\nkind = \"gain\"\n"), {1, 128, 0, 1, 1, 0}), nullptr);
    EXPECT_THAT(error_, HasSubstr("rate_hz: found 1"));
}

TEST_F(CAbi, ErrorIsCutToTheRoomThereIs) {
    const auto file = chain("[[stage]]\nkind = \"reverb\"\n");
    std::string whole = error_;
    EXPECT_EQ(open(file), nullptr);
    whole = error_;
    for (const std::size_t room : {1U, 2U, 10U}) {
        char small[16];
        std::fill(std::begin(small), std::end(small), '#');
        EXPECT_EQ(sidetone_chain_open(file.c_str(), &kFormat, small, room), nullptr);
        EXPECT_EQ(std::string(small), whole.substr(0, room - 1));
        EXPECT_EQ(small[room], '#') << "nothing is written beyond";
    }
    EXPECT_EQ(sidetone_chain_open(file.c_str(), &kFormat, error_, 0), nullptr);
    EXPECT_EQ(whole, error_) << "no room: untouched";
    EXPECT_EQ(sidetone_chain_open(file.c_str(), &kFormat, nullptr, 100), nullptr);
}

TEST_F(CAbi, NullIsRefusedAndNeverCrashes) {
    EXPECT_EQ(sidetone_chain_open(nullptr, &kFormat, error_, sizeof error_), nullptr);
    EXPECT_THAT(error_, HasSubstr("found NULL, expected a chain file and a format"));
    EXPECT_EQ(sidetone_chain_open("chain.toml", nullptr, error_, sizeof error_), nullptr);
    EXPECT_THAT(error_, HasSubstr("found NULL"));
    EXPECT_EQ(sidetone_chain_open(nullptr, nullptr, nullptr, 0), nullptr);
    sidetone_chain_close(nullptr);
}

TEST_F(CAbi, HandleThatIsNullIsSilenceAndNeverCrashes) {
    float sound[] = {0.5F, 0.5F};
    float* planes[] = {sound};
    sidetone_chain_process(nullptr, planes, planes, 2);
    EXPECT_EQ(sidetone_chain_delay_frames(nullptr), 0U);
    EXPECT_EQ(sidetone_chain_misses(nullptr), 0U);
}

TEST_F(CAbi, ChangesByNameWhileItRuns) {
    const auto handle = open(chain("[[stage]]\nkind = \"equalise\"\n[[stage]]\nkind = \"gain\"\n"));
    ASSERT_NE(handle, nullptr) << error_;
    std::vector<float> sound(24'000);
    const auto level_after = [&](const std::vector<sidetone_change>& changes) {
        EXPECT_EQ(sidetone_chain_change(handle.get(), changes.data(), changes.size(), error_, sizeof error_), 0)
            << error_;
        std::fill(sound.begin(), sound.end(), 0.5F);
        float* planes[] = {sound.data()};
        sidetone_chain_process(handle.get(), planes, planes, static_cast<uint32_t>(sound.size()));
        return sound.back();
    };
    const double six = -6.0206, none = 0;
    EXPECT_NEAR(level_after({{"gain.gain_db", nullptr, &six, 1}}), 0.25F, 1e-4F);
    EXPECT_NEAR(level_after({{"gain.gain_db", nullptr, &none, 1}, {"equalise.preamp_db", nullptr, &six, 1}}), 0.25F,
                1e-4F);
    EXPECT_NEAR(level_after({}), 0.25F, 1e-4F);
    EXPECT_STREQ(error_, "untouched");
}

TEST_F(CAbi, ChangeThatCannotBeGivesOneLine) {
    const auto handle = open(chain("[[stage]]\nkind = \"gain\"\n"));
    ASSERT_NE(handle, nullptr) << error_;
    const double loud = 41;
    const auto refusal = [&](const sidetone_change& change) {
        EXPECT_NE(sidetone_chain_change(handle.get(), &change, 1, error_, sizeof error_), 0);
        EXPECT_EQ(std::strchr(error_, '\n'), nullptr);
        return std::string{error_};
    };
    EXPECT_THAT(refusal({"gain.gain_db", nullptr, &loud, 1}),
                HasSubstr("stage \"gain\", key \"gain_db\": found 41, expected a number from -120 to 40"));
    EXPECT_THAT(refusal({"gain.gain_db", "loud", nullptr, 0}), HasSubstr("found \"loud\""));
    EXPECT_THAT(refusal({"gain.gain_db", nullptr, nullptr, 1}), HasSubstr("found NULL"));
    EXPECT_THAT(refusal({"gain.gain_db", nullptr, nullptr, 0}), HasSubstr("found an array"));
    EXPECT_THAT(refusal({nullptr, nullptr, &loud, 1}), HasSubstr("found NULL"));
    EXPECT_NE(sidetone_chain_change(handle.get(), nullptr, 1, error_, sizeof error_), 0);
    EXPECT_NE(sidetone_chain_change(nullptr, nullptr, 0, nullptr, 0), 0);
}

TEST_F(CAbi, BlockLongerThanPromisedIsNotAnOverflow) {
    const auto handle = open(chain("[[stage]]\nkind = \"gain\"\n"));
    ASSERT_NE(handle, nullptr) << error_;
    std::vector<float> sound(100'000, 0.5F);
    float* planes[] = {sound.data()};
    sidetone_chain_process(handle.get(), planes, planes, 100'000);
    EXPECT_NEAR(sound.back(), 0.5F, 1e-6F) << "all of it was processed";
    EXPECT_EQ(sound.front(), 0.0F) << "and faded in";
}

TEST(CAbiVersion, IsThreeNumbers) {
    EXPECT_THAT(sidetone_version(), MatchesRegex("[0-9]+\\.[0-9]+\\.[0-9]+"));
}

}  // namespace
}  // namespace sidetone
