// SPDX-License-Identifier: Apache-2.0
#include "cli/prescription_drawing.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <iterator>

namespace sidetone::cli {
namespace {

using dsp::kAudiogramHz;

constexpr int kWidth = 1000, kHeight = 500;

/// A plot over the logarithm of frequency, in the drawing's units. `top` and `bottom` are the values at its edges: loss
/// grows downwards, gain upwards.
struct Panel {
    double x, y, width, height;
    double top, bottom;

    [[nodiscard]] double at_hz(double frequency_hz) const {
        constexpr double kMargin = 0.35;  // octaves beside the outermost frequencies
        const double octaves = std::log2(frequency_hz / kAudiogramHz.front()) + kMargin;
        const double all = std::log2(static_cast<double>(kAudiogramHz.back()) / kAudiogramHz.front()) + 2 * kMargin;
        return x + width * octaves / all;
    }
    [[nodiscard]] double at_db(double value_db) const { return y + height * (value_db - top) / (bottom - top); }
};

std::string escaped(const std::string& text) {
    std::string result;
    for (const char c : text) {
        switch (c) {
            case '&':
                result += "&amp;";
                break;
            case '<':
                result += "&lt;";
                break;
            case '>':
                result += "&gt;";
                break;
            default:
                result += static_cast<unsigned char>(c) < ' ' ? ' ' : c;
        }
    }
    return result;
}

const char* color_of(const EarPrescription& ear) {
    return ear.ear == "right" ? "#c62828" : "#1557b0";
}

std::string text_at(double x, double y, const std::string& style, const std::string& text) {
    return fmt::format("<text x=\"{:.1f}\" y=\"{:.1f}\" {}>{}</text>\n", x, y, style, escaped(text));
}

std::string frequency_name(int frequency_hz) {
    return frequency_hz < 1000 ? fmt::format("{}", frequency_hz) : fmt::format("{:g}k", frequency_hz / 1000.0);
}

/// Title, grid and the numbers along it.
std::string axes(const Panel& panel, const std::string& title, const std::string& unit) {
    std::string svg = text_at(panel.x, panel.y - 14, "class=\"title\"", title);
    svg += text_at(panel.x + panel.width, panel.y - 14, "class=\"small\" text-anchor=\"end\"", unit);
    const auto lowest = static_cast<int>(std::min(panel.top, panel.bottom));
    const auto highest = static_cast<int>(std::max(panel.top, panel.bottom));
    for (int value_db = lowest; value_db <= highest; value_db += 10) {
        const double y = panel.at_db(value_db);
        svg += fmt::format("<path d=\"M{:.1f} {:.1f}h{:.1f}\" stroke=\"{}\"/>\n", panel.x, y, panel.width,
                           value_db == 0 ? "#9aa0a6" : "#e3e6ea");
        svg += text_at(panel.x - 8, y + 4, "class=\"small\" text-anchor=\"end\"", fmt::format("{}", value_db));
    }
    for (const int frequency_hz : kAudiogramHz) {
        const double x = panel.at_hz(frequency_hz);
        svg += fmt::format("<path d=\"M{:.1f} {:.1f}v{:.1f}\" stroke=\"#e3e6ea\"{}/>\n", x, panel.y, panel.height,
                           dsp::is_octave(frequency_hz) ? "" : " stroke-dasharray=\"2 3\"");
        svg += text_at(x, panel.y + panel.height + 18, "class=\"small\" text-anchor=\"middle\"",
                       frequency_name(frequency_hz));
    }
    svg += text_at(panel.x + panel.width / 2, panel.y + panel.height + 38, "class=\"small\" text-anchor=\"middle\"",
                   "frequency in Hz");
    return svg;
}

std::string curve(const Panel& panel, const dsp::PerFrequency& value_db, const std::string& style) {
    std::string points;
    for (std::size_t f = 0; f < value_db.size(); ++f) {
        fmt::format_to(std::back_inserter(points), "{:.1f},{:.1f} ", panel.at_hz(kAudiogramHz[f]),
                       panel.at_db(value_db[f]));
    }
    return fmt::format("<polyline points=\"{}\" fill=\"none\" stroke-linejoin=\"round\" {}/>\n", points, style);
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

std::string draw_audiogram(const Panel& panel, const Prescription& prescription) {
    std::string svg = axes(panel, "Hearing thresholds", "dB HL");
    for (const auto& ear : prescription.ears) {
        const auto& threshold = ear.audiogram.threshold_db_hl;
        svg += curve(panel, threshold, fmt::format("stroke=\"{}\" stroke-width=\"1.8\"", color_of(ear)));
        for (std::size_t f = 0; f < threshold.size(); ++f) {
            if (!ear.audiogram.is_measured[f]) continue;
            svg += mark(ear, panel.at_hz(kAudiogramHz[f]), panel.at_db(threshold[f]));
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

std::string draw_gains(const Panel& panel, const Prescription& prescription) {
    std::string svg = axes(panel, "Insertion gain", "dB");
    for (const auto& ear : prescription.ears) {
        for (const auto& gains : ear.curves) {
            svg += curve(panel, gains.gain_db, fmt::format("stroke=\"{}\" {}", color_of(ear), line_of(gains)));
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
        svg += text_at(x + 38, y, "class=\"small\"", fmt::format("{} dB SPL", *gains->speech_db_spl));
    }
    for (auto ear = prescription.ears.rbegin(); ear != prescription.ears.rend(); ++ear) {
        x -= 72;
        svg += mark(*ear, x + 10, y - 4);
        svg += text_at(x + 24, y, "class=\"small\"", ear->ear);
    }
    return svg;
}

/// The top of the gains' axis: a whole ten above all of them, and not so low that little looks like much.
double highest_gain_db(const Prescription& prescription) {
    double highest_db = 35;
    for (const auto& ear : prescription.ears) {
        for (const auto& gains : ear.curves) {
            highest_db = std::max(highest_db, *std::max_element(gains.gain_db.begin(), gains.gain_db.end()));
        }
    }
    return 10 * std::ceil(highest_db / 10);
}

}  // namespace

std::string draw(const Prescription& prescription) {
    const Panel thresholds{56, 100, 410, 330, -10, 120};
    const Panel gains{556, 100, 410, 330, highest_gain_db(prescription), 0};
    std::string svg = fmt::format(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {0} {1}\" width=\"{0}\" height=\"{1}\">\n"
        "<style>text{{font-family:system-ui,'DejaVu Sans',sans-serif;fill:#202124}}"
        ".head{{font-size:20px;font-weight:600}}.title{{font-size:14px;font-weight:600}}"
        ".small{{font-size:12px;fill:#5f6368}}</style>\n"
        "<rect width=\"{0}\" height=\"{1}\" fill=\"#fff\"/>\n",
        kWidth, kHeight);
    svg += text_at(56, 38, "class=\"head\"", prescription.title);
    svg += text_at(56, 60, "class=\"small\"", prescription.rule);
    svg += draw_audiogram(thresholds, prescription);
    svg += draw_gains(gains, prescription);
    svg += legend(prescription, gains.x + gains.width, kHeight - 12);
    return svg + "</svg>\n";
}

}  // namespace sidetone::cli
