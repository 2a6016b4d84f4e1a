// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <concepts>
#include <string_view>

#include "nn/native/gemm.hpp"
#include "nn/native/loop_nest.hpp"
#include "nn/native/lowering.hpp"
#include "nn/native/matmul_sides.hpp"
#include "nn/native/packed_halves.hpp"
#include "nn/native/packed_matrix.hpp"
#include "nn/native/quantized_matmul.hpp"

namespace sidetone::nn::native {
namespace {

struct MatMulKernel {
    LoopNest<3> batches;  // in matrices' elements; its rows are single matrices
    std::size_t rows, columns, inner, count;

    [[nodiscard]] std::uint64_t multiply_adds() const noexcept { return count * rows * columns * inner; }
    void operator()(void* const* p) const noexcept {
        const auto [a_step, b_step, out_step] = batches.row_strides();
        batches.for_each_row([&, a_step = a_step, b_step = b_step, out_step = out_step](const auto& at) {
            const auto* a = static_cast<const float*>(p[0]) + at[0];
            const auto* b = static_cast<const float*>(p[1]) + at[1];
            auto* out = static_cast<float*>(p[2]) + at[2];
            for (std::size_t i = 0; i < batches.row(); ++i, a += a_step, b += b_step, out += out_step) {
                multiply({a, inner}, {b, columns}, rows, columns, inner, nullptr, nullptr, out, columns);
            }
        });
    }
};

void multiply(const PackedMatrix& matrix, InputVectors x, float* out) noexcept {
    matrix.multiply(x, {out, 1, matrix.rows()});
}

void multiply(const PackedHalves& matrix, InputVectors x, float* out) noexcept {
    matrix.multiply(x, out);
}

/// Products of a constant matrix with vectors that lie one behind the other.
template <class Matrix>
struct PackedKernel {
    Matrix matrix;
    std::size_t count;

