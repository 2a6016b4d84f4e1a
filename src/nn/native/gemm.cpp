// SPDX-License-Identifier: Apache-2.0
#include "nn/native/gemm.hpp"

#include <utility>

#include "dsp/vector_target.hpp"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "nn/native/gemm.cpp"
#include <hwy/foreach_target.h>  // includes this file once per target
#include <hwy/highway.h>

#include "nn/native/gemm-inl.hpp"

HWY_BEFORE_NAMESPACE();
namespace sidetone::nn::native::HWY_NAMESPACE {

void multiply_all(const Product& product, std::size_t rows, std::size_t columns) {
    multiply_matrices(product, rows, columns);
}

void multiply_dispatched(Matrix a, Matrix b, std::size_t rows, std::size_t columns, std::size_t inner,
                         const float* row_bias, const float* column_bias, float* out, std::size_t out_stride) {
    multiply_all({a, b, inner, row_bias, column_bias, out, out_stride}, rows, columns);
}

}  // namespace sidetone::nn::native::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace sidetone::nn::native {

HWY_EXPORT(multiply_dispatched);

void multiply(Matrix a, Matrix b, std::size_t rows, std::size_t columns, std::size_t inner, const float* row_bias,
              const float* column_bias, float* out, std::size_t out_stride) noexcept {
    HWY_DYNAMIC_DISPATCH(multiply_dispatched)(a, b, rows, columns, inner, row_bias, column_bias, out, out_stride);
}

}  // namespace sidetone::nn::native
#endif
