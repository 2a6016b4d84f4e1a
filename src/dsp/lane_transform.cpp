// SPDX-License-Identifier: Apache-2.0
#include "dsp/lane_transform.hpp"

#include <bit>
#include <cmath>
#include <numbers>
#include <stdexcept>
#include <string>

namespace sidetone::dsp {
namespace {

/// As many columns as a vector has lanes, but never more columns than rows: tiles of columns · columns are turned.
std::size_t columns_for(std::size_t points, std::size_t widest) {
    std::size_t columns = widest;
    while (columns * columns > points) columns /= 2;
    return columns;
}

void append_radices(std::size_t product, bool two_first, std::vector<std::size_t>& radices) {
    const bool odd = std::countr_zero(product) % 2 != 0;
    if (odd && two_first) radices.push_back(2);
    if (odd && !two_first && product > 2) {
        radices.push_back(4);
        product /= 4;
    }
    if (odd && !two_first) radices.push_back(2);
    if (odd) product /= 2;
    for (; product > 1; product /= 4) radices.push_back(4);
}

/// The first and the last stage have radix 4.
std::vector<std::size_t> radices_of(std::size_t points, std::size_t columns, std::size_t& first_within) {
    std::vector<std::size_t> radices;
    append_radices(columns, false, radices);
    first_within = radices.size();
    append_radices(points / columns, columns > 1, radices);
    return radices;
}

}  // namespace

LaneTransform::LaneTransform(std::size_t points, std::size_t widest)
    : points_(points), columns_(columns_for(points, widest)) {
    if (!std::has_single_bit(points) || points < kSmallest || points > kLargest) {
        throw std::invalid_argument("lane transform of " + std::to_string(points) +
                                    " points; expected a power of two from 16 to 32768");
    }
    std::size_t span = points;
    // Of z^n = c, the angle of c, for each group.
    std::vector<double> angles{std::numbers::pi / 2};
    for (const auto radix : radices_of(points, columns_, first_within_)) {
        stages_.push_back({radix, span, 0, 0});
        append_factors(angles);
        std::vector<double> next;
        for (const double angle : angles) {
            const auto parts = static_cast<double>(radix);
            for (std::size_t k = 0; k < radix; ++k) {
                next.push_back((angle + 2 * std::numbers::pi * static_cast<double>(k)) / parts);
            }
        }
        angles = std::move(next);
        span = radix == 2 ? span / 2 : span / 4;
    }
}

void LaneTransform::append_factors(const std::vector<double>& angles) {
    auto& stage = stages_.back();
    const auto append = [&](std::size_t group, std::size_t power, bool imaginary) {
        const double angle = angles[group] * static_cast<double>(power) / static_cast<double>(stage.radix);
        factors_.push_back(static_cast<float>(imaginary ? std::sin(angle) : std::cos(angle)));
    };
    stage.by_group = factors_.size();
    for (std::size_t group = 0; group < angles.size(); ++group) {
        for (std::size_t power = 1; power < stage.radix; ++power) {
            append(group, power, false);
            append(group, power, true);
        }
    }
    if (stage.span > rows()) return;
    factors_.resize((factors_.size() + 15) / 16 * 16);  // whole vectors, on cache lines
    stage.by_column = factors_.size();
    const std::size_t groups = rows() / stage.span;
    for (std::size_t within = 0; within < groups; ++within) {
        for (std::size_t power = 1; power < stage.radix; ++power) {
            for (const bool imaginary : {false, true}) {
                for (std::size_t c = 0; c < columns_; ++c) append(c * groups + within, power, imaginary);
            }
        }
    }
}

}  // namespace sidetone::dsp
