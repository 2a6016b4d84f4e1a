// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cmath>

#include "nn/native/elementwise_kernels.hpp"
#include "nn/native/lowering.hpp"

namespace sidetone::nn::native {
namespace {

/// Over the middle of [outer, classes, inner]. Operands: x, y, a row of maxima and then sums, and for logarithms the
/// exponentials.
struct SoftmaxKernel {
    std::size_t outer, classes, inner;
    bool is_logarithm;

    void operator()(void* const* p) const noexcept {
        const auto* x = static_cast<const float*>(p[0]);
        auto* y = static_cast<float*>(p[1]);
        auto* row = static_cast<float*>(p[2]);
        auto* powers = is_logarithm ? static_cast<float*>(p[3]) : nullptr;
        const auto step = classes * inner;
        for (std::size_t o = 0; o < outer; ++o, x += step, y += step) {
            if (inner == 1) {
                along_row(x, y, is_logarithm ? powers : y);
            } else {
                across_rows(x, y, is_logarithm ? powers : y, row);
            }
        }
    }

    void along_row(const float* x, float* y, float* powers) const noexcept {
        const float top = *std::max_element(x, x + classes);
        scale_and_shift(1.0F, -top, x, y, classes);
        apply_unary(Unary::exponential, 0, 0, y, powers, classes);
        float sum = 0;
        for (std::size_t k = 0; k < classes; ++k) sum += powers[k];
        if (is_logarithm) {
            scale_and_shift(1.0F, -std::log(sum), y, y, classes);
        } else {
            scale_and_shift(1.0F / sum, 0.0F, y, y, classes);
        }
    }

    void across_rows(const float* x, float* y, float* powers, float* row) const noexcept {
        std::copy_n(x, inner, row);
        for (std::size_t k = 1; k < classes; ++k) {
            apply_binary(Binary::maximum, row, 1, x + k * inner, 1, row, inner);
        }
        for (std::size_t k = 0; k < classes; ++k) {
            apply_binary(Binary::subtract, x + k * inner, 1, row, 1, y + k * inner, inner);
        }
        apply_unary(Unary::exponential, 0, 0, y, powers, classes * inner);
        std::copy_n(powers, inner, row);
        for (std::size_t k = 1; k < classes; ++k) apply_binary(Binary::add, row, 1, powers + k * inner, 1, row, inner);
        if (is_logarithm) apply_unary(Unary::logarithm, 0, 0, row, row, inner);
        const auto f = is_logarithm ? Binary::subtract : Binary::divide;
        for (std::size_t k = 0; k < classes; ++k) apply_binary(f, y + k * inner, 1, row, 1, y + k * inner, inner);
    }
};

template <bool kIsLogarithm>
void lower_softmax(NodeLowering& node) {
    const auto x = node.input(0);
    node.require_type(x, DataType::f32);
    const auto shape = node.shape(x);
    const bool joins = node.opset() < 13;  // all dimensions from the axis on are one
    const auto axis = node.axis_of(node.attribute_or<std::int64_t>("axis", joins ? 1 : -1), shape.size());
    SoftmaxKernel kernel{1, 1, 1, kIsLogarithm};
    for (std::size_t i = 0; i < shape.size(); ++i) {
        auto& count = i < axis ? kernel.outer : i == axis || joins ? kernel.classes : kernel.inner;
        count *= static_cast<std::size_t>(shape[i]);
    }
    const auto out = node.add_value(DataType::f32, shape);
    if (kernel.classes == 0 || kernel.inner == 0) kernel.outer = 0;
    const auto extent = [](std::size_t size) { return static_cast<std::int64_t>(size); };
    std::vector<ValueId> writes{out, node.add_value(DataType::f32, {extent(kernel.inner)})};
    if (kIsLogarithm) writes.push_back(node.add_value(DataType::f32, {extent(kernel.classes), extent(kernel.inner)}));
    node.emit(kernel, {x}, writes);
    node.set_output(0, out);
}

constexpr Operator kOperators[] = {{"Softmax", lower_softmax<false>}, {"LogSoftmax", lower_softmax<true>}};

}  // namespace

std::span<const Operator> softmax_operators() {
    return kOperators;
}

}  // namespace sidetone::nn::native
