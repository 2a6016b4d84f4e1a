// SPDX-License-Identifier: Apache-2.0
#include "cli/electroacoustic_drawing.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <iterator>
#include <string_view>

#include "cli/plot.hpp"

namespace sidetone::cli {
namespace {

constexpr int kWidth = 1040, kHeight = 880;
constexpr double kLeft = 64, kSecond = 580, kPlotWidth = 410, kPlotHeight = 220, kTop = 112, kLower = 456;
constexpr auto kStrong = "stroke=\"#1557b0\" stroke-width=\"2.6\"";
constexpr auto kSecondLine = "stroke=\"#c2560c\" stroke-width=\"2.2\"";
constexpr auto kThirdLine = "stroke=\"#2e7d32\" stroke-width=\"2.2\"";
constexpr auto kFaint = "stroke=\"#9aa0a6\" stroke-width=\"1.2\" stroke-dasharray=\"4 4\"";
constexpr std::array kCycle{kStrong, kSecondLine, kThirdLine};

Axis frequency_axis(const dsp::Electroacoustics& measured) {
    Axis axis{.first = measured.frequency_hz.front(),
              .last = measured.frequency_hz.back(),
              .is_logarithmic = true,
              .title = "frequency in Hz"};
    for (const double mark : {200.0, 500.0, 1000.0, 2000.0, 4000.0, 8000.0}) {
        if (mark <= axis.last) axis.marks.push_back(mark);
    }
    return axis;
}

// Lines and what they mean, in a row below the plot.
struct Entry {
    std::string name, style;
};
std::string legend(const Plot& plot, std::span<const Entry> entries) {
    std::string svg;
    double x = plot.left();
    const double y = plot.bottom() + 58,
                 step = std::min(137.0, (plot.right() - x) / static_cast<double>(entries.size()));
    for (const auto& entry : entries) {
        svg += fmt::format("<path d=\"M{:.1f} {:.1f}h24\" fill=\"none\" {}/>\n", x, y - 4, entry.style);
        svg += svg_text(x + 30, y, "class=\"small\"", entry.name);
        x += step;
    }
    return svg;
}

std::string draw_output(const dsp::Electroacoustics& measured) {
    auto all = measured.ospl90_db_spl;
    all.insert(all.end(), measured.response_db_spl.begin(), measured.response_db_spl.end());
    const Plot plot{kLeft, kTop, kPlotWidth, kPlotHeight, frequency_axis(measured), decibel_axis(all, 60, "dB SPL")};
    const std::array entries{Entry{"90 dB SPL in", kStrong}, Entry{"60 dB SPL in", kSecondLine}};
    return plot.frame("Output (OSPL90 and response)") +
           plot.curve(measured.frequency_hz, measured.ospl90_db_spl, kStrong) +
           plot.curve(measured.frequency_hz, measured.response_db_spl, kSecondLine) + legend(plot, entries);
}

std::string draw_gain(const dsp::Electroacoustics& measured) {
    const auto less = [](std::vector<double> values, double by) {
        for (auto& value : values) value -= by;
        return values;
    };
    const auto at_60 = less(measured.response_db_spl, 60), at_90 = less(measured.ospl90_db_spl, 90);
    auto all = measured.full_on_gain_db;
    all.insert(all.end(), at_60.begin(), at_60.end());
    all.insert(all.end(), at_90.begin(), at_90.end());
    const Plot plot{kSecond, kTop, kPlotWidth, kPlotHeight, frequency_axis(measured), decibel_axis(all, 50, "dB")};
    const std::array entries{Entry{"50 dB SPL in", kThirdLine}, Entry{"60 dB SPL in", kSecondLine},
                             Entry{"90 dB SPL in", kStrong}};
    return plot.frame("Gain") + plot.curve(measured.frequency_hz, measured.full_on_gain_db, kThirdLine) +
           plot.curve(measured.frequency_hz, at_60, kSecondLine) + plot.curve(measured.frequency_hz, at_90, kStrong) +
           legend(plot, entries);
}

std::string draw_input_output(const dsp::Electroacoustics& measured) {
    std::vector<double> all;
    std::vector<Entry> entries;
    for (const auto& curve : measured.input_output) {
        all.insert(all.end(), curve.output_db_spl.begin(), curve.output_db_spl.end());
        entries.push_back({fmt::format("{:g} Hz", curve.frequency_hz), kCycle[entries.size() % kCycle.size()]});
    }
    Axis across{.first = 50, .last = 90, .marks = {50, 60, 70, 80, 90}, .title = "input in dB SPL"};
    const auto up = decibel_axis(all, 50, "output in dB SPL");
    const Plot plot{kLeft, kLower, kPlotWidth, kPlotHeight, across, up};
    // Where the output equals the input, as far as it lies inside.
    const double low = std::clamp(50.0, up.first, up.last), high = std::clamp(90.0, up.first, up.last);
    std::string svg = plot.frame("Input and output");
    if (low < high) svg += plot.curve(std::array{low, high}, std::array{low, high}, kFaint);
    for (std::size_t i = 0; i < entries.size(); ++i) {
        const auto& curve = measured.input_output[i];
        svg += plot.curve(curve.input_db_spl, curve.output_db_spl, entries[i].style);
        for (std::size_t k = 0; k < curve.input_db_spl.size(); ++k) {
            svg += fmt::format("<circle cx=\"{:.1f}\" cy=\"{:.1f}\" r=\"2.6\" fill=\"#3c4043\"/>\n",
                               plot.x_at(curve.input_db_spl[k]), plot.y_at(curve.output_db_spl[k]));
        }
    }
    entries.push_back({"as the input", kFaint});
    return svg + legend(plot, entries);
}

std::string time_text(const std::optional<double>& ms) {
    return ms ? fmt::format("{:.1f} ms", *ms) : std::string{"not settled"};
}

std::string draw_step(const dsp::StepResponse& step) {
    const Axis across{.first = 0, .last = 4000, .marks = {0, 1000, 2000, 3000, 4000}, .title = "time in ms"};
    const auto shown = std::upper_bound(step.time_ms.begin(), step.time_ms.end(), across.last) - step.time_ms.begin();
    const std::span time{step.time_ms.data(), static_cast<std::size_t>(shown)};
    const std::span level{step.output_db_spl.data(), static_cast<std::size_t>(shown)};
    const Plot plot{kSecond, kLower, kPlotWidth, kPlotHeight, across, decibel_axis(level, 50, "dB SPL")};
    std::string svg = plot.frame("Step 55 to 90 to 55 dB SPL at 2 kHz");
    for (const double mark : {step.up_ms, step.down_ms})
        svg +=
            fmt::format("<path d=\"M{:.1f} {:.1f}V{:.1f}\" {}/>\n", plot.x_at(mark), plot.top(), plot.bottom(), kFaint);
    svg += plot.curve(time, level, kStrong);
    svg += svg_text(plot.x_at(step.up_ms) + 8, plot.bottom() - 10, "class=\"small\"",
                    "attack " + time_text(step.attack_ms));
    svg += svg_text(plot.x_at(step.down_ms) + 8, plot.top() + 16, "class=\"small\"",
                    "release " + time_text(step.release_ms));
    return svg;
}

std::string distortion_text(const dsp::Electroacoustics& measured) {
    std::string text;
    for (const auto& tone : measured.distortion)
        text += fmt::format("{}{:.1f}", text.empty() ? "" : " · ", 100 * tone.share);
    return text + " %";
}

std::string draw_figures(const dsp::Electroacoustics& measured) {
    const auto level = [](double value) { return std::isfinite(value) ? fmt::format("{:.1f} dB SPL", value) : "none"; };
    const std::array<std::array<std::string, 2>, 8> figures{{
        {"HFA-OSPL90", level(measured.hfa_ospl90_db_spl)},
        {fmt::format("highest OSPL90, at {:g} Hz", measured.highest_ospl90_hz), level(measured.highest_ospl90_db_spl)},
        {"HFA gain at 50 dB SPL, as set", fmt::format("{:.1f} dB", measured.hfa_full_on_gain_db)},
        {"reference test gain", fmt::format("{:.1f} dB", measured.reference_test_gain_db)},
        {"frequency range", fmt::format("{:.0f} – {:.0f} Hz", measured.range.low_hz, measured.range.high_hz)},
        {"harmonics 500 · 800 · 1600 Hz", distortion_text(measured)},
        {"equivalent input noise", level(measured.equivalent_input_noise_db_spl)},
        {"attack, release", time_text(measured.step.attack_ms) + ", " + time_text(measured.step.release_ms)},
    }};
    std::string svg = fmt::format("<path d=\"M{} 752H{}\" stroke=\"#e3e6ea\"/>\n", kLeft, kSecond + kPlotWidth);
    for (std::size_t i = 0; i < figures.size(); ++i) {
        const auto row = i / 4;
        const double x = kLeft + 236 * static_cast<double>(i % 4), y = 780 + 54 * static_cast<double>(row);
        svg += svg_text(x, y, "class=\"small\"", figures[i][0]);
        svg += svg_text(x, y + 22, "class=\"figure\"", figures[i][1]);
    }
    return svg;
}

}  // namespace

std::string draw(const dsp::Electroacoustics& measured, const std::string& title, const std::string& conditions) {
    std::string svg = svg_begin(kWidth, kHeight);
    svg += svg_text(kLeft, 38, "class=\"head\"", title);
    svg += svg_text(kLeft, 60, "class=\"small\"", conditions);
    svg += draw_output(measured) + draw_gain(measured) + draw_input_output(measured) + draw_step(measured.step);
    return svg + draw_figures(measured) + "</svg>\n";
}

}  // namespace sidetone::cli
