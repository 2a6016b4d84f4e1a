// SPDX-License-Identifier: Apache-2.0
#include "cli/hrir_drawing.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <complex>
#include <numbers>
#include <span>

#include "cli/plot.hpp"

namespace sidetone::cli {
namespace {

constexpr int kWidth = 1040, kHeight = 1240;
constexpr double kLeft = 64, kSecond = 580, kPlotWidth = 410;
constexpr double kTraces = 110, kTracesHeight = 400, kSpectra = 590, kDifferences = 920, kPlotHeight = 220;
constexpr std::array kEarNames{"left ear", "right ear"};
constexpr std::array kEarColors{"#1557b0", "#c62828"};
constexpr std::size_t kMostTraces = 24;
constexpr double kBeforeMs = 0.3, kAfterMs = 2.5;
constexpr double kTraceReach = 1.7;  // of the loudest response, in distances between traces

struct Quarter {
    double azimuth_deg;
    const char *name, *style;
};
constexpr std::array kQuarters{
    Quarter{0, "front", "stroke=\"#202124\" stroke-width=\"2.2\""},
    Quarter{90, "left", "stroke=\"#1557b0\" stroke-width=\"2.2\""},
    Quarter{180, "back", "stroke=\"#9aa0a6\" stroke-width=\"2.2\" stroke-dasharray=\"6 4\""},
    Quarter{-90, "right", "stroke=\"#c62828\" stroke-width=\"2.2\""},
};

using Ring = std::vector<MeasuredDirection>;

/// As many of the ring as can be told apart one above the other.
Ring thinned(const Ring& ring) {
    if (ring.size() <= kMostTraces) return ring;
    Ring result;
    for (std::size_t n = 0; n < kMostTraces; ++n) result.push_back(ring[n * ring.size() / kMostTraces]);
    return result;
}

/// From just before the first response to where the last has mostly died away.
Axis time_axis(const Ring& ring, std::uint32_t rate_hz) {
    double first_ms = 1e9, last_ms = 0, length_ms = 0;
    for (const auto& direction : ring) {
        for (std::size_t ear = 0; ear < 2; ++ear) {
            first_ms = std::min(first_ms, direction.measures.delay_us[ear] / 1000);
            last_ms = std::max(last_ms, direction.measures.delay_us[ear] / 1000);
            length_ms = std::max(length_ms, 1000.0 * static_cast<double>((*direction.ears)[ear].size()) / rate_hz);
        }
    }
    Axis axis{.first = std::max(0.0, std::floor(2 * (first_ms - kBeforeMs)) / 2),
              .last = std::ceil(2 * std::min(last_ms + kAfterMs, length_ms)) / 2,
              .title = "time in ms"};
    const double step = axis.last - axis.first > 6 ? 1 : 0.5;
    const auto steps = static_cast<int>((axis.last - axis.first) / step + 1e-9);
    for (int n = 0; n <= steps; ++n) axis.marks.push_back(axis.first + n * step);
    return axis;
}

double peak_of(const Ring& ring) {
    float peak = 0;
    for (const auto& direction : ring) {
        for (const auto& ear : *direction.ears) {
            for (const float tap : ear) peak = std::max(peak, std::abs(tap));
        }
    }
    return std::max(static_cast<double>(peak), 1e-9);
}

/// Every direction has a line of its own, at its place of the axis upwards, on which its response is drawn.
std::string draw_traces(const Ring& ring, std::size_t ear, std::uint32_t rate_hz, double x) {
    const auto time = time_axis(ring, rate_hz);
    const double span_deg =
        ring.size() > 1 ? ring.back().direction.azimuth_deg - ring.front().direction.azimuth_deg : 0;
    const double distance_deg = ring.size() > 1 && span_deg > 0 ? span_deg / static_cast<double>(ring.size() - 1) : 30;
    Axis up{.first = ring.front().direction.azimuth_deg - 1.5 * distance_deg,
            .last = ring.back().direction.azimuth_deg + 2 * distance_deg,
            .title = "azimuth in degrees"};
    for (int mark = -180; mark <= 180; mark += 30) {
        if (mark >= up.first && mark <= up.last) up.marks.push_back(mark);
    }
    const Plot plot{x, kTraces, kPlotWidth, kTracesHeight, time, up};
    std::string svg = plot.frame(fmt::format("Responses, {}", kEarNames[ear]));
    const double scale = kTraceReach * distance_deg / peak_of(ring);
    for (const auto& direction : ring) {
        std::vector<double> at_ms, height;
        const auto& response = (*direction.ears)[ear];
        for (std::size_t n = 0; n < response.size(); ++n) {
            const double ms = 1000.0 * static_cast<double>(n) / rate_hz;
            if (ms < time.first || ms > time.last) continue;
            at_ms.push_back(ms);
            height.push_back(direction.direction.azimuth_deg + scale * static_cast<double>(response[n]));
        }
        svg += plot.curve(at_ms, height, fmt::format("stroke=\"{}\" stroke-width=\"1.1\"", kEarColors[ear]));
    }
    return svg;
}

double magnitude_db(const std::vector<float>& response, double frequency_hz, std::uint32_t rate_hz) {
    const auto step = std::polar(1.0, -2 * std::numbers::pi * frequency_hz / rate_hz);
    std::complex<double> sum = 0, turned = 1;
    for (const float tap : response) {
        sum += static_cast<double>(tap) * turned;
        turned *= step;
    }
    return 20 * std::log10(std::abs(sum) + 1e-9);
}

const MeasuredDirection& nearest(const Ring& ring, double azimuth_deg) {
    const auto away = [=](const MeasuredDirection& direction) {
        return std::abs(std::remainder(direction.direction.azimuth_deg - azimuth_deg, 360));
    };
    return *std::ranges::min_element(ring, {}, away);
}

struct Entry {
    std::string name, style;
};

std::string legend(const Plot& plot, std::span<const Entry> entries) {
    std::string svg;
    double x = plot.left();
    for (const auto& entry : entries) {
        const double y = plot.bottom() + 58;
        svg += fmt::format("<path d=\"M{:.1f} {:.1f}h24\" fill=\"none\" {}/>\n", x, y - 4, entry.style);
        svg += svg_text(x + 30, y, "class=\"small\"", entry.name);
        x += plot.right() > plot.left() ? (plot.right() - plot.left()) / 4 : 0;
    }
    return svg;
}

std::string draw_spectra(const Ring& ring, std::size_t ear, std::uint32_t rate_hz, double x) {
    constexpr std::size_t kPoints = 160;
    const double highest_hz = std::min(20'000.0, 0.45 * rate_hz);
    std::vector<double> frequency_hz(kPoints);
    for (std::size_t n = 0; n < kPoints; ++n) {
        frequency_hz[n] = 100 * std::pow(highest_hz / 100, static_cast<double>(n) / (kPoints - 1));
    }
    std::vector<std::vector<double>> curves;
    std::vector<Entry> entries;
    std::vector<double> all_db;
    for (const auto& quarter : kQuarters) {
        const auto& direction = nearest(ring, quarter.azimuth_deg);
        auto& curve = curves.emplace_back();
        for (const double hz : frequency_hz) curve.push_back(magnitude_db((*direction.ears)[ear], hz, rate_hz));
        all_db.insert(all_db.end(), curve.begin(), curve.end());
        entries.push_back({fmt::format("{}, {:.0f}°", quarter.name, direction.direction.azimuth_deg), quarter.style});
    }
    // A notch goes as deep as the measurement's noise lets it: the axis does not follow it all the way.
    const double highest_db = *std::ranges::max_element(all_db);
    for (auto& value : all_db) value = std::max(value, highest_db - 58);
    Axis across{.first = 100, .last = highest_hz, .is_logarithmic = true, .title = "frequency in Hz"};
    for (const double mark : {100.0, 200.0, 500.0, 1000.0, 2000.0, 5000.0, 10'000.0, 20'000.0}) {
        if (mark <= highest_hz) across.marks.push_back(mark);
    }
    const Plot plot{x, kSpectra, kPlotWidth, kPlotHeight, across, decibel_axis(all_db, 40, "dB")};
    std::string svg = plot.frame(fmt::format("Spectra, {}", kEarNames[ear]));
    for (std::size_t n = 0; n < curves.size(); ++n) svg += plot.curve(frequency_hz, curves[n], entries[n].style);
    return svg + legend(plot, entries);
}

std::string draw_difference(const Ring& ring, double dsp::EarPairMeasures::*which, double x, const std::string& title,
                            double least, double step, const std::string& unit) {
    std::vector<double> azimuth_deg, value;
    for (const auto& direction : ring) {
        azimuth_deg.push_back(direction.direction.azimuth_deg);
        value.push_back(direction.measures.*which);
    }
    const Axis across{.first = -180,
                      .last = 180,
                      .marks = {-180, -120, -60, 0, 60, 120, 180},
                      .title = "azimuth in degrees (left is positive)"};
    const Plot plot{x, kDifferences, kPlotWidth, kPlotHeight, across, symmetric_axis(value, least, step, unit)};
    std::string svg = plot.frame(title) + plot.curve(azimuth_deg, value, "stroke=\"#2e7d32\" stroke-width=\"2.2\"");
    for (std::size_t n = 0; n < value.size(); ++n) {
        svg += fmt::format("<circle cx=\"{:.1f}\" cy=\"{:.1f}\" r=\"2.4\" fill=\"#2e7d32\"/>\n",
                           plot.x_at(azimuth_deg[n]), plot.y_at(value[n]));
    }
    return svg;
}

}  // namespace

std::string draw_hrir(const std::vector<MeasuredDirection>& ring, std::uint32_t rate_hz, const std::string& title,
                      const std::string& conditions) {
    std::string svg = svg_begin(kWidth, kHeight);
    svg += svg_text(kLeft, 38, "class=\"head\"", title);
    svg += svg_text(kLeft, 60, "class=\"small\"", conditions);
    const auto shown = thinned(ring);
    for (std::size_t ear = 0; ear < 2; ++ear) {
        const double x = ear == 0 ? kLeft : kSecond;
        svg += draw_traces(shown, ear, rate_hz, x);
        svg += draw_spectra(ring, ear, rate_hz, x);
    }
    svg += draw_difference(ring, &dsp::EarPairMeasures::itd_us, kLeft, "Time difference (positive: left ear first)",
                           200, 200, "µs");
    svg += draw_difference(ring, &dsp::EarPairMeasures::ild_db, kSecond, "Level difference (positive: left ear louder)",
                           5, 5, "dB");
    return svg + "</svg>\n";
}

}  // namespace sidetone::cli
