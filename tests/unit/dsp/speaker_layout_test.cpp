// SPDX-License-Identifier: Apache-2.0
#include "dsp/speaker_layout.hpp"

#include <gtest/gtest.h>

#include <algorithm>

namespace sidetone::dsp {
namespace {

std::string names_of(std::string_view layout, ChannelOrder order) {
    std::string names;
    for (const auto& speaker : speakers_of(layout, order)) names += (names.empty() ? "" : " ") + speaker.name;
    return names;
}

double azimuth_of(std::string_view layout, std::string_view name) {
    const auto speakers = speakers_of(layout, ChannelOrder::wav);
    const auto speaker = std::ranges::find(speakers, name, &Speaker::name);
    return speaker == speakers.end() ? 999 : speaker->direction.azimuth_deg;
}

TEST(SpeakerLayout, OrdersChannelsAsTheStandardsDo) {
    EXPECT_EQ(names_of("5.1", ChannelOrder::smpte), "FL FR FC LFE SL SR");
    EXPECT_EQ(names_of("5.1", ChannelOrder::film), "FL FC FR SL SR LFE");
    EXPECT_EQ(names_of("7.1", ChannelOrder::wav), "FL FR FC LFE BL BR SL SR");
    EXPECT_EQ(names_of("7.1", ChannelOrder::smpte), "FL FR FC LFE SL SR BL BR");
    EXPECT_EQ(names_of("7.1.4", ChannelOrder::wav), "FL FR FC LFE BL BR SL SR TFL TFR TBL TBR");
}

TEST(SpeakerLayout, HasTheSameSpeakersInEveryOrder) {
    for (const auto name : layout_names()) {
        auto wav = speakers_of(name, ChannelOrder::wav);
        std::ranges::sort(wav, {}, &Speaker::name);
        for (const auto order : {ChannelOrder::smpte, ChannelOrder::film}) {
            auto other = speakers_of(name, order);
            std::ranges::sort(other, {}, &Speaker::name);
            ASSERT_EQ(other.size(), wav.size()) << name;
            for (std::size_t n = 0; n < wav.size(); ++n) EXPECT_EQ(other[n].name, wav[n].name) << name;
        }
    }
}

TEST(SpeakerLayout, IsSymmetric) {
    for (const auto name : layout_names()) {
        const auto speakers = speakers_of(name, ChannelOrder::wav);
        double sum = 0;
        for (const auto& speaker : speakers) sum += speaker.name == "BC" ? 0 : speaker.direction.azimuth_deg;
        EXPECT_EQ(sum, 0) << name;
    }
}

TEST(SpeakerLayout, PutsSurroundsWhereTheLayoutWantsThem) {
    EXPECT_EQ(azimuth_of("5.1", "SL"), 110);
    EXPECT_EQ(azimuth_of("7.1", "SL"), 90);
    EXPECT_EQ(azimuth_of("7.1", "BR"), -135);
    EXPECT_EQ(azimuth_of("stereo", "FL"), 30);
}

TEST(SpeakerLayout, IsKnownByItsChannels) {
    for (const std::size_t channels : {1U, 2U, 3U, 4U, 5U, 6U, 7U, 8U, 10U, 12U, 16U}) {
        EXPECT_EQ(speakers_of(layout_of(channels), ChannelOrder::wav).size(), channels);
    }
    EXPECT_EQ(layout_of(9), "");
    EXPECT_TRUE(speakers_of("4.2", ChannelOrder::wav).empty());
}

}  // namespace
}  // namespace sidetone::dsp
