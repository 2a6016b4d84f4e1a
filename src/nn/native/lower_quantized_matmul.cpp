// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <string>

#include "nn/native/byte_product.hpp"
#include "nn/native/loop_nest.hpp"
#include "nn/native/lowering.hpp"
#include "nn/native/matmul_sides.hpp"
#include "nn/native/quantized_matmul.hpp"
#include "nn/native/quantized_weights.hpp"

namespace sidetone::nn::native {
namespace {

/// Of any two sides, neither of which need be constant. Operands: a, b, their zero points where they are given, and the
/// output.
template <class A, class B>
struct GeneralKernel {
    LoopNest<3> batches;
    std::size_t rows = 0, columns = 0, inner = 0, count = 0;
    bool has_a_zero = false, has_b_zero = false, b_zero_is_per_column = false;

    [[nodiscard]] std::uint64_t multiply_adds() const noexcept { return count * rows * columns * inner; }
    void operator()(void* const* p) const noexcept {
        const auto* a_zero = has_a_zero ? static_cast<const A*>(p[2]) : nullptr;
        const auto* b_zero = has_b_zero ? static_cast<const B*>(p[has_a_zero ? 3 : 2]) : nullptr;
        auto* out = static_cast<std::int32_t*>(p[2 + (has_a_zero ? 1 : 0) + (has_b_zero ? 1 : 0)]);
        const auto [a_step, b_step, out_step] = batches.row_strides();
        batches.for_each_row([&, a_step = a_step, b_step = b_step, out_step = out_step](const auto& at) {
            for (std::size_t i = 0; i < batches.row(); ++i) {
                const auto n = static_cast<std::ptrdiff_t>(i);
                multiply(static_cast<const A*>(p[0]) + at[0] + n * a_step,
                         a_zero == nullptr ? 0 : std::int32_t{*a_zero},
                         static_cast<const B*>(p[1]) + at[1] + n * b_step, b_zero, out + at[2] + n * out_step);
            }
        });
    }
    void multiply(const A* a, std::int32_t a_zero, const B* b, const B* b_zero, std::int32_t* out) const noexcept {
        std::fill_n(out, rows * columns, 0);
        for (std::size_t row = 0; row < rows; ++row, a += inner, out += columns) {
            for (std::size_t k = 0; k < inner; ++k) {
                const auto factor = static_cast<std::uint32_t>(std::int32_t{a[k]} - a_zero);
                const B* from = b + k * columns;
                for (std::size_t column = 0; column < columns; ++column) {
                    const auto zero = b_zero == nullptr ? 0 : std::int32_t{b_zero[b_zero_is_per_column ? column : 0]};
                    // Without a sign: sums that do not fit wrap.
                    const auto product = factor * static_cast<std::uint32_t>(std::int32_t{from[column]} - zero);
                    out[column] = static_cast<std::int32_t>(static_cast<std::uint32_t>(out[column]) + product);
                }
            }
        }
    }
};

/// What a product of bytes is made of, by input numbers.
struct Inputs {
    std::size_t a = 0, a_zero = 0, b = 0, b_zero = 0;
};

bool is_bytes(const NodeLowering& node, ValueId id) {
    return node.type(id) == DataType::i8 || node.type(id) == DataType::u8;
}

// The zero points' types must be the bytes', and there must be one for all of `a`, and one or as many as columns for
// `b`.
void check(const NodeLowering& node, const Inputs& inputs, std::size_t columns) {
    for (const auto& [bytes, zero] : {std::pair{inputs.a, inputs.a_zero}, std::pair{inputs.b, inputs.b_zero}}) {
        if (!is_bytes(node, node.input(bytes))) node.refuse("this element type is not in the native executor");
        if (!node.has_input(zero)) continue;
        node.require_type(node.input(zero), node.type(node.input(bytes)));
        const auto count = node.value(node.input(zero)).elements();
        if (count != 1 && (zero == inputs.a_zero || count != columns)) {
            node.refuse("zero points other than one, or one per column, are not in the native executor");
        }
    }
}

bool may_pack(const NodeLowering& node, const Inputs& inputs, const MatMulSides& sides) {
    return is_one_matrix(node, node.input(inputs.b), sides.b) && node.value(node.input(inputs.a)).elements() > 0 &&
           (!node.has_input(inputs.b_zero) || node.is_constant(node.input(inputs.b_zero))) &&
           PackedBytes::fits(sides.columns, sides.inner);
}

template <class A, class B>
void emit_general(NodeLowering& node, const Inputs& inputs, const MatMulSides& sides, ValueId out) {
    std::vector<ValueId> reads{node.input(inputs.a), node.input(inputs.b)};
    for (const auto zero : {inputs.a_zero, inputs.b_zero}) {
        if (node.has_input(zero)) reads.push_back(node.input(zero));
    }
    const bool has_b_zero = node.has_input(inputs.b_zero);
    node.emit(
        GeneralKernel<A, B>{.batches = matmul_batches(node, sides),
                            .rows = sides.rows,
                            .columns = sides.columns,
                            .inner = sides.inner,
                            .count = elements_of(sides.out) / std::max<std::size_t>(sides.rows * sides.columns, 1),
                            .has_a_zero = node.has_input(inputs.a_zero),
                            .has_b_zero = has_b_zero,
                            .b_zero_is_per_column = has_b_zero && node.value(node.input(inputs.b_zero)).elements() > 1},
        reads, {out});
}

ValueId general_sums(NodeLowering& node, const Inputs& inputs, const MatMulSides& sides) {
    const auto out = node.add_value(DataType::i32, sides.out);
    const bool a_is_signed = node.type(node.input(inputs.a)) == DataType::i8;
    const bool b_is_signed = node.type(node.input(inputs.b)) == DataType::i8;
    if (a_is_signed && b_is_signed) emit_general<std::int8_t, std::int8_t>(node, inputs, sides, out);
    if (a_is_signed && !b_is_signed) emit_general<std::int8_t, std::uint8_t>(node, inputs, sides, out);
    if (!a_is_signed && b_is_signed) emit_general<std::uint8_t, std::int8_t>(node, inputs, sides, out);
    if (!a_is_signed && !b_is_signed) emit_general<std::uint8_t, std::uint8_t>(node, inputs, sides, out);
    return out;
}

// Emits the product of `x` by packed weights, with scratch for it.
template <class Source, class Result>
void emit_packed(NodeLowering& node, Source source, Result result, PackedBytes weights, std::vector<ValueId> reads,
                 ValueId out) {
    const auto count = node.value(reads[0]).elements() / weights.inner();
    const auto bytes = node.add_value(DataType::u8, {static_cast<std::int64_t>(count * weights.padded_inner())});
    const auto sums = node.add_value(DataType::i32, {static_cast<std::int64_t>(count * weights.padded_rows())});
    node.emit(ByteProductKernel<Source, Result>{std::move(source), std::move(result), std::move(weights), count},
              std::move(reads), {out, bytes, sums});
}

// By a source of the type of `x`, whose zero point is constant.
template <class Result>
void emit_bytes(NodeLowering& node, ValueId x, std::int32_t zero_point, Result result, PackedBytes weights,
                ValueId out) {
    if (node.type(x) == DataType::i8) {
        emit_packed(node, ByteSource<std::int8_t>{.zero_point = zero_point}, std::move(result), std::move(weights), {x},
                    out);
    } else {
        emit_packed(node, ByteSource<std::uint8_t>{.zero_point = zero_point}, std::move(result), std::move(weights),
                    {x}, out);
    }
}

PackedBytes packed_columns(const NodeLowering& node, const Inputs& inputs, const MatMulSides& sides) {
    return pack_bytes(
        node, node.input(inputs.b), sides.columns, sides.inner,
        [&](std::size_t row, std::size_t k) { return k * sides.columns + row; }, integers_of(node, inputs.b_zero));
}

template <class A>
void emit_integers(NodeLowering& node, const Inputs& inputs, const MatMulSides& sides, ValueId out) {
    std::vector<ValueId> reads{node.input(inputs.a)};
    const bool has_zero = node.has_input(inputs.a_zero);
    if (has_zero) reads.push_back(node.input(inputs.a_zero));
    emit_packed(node, ByteSource<A>{.reads_zero_point = has_zero}, IntegerResult{}, packed_columns(node, inputs, sides),
                std::move(reads), out);
}

void lower_matmul_integer(NodeLowering& node) {
    const Inputs inputs{.a = 0, .a_zero = 2, .b = 1, .b_zero = 3};
    const auto sides = matmul_sides(node, node.input(inputs.a), node.input(inputs.b));
    check(node, inputs, sides.columns);
    if (!may_pack(node, inputs, sides)) return node.set_output(0, general_sums(node, inputs, sides));
    const auto out = node.add_value(DataType::i32, sides.out);
    if (node.type(node.input(inputs.a)) == DataType::i8) {
        emit_integers<std::int8_t>(node, inputs, sides, out);
    } else {
        emit_integers<std::uint8_t>(node, inputs, sides, out);
    }
    node.set_output(0, out);
}

/// Sums of integers, rows of `scales.size()` columns, as bytes. Operands: sums, output, scratch of one row.
template <class T>
struct RequantizeKernel {
    ByteResult<T> result;
    std::size_t rows;

