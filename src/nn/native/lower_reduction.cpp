// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "nn/native/lowering.hpp"
#include "nn/native/reduction_kernels.hpp"

namespace sidetone::nn::native {
namespace {

/// Over the middle of [outer, reduced, inner].
struct ReduceKernel {
    Reduction kind;
    std::size_t outer, reduced, inner;

    void operator()(void* const* p) const noexcept {
        reduce(kind, static_cast<const float*>(p[0]), outer, reduced, inner, static_cast<float*>(p[1]));
    }
};

template <Reduction kKind>
void lower_reduction(NodeLowering& node) {
    auto x = node.input(0);
    if (node.type(x) != DataType::f32) return lower_integer_reduction(node);
    const auto from = node.shape(x);
    const auto goes = node.reduced_axes(from.size());
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
