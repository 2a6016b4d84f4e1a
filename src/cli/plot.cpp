// SPDX-License-Identifier: Apache-2.0
#include "cli/plot.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <iterator>
#include <utility>

namespace sidetone::cli {
namespace {

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

// 0 at the axis' first value and 1 at its last.
double share_of(const Axis& axis, double value) {
    const auto scaled = [&](double v) { return axis.is_logarithmic ? std::log(v) : v; };
    const double share = (scaled(value) - scaled(axis.first)) / (scaled(axis.last) - scaled(axis.first));
    return std::isnan(share) ? 0 : std::clamp(share, 0.0, 1.0);
}

std::string number_on(const Axis& axis, double value) {
    return axis.is_logarithmic && value >= 1000 ? fmt::format("{:g}k", value / 1000) : fmt::format("{:g}", value);
}

}  // namespace

std::string svg_text(double x, double y, const std::string& style, const std::string& text) {
    return fmt::format("<text x=\"{:.1f}\" y=\"{:.1f}\" {}>{}</text>\n", x, y, style, escaped(text));
}

std::string svg_begin(int width, int height) {
    return fmt::format(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {0} {1}\" width=\"{0}\" height=\"{1}\">\n"
        "<style>text{{font-family:system-ui,'DejaVu Sans',sans-serif;fill:#202124}}"
        ".head{{font-size:20px;font-weight:600}}.title{{font-size:14px;font-weight:600}}"
        ".small{{font-size:12px;fill:#5f6368}}.figure{{font-size:17px;font-weight:600}}</style>\n"
        "<rect width=\"{0}\" height=\"{1}\" fill=\"#fff\"/>\n",
        width, height);
}

Axis decibel_axis(std::span<const double> values, double least_range_db, std::string title) {
    std::vector<double> finite;
    std::copy_if(values.begin(), values.end(), std::back_inserter(finite), [](double v) { return std::isfinite(v); });
    if (finite.empty()) finite.push_back(0);
    const auto [low, high] = std::minmax_element(finite.begin(), finite.end());
    Axis axis{.first = 10 * std::floor((*low - 2) / 10), .last = 10 * std::ceil((*high + 2) / 10)};
    for (bool is_low = true; axis.last - axis.first < least_range_db; is_low = !is_low)
        (is_low ? axis.first : axis.last) += is_low ? -10 : 10;
    const double step = axis.last - axis.first > 100 ? 20 : 10;
    const auto first = static_cast<int>(std::ceil(axis.first / step));
    for (int mark = first; mark * step <= axis.last; ++mark) axis.marks.push_back(mark * step);
    axis.title = std::move(title);
    return axis;
}

Axis symmetric_axis(std::span<const double> values, double least, double step, std::string title) {
    double most = least;
    for (const double value : values) most = std::max(most, step * std::ceil(std::abs(value) / step));
    Axis axis{.first = -most, .last = most, .title = std::move(title)};
    const double between = most / step > 6 ? 2 * step : step;
    for (int n = 0; n <= static_cast<int>(most / between); ++n) {
        if (n > 0) axis.marks.push_back(-n * between);
        axis.marks.push_back(n * between);
    }
    return axis;
}

Plot::Plot(double x, double y, double width, double height, Axis across, Axis up)
    : x_(x), y_(y), width_(width), height_(height), across_(std::move(across)), up_(std::move(up)) {}

double Plot::x_at(double value) const {
    return x_ + width_ * share_of(across_, value);
}

double Plot::y_at(double value) const {
    return y_ + height_ * (1 - share_of(up_, value));
}

std::string Plot::frame(const std::string& title) const {
    std::string svg = svg_text(x_, y_ - 14, "class=\"title\"", title);
    svg += svg_text(right(), y_ - 14, "class=\"small\" text-anchor=\"end\"", up_.title);
    for (const double mark : up_.marks) {
        const double y = y_at(mark);
        svg += fmt::format("<path d=\"M{:.1f} {:.1f}h{:.1f}\" stroke=\"{}\"/>\n", x_, y, width_,
                           mark == 0 ? "#9aa0a6" : "#e3e6ea");
        svg += svg_text(x_ - 8, y + 4, "class=\"small\" text-anchor=\"end\"", number_on(up_, mark));
    }
    const auto across = [&](double mark, const char* dashes) {
        const double x = x_at(mark);
        svg += fmt::format("<path d=\"M{:.1f} {:.1f}v{:.1f}\" stroke=\"#e3e6ea\"{}/>\n", x, y_, height_, dashes);
        svg += svg_text(x, bottom() + 18, "class=\"small\" text-anchor=\"middle\"", number_on(across_, mark));
    };
    for (const double mark : across_.marks) across(mark, "");
    for (const double mark : across_.dashed_marks) across(mark, " stroke-dasharray=\"2 3\"");
    return svg + svg_text(x_ + width_ / 2, bottom() + 36, "class=\"small\" text-anchor=\"middle\"", across_.title);
}

std::string Plot::curve(std::span<const double> across, std::span<const double> up, const std::string& style) const {
    std::string points;
    for (std::size_t i = 0; i < across.size(); ++i)
        fmt::format_to(std::back_inserter(points), "{:.1f},{:.1f} ", x_at(across[i]), y_at(up[i]));
    return fmt::format("<polyline points=\"{}\" fill=\"none\" stroke-linejoin=\"round\" {}/>\n", points, style);
}

}  // namespace sidetone::cli
