// SPDX-License-Identifier: Apache-2.0
#include "stage/spatialise_settings.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <array>
#include <string>
#include <vector>

#include "stage/hrir_file.hpp"

namespace sidetone::stage {
namespace {

using namespace std::string_view_literals;

constexpr auto kBuiltIn = "mit-kemar"sv;
constexpr std::array kOrders{"wav"sv, "smpte"sv, "film"sv};
constexpr std::array kHeadrooms{"none"sv, "loudness"sv};
constexpr std::array kHelpers{"none"sv, "thread"sv};

std::vector<dsp::Speaker> read_speakers(const Settings& settings, std::uint32_t channels) {
    const auto names = dsp::layout_names();
    std::vector<std::string_view> choices(names.begin(), names.end());
    choices.insert(choices.begin(), "auto"sv);
    const auto chosen = choices[settings.choice("layout", "auto", choices)];
    const auto order = static_cast<dsp::ChannelOrder>(settings.choice("order", "wav", kOrders));
    const auto layout = chosen == "auto" ? dsp::layout_of(channels) : chosen;
    auto speakers = dsp::speakers_of(layout, order);
    if (channels < 2) settings.fail("layout", "one channel", "at least 2, for both ears");
    if (speakers.empty()) {
        settings.fail("layout", fmt::format("\"auto\" with {} channels", channels),
                      fmt::format("one of \"{}\"", fmt::join(names, "\", \"")));
    }
    if (speakers.size() != channels) {
        settings.fail("layout", fmt::format("\"{}\", which has {} channels", layout, speakers.size()),
                      fmt::format("a layout of {} channels, as the sound has", channels));
    }
    return speakers;
}

}  // namespace

SpatialiseKeys read_spatialise_keys(const Settings& settings, std::uint32_t channels) {
    SpatialiseKeys keys;
    keys.speakers = read_speakers(settings, channels);
    keys.head = {.yaw_deg = settings.number("yaw_deg", 0, -180, 180),
                 .pitch_deg = settings.number("pitch_deg", 0, -90, 90),
                 .roll_deg = settings.number("roll_deg", 0, -180, 180)};
    keys.lfe_db = settings.number("lfe_db", keys.lfe_db, -60, 20);
    keys.fade_ms = settings.number("fade_ms", keys.fade_ms, 1, 1000);
    keys.balance_db = settings.number("balance_db", keys.balance_db, -40, 40);
    keys.same_loudness = settings.choice("headroom", "none", kHeadrooms) == 1;
    keys.helper = settings.choice("helper", "none", kHelpers) == 1;
    keys.hrir = settings.text("hrir", kBuiltIn) == kBuiltIn ? find_hrir(kBuiltIn) : settings.file("hrir");
    settings.finish();
    return keys;
}

SpatialiseSettings read_spatialise(const Settings& settings, std::uint32_t channels) {
    auto keys = read_spatialise_keys(settings, channels);
    return {.set = read_hrir_file(keys.hrir).set,
            .speakers = std::move(keys.speakers),
            .head = keys.head,
            .lfe_db = keys.lfe_db,
            .fade_ms = keys.fade_ms,
            .balance_db = keys.balance_db,
            .same_loudness = keys.same_loudness,
            .helper = keys.helper,
            .hrir = keys.hrir};
}

}  // namespace sidetone::stage