    [[nodiscard]] std::uint64_t multiply_adds() const noexcept { return count * matrix.rows() * matrix.inner(); }
    [[nodiscard]] std::size_t weight_bytes() const noexcept { return matrix.bytes(); }
    [[nodiscard]] std::string_view weight_type() const noexcept { return matrix.weight_type(); }
    [[nodiscard]] std::size_t vectors() const noexcept { return count; }
    void round_weights() requires std::same_as<Matrix, PackedMatrix> { matrix.round_weights(); }
    // Rows of the matrix are the last axis of what it makes.
    [[nodiscard]] std::optional<PackedKernel> with(const Epilogue& epilogue) const {
        if (!epilogue.is_bias_of(Epilogue::Channels::last_axis, matrix.rows())) return std::nullopt;
        auto made = *this;
        made.matrix.add_bias(epilogue.shift);
        return made;
    }
    void operator()(void* const* p) const noexcept {
        multiply(matrix, {static_cast<const float*>(p[0]), matrix.inner(), count}, static_cast<float*>(p[1]));
    }
};

/// A matrix of constants: `element(row, k)`.
struct Weights {
    std::size_t rows, inner;
    std::vector<float> bias;
    PackedHalves::Element element;
};

void emit_packed(NodeLowering& node, const Weights& weights, ValueId x, ValueId out) {
    const auto count = node.value(x).elements() / weights.inner;
    const auto& [rows, inner, bias, element] = weights;
    if (auto halves = PackedHalves::pack(rows, inner, bias, element)) {
        node.emit(PackedKernel<PackedHalves>{*std::move(halves), count}, {x}, {out});
    } else {
        node.emit(PackedKernel<PackedMatrix>{{rows, inner, bias, element}, count}, {x}, {out});
    }
}

void emit_product(NodeLowering& node, ValueId a, ValueId b, ValueId out, const MatMulSides& sides) {
    const auto batches = matmul_batches(node, sides);
    node.emit(MatMulKernel{.batches = batches,
                           .rows = sides.rows,
                           .columns = sides.columns,
                           .inner = sides.inner,
                           .count = node.value(out).elements() / std::max<std::size_t>(sides.rows * sides.columns, 1)},
              {a, b}, {out});
}

void lower_matmul(NodeLowering& node) {
    if (lower_dequantized_matmul(node)) return;
    const auto a = node.input(0);
    const auto b = node.input(1);
    node.require_type(a, DataType::f32);
    node.require_type(b, DataType::f32);
    const auto sides = matmul_sides(node, a, b);
    const auto out = node.add_value(DataType::f32, sides.out);
    const auto a_elements = node.value(a).elements();
    const auto b_elements = node.value(b).elements();
    if (is_one_matrix(node, b, sides.b) && a_elements > 0 && PackedMatrix::fits(sides.columns, sides.inner)) {
        const auto weights = node.constant<float>(1);
        const auto element = [&](std::size_t row, std::size_t k) { return weights[k * sides.columns + row]; };
        emit_packed(node, {sides.columns, sides.inner, {}, element}, a, out);
    } else if (is_one_matrix(node, a, sides.a) && sides.columns == 1 && b_elements > 0 &&
               PackedMatrix::fits(sides.rows, sides.inner)) {
        const auto weights = node.constant<float>(0);
        const auto element = [&](std::size_t row, std::size_t k) { return weights[row * sides.inner + k]; };
        emit_packed(node, {sides.rows, sides.inner, {}, element}, b, out);
    } else {
        emit_product(node, a, b, out, sides);
    }
    node.set_output(0, out);
}

// Weights that are known, and one bias per column.
bool is_linear_layer(const NodeLowering& node) {
    if (node.attribute_or<std::int64_t>("transA", 0) != 0 || !node.is_constant(node.input(1))) return false;
    const auto& weights = node.shape(node.input(1));
    if (weights.size() != 2 || elements_of(weights) == 0) return false;
    const auto columns = weights[node.attribute_or<std::int64_t>("transB", 0) != 0 ? 0 : 1];
    if (!node.has_input(2)) return true;
    const auto& bias = node.shape(node.input(2));
    return node.is_constant(node.input(2)) && !bias.empty() && bias.size() <= 2 && bias.back() == columns &&
           elements_of(bias) == static_cast<std::size_t>(columns);
}

void lower_gemm(NodeLowering& node) {
    if (!is_linear_layer(node)) return lower_general_gemm(node);
    if (lower_dequantized_gemm(node)) return;
    const auto a = node.input(0);
    node.require_type(a, DataType::f32);
    const auto weights = node.constant<float>(1);
    const auto& a_shape = node.shape(a);
    const auto& b_shape = node.shape(node.input(1));
    if (node.attribute_or<std::int64_t>("transA", 0) != 0) node.refuse("transA is not in the native executor");
    const bool transposed = node.attribute_or<std::int64_t>("transB", 0) != 0;
    if (a_shape.size() != 2 || b_shape.size() != 2) node.refuse("its inputs are no matrices");
    const auto columns = static_cast<std::size_t>(b_shape[transposed ? 0 : 1]);
    const auto inner = static_cast<std::size_t>(b_shape[transposed ? 1 : 0]);
    if (a_shape[1] != b_shape[transposed ? 1 : 0]) node.refuse("its inputs do not go together");
    if (!PackedMatrix::fits(columns, inner)) node.refuse("its weights are beyond the limits");
    std::vector<float> bias;
    if (node.has_input(2)) {
        const auto given = node.constant<float>(2);
        if (given.size() != columns || node.shape(node.input(2)).size() > 2) {
            node.refuse("a bias that is not one per column is not in the native executor");
        }
        const auto beta = node.attribute_or("beta", 1.0F);
        for (const auto value : given) bias.push_back(beta * value);
    }
    const auto alpha = node.attribute_or("alpha", 1.0F);
    const auto out = node.add_value(DataType::f32, {a_shape[0], static_cast<std::int64_t>(columns)});
    const auto element = [&](std::size_t row, std::size_t k) {
        return alpha * weights[transposed ? row * inner + k : k * columns + row];
    };
    emit_packed(node, {columns, inner, bias, element}, a, out);
    node.set_output(0, out);
}

constexpr Operator kOperators[] = {{"MatMul", lower_matmul}, {"Gemm", lower_gemm}};

}  // namespace

std::span<const Operator> matmul_operators() {
    return kOperators;
}

}  // namespace sidetone::nn::native
