// SPDX-License-Identifier: Apache-2.0
#include "device/rtaudio_card.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <filesystem>
#include <string>
#include <thread>
#include <vector>

#include "device/rtaudio_devices.hpp"
#include "unit/device/listening_user.hpp"
#include "unit/device/refusal.hpp"
#include "unit/rt/temporary_folder.hpp"

namespace sidetone::device {
namespace {

using namespace std::chrono_literals;
using testing::AllOf;
using testing::HasSubstr;

RtAudioDevice made_up(const char* api, const char* name, std::uint32_t inputs, std::uint32_t outputs,
                      bool is_default = false) {
    return {.api = api,
            .name = name,
            .input_channels = inputs,
            .output_channels = outputs,
            .is_default_input = is_default,
            .is_default_output = is_default,
            .rates_hz = {48'000},
            .native_formats = {dsp::SampleFormat::s16}};
}

const std::vector<RtAudioDevice> kDevices{made_up("jack", "system", 2, 2, true), made_up("alsa", "hw:USB Mic,0", 1, 0),
                                          made_up("alsa", "default", 2, 2, true),
                                          made_up("pulse", "Speakers", 0, 2, true)};

TEST(RtAudioDevices, AreFoundByNamePartOfItOrSoundSystem) {
    const auto name = [](std::string_view wanted, Direction direction) {
        const auto device = find_rtaudio_device(kDevices, wanted, direction);
        return device.api + "/" + device.name;
    };
    EXPECT_EQ(name("", Direction::input), "alsa/default");
    EXPECT_EQ(name("usb", Direction::input), "alsa/hw:USB Mic,0");
    EXPECT_EQ(name("alsa/hw:usb mic,0", Direction::input), "alsa/hw:USB Mic,0");
    EXPECT_EQ(name("pulse", Direction::output), "pulse/Speakers");
    EXPECT_EQ(name("jack", Direction::input), "jack/system");
}

TEST(RtAudioDevices, WhatIsNotThereIsRefusedWithAListOfWhatIs) {
    EXPECT_THAT(refusal([&] { (void)find_rtaudio_device(kDevices, "Speakers", Direction::input); }),
                AllOf(HasSubstr("no input device \"Speakers\""), HasSubstr("\"alsa/default\"")));
    EXPECT_THAT(refusal([&] { (void)find_rtaudio_device({}, "", Direction::output); }), HasSubstr("there is none"));
}

TEST(RtAudioCard, ADeviceThatDoesNotExistIsRefused) {
    ListeningUser user;
    RtAudioCard card({.input = "no such device at all"});
    EXPECT_THAT(refusal([&] { card.start(user); }), HasSubstr("no such device at all"));
    EXPECT_EQ(user.blocks(), 0U);
}

TEST(RtAudioDevices, ADefaultOneIsAskedForByNothingOrASoundSystem) {
    EXPECT_TRUE(asks_for_default(kDevices, ""));
    EXPECT_TRUE(asks_for_default(kDevices, "pulse"));
    EXPECT_FALSE(asks_for_default(kDevices, "pulse/Speakers"));
    EXPECT_FALSE(asks_for_default(kDevices, "Speakers"));
    EXPECT_FALSE(asks_for_default(kDevices, "alsa/default")) << "a name like others";
}

#ifdef SIDETONE_NULL_ALSA_CONTROL
/// ALSA with nothing but a "default" that takes and gives blocks as fast as one likes.
class NullAlsa {
public:
    NullAlsa() {
        set_default("{ type null }");
        setenv("ALSA_CONFIG_PATH", (folder_ / "asound.conf").c_str(), 1);
    }
    ~NullAlsa() { unsetenv("ALSA_CONFIG_PATH"); }
    NullAlsa(const NullAlsa&) = delete;
    NullAlsa& operator=(const NullAlsa&) = delete;

    /// As an editor would: a new file in the place of the old one.
    void set_default(const std::string& definition) {
        test::write(folder_ / "new.conf", "ctl_type.sidetonenull { lib \"" SIDETONE_NULL_ALSA_CONTROL
                                          "\" }\nctl.default { type sidetonenull }\npcm.default " +
                                              definition + "\n");
        std::filesystem::rename(folder_ / "new.conf", folder_ / "asound.conf");
    }

private:
    test::TemporaryFolder folder_;
};

TEST(RtAudioCard, BlocksFlowThroughAlsa) {
    const NullAlsa alsa;
    const auto devices = list_rtaudio_devices();
    const auto at =
        std::find_if(devices.begin(), devices.end(), [](const auto& device) { return device.api == "alsa"; });
    ASSERT_NE(at, devices.end());
    EXPECT_EQ(at->name, "default");
    EXPECT_LE(at->input_channels, 64U) << "what no card has is not shown";

    RtAudioCard card(
        {.input = "alsa", .rate_hz = 44'100, .block_frames = 64, .input_channels = 2, .output_channels = 2});
    ListeningUser user;
    const StopAtEnd stop_at_end{card};
    card.start(user);
    EXPECT_TRUE(user.wait_for_blocks(100));
    card.stop();
    EXPECT_EQ(card.format().rate_hz, 44'100U);
    EXPECT_EQ(card.format().block_frames, 64U);
    EXPECT_TRUE(card.format().interleaved);
    EXPECT_EQ(user.count(CardEvent::lost), 0);
    for (const auto& seen : user.seen()) ASSERT_EQ(seen.frames, 64U);
}

bool moves_within(RtAudioCard& card, std::chrono::milliseconds time) {
    for (const auto end = std::chrono::steady_clock::now() + time; std::chrono::steady_clock::now() < end;) {
        if (card.default_has_moved()) return true;
        std::this_thread::sleep_for(20ms);
    }
    return false;
}

TEST(RtAudioCard, TellsWhenAlsaHasAnotherDefault) {
    NullAlsa alsa;
    RtAudioCard by_default({.input = "alsa"}), by_name({.input = "alsa/default"});
    for (auto* const card : {&by_default, &by_name}) {
        alsa.set_default("{ type null }");
        EXPECT_FALSE(card->default_has_moved()) << "nothing was started";
        ListeningUser user;
        const StopAtEnd stop_at_end{*card};
        card->start(user);
        EXPECT_FALSE(card->default_has_moved());
        alsa.set_default("{ type null hint.description \"another\" }");
        EXPECT_EQ(moves_within(*card, card == &by_default ? 10s : 1500ms), card == &by_default);
        card->start(user);
        EXPECT_FALSE(card->default_has_moved()) << "it plays on that one now";
        EXPECT_TRUE(user.wait_for_blocks(100));
    }
}
#endif

}  // namespace
}  // namespace sidetone::device
