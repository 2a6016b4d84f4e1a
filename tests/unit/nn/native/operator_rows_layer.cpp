// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cmath>

#include "operator_case.hpp"

namespace sidetone::nn::test {
namespace {

using Integers = std::vector<std::int64_t>;

std::int64_t any_axis(OperatorCase& c, std::size_t rank) {
    const auto count = static_cast<std::int64_t>(rank);
    return c.random.integer(-count, count - 1);
}

Integers numbers(OperatorCase& c, std::size_t count, std::int64_t low, std::int64_t high) {
    Integers made(count);
    for (auto& number : made) number = c.random.integer(low, high);
    return made;
}

// Strides, dilations and pads of windows over `spatial` dimensions.
void window_attributes(OperatorCase& c, std::size_t spatial, const Integers& taps, bool has_dilations = true) {
    if (c.random.chance(0.6)) c.attribute("strides", numbers(c, spatial, 1, 3));
    const bool is_dilated = has_dilations && c.random.chance(0.4);
    if (is_dilated) c.attribute("dilations", numbers(c, spatial, 1, 2));
    // ONNX Runtime refuses automatic padding of dilated windows, or gets it wrong.
    const auto kind = is_dilated ? 0 : c.random.integer(0, 9);
    if (kind <= 5) {
        Integers pads;
        for (int side = 0; side < 2; ++side) {
            for (std::size_t i = 0; i < spatial; ++i)
                pads.push_back(c.random.integer(0, std::min<std::int64_t>(taps[i] - 1, 2)));
        }
        c.attribute("pads", pads);
    } else if (kind <= 8) {
        c.attribute("auto_pad", std::string{c.random.one_of<const char*>({"VALID", "SAME_UPPER", "SAME_LOWER"})});
    }
}

Shape with_space(OperatorCase& c, std::int64_t batch, std::int64_t channels, std::size_t spatial) {
    Shape shape{batch, channels};
    for (std::size_t i = 0; i < spatial; ++i) shape.push_back(c.random.integer(7, i + 1 == spatial ? 24 : 10));
    return shape;
}

struct Groups {
    std::int64_t groups, inputs, outputs;
};

// Ordinary, grouped and depthwise.
Groups some_groups(OperatorCase& c) {
    const auto kind = c.random.integer(0, 3);
    if (kind == 0) {
        const auto channels = c.random.integer(1, 9);
        return {channels, 1, c.random.one_of<std::int64_t>({1, 1, 2})};
    }
    return {kind == 1 ? c.random.integer(2, 3) : 1, c.random.integer(1, 8), c.random.integer(1, 19)};
}

template <std::size_t kSpatial>
void convolution(OperatorCase& c) {
    const auto [groups, inputs, outputs] = some_groups(c);
    const auto taps = numbers(c, kSpatial, 1, 3);
    c.dynamic_floats(with_space(c, c.random.integer(1, 2), groups * inputs, kSpatial));
    Shape weights{groups * outputs, inputs};
    weights.insert(weights.end(), taps.begin(), taps.end());
    c.constant_floats(weights);
    if (c.random.chance(0.6)) c.constant_floats({groups * outputs});
    if (groups > 1 || c.random.chance(0.5)) c.attribute("group", groups);
    if (c.random.chance(0.5)) c.attribute("kernel_shape", taps);
    window_attributes(c, kSpatial, taps);
}

// Padding that the convolution may do itself, and, in one of four, channels, which it may not.
void padded_convolution(OperatorCase& c) {
    const auto [groups, inputs, outputs] = some_groups(c);
    const auto taps = numbers(c, 2, 1, 4);
    const std::int64_t channels = groups * inputs > 1 && c.random.chance(0.25) ? 1 : 0;
    c.dynamic_floats(with_space(c, c.random.integer(1, 2), groups * inputs - channels, 2));
    Integers pads{0, channels};
    for (int i = 0; i < 6; ++i) pads.push_back(i == 2 || i == 3 ? 0 : c.random.integer(0, 3));
    c.padded(pads);
    c.constant_floats({groups * outputs, inputs, taps[0], taps[1]});
    c.attribute("group", groups);
    window_attributes(c, 2, taps);
}

template <std::size_t kSpatial>
void transposed_convolution(OperatorCase& c) {
    const auto [groups, inputs, outputs] = some_groups(c);
    const auto taps = numbers(c, kSpatial, 1, 4);
    c.dynamic_floats(with_space(c, c.random.integer(1, 2), groups * inputs, kSpatial));
    Shape weights{groups * inputs, outputs};
    weights.insert(weights.end(), taps.begin(), taps.end());
    c.constant_floats(weights);
    if (c.random.chance(0.6)) c.constant_floats({groups * outputs});
    if (groups > 1 || c.random.chance(0.5)) c.attribute("group", groups);
    const auto strides = numbers(c, kSpatial, 1, 3);
    c.attribute("strides", strides);
    const bool is_dilated = c.random.chance(0.3);
    if (is_dilated) c.attribute("dilations", numbers(c, kSpatial, 1, 2));
    const auto padding = c.random.integer(0, 9);
    if (padding <= 5) c.attribute("pads", numbers(c, 2 * kSpatial, 0, 1));
    if (padding == 6 && !is_dilated) {
        c.attribute("auto_pad", std::string{c.random.one_of<const char*>({"VALID", "SAME_UPPER", "SAME_LOWER"})});
    }
    if (padding >= 7) {
        Integers sizes;
        for (std::size_t i = 0; i < kSpatial; ++i) {
            const auto all = (c.inputs()[0].info.shape[i + 2] - 1) * strides[i] + taps[i];
            sizes.push_back(std::max<std::int64_t>(all - c.random.integer(0, taps[i] - 1), 1));
        }
        c.attribute("output_shape", sizes);
        if (c.random.chance(0.5)) {
            c.attribute("auto_pad", std::string{c.random.one_of<const char*>({"SAME_UPPER", "SAME_LOWER"})});
        }
    } else if (c.random.chance(0.4)) {
        Integers extra;
        for (const auto stride : strides) extra.push_back(c.random.integer(0, stride - 1));
        c.attribute("output_padding", extra);
    }
}

template <std::size_t kSpatial>
void pooling(OperatorCase& c, bool is_mean) {
    const auto taps = numbers(c, kSpatial, 1, 4);
    c.floats(with_space(c, c.random.integer(1, 2), c.random.integer(1, 3), kSpatial));
    c.attribute("kernel_shape", taps);
    window_attributes(c, kSpatial, taps, !is_mean || c.opset >= 19);
    if (c.random.chance(0.4)) c.attribute("ceil_mode", c.random.integer(0, 1));
    if (is_mean && c.random.chance(0.5)) c.attribute("count_include_pad", c.random.integer(0, 1));
}

template <std::size_t kSpatial>
void max_pool(OperatorCase& c) {
    pooling<kSpatial>(c, false);
}

template <std::size_t kSpatial>
void average_pool(OperatorCase& c) {
    pooling<kSpatial>(c, true);
}

void global_pool(OperatorCase& c) {
    c.floats(with_space(c, c.random.integer(1, 2), c.random.integer(1, 5),
                        static_cast<std::size_t>(c.random.integer(1, 2))));
}

void matmul(OperatorCase& c) {
    const auto rows = c.random.one_of<std::int64_t>({1, 2, 5, 17});
    const auto inner = c.random.one_of<std::int64_t>({1, 3, 8, 33});
    const auto columns = c.random.one_of<std::int64_t>({1, 4, 16, 37});
    const auto batches = c.shape(0, 2);
    auto a = c.random.chance(0.5) ? batches : c.broadcastable(batches);
    auto b = c.broadcastable(batches);
    if (a.empty() && b.empty() && c.random.chance(0.5)) {
        if (c.random.chance(0.5)) {
            c.floats({inner}).floats({inner, columns});
        } else {
            c.floats({rows, inner}).floats({inner});
        }
        return;
    }
    a.insert(a.end(), {rows, inner});
    b.insert(b.end(), {inner, columns});
    c.floats(a).floats(b);
}

void gemm(OperatorCase& c) {
    const auto rows = c.random.one_of<std::int64_t>({1, 2, 5, 17});
    const auto inner = c.random.one_of<std::int64_t>({1, 3, 8, 33});
    const auto columns = c.random.one_of<std::int64_t>({1, 4, 16, 37});
    const auto a_is_turned = c.random.integer(0, 1);
    const auto b_is_turned = c.random.integer(0, 1);
    c.floats(a_is_turned != 0 ? Shape{inner, rows} : Shape{rows, inner});
    c.floats(b_is_turned != 0 ? Shape{columns, inner} : Shape{inner, columns});
    if (c.random.chance(0.8)) {
        switch (c.random.integer(0, 4)) {
            case 0:
                c.floats({});
                break;
            case 1:
                c.floats({rows, 1});
                break;
            case 2:
                c.floats({rows, columns});
                break;
            default:
                c.floats({columns});
        }
    }
    if (a_is_turned != 0 || c.random.chance(0.5)) c.attribute("transA", a_is_turned);
    if (b_is_turned != 0 || c.random.chance(0.5)) c.attribute("transB", b_is_turned);
    if (c.random.chance(0.4)) c.attribute("alpha", c.random.number(0.5F, 2));
    if (c.random.chance(0.4)) c.attribute("beta", c.random.number(0.5F, 2));
}

void batch_normalization(OperatorCase& c) {
    const auto shape = c.shape(2);
    c.floats(shape);
    for (int i = 0; i < 3; ++i) c.constant_floats({shape[1]});
    c.constant_floats({shape[1]}, 0.1F, 2);
    if (c.random.chance(0.5)) c.attribute("epsilon", c.random.number(1e-5F, 0.1F));
}

void layer_normalization(OperatorCase& c) {
    const auto shape = c.shape(1);
    const auto axis = any_axis(c, shape.size());
    const Shape normalised{axis < 0 ? shape.end() + axis : shape.begin() + axis, shape.end()};
    // One for each element, or for each that lies along some of the axes.
    const auto parameters = [&] {
        auto made = normalised;
        for (auto& size : made) size = c.random.chance(0.8) ? size : 1;
        return made;
    };
    c.floats(shape).floats(parameters());
    if (c.random.chance(0.6)) c.floats(parameters());
    if (axis != -1 || c.random.chance(0.5)) c.attribute("axis", axis);
    if (c.random.chance(0.5)) c.attribute("epsilon", c.random.number(1e-5F, 0.1F));
}

void instance_normalization(OperatorCase& c) {
    const auto shape =
        with_space(c, c.random.integer(1, 2), c.random.integer(1, 5), static_cast<std::size_t>(c.random.integer(1, 2)));
    c.floats(shape).floats({shape[1]}).floats({shape[1]});
    if (c.random.chance(0.5)) c.attribute("epsilon", c.random.number(1e-5F, 0.1F));
}

void group_normalization(OperatorCase& c) {
    const auto groups = c.random.integer(1, 4);
    const auto channels = groups * c.random.integer(1, 3);
    const auto parameters = c.opset >= 21 ? channels : groups;
    c.floats(with_space(c, c.random.integer(1, 2), channels, 2)).floats({parameters}).floats({parameters});
    c.attribute("num_groups", groups);
    if (c.random.chance(0.5)) c.attribute("epsilon", c.random.number(1e-5F, 0.1F));
}

void norm_over_axis(OperatorCase& c) {
    const auto shape = c.shape(1);
    c.floats(shape, 0.2F, 2);
    if (c.random.chance(0.7)) c.attribute("axis", any_axis(c, shape.size()));
    if (c.random.chance(0.6)) c.attribute("p", c.random.integer(1, 2));
}

void softmax(OperatorCase& c) {
    const auto shape = c.shape(1);
    c.floats(shape, -9, 9);
    if (shape.size() == 1 && c.opset < 13) {
        c.attribute("axis", std::int64_t{0});
    } else if (c.random.chance(0.7)) {
        c.attribute("axis", any_axis(c, shape.size()));
    }
}

// Up to opset 12 inputs that Resize does not use are there, and empty.
void unused_floats(OperatorCase& c) {
    c.opset < 13 ? c.constant_floats({0}, std::vector<float>{}) : c.missing();
}

// `mode` in all its ways over `spatial` axes, the last ones; the ones before keep their size.
void resize(OperatorCase& c, const std::string& mode, Shape shape, std::size_t spatial) {
    c.dynamic_floats(shape);
    const auto first = shape.size() - spatial;
    Integers axes;
    for (std::size_t i = first; i < shape.size(); ++i) axes.push_back(static_cast<std::int64_t>(i));
    const bool names_axes = c.opset >= 18 && c.random.chance(0.4);
    if (names_axes) c.attribute("axes", axes);
    const auto before = names_axes ? std::size_t{0} : first;
    std::vector<const char*> coordinates{"half_pixel", "pytorch_half_pixel", "align_corners", "asymmetric",
                                         "tf_crop_and_resize"};
    if (c.opset < 13) coordinates.push_back("tf_half_pixel_for_nn");
    if (c.opset >= 19) coordinates.push_back("half_pixel_symmetric");
    const std::string rule =
        coordinates[static_cast<std::size_t>(c.random.integer(0, static_cast<std::int64_t>(coordinates.size()) - 1))];
    if (rule == "tf_crop_and_resize") {
        std::vector<float> region(2 * (before + spatial), 0.0F);
        for (std::size_t i = 0; i < region.size(); ++i) region[i] = i < before + spatial ? 0.0F : 1.0F;
        for (std::size_t i = 0; i < spatial; ++i) {
            region[before + i] = c.random.number(-0.2F, 0.4F);
            region[2 * before + spatial + i] = c.random.number(0.6F, 1.2F);
        }
        c.constant_floats({static_cast<std::int64_t>(region.size())}, region);
        c.attribute("extrapolation_value", c.random.number(-2, 2));
    } else {
        unused_floats(c);
    }
    c.attribute("mode", mode).attribute("coordinate_transformation_mode", rule);
    if (c.random.chance(0.5)) {
        std::vector<float> scales(before, 1.0F);
        for (std::size_t i = 0; i < spatial; ++i) {
            const auto scale = c.random.one_of<float>({0.5F, 0.7F, 1.0F, 1.6F, 2.0F, 3.0F});
            scales.push_back(shape[first + i] == 1 ? std::ceil(scale) : scale);
        }
        c.constant_floats({static_cast<std::int64_t>(scales.size())}, scales);
    } else {
        Integers sizes(shape.begin(), shape.begin() + static_cast<std::ptrdiff_t>(before));
        for (std::size_t i = 0; i < spatial; ++i) sizes.push_back(c.random.integer(1, 19));
        unused_floats(c);
        c.list(sizes);
        if (names_axes && rule != "tf_crop_and_resize" && c.random.chance(0.5)) {
            c.attribute("keep_aspect_ratio_policy",
                        std::string{c.random.one_of<const char*>({"stretch", "not_larger", "not_smaller"})});
        }
    }
}

void resize_nearest(OperatorCase& c) {
    const auto shape = c.shape(1);
    const auto spatial = static_cast<std::size_t>(c.random.integer(1, static_cast<std::int64_t>(shape.size())));
    resize(c, "nearest", shape, spatial);
    c.attribute(
        "nearest_mode",
        std::string{c.random.one_of<const char*>({"round_prefer_floor", "round_prefer_ceil", "floor", "ceil"})});
}

Shape image(OperatorCase& c, std::size_t spatial) {
    Shape shape;
    if (c.random.chance(0.7)) shape = {c.random.integer(1, 2), c.random.integer(1, 3)};
    for (std::size_t i = 0; i < spatial; ++i) shape.push_back(c.random.integer(1, 9));
    return shape;
}

void resize_linear(OperatorCase& c) {
    const auto spatial = static_cast<std::size_t>(c.random.integer(2, 3));
    resize(c, "linear", image(c, spatial), spatial);
}

void resize_cubic(OperatorCase& c) {
    resize(c, "cubic", image(c, 2), 2);
    if (c.random.chance(0.4)) c.attribute("cubic_coeff_a", c.random.number(-1, -0.4F));
    if (c.random.chance(0.4)) c.attribute("exclude_outside", std::int64_t{1});
}

void einsum(OperatorCase& c) {
    const auto i = c.random.integer(1, 5);
    const auto j = c.random.integer(1, 9);
    const auto k = c.random.integer(1, 20);
    const auto b = c.random.integer(1, 3);
    switch (c.random.integer(0, 11)) {
        case 0:
            c.floats({i, j}).floats({j, k}).attribute("equation", std::string{"ij,jk->ik"});
            break;
        case 1:
            c.floats({b, i, j}).floats({b, j, k}).attribute("equation", std::string{"bij,bjk->bik"});
            break;
        case 2:
            c.floats({b, 1, i, j}).floats({i, j, k}).attribute("equation", std::string{"btgi,gih->btgh"});
            break;
        case 3:
            c.floats({i, j, k}).attribute("equation", std::string{"ijk->kij"});
            break;
        case 4:
            c.floats({i, j, k}).attribute("equation", std::string{"i j k -> j"});
            break;
        case 5:
            c.floats({i, i}).attribute("equation", std::string{"ii->i"});
            break;
        case 6:
            c.floats({i, i}).attribute("equation", std::string{"ii"});
            break;
        case 7:
            c.floats({i}).floats({j}).attribute("equation", std::string{"i,j"});
            break;
        case 8:
            c.floats({b, i, j}).floats({b, k, j}).attribute("equation", std::string{"bij,bkj->bki"});
            break;
        case 9:
            c.floats({b, i, j}).floats({j, k}).attribute("equation", std::string{"...ij,jk->...ik"});
            break;
        case 10:
            c.floats({i, j}).floats({j, k}).floats({k, b}).attribute("equation", std::string{"ij,jk,kb->ib"});
            break;
        default:
            c.floats({b, i, j}).floats({b, 1, j, k}).attribute("equation", std::string{"bhc,btck->bthk"});
    }
}

void reduction(OperatorCase& c, float low) {
    const auto shape = c.shape(1);
    c.floats(shape, low, 2);
    Integers axes;
    for (std::size_t i = 0; i < shape.size(); ++i) {
        const auto axis = static_cast<std::int64_t>(i);
        if (c.random.chance(0.5))
            axes.push_back(c.random.chance(0.5) ? axis : axis - static_cast<std::int64_t>(shape.size()));
    }
    if (!axes.empty()) {
        if (c.opset >= 18) {
            c.list(axes);
        } else {
            c.attribute("axes", axes);
        }
    }
    if (axes.empty() && c.opset >= 18 && c.random.chance(0.5)) c.attribute("noop_with_empty_axes", std::int64_t{1});
    if (c.random.chance(0.6)) c.attribute("keepdims", c.random.integer(0, 1));
}

void any_reduction(OperatorCase& c) {
    reduction(c, -2);
}

void reduction_above_zero(OperatorCase& c) {
    reduction(c, 0.1F);
}

// Its axes became an input five opsets before those of the others.
void sum_reduction(OperatorCase& c) {
    const auto opset = c.opset;
    c.opset = opset >= 13 ? 18 : 11;
    reduction(c, -2);
    c.opset = opset;
}

void integer_reduction(OperatorCase& c) {
    const auto shape = c.shape(1);
    c.integers<std::int64_t>(shape, -3, 3).output(ElementType::i64);
    const Integers axes{any_axis(c, shape.size())};
    if (c.opset >= 18) {
        c.list(axes);
    } else {
        c.attribute("axes", axes);
    }
    if (c.random.chance(0.6)) c.attribute("keepdims", c.random.integer(0, 1));
}

}  // namespace

std::vector<OperatorRow> layer_rows() {
    std::vector<OperatorRow> rows{
        {"Conv", {11, 17, 21}, convolution<1>, 40},
        {"Conv", {11, 17, 21}, convolution<2>, 60},
        {"Conv", {11, 17, 21}, padded_convolution, 40},
        {"ConvTranspose", {11, 17, 21}, transposed_convolution<1>, 30},
        {"ConvTranspose", {11, 17, 21}, transposed_convolution<2>, 30},
        {"MaxPool", {11, 12, 17}, max_pool<1>, 16},
        {"MaxPool", {11, 12, 17}, max_pool<2>, 24},
        {"MaxPool", {11, 12, 17}, max_pool<3>, 8},
        {"AveragePool", {11, 19}, average_pool<1>, 16},
        {"AveragePool", {11, 19}, average_pool<2>, 24},
        {"GlobalMaxPool", {11}, global_pool, 6},
        {"GlobalAveragePool", {11}, global_pool, 6},
        {"MatMul", {11, 13}, matmul, 40},
        {"Gemm", {11, 13}, gemm, 40},
        {"BatchNormalization", {11, 14, 15}, batch_normalization},
        {"LayerNormalization", {17, 21}, layer_normalization, 16},
        {"InstanceNormalization", {11}, instance_normalization},
        {"GroupNormalization", {18, 21}, group_normalization},
        {"LpNormalization", {11}, norm_over_axis},
        {"Softmax", {11, 13}, softmax, 24},
        {"LogSoftmax", {11, 13}, softmax, 16},
        {"Einsum", {12}, einsum, 40},
        {"Resize", {11, 13, 18, 19}, resize_nearest, 80},
        {"Resize", {11, 13, 18, 19}, resize_linear, 80},
        {"Resize", {11, 13, 18, 19}, resize_cubic, 80},
        {"ReduceSum", {11, 13}, sum_reduction, 20},
        {"ReduceLogSum", {11, 13, 18}, reduction_above_zero},
    };
    for (const auto* name : {"ReduceMean", "ReduceMax", "ReduceMin", "ReduceProd", "ReduceL1", "ReduceL2",
                             "ReduceLogSumExp", "ReduceSumSquare"}) {
        rows.push_back({name, {11, 13, 18}, any_reduction, 14});
    }
    for (const auto* name : {"ReduceMax", "ReduceMin", "ReduceProd"})
        rows.push_back({name, {13, 18}, integer_reduction, 6});
    return rows;
}

}  // namespace sidetone::nn::test
