// SPDX-License-Identifier: Apache-2.0
#include "cli/voice_drawing.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <iterator>
#include <vector>

#include "cli/grey_image.hpp"
#include "cli/plot.hpp"

namespace sidetone::cli {
namespace {

constexpr int kWidth = 1040, kHeight = 900;
constexpr double kLeft = 64, kPlotWidth = 926;
constexpr double kShownDb = 55;            // of the spectrogram, below its highest value
constexpr std::size_t kMostDots = 12'000;  // moments that are drawn; of more, every second, third …
constexpr std::array kFormantColours{"#d93025", "#e8710a", "#12805c", "#1a73e8"};

Axis time_axis(const VoiceTrack& track) {
    Axis axis{.first = track.from_s, .last = std::max(track.to_s, track.from_s + 0.01)};
    double step = 0.01;
    for (const double factor : {2.0, 2.5, 2.0}) {
        if ((axis.last - axis.first) / step > 12) step *= factor;
    }
    while ((axis.last - axis.first) / step > 12) step *= (axis.last - axis.first) / step > 60 ? 5 : 2;
    for (auto n = static_cast<int>(std::ceil(axis.first / step - 1e-9)); n * step <= axis.last + 1e-9; ++n)
        axis.marks.push_back(n * step);
    return axis;
}

GreyImage image_of(const Spectrogram& spectrogram, double ceiling_hz) {
    const auto bins =
        std::min(spectrogram.bins, static_cast<std::size_t>(std::lround(ceiling_hz / spectrogram.hz_a_bin)) + 1);
    GreyImage image{.width = spectrogram.columns(), .height = bins, .shades = {}};
    // High frequencies are lifted by 6 dB an octave: voices fall off so.
    const auto level = [&](std::size_t column, std::size_t bin) {
        const double hz = spectrogram.hz_a_bin * std::max(1.0, static_cast<double>(bin));
        return 10 * std::log10(static_cast<double>(spectrogram.power[column * spectrogram.bins + bin]) + 1e-12) +
               20 * std::log10(hz / 1000);
    };
    double highest = -1000;
    for (std::size_t column = 0; column < image.width; ++column) {
        for (std::size_t bin = 0; bin < bins; ++bin) highest = std::max(highest, level(column, bin));
    }
    for (std::size_t y = 0; y < bins; ++y) {
        for (std::size_t column = 0; column < image.width; ++column) {
            const double below = std::clamp((highest - level(column, bins - 1 - y)) / kShownDb, 0.0, 1.0);
            image.shades.push_back(static_cast<std::uint8_t>(std::lround(15 * below)));
        }
    }
    return image;
}

std::size_t stride_of(const VoiceTrack& track) {
    return 1 + track.moments.size() / kMostDots;
}

std::string draw_formants(const Plot& plot, const VoiceTrack& track) {
    std::string svg;
    for (std::size_t n = 0; n < kFormantColours.size(); ++n) {
        std::string dots;
        for (std::size_t t = 0; t < track.moments.size(); t += stride_of(track)) {
            const auto& moment = track.moments[t];
            if (!moment.has_formants() || moment.formants.count <= n) continue;
            fmt::format_to(std::back_inserter(dots), "M{:.1f} {:.1f}h0", plot.x_at(moment.time_s),
                           plot.y_at(static_cast<double>(moment.formants.formants[n].frequency_hz)));
        }
        svg +=
            fmt::format("<path class=\"f{}\" d=\"{}\" stroke=\"{}\" stroke-width=\"3.4\" stroke-linecap=\"round\"/>\n",
                        n + 1, dots, kFormantColours[n]);
        const double x = plot.right() - 150 + 38 * static_cast<double>(n);
        svg += fmt::format("<circle cx=\"{:.1f}\" cy=\"{:.1f}\" r=\"4\" fill=\"{}\"/>\n", x, plot.top() - 18,
                           kFormantColours[n]);
        svg += svg_text(x + 7, plot.top() - 14, "class=\"small\"", fmt::format("F{}", n + 1));
    }
    return svg;
}

std::string draw_spectrogram(const VoiceTrack& track, double ceiling_hz, const Axis& time) {
    Axis up{.first = 0, .last = ceiling_hz};
    for (int mark = 0; mark <= ceiling_hz; mark += 1000) up.marks.push_back(mark);
    const Plot plot{kLeft, 112, kPlotWidth, 270, time, up};
    std::string svg = plot.frame("Spectrogram and formants, Hz");
    if (track.spectrogram.columns() > 0) {
        svg += fmt::format(
            "<image x=\"{:.1f}\" y=\"{:.1f}\" width=\"{:.1f}\" height=\"{:.1f}\" preserveAspectRatio=\"none\" "
            "href=\"{}\"/>\n",
            plot.left(), plot.top(), kPlotWidth, plot.bottom() - plot.top(),
            png_uri(image_of(track.spectrogram, ceiling_hz)));
    }
    return svg + draw_formants(plot, track);
}

Axis pitch_axis(const VoiceTrack& track) {
    double low = 1000, high = 0;
    for (const auto& moment : track.moments) {
        if (!moment.pitch.is_voiced()) continue;
        low = std::min(low, static_cast<double>(moment.pitch.f0_hz));
        high = std::max(high, static_cast<double>(moment.pitch.f0_hz));
    }
    if (high <= 0) low = 100, high = 400;
    Axis axis{.first = std::max(45.0, low / 1.15), .last = std::min(620.0, high * 1.15), .is_logarithmic = true};
    for (const double mark : {50.0, 75.0, 100.0, 125.0, 150.0, 200.0, 250.0, 300.0, 400.0, 500.0, 600.0}) {
        if (mark >= axis.first && mark <= axis.last) axis.marks.push_back(mark);
    }
    return axis;
}

// A line for each stretch of voice; pitch that leaps by more than a third within a moment begins a new one.
std::string draw_pitch(const VoiceTrack& track, const VoiceSummary& summary, const Axis& time) {
    const Plot plot{kLeft, 452, kPlotWidth, 170, time, pitch_axis(track)};
    std::string svg = plot.frame("Pitch, Hz");
    if (std::isfinite(summary.f0_hz.median)) {
        svg += fmt::format("<path d=\"M{:.1f} {:.1f}h{:.1f}\" stroke=\"#9aa0a6\" stroke-dasharray=\"4 4\"/>\n",
                           plot.left(), plot.y_at(summary.f0_hz.median), kPlotWidth);
    }
    std::vector<double> times, pitches;
    const auto finish_line = [&] {
        if (times.size() == 1) times.push_back(times[0] + 0.004), pitches.push_back(pitches[0]);
        if (!times.empty()) {
            svg += plot.curve(times, pitches,
                              "class=\"pitch\" stroke=\"#1557b0\" stroke-width=\"2.6\" stroke-linecap=\"round\"");
        }
        times.clear();
        pitches.clear();
    };
    for (std::size_t t = 0; t < track.moments.size(); t += stride_of(track)) {
        const auto& moment = track.moments[t];
        const auto f0 = static_cast<double>(moment.pitch.f0_hz);
        const bool goes_on = !times.empty() && f0 > 0 && std::abs(std::log2(f0 / pitches.back())) < 0.4;
        if (!goes_on) finish_line();
        if (f0 <= 0) continue;
        times.push_back(moment.time_s);
        pitches.push_back(f0);
    }
    finish_line();
    return svg;
}

std::string draw_level(const VoiceTrack& track, Axis time) {
    std::vector<double> times, levels;
    for (std::size_t t = 0; t < track.moments.size(); t += stride_of(track)) {
        times.push_back(track.moments[t].time_s);
        levels.push_back(std::max(-90.0, track.moments[t].level_dbfs));
    }
    auto up = decibel_axis(levels, 40, "");
    up.last = std::min(up.last, 0.0);
    std::erase_if(up.marks, [&](double mark) { return mark > up.last || std::fmod(mark, 20) != 0; });
    time.title = "seconds";
    const Plot plot{kLeft, 692, kPlotWidth, 90, time, up};
    return plot.frame("Level, dB below full scale") +
           plot.curve(times, levels, "class=\"level\" stroke=\"#3c4043\" stroke-width=\"1.6\"");
}

std::string draw_figures(const VoiceTrack& track, const VoiceSummary& summary) {
    const auto number = [](double value, const char* unit) {
        return std::isfinite(value) ? fmt::format("{:.0f}{}", value, unit) : "–";
    };
    std::vector<std::array<std::string, 2>> figures{
        {"voiced", fmt::format("{:.0f} % of {:.1f} s", 100 * summary.voiced_share, track.to_s - track.from_s)},
        {"pitch, median", number(summary.f0_hz.median, " Hz")},
        {"pitch, 5 to 95 %", number(summary.f0_hz.low, " – ") + number(summary.f0_hz.high, " Hz")},
    };
    for (std::size_t n = 0; n < 4; ++n)
        figures.push_back({fmt::format("F{}, median", n + 1), number(summary.formants_hz[n].median, " Hz")});
    std::string svg;
    double x = kLeft;
    for (std::size_t i = 0; i < figures.size(); ++i) {
        svg += svg_text(x, 856, "class=\"small\"", figures[i][0]);
        svg += svg_text(x, 878, "class=\"figure\"", figures[i][1]);
        x += i < 3 ? 166 : 110;
    }
    return svg;
}

}  // namespace

std::string draw(const VoiceTrack& track, const VoiceSummary& summary, double ceiling_hz, const std::string& title,
                 const std::string& conditions) {
    const auto time = time_axis(track);
    std::string svg = svg_begin(kWidth, kHeight);
    svg += svg_text(kLeft, 38, "class=\"head\"", title);
    svg += svg_text(kLeft, 60, "class=\"small\"", conditions);
    svg += draw_spectrogram(track, ceiling_hz, time) + draw_pitch(track, summary, time) + draw_level(track, time);
    return svg + draw_figures(track, summary) + "</svg>\n";
}

}  // namespace sidetone::cli
