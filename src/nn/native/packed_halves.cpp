// SPDX-License-Identifier: Apache-2.0
#include "nn/native/packed_halves.hpp"

#include <algorithm>
#include <utility>

#include "dsp/vector_target.hpp"
#include "nn/native/half.hpp"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "nn/native/packed_halves.cpp"
#include <hwy/foreach_target.h>  // includes this file once per target
#include <hwy/highway.h>

#include "nn/native/panel_product-inl.hpp"

HWY_BEFORE_NAMESPACE();
namespace sidetone::nn::native::HWY_NAMESPACE {

void multiply_halves(const std::uint16_t* panels, const float* bias, std::size_t rows, std::size_t inner,
                     InputVectors x, float* out) {
    multiply_panels(reinterpret_cast<const hwy::float16_t*>(panels), bias, rows, inner, x, {out, 1, rows});
}

}  // namespace sidetone::nn::native::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace sidetone::nn::native {

HWY_EXPORT(multiply_halves);

std::optional<PackedHalves> PackedHalves::pack(std::size_t rows, std::size_t inner, std::span<const float> bias,
                                               const Element& element) {
    constexpr std::size_t kLeastElements = std::size_t{1} << 15U;  // 128 KiB of floats: more than the nearest cache has
    if (rows * inner < kLeastElements) return std::nullopt;
    PackedHalves made{rows, inner};
    const PanelLayout layout{rows, inner};
    for (std::size_t row = 0; row < rows; ++row) {
        for (std::size_t k = 0; k < inner; ++k) {
            const auto half = half_of(element(row, k));
            if (!half) return std::nullopt;
            // Most matrices end above, at their first element.
            if (made.panels_.empty()) made.panels_.assign(layout.elements(), 0);
            made.panels_[layout.place(row, k)] = *half;
        }
    }
    made.bias_.assign(layout.padded_rows(), 0.0F);
    std::ranges::copy(bias, made.bias_.begin());
    return made;
}

void PackedHalves::add_bias(std::span<const float> more) {
    for (std::size_t row = 0; row < rows_; ++row) bias_[row] += more[more.size() == 1 ? 0 : row];
}

void PackedHalves::multiply(InputVectors x, float* out) const noexcept {
    HWY_DYNAMIC_DISPATCH(multiply_halves)(panels_.data(), bias_.data(), rows_, inner_, x, out);
}

}  // namespace sidetone::nn::native
#endif
