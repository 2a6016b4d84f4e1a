// SPDX-License-Identifier: Apache-2.0
#include "nn/native/packed_matrix.hpp"

#include <algorithm>
#include <utility>

#include "dsp/vector_target.hpp"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "nn/native/packed_matrix.cpp"
#include <hwy/foreach_target.h>  // includes this file once per target
#include <hwy/highway.h>

#include "nn/native/panel_product-inl.hpp"

HWY_BEFORE_NAMESPACE();
namespace sidetone::nn::native::HWY_NAMESPACE {

void multiply_floats(const float* panels, const float* bias, std::size_t rows, std::size_t inner, InputVectors x,
                     OutputVectors out) {
    multiply_panels(panels, bias, rows, inner, x, out);
}

}  // namespace sidetone::nn::native::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace sidetone::nn::native {

HWY_EXPORT(multiply_floats);

PackedMatrix::PackedMatrix(std::size_t rows, std::size_t inner, std::span<const float> bias,
                           const std::function<float(std::size_t row, std::size_t k)>& element)
    : rows_(rows), inner_(inner) {
    const PanelLayout layout{rows, inner};
    bias_.assign(layout.padded_rows(), 0.0F);
    std::ranges::copy(bias, bias_.begin());
    panels_.assign(layout.elements(), 0.0F);
    for (std::size_t row = 0; row < rows; ++row) {
        for (std::size_t k = 0; k < inner; ++k) panels_[layout.place(row, k)] = element(row, k);
    }
}

void PackedMatrix::add_bias(std::span<const float> more) {
    for (std::size_t row = 0; row < rows_; ++row) bias_[row] += more[more.size() == 1 ? 0 : row];
}

void PackedMatrix::multiply(InputVectors x, OutputVectors out) const noexcept {
    HWY_DYNAMIC_DISPATCH(multiply_floats)(panels_.data(), bias_.data(), rows_, inner_, x, out);
}

}  // namespace sidetone::nn::native
#endif
