// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "nn/native/elementwise_kernels.hpp"
#include "nn/native/gemm.hpp"
#include "nn/native/loop_nest.hpp"
#include "nn/native/lowering.hpp"

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

Strides scaled(Strides strides, std::size_t by) {
    for (auto& stride : strides) stride *= static_cast<std::ptrdiff_t>(by);
    return strides;
}

void lower_matmul(NodeLowering& node) {
    const auto a = node.input(0);
    const auto b = node.input(1);
    node.require_type(a, DataType::f32);
    node.require_type(b, DataType::f32);
    auto a_shape = node.shape(a);
    auto b_shape = node.shape(b);
    if (a_shape.empty() || b_shape.empty()) node.refuse("a single number is no matrix");
    const bool a_is_vector = a_shape.size() == 1;
    const bool b_is_vector = b_shape.size() == 1;
    if (a_is_vector) a_shape.insert(a_shape.begin(), 1);
    if (b_is_vector) b_shape.push_back(1);
    const auto rows = a_shape.end()[-2];
    const auto inner = a_shape.back();
    const auto columns = b_shape.back();
    if (b_shape.end()[-2] != inner) {
        node.refuse("shapes " + shape_text(node.shape(a)) + " and " + shape_text(node.shape(b)) +
                    " do not go together");
    }
    a_shape.resize(a_shape.size() - 2);
    b_shape.resize(b_shape.size() - 2);
    const auto batches = node.broadcast(a_shape, b_shape);
    auto shape = batches;
    if (!a_is_vector) shape.push_back(rows);
    if (!b_is_vector) shape.push_back(columns);
    const auto out = node.add_value(DataType::f32, shape);
    MatMulKernel kernel{.batches = {},
                        .rows = static_cast<std::size_t>(rows),
                        .columns = static_cast<std::size_t>(columns),
                        .inner = static_cast<std::size_t>(inner),
                        .count = elements_of(batches)};
    kernel.batches = {batches,
                      {scaled(broadcast_strides(a_shape, batches), kernel.rows * kernel.inner),
                       scaled(broadcast_strides(b_shape, batches), kernel.inner * kernel.columns),
                       scaled(contiguous_strides(batches), kernel.rows * kernel.columns)}};
    node.emit(kernel, {a, b}, {out});
    node.set_output(0, out);
}

struct GemmKernel {
    std::vector<float> b;  // [inner, columns], scaled by alpha
    std::vector<float> bias;
    std::size_t rows, columns, inner;

    [[nodiscard]] std::uint64_t multiply_adds() const noexcept { return rows * columns * inner; }
    [[nodiscard]] std::size_t weight_bytes() const noexcept { return (b.size() + bias.size()) * sizeof(float); }
    void operator()(void* const* p) const noexcept {
        multiply({static_cast<const float*>(p[0]), inner}, {b.data(), columns}, rows, columns, inner, nullptr,
                 bias.empty() ? nullptr : bias.data(), static_cast<float*>(p[1]), columns);
    }
};

void lower_gemm(NodeLowering& node) {
    const auto a = node.input(0);
    node.require_type(a, DataType::f32);
    const auto weights = node.constant<float>(1);
    const auto& a_shape = node.shape(a);
    const auto& b_shape = node.shape(node.input(1));
    if (node.attribute_or<std::int64_t>("transA", 0) != 0) node.refuse("transA is not in the native executor");
    const bool transposed = node.attribute_or<std::int64_t>("transB", 0) != 0;
    if (a_shape.size() != 2 || b_shape.size() != 2) node.refuse("its inputs are no matrices");
    GemmKernel kernel{.b = std::vector<float>(weights.size()),
                      .bias = {},
                      .rows = static_cast<std::size_t>(a_shape[0]),
                      .columns = static_cast<std::size_t>(b_shape[transposed ? 0 : 1]),
                      .inner = static_cast<std::size_t>(b_shape[transposed ? 1 : 0])};
    if (a_shape[1] != static_cast<std::int64_t>(kernel.inner)) node.refuse("its inputs do not go together");
    const auto alpha = node.attribute_or("alpha", 1.0F);
    for (std::size_t k = 0; k < kernel.inner; ++k) {
        for (std::size_t n = 0; n < kernel.columns; ++n) {
            kernel.b[k * kernel.columns + n] =
                alpha * weights[transposed ? n * kernel.inner + k : k * kernel.columns + n];
        }
    }
    if (node.has_input(2)) {
        const auto bias = node.constant<float>(2);
        if (bias.size() != kernel.columns || node.shape(node.input(2)).size() > 2) {
            node.refuse("a bias that is not one per column is not in the native executor");
        }
        const auto beta = node.attribute_or("beta", 1.0F);
        for (const auto value : bias) kernel.bias.push_back(beta * value);
    }
    const auto out = node.add_value(DataType::f32, {a_shape[0], static_cast<std::int64_t>(kernel.columns)});
    node.emit(std::move(kernel), {a}, {out});
    node.set_output(0, out);
}

constexpr Operator kOperators[] = {{"MatMul", lower_matmul}, {"Gemm", lower_gemm}};

}  // namespace

std::span<const Operator> matmul_operators() {
    return kOperators;
}

}  // namespace sidetone::nn::native
