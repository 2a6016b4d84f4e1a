// SPDX-License-Identifier: Apache-2.0
#include "dsp/speaker_layout.hpp"

#include <algorithm>
#include <array>
#include <sstream>

namespace sidetone::dsp {
namespace {

using namespace std::string_view_literals;

struct Place {
    std::string_view name;
    double azimuth_deg, elevation_deg;
};

/// In the order of the WAV mask's bits; wides and side heights, which it lacks, behind.
constexpr std::array kPlaces{
    Place{"FL", 30, 0},    Place{"FR", -30, 0},   Place{"FC", 0, 0},      Place{"LFE", 0, 0},  Place{"BL", 135, 0},
    Place{"BR", -135, 0},  Place{"BC", 180, 0},   Place{"SL", 90, 0},     Place{"SR", -90, 0}, Place{"TFL", 45, 45},
    Place{"TFR", -45, 45}, Place{"TBL", 135, 45}, Place{"TBR", -135, 45}, Place{"FWL", 60, 0}, Place{"FWR", -60, 0},
    Place{"TSL", 90, 45},  Place{"TSR", -90, 45},
};

struct Layout {
    std::string_view name, wav, smpte, film;
};

/// Where only sides and no rears stand, at 110 degrees, they are the surrounds.
constexpr std::array kLayouts{
    Layout{"mono", "FC", "FC", "FC"},
    Layout{"stereo", "FL FR", "FL FR", "FL FR"},
    Layout{"3.0", "FL FR FC", "FL FR FC", "FL FC FR"},
    Layout{"quad", "FL FR BL BR", "FL FR BL BR", "FL FR BL BR"},
    Layout{"5.0", "FL FR FC SL SR", "FL FR FC SL SR", "FL FC FR SL SR"},
    Layout{"5.1", "FL FR FC LFE SL SR", "FL FR FC LFE SL SR", "FL FC FR SL SR LFE"},
    Layout{"6.1", "FL FR FC LFE BC SL SR", "FL FR FC LFE SL SR BC", "FL FC FR SL SR BC LFE"},
    Layout{"7.1", "FL FR FC LFE BL BR SL SR", "FL FR FC LFE SL SR BL BR", "FL FC FR SL SR BL BR LFE"},
    Layout{"5.1.2", "FL FR FC LFE SL SR TFL TFR", "FL FR FC LFE SL SR TFL TFR", "FL FC FR SL SR TFL TFR LFE"},
    Layout{"5.1.4", "FL FR FC LFE SL SR TFL TFR TBL TBR", "FL FR FC LFE SL SR TFL TFR TBL TBR",
           "FL FC FR SL SR TFL TFR TBL TBR LFE"},
    Layout{"7.1.2", "FL FR FC LFE BL BR SL SR TFL TFR", "FL FR FC LFE SL SR BL BR TFL TFR",
           "FL FC FR SL SR BL BR TFL TFR LFE"},
    Layout{"7.1.4", "FL FR FC LFE BL BR SL SR TFL TFR TBL TBR", "FL FR FC LFE SL SR BL BR TFL TFR TBL TBR",
           "FL FC FR SL SR BL BR TFL TFR TBL TBR LFE"},
    Layout{"9.1.6", "FL FR FC LFE BL BR SL SR TFL TFR TBL TBR FWL FWR TSL TSR",
           "FL FR FC LFE SL SR BL BR FWL FWR TFL TFR TSL TSR TBL TBR",
           "FL FC FR SL SR BL BR FWL FWR TFL TFR TSL TSR TBL TBR LFE"},
};

constexpr auto kNames = [] {
    std::array<std::string_view, kLayouts.size()> names{};
    std::ranges::transform(kLayouts, names.begin(), &Layout::name);
    return names;
}();

constexpr double kSurroundDeg = 110;

}  // namespace

std::span<const std::string_view> layout_names() {
    return kNames;
}

std::vector<Speaker> speakers_of(std::string_view name, ChannelOrder order) {
    const auto* layout = std::ranges::find(kLayouts, name, &Layout::name);
    if (layout == kLayouts.end()) return {};
    const auto& channels = order == ChannelOrder::wav     ? layout->wav
                           : order == ChannelOrder::smpte ? layout->smpte
                                                          : layout->film;
    const bool has_rears = channels.find("BL") != std::string_view::npos && name != "quad";
    std::istringstream words{std::string(channels)};
    std::vector<Speaker> speakers;
    for (std::string word; words >> word;) {
        const auto* place = std::ranges::find(kPlaces, std::string_view(word), &Place::name);
        Speaker speaker{word, {place->azimuth_deg, place->elevation_deg}, word == "LFE"};
        if (!has_rears && word == "SL") speaker.direction.azimuth_deg = kSurroundDeg;
        if (!has_rears && word == "SR") speaker.direction.azimuth_deg = -kSurroundDeg;
        speakers.push_back(std::move(speaker));
    }
    return speakers;
}

std::string_view layout_of(std::size_t channels) {
    switch (channels) {
        case 1:
            return "mono";
        case 2:
            return "stereo";
        case 3:
            return "3.0";
        case 4:
            return "quad";
        case 5:
            return "5.0";
        case 6:
            return "5.1";
        case 7:
            return "6.1";
        case 8:
            return "7.1";
        case 10:
            return "5.1.4";
        case 12:
            return "7.1.4";
        case 16:
            return "9.1.6";
        default:
            return "";
    }
}

}  // namespace sidetone::dsp
