// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "cli/command.hpp"
#include "cli/hrir_drawing.hpp"
#include "dsp/hrir_measures.hpp"
#include "stage/hrir_file.hpp"

namespace sidetone::cli {
namespace {

constexpr double kRingDeg = 0.5;      // as far from the ring's elevation its directions may be
constexpr double kRowsApartDeg = 15;  // unless all are asked for
constexpr std::size_t kAllRows = 24;  // so few are always printed

struct InspectArguments {
    std::string file, json, svg;
    bool all = false;
};

struct Range {
    double low = INFINITY, high = -INFINITY;
    void hold(double value) {
        low = std::min(low, value);
        high = std::max(high, value);
    }
};

struct Inspected {
    std::vector<MeasuredDirection> directions;  ///< as in the file
    std::vector<MeasuredDirection> ring;        ///< nearest to the horizon, by azimuth
    Range azimuth_deg, elevation_deg, delay_us, level_db, itd_us, ild_db;
};

/// Those of the elevation that is nearest to the horizon.
std::vector<MeasuredDirection> ring_of(const std::vector<MeasuredDirection>& directions) {
    const auto height = [](const MeasuredDirection& of) { return std::abs(of.direction.elevation_deg); };
    const double elevation_deg = std::ranges::min_element(directions, {}, height)->direction.elevation_deg;
    std::vector<MeasuredDirection> ring;
    std::ranges::copy_if(directions, std::back_inserter(ring), [&](const MeasuredDirection& of) {
        return std::abs(of.direction.elevation_deg - elevation_deg) <= kRingDeg;
    });
    std::ranges::stable_sort(ring, {}, [](const MeasuredDirection& of) { return of.direction.azimuth_deg; });
    return ring;
}

Inspected inspected(const dsp::HrirSet& set) {
    Inspected result;
    for (const auto& measurement : set.measurements()) {
        MeasuredDirection of{measurement.direction, &measurement.ears,
                             dsp::measure_ears(measurement.ears, set.rate_hz())};
        of.direction.azimuth_deg = std::remainder(of.direction.azimuth_deg, 360);
        result.azimuth_deg.hold(of.direction.azimuth_deg);
        result.elevation_deg.hold(of.direction.elevation_deg);
        result.itd_us.hold(of.measures.itd_us);
        result.ild_db.hold(of.measures.ild_db);
        for (std::size_t ear = 0; ear < 2; ++ear) {
            result.delay_us.hold(of.measures.delay_us[ear]);
            result.level_db.hold(of.measures.level_db[ear]);
        }
        result.directions.push_back(of);
    }
    result.ring = ring_of(result.directions);
    return result;
}

/// One for every so many degrees, as far as there are others.
std::vector<MeasuredDirection> around(const std::vector<MeasuredDirection>& ring) {
    std::vector<MeasuredDirection> rows;
    const auto count = static_cast<int>(360 / kRowsApartDeg);
    for (int row = 1; row <= count; ++row) {
        const double wanted_deg = row * kRowsApartDeg - 180;
        const auto& of = *std::ranges::min_element(
            ring, {}, [=](const auto& each) { return std::abs(each.direction.azimuth_deg - wanted_deg); });
        if (rows.empty() || of.direction.azimuth_deg > rows.back().direction.azimuth_deg) rows.push_back(of);
    }
    return rows;
}

void print_row(const MeasuredDirection& of) {
    const auto& m = of.measures;
    fmt::print("  {:>8.1f} {:>10.1f} {:>10.0f} {:>7.0f} {:>9.1f} {:>7.1f} {:>8.0f} {:>8.1f}\n",
               of.direction.azimuth_deg, of.direction.elevation_deg, m.delay_us[0], m.delay_us[1], m.level_db[0],
               m.level_db[1], m.itd_us, m.ild_db);
}

void print_table(const Inspected& found, bool all) {
    fmt::print("\n  {:>8} {:>10} {:>18} {:>17} {:>8} {:>8}\n", "azimuth", "elevation", "delay L, R (us)",
               "level L, R (dB)", "ITD (us)", "ILD (dB)");
    const bool is_short = found.directions.size() <= kAllRows;
    for (const auto& of : all || is_short ? found.directions : around(found.ring)) print_row(of);
    if (!all && !is_short) fmt::print("  ({} directions in all; --all prints them)\n", found.directions.size());
}

void print_text(const std::string& file, const stage::HrirFile& of, const Inspected& found, bool all) {
    const auto line = [](const char* name, const std::string& value) { fmt::print("  {:<14}{}\n", name, value); };
    fmt::print("{}\n", file);
    line("layout", std::string(of.layout));
    line("rate", fmt::format("{} Hz", of.set.rate_hz()));
    line("directions",
         fmt::format("{}: azimuth {:.0f} to {:.0f}, elevation {:.0f} to {:.0f} degrees", found.directions.size(),
                     found.azimuth_deg.low, found.azimuth_deg.high, found.elevation_deg.low, found.elevation_deg.high));
    line("length", fmt::format("{} frames ({:.1f} ms)", of.set.length(),
                               1000.0 * static_cast<double>(of.set.length()) / of.set.rate_hz()));
    line("delays",
         fmt::format("{:.0f} to {:.0f} us until a tenth of the peak", found.delay_us.low, found.delay_us.high));
    line("levels", fmt::format("{:.1f} to {:.1f} dB", found.level_db.low, found.level_db.high));
    line("between ears", fmt::format("{:.0f} to {:.0f} us, {:.1f} to {:.1f} dB (positive: left first, left louder)",
                                     found.itd_us.low, found.itd_us.high, found.ild_db.low, found.ild_db.high));
    print_table(found, all);
}

// JSON has no infinity: what is silent has no level.
nlohmann::json number(double value) {
    return std::isfinite(value) ? nlohmann::json(value) : nlohmann::json(nullptr);
}

nlohmann::json to_json(const std::string& file, const stage::HrirFile& of, const Inspected& found) {
    auto directions = nlohmann::json::array();
    for (const auto& d : found.directions) {
        directions.push_back(
            {{"azimuth_deg", d.direction.azimuth_deg},
             {"elevation_deg", d.direction.elevation_deg},
             {"delay_us", {{"left", d.measures.delay_us[0]}, {"right", d.measures.delay_us[1]}}},
             {"level_db", {{"left", number(d.measures.level_db[0])}, {"right", number(d.measures.level_db[1])}}},
             {"itd_us", d.measures.itd_us},
             {"ild_db", d.measures.ild_db}});
    }
    return {{"file", file},
            {"layout", of.layout},
            {"rate_hz", of.set.rate_hz()},
            {"length_frames", of.set.length()},
            {"length_ms", 1000.0 * static_cast<double>(of.set.length()) / of.set.rate_hz()},
            {"directions", directions}};
}

int inspect(const InspectArguments& arguments) {
    for (const auto& file : {arguments.json, arguments.svg}) {
        if (!file.empty()) check_writable(file);
    }
    const auto path = stage::find_hrir(arguments.file);
    const auto of = stage::read_hrir_file(path);
    const auto found = inspected(of.set);
    print_text(path.string(), of, found, arguments.all);
    if (!arguments.json.empty()) write_json(arguments.json, to_json(path.string(), of, found));
    if (!arguments.svg.empty()) {
        const auto conditions = fmt::format("{}; {} directions, {} Hz, {} frames; shown: elevation {:.0f}°", of.layout,
                                            found.directions.size(), of.set.rate_hz(), of.set.length(),
                                            found.ring.front().direction.elevation_deg);
        write_text(arguments.svg, draw_hrir(found.ring, of.set.rate_hz(), of.set.name(), conditions));
    }
    return kFine;
}

}  // namespace

void add_hrir(Command app, int& exit_code) {
    auto hrir = app.add_subcommand("hrir", "Head-related impulse responses");
    hrir.require_subcommand();
    auto arguments = std::make_shared<InspectArguments>();
    auto command = hrir.add_subcommand("inspect", "What is in a set of responses");
    command.add_option("file", arguments->file, "A .sofa file, a HeSuVi .wav file, or \"mit-kemar\"").required();
    command.add_flag("--all", arguments->all, "Print every direction, not only some around the head");
    command.add_option("--svg", arguments->svg, "Draw responses, spectra and the differences between the ears");
    command.add_option("--json", arguments->json, "Write all of it to this file");
    command.footer("Example: sidetone hrir inspect mit-kemar --svg kemar.svg");
    command.callback([arguments, &exit_code] { exit_code = inspect(*arguments); });
    add_hrir_walk(hrir, exit_code);
}

}  // namespace sidetone::cli
