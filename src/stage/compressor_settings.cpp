// SPDX-License-Identifier: Apache-2.0
#include "stage/compressor_settings.hpp"

#include <fmt/format.h>

#include <array>
#include <string>
#include <string_view>

#include "stage/stage.hpp"

namespace sidetone::stage {
namespace {

using namespace std::string_view_literals;
using Points = std::vector<dsp::GainCurve::Point>;

constexpr std::array kEars{"independent"sv, "linked"sv};
constexpr double kLowestLevel = -20, kHighestLevel = 150;
constexpr double kLowestGain = -60, kHighestGain = 80;
constexpr double kLowestHz = 20, kHighestHz = 90'000;
constexpr double kDefaultLowestHz = 100, kDefaultHighestHz = 10'000;

/// What bands may say for themselves, or the compressor for all of them.
void read_shape(const Settings& table, dsp::GainCurve& curve) {
    curve.knee_db = table.number("knee_db", curve.knee_db, 0, 40);
    if (table.has("expansion_below_db_spl")) {
        curve.expansion_below_db_spl = table.number("expansion_below_db_spl", 0, kLowestLevel, kHighestLevel);
    }
    curve.expansion_ratio = table.number("expansion_ratio", curve.expansion_ratio, 1, 10);
    if (table.has("output_limit_db_spl")) {
        curve.output_limit_db_spl = table.number("output_limit_db_spl", 0, kLowestLevel, kHighestLevel);
    }
}

Points read_points(const Settings& band, std::string_view key, const std::vector<double>& levels_db_spl) {
    const auto gains_db = band.numbers(key, kLowestGain, kHighestGain);
    if (gains_db.size() != levels_db_spl.size()) {
        band.fail(key, fmt::format("{} gains", gains_db.size()),
                  fmt::format("{}, one for each of \"levels_db_spl\"", levels_db_spl.size()));
    }
    Points points;
    for (std::size_t p = 0; p < gains_db.size(); ++p) points.push_back({levels_db_spl[p], gains_db[p]});
    if (const auto fault = dsp::fault_in(points); fault) {
        const auto& [level, gain] = points[*fault];
        const auto& [next_level, next_gain] = points[*fault + 1];
        band.fail(key, fmt::format("{} dB at {} dB SPL after {} dB at {} dB SPL", next_gain, next_level, gain, level),
                  "gains that do not rise with the level, and fall by no more than it rises");
    }
    return points;
}

std::vector<double> read_levels(const Settings& band) {
    constexpr auto kKey = "levels_db_spl";
    auto levels = band.numbers(kKey, kLowestLevel, kHighestLevel);
    if (levels.empty()) band.fail(kKey, band.has(kKey) ? "no level" : "nothing", "levels that rise");
    for (std::size_t p = 1; p < levels.size(); ++p) {
        if (levels[p] <= levels[p - 1]) {
            band.fail(kKey, fmt::format("{} after {}", levels[p], levels[p - 1]), "levels that rise");
        }
    }
    return levels;
}

/// The band's curve for every ear that has one of its own.
std::vector<dsp::GainCurve> read_band(const Settings& band, const dsp::GainCurve& all, std::size_t channels) {
    dsp::GainCurve curve = all;
    read_shape(band, curve);
    const auto levels = read_levels(band);
    std::vector<dsp::GainCurve> ears;
    const auto add = [&](std::string_view key) {
        curve.points = read_points(band, key, levels);
        ears.push_back(curve);
    };
    if (!band.has("left_gains_db") && !band.has("right_gains_db")) {
        add("gains_db");
        return ears;
    }
    if (channels != 2) {
        band.fail("left_gains_db", fmt::format("a chain of {} channels", channels),
                  "\"gains_db\", or a chain of 2 channels");
    }
    add("left_gains_db");
    add("right_gains_db");
    return ears;
}

void check_rising(const Settings& settings, std::string_view key, const std::vector<double>& frequencies_hz) {
    for (std::size_t f = 1; f < frequencies_hz.size(); ++f) {
        if (frequencies_hz[f] > frequencies_hz[f - 1]) continue;
        settings.fail(key, fmt::format("{} after {}", frequencies_hz[f], frequencies_hz[f - 1]),
                      "frequencies that rise");
    }
}

dsp::FrequencyBands read_bands(const Settings& settings, const std::vector<Settings>& tables) {
    const auto edges_hz = settings.numbers("edges_hz", kLowestHz, kHighestHz);
    const bool has_centres = tables.front().has("centre_hz");
    if (!edges_hz.empty()) {
        if (edges_hz.size() != tables.size() + 1) {
            settings.fail("edges_hz", fmt::format("{} edges of {} bands", edges_hz.size(), tables.size()),
                          fmt::format("{}", tables.size() + 1));
        }
        if (has_centres) tables.front().fail("centre_hz", "a centre", "either these or \"edges_hz\"");
        check_rising(settings, "edges_hz", edges_hz);
        return dsp::bands_between(edges_hz);
    }
    if (!has_centres) return dsp::erb_bands(tables.size(), kDefaultLowestHz, kDefaultHighestHz);
    std::vector<double> centres_hz;
    for (const auto& table : tables) {
        if (!table.has("centre_hz")) table.fail("centre_hz", "nothing", "a centre for every band, or for none");
        centres_hz.push_back(table.number("centre_hz", 0, kLowestHz, kHighestHz));
        check_rising(table, "centre_hz", centres_hz);
    }
    return dsp::bands_around(std::move(centres_hz));
}

}  // namespace

CompressTable read_compressor(const Settings& settings, std::size_t channels) {
    CompressTable result;
    result.channels = channels;
    auto& compressor = result.compressor;
    compressor.attack_ms = settings.number("attack_ms", compressor.attack_ms, 0.1, 500);
    compressor.release_ms = settings.number("release_ms", compressor.release_ms, 1, 10'000);
    compressor.linked = settings.choice("ears", "independent", kEars) == 1;
    result.has_full_scale = settings.has("full_scale_db_spl");
    compressor.full_scale_db_spl = settings.number("full_scale_db_spl", compressor.full_scale_db_spl,
                                                   Calibration::kLowestDbSpl, Calibration::kHighestDbSpl);
    compressor.playback_full_scale_db_spl = compressor.full_scale_db_spl;
    dsp::GainCurve all;
    read_shape(settings, all);

    const auto tables = settings.tables("band");
    if (tables.size() < dsp::CompressorPlan::kFewestBands || tables.size() > dsp::CompressorPlan::kMostBands) {
        settings.fail("band", fmt::format("{} bands", tables.size()),
                      fmt::format("{} to {}", dsp::CompressorPlan::kFewestBands, dsp::CompressorPlan::kMostBands));
    }
    compressor.bands = read_bands(settings, tables);
    for (const auto& table : tables) {
        const auto ears = read_band(table, all, channels);
        table.finish();
        if (compressor.ears.size() < ears.size()) {
            // The bands before had one curve for both ears.
            compressor.ears.resize(ears.size(),
                                   compressor.ears.empty() ? std::vector<dsp::GainCurve>{} : compressor.ears.front());
        }
        for (std::size_t ear = 0; ear < compressor.ears.size(); ++ear) {
            compressor.ears[ear].push_back(ears[std::min(ear, ears.size() - 1)]);
        }
    }
    settings.finish();
    return result;
}

}  // namespace sidetone::stage
