// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <span>
#include <string>
#include <vector>

namespace sidetone::cli {

/// `text` for people to read, at the place where its base line begins (or as `style` says), as a piece of SVG.
[[nodiscard]] std::string svg_text(double x, double y, const std::string& style, const std::string& text);

/// What an SVG document begins with: white ground and the classes `head`, `title`, `small` and `figure` of text.
[[nodiscard]] std::string svg_begin(int width, int height);

/// The values along one side of a plot.
struct Axis {
    double first = 0, last = 1;  ///< at the left or the bottom, and at the right or the top
    bool is_logarithmic = false;
    std::vector<double> marks;         ///< where a line of the grid and its number are
    std::vector<double> dashed_marks;  ///< the same, of less weight
    std::string title;                 ///< with its unit
};

/// An axis in decibels that holds all of `values` that are finite, with a mark every ten.
[[nodiscard]] Axis decibel_axis(std::span<const double> values, double least_range_db, std::string title);

/// An axis with 0 in its middle that holds all of `values`, at least from -`least` to `least`, with marks at multiples
/// of `step`.
[[nodiscard]] Axis symmetric_axis(std::span<const double> values, double least, double step, std::string title);

/// A rectangle in a drawing in which values are curves.
class Plot {
public:
    Plot(double x, double y, double width, double height, Axis across, Axis up);

    /// Title, grid, and the numbers along it.
    [[nodiscard]] std::string frame(const std::string& title) const;

    /// What is not finite, or lies outside, is drawn at the edge.
    [[nodiscard]] std::string curve(std::span<const double> across, std::span<const double> up,
                                    const std::string& style) const;

    [[nodiscard]] double x_at(double value) const;
    [[nodiscard]] double y_at(double value) const;
    [[nodiscard]] double left() const { return x_; }
    [[nodiscard]] double right() const { return x_ + width_; }
    [[nodiscard]] double top() const { return y_; }
    [[nodiscard]] double bottom() const { return y_ + height_; }

private:
    double x_, y_, width_, height_;
    Axis across_, up_;
};

}  // namespace sidetone::cli
