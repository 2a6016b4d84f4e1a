// SPDX-License-Identifier: Apache-2.0
#include "nn/native/matmul_sides.hpp"

namespace sidetone::nn::native {
namespace {

Strides scaled(Strides strides, std::size_t by) {
    for (auto& stride : strides) stride *= static_cast<std::ptrdiff_t>(by);
    return strides;
}

}  // namespace

MatMulSides matmul_sides(const NodeLowering& node, ValueId a, ValueId b) {
    MatMulSides sides{.a = node.shape(a), .b = node.shape(b), .out = {}, .rows = 0, .columns = 0, .inner = 0};
    if (sides.a.empty() || sides.b.empty()) node.refuse("a single number is no matrix");
    const bool a_is_vector = sides.a.size() == 1;
    const bool b_is_vector = sides.b.size() == 1;
    if (a_is_vector) sides.a.insert(sides.a.begin(), 1);
    if (b_is_vector) sides.b.push_back(1);
    if (sides.b.end()[-2] != sides.a.back()) {
        node.refuse("shapes " + shape_text(node.shape(a)) + " and " + shape_text(node.shape(b)) +
                    " do not go together");
    }
    sides.out = node.broadcast({sides.a.begin(), sides.a.end() - 2}, {sides.b.begin(), sides.b.end() - 2});
    if (!a_is_vector) sides.out.push_back(sides.a.end()[-2]);
    if (!b_is_vector) sides.out.push_back(sides.b.back());
    sides.rows = static_cast<std::size_t>(sides.a.end()[-2]);
    sides.columns = static_cast<std::size_t>(sides.b.back());
    sides.inner = static_cast<std::size_t>(sides.a.back());
    return sides;
}

bool is_one_matrix(const NodeLowering& node, ValueId constant, const Shape& side) {
    return node.is_constant(constant) && elements_of(side) > 0 && elements_of({side.begin(), side.end() - 2}) == 1;
}

LoopNest<3> matmul_batches(const NodeLowering& node, const MatMulSides& sides) {
    const Shape a_batches{sides.a.begin(), sides.a.end() - 2};
    const Shape b_batches{sides.b.begin(), sides.b.end() - 2};
    const auto batches = node.broadcast(a_batches, b_batches);
    return {batches,
            {scaled(broadcast_strides(a_batches, batches), sides.rows * sides.inner),
             scaled(broadcast_strides(b_batches, batches), sides.inner * sides.columns),
             scaled(contiguous_strides(batches), sides.rows * sides.columns)}};
}

}  // namespace sidetone::nn::native
