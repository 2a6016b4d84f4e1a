// SPDX-License-Identifier: Apache-2.0
#include "nn/native/resize_table.hpp"

#include <algorithm>
#include <array>
#include <cmath>

namespace sidetone::nn::native {
namespace {

constexpr std::array kCoordinates{"half_pixel", "half_pixel_symmetric", "pytorch_half_pixel", "align_corners",
                                  "asymmetric", "tf_half_pixel_for_nn", "tf_crop_and_resize"};
constexpr std::array kModes{"nearest", "linear", "cubic"};
constexpr std::array kNearest{"round_prefer_floor", "round_prefer_ceil", "floor", "ceil"};

// Where the axis has what belongs at place `at` of the result.
float coordinate(const std::string& rule, const ResizeAxis& axis, float at) {
    const auto in = static_cast<float>(axis.in);
    const auto out = static_cast<float>(axis.out);
    if (axis.scale == 1.0F) return at;
    if (rule == "half_pixel") return (at + 0.5F) / axis.scale - 0.5F;
    if (rule == "half_pixel_symmetric") {
        const float adjustment = out / (axis.scale * in);
        return in / 2 * (1 - adjustment) + (at + 0.5F) / axis.scale - 0.5F;
    }
    if (rule == "pytorch_half_pixel") return axis.out > 1 ? (at + 0.5F) / axis.scale - 0.5F : 0.0F;
    if (rule == "align_corners") return axis.out > 1 ? at * (in - 1) / (out - 1) : 0.0F;
    if (rule == "asymmetric") return at / axis.scale;
    if (rule == "tf_half_pixel_for_nn") return (at + 0.5F) / axis.scale;
    const float start = axis.roi_start * (in - 1);
    if (axis.out == 1) return 0.5F * (axis.roi_start + axis.roi_end) * (in - 1);
    return start + at * (axis.roi_end - axis.roi_start) * (in - 1) / (out - 1);
}

float nearest(const std::string& rule, float x) {
    if (rule == "floor") return std::floor(x);
    if (rule == "ceil") return std::ceil(x);
    if (rule == "round_prefer_floor" && x - std::floor(x) == 0.5F) return std::floor(x);
    return std::round(x);
}

// Keys (1981), for distances −1, 0, 1 and 2 from the place before x, which is `part` behind it.
std::array<float, 4> cubic_weights(float a, float part) {
    const auto near = [a](float s) { return ((a + 2) * s - (a + 3)) * s * s + 1; };
    const auto far = [a](float s) { return ((a * s - 5 * a) * s + 8 * a) * s - 4 * a; };
    return {far(part + 1), near(part), near(1 - part), far(2 - part)};
}

struct Taps {
    ResizeTable& table;
    float last;  // place

    void add(float place, float weight) const {
        table.places.push_back(static_cast<std::uint32_t>(std::clamp(place, 0.0F, last)));
        table.weights.push_back(weight);
    }
};

void add_linear(const Taps& taps, float x) {
    const float bounded = std::clamp(x, 0.0F, taps.last);
    const float before = std::floor(bounded);
    taps.add(before, 1 - (bounded - before));
    taps.add(before + 1, bounded - before);
}

void add_cubic(const Taps& taps, const ResizeRule& rule, float x) {
    const float before = std::floor(x);
    auto weights = cubic_weights(rule.cubic_a, x - before);
    if (rule.excludes_outside) {
        float sum = 0;
        for (std::size_t i = 0; i < weights.size(); ++i) {
            const float place = before - 1 + static_cast<float>(i);
            if (place < 0 || place > taps.last) weights[i] = 0;
            sum += weights[i];
        }
        for (auto& weight : weights) weight = sum == 0 ? 0 : weight / sum;
    }
    for (std::size_t i = 0; i < weights.size(); ++i) taps.add(before - 1 + static_cast<float>(i), weights[i]);
}

}  // namespace

bool is_known(const ResizeRule& rule) {
    const auto has = [](const auto& names, const std::string& name) {
        return std::ranges::find(names, name) != names.end();
    };
    return has(kCoordinates, rule.coordinates) && has(kModes, rule.mode) && has(kNearest, rule.nearest);
}

ResizeTable resize_table(const ResizeRule& rule, const ResizeAxis& axis) {
    ResizeTable table;
    table.taps = rule.mode == "nearest" ? 1 : rule.mode == "linear" ? 2 : 4;
    const Taps taps{table, static_cast<float>(axis.in - 1)};
    const bool may_leave = rule.coordinates == "tf_crop_and_resize";
    for (std::int64_t at = 0; at < axis.out; ++at) {
        const float x = coordinate(rule.coordinates, axis, static_cast<float>(at));
        table.is_outside.push_back(may_leave && (x < 0 || x > taps.last));
        if (rule.mode == "nearest") {
            taps.add(nearest(rule.nearest, x), 1);
        } else if (rule.mode == "linear") {
            add_linear(taps, x);
        } else {
            add_cubic(taps, rule, x);
        }
    }
    return table;
}

}  // namespace sidetone::nn::native