    void operator()(void* const* p) const noexcept {
        const auto columns = result.scales.size();
        const auto* sums = static_cast<const std::int32_t*>(p[0]);
        auto* out = static_cast<T*>(p[1]);
        auto* row_sums = static_cast<std::int32_t*>(p[2]);
        for (std::size_t row = 0; row < rows; ++row, sums += columns, out += columns) {
            std::copy_n(sums, columns, row_sums);
            result.store(row_sums, 0, columns, 1.0F, out, 1);
        }
    }
};

template <class T>
void emit_requantized(NodeLowering& node, const Inputs& inputs, const MatMulSides& sides, ByteResult<T> result,
                      ValueId out) {
    const bool is_known = !node.has_input(inputs.a_zero) || node.is_constant(node.input(inputs.a_zero));
    if (may_pack(node, inputs, sides) && is_known) {
        const auto zero = one_per_row<std::int32_t>(node, integers_of(node, inputs.a_zero), 1, 0)[0];
        return emit_bytes(node, node.input(inputs.a), zero, std::move(result), packed_columns(node, inputs, sides),
                          out);
    }
    const auto sums = general_sums(node, inputs, sides);
    const auto scratch = node.add_value(DataType::i32, {static_cast<std::int64_t>(sides.columns)});
    const auto rows = node.value(sums).elements() / std::max<std::size_t>(sides.columns, 1);
    node.emit(RequantizeKernel<T>{std::move(result), rows}, {sums}, {out, scratch});
}

template <class T>
void lower_qlinear_matmul_to(NodeLowering& node, DataType type) {
    const Inputs inputs{.a = 0, .a_zero = 2, .b = 3, .b_zero = 5};
    const auto sides = matmul_sides(node, node.input(inputs.a), node.input(inputs.b));
    check(node, inputs, sides.columns);
    for (const std::size_t scale : {1U, 6U}) {
        if (node.constant<float>(scale).size() != 1) node.refuse("scales of rows are not in the native executor");
    }
    ByteResult<T> result{.scales = one_per_row<float>(node, node.constant<float>(4), sides.columns, 1.0F),
                         .no_shifts = ProgramVector<float>(sides.columns, 0.0F),
                         .zero_point = one_per_row<std::int32_t>(node, integers_of(node, 7), 1, 0)[0]};
    for (auto& scale : result.scales) scale = node.constant<float>(1)[0] * scale / node.constant<float>(6)[0];
    const auto out = node.add_value(type, sides.out);
    emit_requantized(node, inputs, sides, std::move(result), out);
    node.set_output(0, out);
}

void lower_qlinear_matmul(NodeLowering& node) {
    if (node.type(node.input(7)) == DataType::i8) return lower_qlinear_matmul_to<std::int8_t>(node, DataType::i8);
    node.require_type(node.input(7), DataType::u8);
    lower_qlinear_matmul_to<std::uint8_t>(node, DataType::u8);
}

/// A product with dequantised sides: `place(row, k)` finds the element of the weights.
struct DequantizedProduct {
    std::size_t rows, inner, row_axis;
    std::function<std::size_t(std::size_t row, std::size_t k)> place;
    float alpha = 1;
    std::vector<float> bias;
};

bool emit_dequantized(NodeLowering& node, const DequantizedProduct& product, const Shape& shape) {
    const auto x = dequantized_input(node, node.input(0));
    const auto* weights = node.quantized(node.input(1));
    if (!x || weights == nullptr || !PackedBytes::fits(product.rows, product.inner) ||
        (weights->scales.size() > 1 && weights->axis != product.row_axis)) {
        return false;
    }
    FloatResult result{.scales = one_per_row<float>(node, weights->scales, product.rows, 1.0F),
                       .shifts = one_per_row<float>(node, product.bias, product.rows, 0.0F)};
    for (auto& scale : result.scales) scale *= product.alpha * x->scale;
    const auto out = node.add_value(DataType::f32, shape);
    emit_bytes(node, x->bytes, x->zero_point, std::move(result),
               pack_bytes(node, weights->bytes, product.rows, product.inner, product.place, weights->zero_points), out);
    node.set_output(0, out);
    return true;
}

constexpr Operator kOperators[] = {{"MatMulInteger", lower_matmul_integer}, {"QLinearMatMul", lower_qlinear_matmul}};

}  // namespace

std::optional<DequantizedInput> dequantized_input(const NodeLowering& node, ValueId x) {
    const auto* step = node.producer(x, "DequantizeLinear");
    if (step == nullptr || !is_bytes(node, step->operands[0])) return std::nullopt;
    for (std::size_t i = 1; i < step->reads; ++i) {
        const auto id = step->operands[i];
        if (!node.is_constant(id) || node.value(id).elements() != 1) return std::nullopt;
    }
    DequantizedInput found{step->operands[0], node.floats(step->operands[1])[0], 0};
    if (step->reads > 2) {
        const auto byte = std::to_integer<std::uint8_t>(node.bytes(step->operands[2])[0]);
        found.zero_point =
            node.type(found.bytes) == DataType::i8 ? std::int32_t{static_cast<std::int8_t>(byte)} : std::int32_t{byte};
    }
    return found;
}

bool lower_dequantized_matmul(NodeLowering& node) {
    const auto b = node.input(1);
    if (node.quantized(b) == nullptr || node.value(node.input(0)).elements() == 0) return false;
    const auto sides = matmul_sides(node, node.input(0), b);
    if (!is_one_matrix(node, b, sides.b)) return false;
    return emit_dequantized(node,
                            {.rows = sides.columns,
                             .inner = sides.inner,
                             .row_axis = node.shape(b).size() - 1,
                             .place = [&](std::size_t row, std::size_t k) { return k * sides.columns + row; },
                             .bias = {}},
                            sides.out);
}

bool lower_dequantized_gemm(NodeLowering& node) {
    const auto& shape = node.shape(node.input(1));
    if (node.quantized(node.input(1)) == nullptr || node.value(node.input(0)).elements() == 0) return false;
    const bool transposed = node.attribute_or<std::int64_t>("transB", 0) != 0;
    const auto rows = static_cast<std::size_t>(shape[transposed ? 0 : 1]);
    const auto inner = static_cast<std::size_t>(shape[transposed ? 1 : 0]);
    if (node.shape(node.input(0)).size() != 2 || node.shape(node.input(0))[1] != shape[transposed ? 1 : 0])
        return false;
    DequantizedProduct product{
        .rows = rows,
        .inner = inner,
        .row_axis = transposed ? std::size_t{0} : std::size_t{1},
        .place = [=](std::size_t row, std::size_t k) { return transposed ? row * inner + k : k * rows + row; },
        .alpha = node.attribute_or("alpha", 1.0F),
        .bias = {}};
    if (node.has_input(2)) {
        for (const auto value : node.constant<float>(2)) {
            product.bias.push_back(node.attribute_or("beta", 1.0F) * value);
        }
    }
    return emit_dequantized(node, product, {node.shape(node.input(0))[0], shape[transposed ? 0 : 1]});
}

std::span<const Operator> quantized_matmul_operators() {
    return kOperators;
}

}  // namespace sidetone::nn::native
