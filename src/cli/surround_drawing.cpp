// SPDX-License-Identifier: Apache-2.0
#include "cli/surround_drawing.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "cli/plot.hpp"

namespace sidetone::cli {
namespace {

constexpr int kWidth = 1040, kHeight = 800;
constexpr double kLeft = 64, kSecond = 580, kPlotWidth = 410, kWholeWidth = 926;
constexpr double kWalkTop = 112, kWalkHeight = 240, kDifferences = 452, kPlotHeight = 240;
constexpr double kHorizonDeg = 1;
constexpr auto kSet = "stroke=\"#9aa0a6\" stroke-width=\"2.2\"";
constexpr auto kFine = "#1557b0";
constexpr auto kOff = "#c62828";

const char* color_of(const HeardSpeaker& of) {
    return of.is_as_measured ? kFine : kOff;
}

Axis azimuth_axis(std::string title) {
    return {
        .first = -180, .last = 180, .marks = {-180, -135, -90, -45, 0, 45, 90, 135, 180}, .title = std::move(title)};
}

Axis time_axis(double last_s) {
    Axis axis{.first = 0, .last = std::ceil(last_s), .title = "time in s"};
    const int step = std::max(1, static_cast<int>(axis.last / 12));
    for (int mark = 0; mark <= static_cast<int>(axis.last); mark += step) axis.marks.push_back(mark);
    return axis;
}

/// A bar for each turn; one without direction goes through the middle, dashed.
std::string draw_walk(const std::vector<HeardSpeaker>& heard) {
    const Plot plot{kLeft,
                    kWalkTop,
                    kWholeWidth,
                    kWalkHeight,
                    time_axis(heard.back().end_s),
                    azimuth_axis("azimuth in degrees (left is positive)")};
    std::string svg = plot.frame("Who sounds when, and from where");
    for (const auto& of : heard) {
        const double x = plot.x_at(of.begin_s);
        const double y = plot.y_at(of.speaker.low_frequencies ? 0 : of.speaker.direction.azimuth_deg);
        svg += fmt::format("<path d=\"M{:.1f} {:.1f}h{:.1f}\" stroke=\"{}\" stroke-width=\"7\"{}/>\n", x, y,
                           plot.x_at(of.end_s) - x, color_of(of),
                           of.speaker.low_frequencies ? " stroke-dasharray=\"4 4\"" : "");
        svg += svg_text(x, y - 9, "class=\"small\"", of.speaker.name);
    }
    return svg;
}

std::string draw_difference(const std::vector<HeardSpeaker>& heard, const std::vector<SetDirection>& ring,
                            double dsp::EarPairMeasures::*which, const Plot& plot, const std::string& title) {
    std::vector<double> azimuth_deg, value;
    for (const auto& of : ring) {
        azimuth_deg.push_back(of.azimuth_deg);
        value.push_back(of.measures.*which);
    }
    std::string svg = plot.frame(title) + plot.curve(azimuth_deg, value, kSet);
    for (const auto& of : heard) {
        if (of.speaker.low_frequencies || std::abs(of.speaker.direction.elevation_deg) > kHorizonDeg) continue;
        const double x = plot.x_at(of.speaker.direction.azimuth_deg);
        const double y = plot.y_at(of.output.*which);
        svg += fmt::format("<circle cx=\"{:.1f}\" cy=\"{:.1f}\" r=\"4.5\" fill=\"{}\"/>\n", x, y, color_of(of));
        svg += svg_text(x + 8, y - 6, "class=\"small\"", of.speaker.name);
    }
    return svg;
}

std::string legend() {
    const double y = kDifferences + kPlotHeight + 64;
    std::string svg = fmt::format("<path d=\"M{:.1f} {:.1f}h24\" fill=\"none\" {}/>\n", kLeft, y - 4, kSet);
    svg += svg_text(kLeft + 30, y, "class=\"small\"", "the set's own, near the horizon");
    svg += fmt::format("<circle cx=\"{:.1f}\" cy=\"{:.1f}\" r=\"4.5\" fill=\"{}\"/>\n", kLeft + 262, y - 4, kFine);
    svg += svg_text(kLeft + 274, y, "class=\"small\"", "measured in the recording");
    svg += fmt::format("<circle cx=\"{:.1f}\" cy=\"{:.1f}\" r=\"4.5\" fill=\"{}\"/>\n", kLeft + 462, y - 4, kOff);
    return svg + svg_text(kLeft + 474, y, "class=\"small\"", "the same, and too far off");
}

}  // namespace

std::string draw_surround(const std::vector<HeardSpeaker>& heard, const std::vector<SetDirection>& ring,
                          const std::string& title, const std::string& conditions) {
    std::string svg = svg_begin(kWidth, kHeight);
    svg += svg_text(kLeft, 38, "class=\"head\"", title);
    svg += svg_text(kLeft, 60, "class=\"small\"", conditions) + draw_walk(heard);
    const auto panel = [&](double dsp::EarPairMeasures::*which, double x, double least, double step, const char* unit,
                           const char* name) {
        std::vector<double> all;
        all.reserve(ring.size() + heard.size());
        for (const auto& of : ring) all.push_back(of.measures.*which);
        for (const auto& of : heard) all.push_back(of.output.*which);
        const Plot plot{x,
                        kDifferences,
                        kPlotWidth,
                        kPlotHeight,
                        azimuth_axis("azimuth in degrees (left is positive)"),
                        symmetric_axis(all, least, step, unit)};
        return draw_difference(heard, ring, which, plot, name);
    };
    svg += panel(&dsp::EarPairMeasures::itd_us, kLeft, 200, 200, "µs", "Time difference (positive: left ear first)");
    svg += panel(&dsp::EarPairMeasures::ild_db, kSecond, 5, 5, "dB", "Level difference (positive: left ear louder)");
    return svg + legend() + "</svg>\n";
}

}  // namespace sidetone::cli
