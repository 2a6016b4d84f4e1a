// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <limits>

#include "nn/native/lowering.hpp"

namespace sidetone::nn::native {
namespace {

enum class Reduction : std::uint8_t { sum, mean, maximum, minimum };

/// Over the middle of [outer, reduced, inner].
struct ReduceKernel {
    Reduction kind;
    std::size_t outer, reduced, inner;

    void operator()(void* const* p) const noexcept {
        const auto* x = static_cast<const float*>(p[0]);
        auto* out = static_cast<float*>(p[1]);
        for (std::size_t o = 0; o < outer; ++o, x += reduced * inner, out += inner) {
            for (std::size_t i = 0; i < inner; ++i) out[i] = result(x + i);
        }
    }

    [[nodiscard]] float result(const float* x) const noexcept {
        if (kind == Reduction::maximum || kind == Reduction::minimum) {
            float best = x[0];
            for (std::size_t r = 1; r < reduced; ++r) {
                best = kind == Reduction::maximum ? std::max(best, x[r * inner]) : std::min(best, x[r * inner]);
            }
            return best;
        }
        double sum = 0;
        for (std::size_t r = 0; r < reduced; ++r) sum += static_cast<double>(x[r * inner]);
        return static_cast<float>(kind == Reduction::mean ? sum / static_cast<double>(reduced) : sum);
    }
};

template <Reduction kKind>
void lower_reduction(NodeLowering& node) {
    auto x = node.input(0);
    if (node.type(x) != DataType::f32) return lower_integer_reduction(node);
    const auto from = node.shape(x);
    std::vector<bool> goes(from.size());
    const auto axes = node.integers("axes", 1).value_or(std::vector<std::int64_t>{});
    for (const auto axis : axes) goes[node.axis_of(axis, from.size())] = true;
    if (axes.empty() && node.attribute_or<std::int64_t>("noop_with_empty_axes", 0) == 0) goes.assign(from.size(), true);
    Shape shape = from;
    // One pass for every run of neighbouring axes.
    for (std::size_t first = 0; first < from.size(); ++first) {
        if (!goes[first]) continue;
        auto last = first;
        while (last < from.size() && goes[last]) ++last;
        const auto part = [&](std::size_t a, std::size_t b) {
            return elements_of(
                {shape.begin() + static_cast<std::ptrdiff_t>(a), shape.begin() + static_cast<std::ptrdiff_t>(b)});
        };
        const ReduceKernel kernel{kKind, part(0, first), part(first, last), part(last, shape.size())};
        if (kernel.reduced == 0) node.refuse("there is nothing to reduce");
        std::fill(shape.begin() + static_cast<std::ptrdiff_t>(first), shape.begin() + static_cast<std::ptrdiff_t>(last),
                  1);
        const auto out = node.add_value(DataType::f32, shape);
        node.emit(kernel, {x}, {out});
        x = out;
        first = last;
    }
    if (node.attribute_or<std::int64_t>("keepdims", 1) == 0) {
        shape.clear();
        for (std::size_t i = 0; i < from.size(); ++i) {
            if (!goes[i]) shape.push_back(from[i]);
        }
    }
    node.set_output(0, node.add_view(x, shape));
}

constexpr Operator kOperators[] = {
    {"ReduceSum", lower_reduction<Reduction::sum>},
    {"ReduceMean", lower_reduction<Reduction::mean>},
    {"ReduceMax", lower_reduction<Reduction::maximum>},
    {"ReduceMin", lower_reduction<Reduction::minimum>},
};

}  // namespace

std::span<const Operator> reduction_operators() {
    return kOperators;
}

}  // namespace sidetone::nn::native
