// SPDX-License-Identifier: Apache-2.0
#include "nn/native/packed_matrix.hpp"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <utility>
#include <vector>

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

void multiply_words(const std::uint32_t* panels, const float* scales, const float* bias, std::size_t rows,
                    std::size_t inner, InputVectors x, OutputVectors out) {
    multiply_panels(reinterpret_cast<const Word24*>(panels), bias, rows, inner, x, out, scales);
}

// Here, where it is known how many rows a vector holds. `numbers` are those of whole columns of panels, in upper bytes.
void make_words(const std::uint32_t* numbers, std::size_t count, std::uint32_t* words) {
    const auto lanes = hn::Lanes(Tag{});
    for (std::size_t at = 0; at < count; at += kGroup24 * lanes, numbers += kGroup24 * lanes, words += 3 * lanes) {
        for (std::size_t i = 0; i < lanes; ++i) {
            const auto spread = numbers[3 * lanes + i];
            words[i] = numbers[i] | (spread >> 24U);
            words[lanes + i] = numbers[lanes + i] | ((spread >> 16U) & 0xFFU);
            words[2 * lanes + i] = numbers[2 * lanes + i] | ((spread >> 8U) & 0xFFU);
        }
    }
}

}  // namespace sidetone::nn::native::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace sidetone::nn::native {

HWY_EXPORT(multiply_floats);
HWY_EXPORT(multiply_words);
HWY_EXPORT(make_words);

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

namespace {

// In the upper bytes of a word. A row's largest may be as near to 2^23 as to the number before.
std::uint32_t number_of_24_bits(double in_steps) {
    constexpr double kLargest = (1 << 23) - 1;
    const auto number = std::clamp(std::nearbyint(in_steps), -kLargest, kLargest);
    return static_cast<std::uint32_t>(static_cast<std::int32_t>(number)) << 8U;
}

}  // namespace

void PackedMatrix::round_weights() {
    const PanelLayout layout{rows_, inner_};
    const auto rows = layout.padded_rows() / PanelLayout::kPanelRows * PanelLayout::kPanelRows;
    if (rows == 0 || !words_.empty()) return;
    ProgramVector<float> scales(rows);
    const auto count = rows * inner_;
    std::vector<std::uint32_t> numbers(count);
    for (std::size_t row = 0; row < rows; ++row) {
        float largest = 0;
        for (std::size_t k = 0; k < inner_; ++k) {
            const auto size = std::abs(panels_[layout.place(row, k)]);
            if (!std::isfinite(size)) return;
            largest = std::max(largest, size);
        }
        int exponent = 0;
        (void)std::frexp(largest, &exponent);
        if (exponent - 31 < std::numeric_limits<float>::min_exponent) return;
        scales[row] = std::ldexp(1.0F, exponent - 31);
        const auto steps = std::ldexp(1.0, 23 - exponent);  // in 1
        for (std::size_t k = 0; k < inner_; ++k) {
            const auto at = layout.place(row, k);
            numbers[at] = number_of_24_bits(steps * static_cast<double>(panels_[at]));
        }
    }
    words_.resize(count / 4 * 3);
    HWY_DYNAMIC_DISPATCH(make_words)(numbers.data(), count, words_.data());
    scales_ = std::move(scales);
    panels_ = ProgramVector<float>(panels_.begin() + static_cast<std::ptrdiff_t>(count), panels_.end());
}

void PackedMatrix::multiply(InputVectors x, OutputVectors out) const noexcept {
    const auto rounded = std::min(scales_.size(), rows_);
    if (rounded > 0) {
        HWY_DYNAMIC_DISPATCH(multiply_words)(words_.data(), scales_.data(), bias_.data(), rounded, inner_, x, out);
    }
    if (rounded == rows_) return;
    out.data += rounded * out.row_step;
    HWY_DYNAMIC_DISPATCH(multiply_floats)(panels_.data(), bias_.data() + rounded, rows_ - rounded, inner_, x, out);
}

}  // namespace sidetone::nn::native
#endif
