// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <numeric>

#include "operator_case.hpp"

namespace sidetone::nn::test {
namespace {

using Integers = std::vector<std::int64_t>;

std::int64_t product(const Shape& shape) {
    return std::accumulate(shape.begin(), shape.end(), std::int64_t{1}, std::multiplies{});
}

// Counted from either end.
std::int64_t any_axis(OperatorCase& c, std::size_t rank) {
    const auto count = static_cast<std::int64_t>(rank);
    return c.random.integer(-count, count - 1);
}

std::size_t at_axis(std::int64_t axis, std::size_t rank) {
    return static_cast<std::size_t>(axis < 0 ? axis + static_cast<std::int64_t>(rank) : axis);
}

// Some of all axes, each once, in any order and counted from either end.
Integers some_axes(OperatorCase& c, std::size_t rank) {
    Integers axes;
    for (std::size_t i = 0; i < rank; ++i) {
        const auto axis = static_cast<std::int64_t>(i);
        if (c.random.chance(0.5)) axes.push_back(c.random.chance(0.5) ? axis : axis - static_cast<std::int64_t>(rank));
    }
    if (c.random.chance(0.5)) std::ranges::reverse(axes);
    return axes;
}

// Values of any type, so that copies of each width are met; the output is of the same.
void values(OperatorCase& c, const Shape& shape, int outputs = 1) {
    const auto kind = c.random.integer(0, 4);
    auto type = ElementType::f32;
    if (kind == 0) {
        c.integers<std::int64_t>(shape, -9, 9);
        type = ElementType::i64;
    } else if (kind == 1) {
        c.integers<std::uint8_t>(shape, 0, 99);
        type = ElementType::u8;
    } else if (kind == 2) {
        c.integers<std::int32_t>(shape, -9, 9);
        type = ElementType::i32;
    } else {
        c.floats(shape);
    }
    for (int i = 0; i < outputs; ++i) c.output(type);
}

void reshape(OperatorCase& c) {
    const auto shape = c.shape(1);
    values(c, shape);
    Integers to;
    auto left = product(shape);
    if (c.random.chance(0.5)) {
        to.push_back(0);
        left /= shape[0];
    }
    for (const std::int64_t size : {2, 3}) {
        if (left % size == 0) {
            to.push_back(size);
            left /= size;
        }
    }
    to.push_back(c.random.chance(0.5) ? -1 : left);
    c.list(to);
}

void flatten(OperatorCase& c) {
    const auto shape = c.shape(1);
    values(c, shape);
    const auto rank = static_cast<std::int64_t>(shape.size());
    if (c.random.chance(0.8)) c.attribute("axis", c.random.integer(-rank, rank));
}

void put_axes(OperatorCase& c, const Integers& axes, std::int64_t first_opset_of_input) {
    if (c.opset < first_opset_of_input) {
        c.attribute("axes", axes);
    } else {
        c.list(axes);
    }
}

void squeeze(OperatorCase& c) {
    auto shape = c.shape(2);
    Integers axes;
    for (std::size_t i = 0; i < shape.size(); ++i) {
        if (!c.random.chance(0.4)) continue;
        shape[i] = 1;
        axes.push_back(static_cast<std::int64_t>(i) -
                       (c.random.chance(0.5) ? static_cast<std::int64_t>(shape.size()) : 0));
    }
    values(c, shape);
    if (!axes.empty() && c.random.chance(0.8)) put_axes(c, axes, 13);
}

void unsqueeze(OperatorCase& c) {
    const auto shape = c.shape(0, 3);
    values(c, shape);
    auto axes = some_axes(c, shape.size() + 1);
    if (axes.empty()) axes.push_back(0);
    Integers whole;
    // Axes are those of the result.
    const auto rank = static_cast<std::int64_t>(shape.size() + axes.size());
    for (const auto axis : axes) whole.push_back(axis < 0 ? axis + static_cast<std::int64_t>(shape.size()) + 1 : axis);
    std::ranges::sort(whole);
    for (auto& axis : whole) axis = c.random.chance(0.3) ? axis - rank : axis;
    put_axes(c, whole, 13);
}

void identity(OperatorCase& c) {
    values(c, c.shape(0));
}

void shape_of(OperatorCase& c) {
    const auto shape = c.shape(0);
    c.floats(shape).output(ElementType::i64);
    if (c.opset < 15) return;
    if (c.random.chance(0.5)) c.attribute("start", c.random.integer(-5, 5));
    if (c.random.chance(0.5)) c.attribute("end", c.random.integer(-5, 5));
}

void size_of(OperatorCase& c) {
    c.floats(c.shape(0)).output(ElementType::i64);
}

void transpose(OperatorCase& c) {
    const auto shape = c.shape(1, 5);
    values(c, shape);
    Integers order(shape.size());
    std::iota(order.begin(), order.end(), 0);
    for (std::size_t i = order.size(); i > 1; --i) {
        std::swap(order[i - 1], order[static_cast<std::size_t>(c.random.integer(0, static_cast<std::int64_t>(i) - 1))]);
    }
    if (c.random.chance(0.8)) c.attribute("perm", order);
}

void slice(OperatorCase& c) {
    const auto shape = c.shape(1);
    values(c, shape);
    auto axes = some_axes(c, shape.size());
    if (axes.empty()) axes.push_back(0);
    if (c.random.chance(0.2)) {  // without axes: the first ones
        for (std::size_t i = 0; i < axes.size(); ++i) axes[i] = static_cast<std::int64_t>(i);
    }
    Integers starts;
    Integers ends;
    Integers steps;
    for (const auto axis : axes) {
        const auto size = shape[at_axis(axis, shape.size())];
        starts.push_back(c.random.integer(-size - 2, size + 1));
        ends.push_back(c.random.chance(0.2) ? std::int64_t{1} << 62 : c.random.integer(-size - 2, size + 2));
        steps.push_back(c.random.one_of<std::int64_t>({1, 1, 1, 2, 3, -1, -2}));
    }
    c.list(starts).list(ends).list(axes);
    if (c.random.chance(0.7)) c.list(steps);
}

void split(OperatorCase& c) {
    auto shape = c.shape(1);
    const auto axis = any_axis(c, shape.size());
    auto& size = shape[at_axis(axis, shape.size())];
    const auto parts = c.random.integer(1, 3);
    Integers sizes;
    for (std::int64_t i = 0; i < parts; ++i) sizes.push_back(c.random.integer(1, 3));
    const bool is_even = c.random.chance(0.4);
    size = is_even ? parts * c.random.integer(1, 3) : std::accumulate(sizes.begin(), sizes.end(), std::int64_t{0});
    // From opset 18 on the last part may be smaller.
    if (is_even && c.opset >= 18 && parts > 1 && size > parts) size -= 1;
    values(c, shape, static_cast<int>(parts));
    c.attribute("axis", axis);
    if (is_even && c.opset >= 18) {
        c.attribute("num_outputs", parts);
    } else if (!is_even) {
        if (c.opset < 13) {
            c.attribute("split", sizes);
        } else {
            c.list(sizes);
        }
    }
}

void concat(OperatorCase& c) {
    auto shape = c.shape(1);
    const auto axis = any_axis(c, shape.size());
    for (auto count = c.random.integer(1, 4); count > 0; --count) {
        shape[at_axis(axis, shape.size())] = c.random.integer(1, 5);
        c.floats(shape);
    }
    c.attribute("axis", axis);
}

void expand(OperatorCase& c) {
    const auto whole = c.shape(0);
    values(c, c.broadcastable(whole));
    c.list(whole);
}

void tile(OperatorCase& c) {
    const auto shape = c.shape(1);
    values(c, shape);
    Integers repeats;
    for (std::size_t i = 0; i < shape.size(); ++i) repeats.push_back(c.random.integer(i == 0 ? 0 : 1, 3));
    c.list(repeats);
}

Integers indices_into(OperatorCase& c, const Shape& shape, std::int64_t size) {
    Integers indices(static_cast<std::size_t>(product(shape)));
    for (auto& index : indices) index = c.random.integer(-size, size - 1);
    return indices;
}

void gather(OperatorCase& c) {
    const auto shape = c.shape(1, 3);
    values(c, shape);
    const auto axis = any_axis(c, shape.size());
    const auto index_shape = c.shape(0, 2);
    const auto size = shape[at_axis(axis, shape.size())];
    if (c.random.chance(0.3)) {
        c.integers<std::int64_t>(index_shape, -size, size - 1);
    } else if (c.random.chance(0.5)) {
        c.constant_integers<std::int32_t>(index_shape, indices_into(c, index_shape, size));
    } else {
        c.constant_integers<std::int64_t>(index_shape, indices_into(c, index_shape, size));
    }
    c.attribute("axis", axis);
}

void gather_elements(OperatorCase& c) {
    const auto shape = c.shape(1, 3);
    values(c, shape);
    const auto axis = any_axis(c, shape.size());
    auto index_shape = shape;
    for (auto& size : index_shape) size = c.random.integer(1, size);
    const auto size = shape[at_axis(axis, shape.size())];
    c.constant_integers<std::int64_t>(index_shape, indices_into(c, index_shape, size)).attribute("axis", axis);
}

void gather_nd(OperatorCase& c) {
    const auto shape = c.shape(1, 4);
    values(c, shape);
    const auto depth = c.random.integer(1, static_cast<std::int64_t>(shape.size()));
    const auto count = c.random.integer(1, 4);
    Integers indices;
    for (std::int64_t i = 0; i < count; ++i) {
        for (std::int64_t k = 0; k < depth; ++k) {
            const auto size = shape[static_cast<std::size_t>(k)];
            indices.push_back(c.random.integer(-size, size - 1));
        }
    }
    c.constant_integers<std::int64_t>({count, depth}, indices);
}

void scatter_nd(OperatorCase& c) {
    const auto shape = c.shape(1, 3);
    const auto depth = c.random.integer(1, static_cast<std::int64_t>(shape.size()));
    Integers indices;
    for (std::int64_t k = 0; k < depth; ++k) {
        const auto size = shape[static_cast<std::size_t>(k)];
        indices.push_back(c.random.integer(-size, size - 1));
    }
    Shape updates{1};
    updates.insert(updates.end(), shape.begin() + depth, shape.end());
    c.floats(shape).constant_integers<std::int64_t>({1, depth}, indices).floats(updates);
}

void scatter_elements(OperatorCase& c) {
    const auto shape = c.shape(1, 3);
    const auto axis = any_axis(c, shape.size());
    auto index_shape = shape;
    // One index along the axis: no place is written twice.
    index_shape[at_axis(axis, shape.size())] = 1;
    const auto size = shape[at_axis(axis, shape.size())];
    c.floats(shape).constant_integers<std::int64_t>(index_shape, indices_into(c, index_shape, size));
    c.floats(index_shape).attribute("axis", axis);
    if (c.opset >= 18 && c.random.chance(0.5)) {
        c.attribute("reduction", std::string{c.random.one_of<const char*>({"add", "mul", "max", "min"})});
    }
}

void pad(OperatorCase& c) {
    auto shape = c.shape(1);
    for (auto& size : shape) size = std::max<std::int64_t>(size, 3);
    std::string mode = c.random.one_of<const char*>({"constant", "reflect", "edge", "constant"});
    if (c.opset >= 19 && c.random.chance(0.25)) mode = "wrap";
    Integers pads(2 * shape.size());
    for (auto& size : pads) size = c.random.integer(mode == "constant" ? -1 : 0, 2);
    if (mode == "constant" && c.random.chance(0.5)) {
        values(c, shape);
        c.list(pads);
    } else {
        c.floats(shape).list(pads);
        if (mode == "constant" && c.random.chance(0.7)) c.floats({}, -1, 1);
    }
    if (mode != "constant" || c.random.chance(0.5)) c.attribute("mode", mode);
}

void pad_axes(OperatorCase& c) {
    const auto shape = c.shape(1);
    auto axes = some_axes(c, shape.size());
    if (axes.empty()) axes.push_back(0);
    Integers pads(2 * axes.size());
    for (auto& size : pads) size = c.random.integer(0, 2);
    c.floats(shape).list(pads).missing().list(axes);
}

template <bool kToSpace>
void depth_and_space(OperatorCase& c) {
    const auto block = c.random.integer(1, 3);
    const auto channels = c.random.integer(1, 3) * (kToSpace ? block * block : 1);
    const auto scale = kToSpace ? 1 : block;
    c.floats({c.random.integer(1, 2), channels, c.random.integer(1, 3) * scale, c.random.integer(1, 4) * scale});
    c.attribute("blocksize", block);
    if (kToSpace && c.random.chance(0.6)) c.attribute("mode", std::string{c.random.chance(0.5) ? "CRD" : "DCR"});
}

void range(OperatorCase& c) {
    if (c.random.chance(0.5)) {
        c.constant_integers<std::int64_t>({}, {c.random.integer(-3, 3)});
        c.constant_integers<std::int64_t>({}, {c.random.integer(-3, 20)});
        c.constant_integers<std::int64_t>({}, {c.random.integer(1, 3)});
        c.output(ElementType::i64);
    } else {
        c.constant_floats({}, -2, 2).constant_floats({}, 3, 9).constant_floats({}, 0.2F, 1.5F);
    }
}

void constant_of_shape(OperatorCase& c) {
    c.list(c.shape(1));
    const auto kind = c.random.integer(0, 3);
    if (kind == 0) return;
    onnx::TensorProto value;
    value.add_dims(1);
    if (kind == 1) {
        value.set_data_type(onnx::TensorProto::FLOAT);
        value.add_float_data(2.5F);
    } else if (kind == 2) {
        value.set_data_type(onnx::TensorProto::INT64);
        value.add_int64_data(-7);
        c.output(ElementType::i64);
    } else {
        value.set_data_type(onnx::TensorProto::INT32);
        value.add_int32_data(7);
        c.output(ElementType::i32);
    }
    c.attribute("value", value);
}

void cumulative_sum(OperatorCase& c) {
    const auto shape = c.shape(1);
    if (c.random.chance(0.6)) {
        c.floats(shape);
    } else {
        c.integers<std::int64_t>(shape, -9, 9).output(ElementType::i64);
    }
    c.constant_integers<std::int64_t>({}, {any_axis(c, shape.size())});
    c.attribute("exclusive", c.random.integer(0, 1)).attribute("reverse", c.random.integer(0, 1));
}

void triangle(OperatorCase& c) {
    c.floats(c.shape(2, 4));
    if (c.random.chance(0.6)) c.constant_integers<std::int64_t>({}, {c.random.integer(-3, 3)});
    if (c.random.chance(0.6)) c.attribute("upper", c.random.integer(0, 1));
}

void extreme_place(OperatorCase& c) {
    const auto shape = c.shape(1);
    c.floats(shape).output(ElementType::i64);
    if (c.random.chance(0.8)) c.attribute("axis", any_axis(c, shape.size()));
    if (c.random.chance(0.6)) c.attribute("keepdims", c.random.integer(0, 1));
    if (c.opset >= 12 && c.random.chance(0.4)) c.attribute("select_last_index", c.random.integer(0, 1));
}

void largest(OperatorCase& c) {
    const auto shape = c.shape(1);
    const auto axis = any_axis(c, shape.size());
    c.floats(shape).output(ElementType::f32).output(ElementType::i64);
    c.list({c.random.integer(1, shape[at_axis(axis, shape.size())])});
    c.attribute("axis", axis);
    if (c.random.chance(0.6)) c.attribute("largest", c.random.integer(0, 1));
}

}  // namespace

std::vector<OperatorRow> shape_rows() {
    return {
        {"Reshape", {11, 13, 14, 21}, reshape},
        {"Flatten", {11, 13, 21}, flatten},
        {"Squeeze", {11, 13, 21}, squeeze},
        {"Unsqueeze", {11, 13, 21}, unsqueeze},
        {"Identity", {11, 16}, identity, 6},
        {"Shape", {11, 15, 21}, shape_of, 16},
        {"Size", {11, 13}, size_of, 4},
        {"Transpose", {11, 13, 21}, transpose, 24},
        {"Slice", {11, 13}, slice, 40},
        {"Split", {11, 13, 18}, split, 24},
        {"Concat", {11, 13}, concat, 16},
        {"Expand", {11, 13}, expand, 16},
        {"Tile", {11, 13}, tile},
        {"Gather", {11, 13}, gather, 30},
        {"GatherElements", {11, 13}, gather_elements},
        {"GatherND", {11, 13}, gather_nd},
        {"ScatterND", {11, 13, 16}, scatter_nd},
        {"ScatterElements", {11, 13, 18}, scatter_elements, 18},
        {"Pad", {11, 13, 18, 19}, pad, 40},
        {"Pad", {18, 21}, pad_axes},
        {"DepthToSpace", {11, 13}, depth_and_space<true>},
        {"SpaceToDepth", {11, 13}, depth_and_space<false>, 8},
        {"Range", {11}, range, 8},
        {"ConstantOfShape", {11, 20, 21}, constant_of_shape},
        {"CumSum", {11, 14}, cumulative_sum},
        {"Trilu", {14}, triangle},
        {"ArgMax", {11, 12, 13}, extreme_place},
        {"ArgMin", {11, 12, 13}, extreme_place},
        {"TopK", {11}, largest},
    };
}

}  // namespace sidetone::nn::test
