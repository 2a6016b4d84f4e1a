// SPDX-License-Identifier: Apache-2.0
#include <span>

#include "nn/native/elementwise_lowering.hpp"
#include "nn/native/gemm.hpp"
#include "nn/native/lowering.hpp"
#include "nn/native/strided_part.hpp"

namespace sidetone::nn::native {
namespace {

struct ProductKernel {
    std::size_t rows, columns, inner;

    [[nodiscard]] std::uint64_t multiply_adds() const noexcept { return rows * columns * inner; }
    void operator()(void* const* p) const noexcept {
        multiply({static_cast<const float*>(p[0]), inner}, {static_cast<const float*>(p[1]), columns}, rows, columns,
                 inner, nullptr, nullptr, static_cast<float*>(p[2]), columns);
    }
};

ValueId matrix(NodeLowering& node, std::size_t index, const char* turned) {
    const auto x = node.input(index);
    node.require_type(x, DataType::f32);
    const auto& shape = node.shape(x);
    if (shape.size() != 2) node.refuse("its inputs are no matrices");
    if (node.attribute_or<std::int64_t>(turned, 0) == 0) return x;
    return emit_part(node, x, {shape[1], shape[0]}, {1, static_cast<std::ptrdiff_t>(shape[1])});
}

ValueId scaled(NodeLowering& node, ValueId x, float factor) {
    if (factor == 1.0F) return x;
    return emit_binary(node, Binary::multiply, x, node.add_constant<float>({}, std::span{&factor, 1}));
}

}  // namespace

void lower_general_gemm(NodeLowering& node) {
    const auto a = matrix(node, 0, "transA");
    const auto b = matrix(node, 1, "transB");
    const Shape shape{node.shape(a)[0], node.shape(b)[1]};
    const auto inner = node.shape(a)[1];
    if (node.shape(b)[0] != inner) node.refuse("its inputs do not go together");
    auto out = node.add_value(DataType::f32, shape);
    node.emit(ProductKernel{static_cast<std::size_t>(shape[0]), static_cast<std::size_t>(shape[1]),
                            static_cast<std::size_t>(inner)},
              {a, b}, {out});
    out = scaled(node, out, node.attribute_or("alpha", 1.0F));
    if (node.has_input(2)) {
        out = emit_binary(node, Binary::add, out, scaled(node, node.input(2), node.attribute_or("beta", 1.0F)));
        if (node.shape(out) != shape) node.refuse("its bias does not fit");
    }
    node.set_output(0, out);
}

}  // namespace sidetone::nn::native
