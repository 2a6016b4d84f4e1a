// SPDX-License-Identifier: Apache-2.0
#include "cli/prescription_drawing.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "cli/plot.hpp"

namespace sidetone::cli {
namespace {

using dsp::kAudiogramHz;

constexpr int kWidth = 1000, kHeight = 500;

constexpr double kTop = 100, kPlotWidth = 410, kPlotHeight = 330;

/// Of both plots, with a third of an octave or so beside the outermost frequencies.
Axis frequency_axis() {
    const double margin = std::exp2(0.35);
    Axis axis{.first = kAudiogramHz.front() / margin,
              .last = kAudiogramHz.back() * margin,
              .is_logarithmic = true,
              .title = "frequency in Hz"};
    for (const int frequency_hz : kAudiogramHz) {
        (dsp::is_octave(frequency_hz) ? axis.marks : axis.dashed_marks).push_back(frequency_hz);
    }
    return axis;
}

Axis every_ten(int bottom_db, int top_db, const char* unit) {
    Axis axis{.first = static_cast<double>(bottom_db), .last = static_cast<double>(top_db), .title = unit};
    for (int mark = std::min(bottom_db, top_db); mark <= std::max(bottom_db, top_db); mark += 10) {
        axis.marks.push_back(mark);
    }
    return axis;
}

const char* color_of(const EarPrescription& ear) {
    return ear.ear == "right" ? "#c62828" : "#1557b0";
}

std::string curve(const Plot& plot, const dsp::PerFrequency& value_db, const std::string& style) {
    const std::vector<double> frequencies_hz(kAudiogramHz.begin(), kAudiogramHz.end());
    return plot.curve(frequencies_hz, value_db, style);
}

std::string mark(const EarPrescription& ear, double x, double y) {
    if (ear.ear == "right") {
        return fmt::format(
            "<circle cx=\"{:.1f}\" cy=\"{:.1f}\" r=\"6\" fill=\"#fff\" stroke=\"{}\" stroke-width=\"2\"/>\n", x, y,
            color_of(ear));
    }
    return fmt::format("<path d=\"M{:.1f} {:.1f}l11 11m0 -11l-11 11\" stroke=\"{}\" stroke-width=\"2.2\"/>\n", x - 5.5,
                       y - 5.5, color_of(ear));
}

// Loss grows downwards.
std::string draw_audiogram(const Prescription& prescription) {
    const Plot plot{56, kTop, kPlotWidth, kPlotHeight, frequency_axis(), every_ten(120, -10, "dB HL")};
    std::string svg = plot.frame("Hearing thresholds");
    for (const auto& ear : prescription.ears) {
        const auto& threshold = ear.audiogram.threshold_db_hl;
        svg += curve(plot, threshold, fmt::format("stroke=\"{}\" stroke-width=\"1.8\"", color_of(ear)));
        for (std::size_t f = 0; f < threshold.size(); ++f) {
            if (!ear.audiogram.is_measured[f]) continue;
            svg += mark(ear, plot.x_at(kAudiogramHz[f]), plot.y_at(threshold[f]));
        }
    }
    return svg;
}

/// Soft speech dotted, loud speech dashed, and what lies between in full.
std::string line_of(const GainCurve& gains) {
    const int level_db_spl = gains.speech_db_spl.value_or(65);
    if (level_db_spl < 60) return "stroke-width=\"2\" stroke-dasharray=\"1 5\" stroke-linecap=\"round\"";
    if (level_db_spl > 70) return "stroke-width=\"2\" stroke-dasharray=\"9 5\"";
    return "stroke-width=\"2.6\"";
}

std::string draw_gains(const Plot& plot, const Prescription& prescription) {
    std::string svg = plot.frame("Insertion gain");
    for (const auto& ear : prescription.ears) {
        for (const auto& gains : ear.curves) {
            svg += curve(plot, gains.gain_db, fmt::format("stroke=\"{}\" {}", color_of(ear), line_of(gains)));
        }
    }
    return svg;
}

/// One entry for each ear, and for each level where there are several; from the right edge to the left.
std::string legend(const Prescription& prescription, double right, double y) {
    std::string svg;
    double x = right;
    const auto& curves = prescription.ears.front().curves;
    for (auto gains = curves.rbegin(); curves.size() > 1 && gains != curves.rend(); ++gains) {
        x -= 112;
        svg += fmt::format("<path d=\"M{:.1f} {:.1f}h30\" stroke=\"#3c4043\" {}/>\n", x, y - 4, line_of(*gains));
        svg += svg_text(x + 38, y, "class=\"small\"", fmt::format("{} dB SPL", *gains->speech_db_spl));
    }
    for (auto ear = prescription.ears.rbegin(); ear != prescription.ears.rend(); ++ear) {
        x -= 72;
        svg += mark(*ear, x + 10, y - 4);
        svg += svg_text(x + 24, y, "class=\"small\"", ear->ear);
    }
    return svg;
}

/// The top of the gains' axis: a whole ten above all of them, and not so low that little looks like much.
int highest_gain_db(const Prescription& prescription) {
    double highest_db = 35;
    for (const auto& ear : prescription.ears) {
        for (const auto& gains : ear.curves) {
            highest_db = std::max(highest_db, *std::max_element(gains.gain_db.begin(), gains.gain_db.end()));
        }
    }
    return 10 * static_cast<int>(std::ceil(highest_db / 10));
}

}  // namespace

std::string draw(const Prescription& prescription) {
    const Plot gains{
        556, kTop, kPlotWidth, kPlotHeight, frequency_axis(), every_ten(0, highest_gain_db(prescription), "dB")};
    std::string svg = svg_begin(kWidth, kHeight);
    svg += svg_text(56, 38, "class=\"head\"", prescription.title);
    svg += svg_text(56, 60, "class=\"small\"", prescription.rule);
    svg += draw_audiogram(prescription);
    svg += draw_gains(gains, prescription);
    svg += legend(prescription, gains.right(), kHeight - 12);
    return svg + "</svg>\n";
}

}  // namespace sidetone::cli
