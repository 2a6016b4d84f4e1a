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

#include "nn/native/vector_math-inl.hpp"

HWY_BEFORE_NAMESPACE();
namespace sidetone::nn::native::HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

/// Rows of a panel that a block multiplies. `width` is the panel's rows with padding, `rows` those without.
struct HalfPanel {
    const hwy::float16_t* weights;
    const float* bias;
    std::size_t width, rows, inner;
};

// kVectors·lanes rows from `first` on, times kCount vectors, with columns summed in kSplits parts.
template <int kVectors, int kCount, int kSplits>
HWY_INLINE void multiply_halves(const HalfPanel& panel, std::size_t first, const float* x, std::size_t x_stride,
                                float* out, std::size_t out_stride) {
    const Tag d;
    const hn::Rebind<hwy::float16_t, Tag> d16;
    const auto lanes = hn::Lanes(d);
    hn::Vec<Tag> sums[kSplits][kCount][kVectors];
    for (int v = 0; v < kVectors; ++v) {
        const auto bias = hn::LoadU(d, panel.bias + first + static_cast<std::size_t>(v) * lanes);
        for (int n = 0; n < kCount; ++n) {
            sums[0][n][v] = bias;
            for (int s = 1; s < kSplits; ++s) sums[s][n][v] = hn::Zero(d);
        }
    }
    const auto* weights = panel.weights + first;
    const auto add_column = [&](std::size_t k, int s) HWY_ATTR {
        for (int v = 0; v < kVectors; ++v) {
            const auto column = hn::PromoteTo(d, hn::LoadU(d16, weights + static_cast<std::size_t>(v) * lanes));
            for (int n = 0; n < kCount; ++n) {
                const auto factor = hn::Set(d, x[static_cast<std::size_t>(n) * x_stride + k]);
                sums[s][n][v] = hn::MulAdd(factor, column, sums[s][n][v]);
            }
        }
        weights += panel.width;
    };
    std::size_t k = 0;
    for (; k + kSplits <= panel.inner; k += kSplits) {
        for (int s = 0; s < kSplits; ++s) add_column(k + static_cast<std::size_t>(s), s);
    }
    for (; k < panel.inner; ++k) add_column(k, 0);
    for (int n = 0; n < kCount; ++n) {
        for (int v = 0; v < kVectors; ++v) {
            auto sum = sums[0][n][v];
            for (int s = 1; s < kSplits; ++s) sum = hn::Add(sum, sums[s][n][v]);
            const auto row = first + static_cast<std::size_t>(v) * lanes;
            float* to = out + static_cast<std::size_t>(n) * out_stride + row;
            if (row + lanes <= panel.rows) {
                hn::StoreU(sum, d, to);
            } else if (row < panel.rows) {
                store_part(sum, d, to, panel.rows - row);
            }
        }
    }
}

template <int kVectors>
HWY_INLINE void multiply_half_rows(const HalfPanel& panel, std::size_t first, const InputVectors& x, float* out,
                                   std::size_t out_stride) {
    std::size_t n = 0;
    for (; n + 2 <= x.count; n += 2) {
        multiply_halves<kVectors, 2, 1>(panel, first, x.data + n * x.stride, x.stride, out + n * out_stride,
                                        out_stride);
    }
    if (n < x.count) {
        multiply_halves<kVectors, 1, 2>(panel, first, x.data + n * x.stride, x.stride, out + n * out_stride,
                                        out_stride);
    }
}

void multiply_half_panels(const std::uint16_t* panels, const float* bias, std::size_t rows, std::size_t inner,
                          InputVectors x, float* out) {
    constexpr auto kPanelRows = PackedMatrix::kPanelRows;
    constexpr auto kGrain = PackedMatrix::kRowGrain;
    const auto lanes = hn::Lanes(Tag{});
    for (std::size_t row = 0; row < rows; row += kPanelRows) {
        const auto left = std::min(kPanelRows, rows - row);
        const auto width = (left + kGrain - 1) / kGrain * kGrain;
        const auto* weights = reinterpret_cast<const hwy::float16_t*>(panels + row * inner);
        const HalfPanel panel{weights, bias + row, width, left, inner};
        std::size_t first = 0;
        for (; first + 4 * lanes <= width; first += 4 * lanes) {
            multiply_half_rows<4>(panel, first, x, out + row, rows);
        }
        for (; first + lanes <= width; first += lanes) multiply_half_rows<1>(panel, first, x, out + row, rows);
    }
}

}  // namespace sidetone::nn::native::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace sidetone::nn::native {

HWY_EXPORT(multiply_half_panels);

std::optional<PackedHalves> PackedHalves::pack(std::size_t rows, std::size_t inner, std::span<const float> bias,
                                               const Element& element) {
    constexpr std::size_t kLeastElements = std::size_t{1} << 15U;  // 128 KiB of floats: more than the nearest cache has
    constexpr auto kPanelRows = PackedMatrix::kPanelRows;
    constexpr auto kGrain = PackedMatrix::kRowGrain;
    if (rows * inner < kLeastElements) return std::nullopt;
    PackedHalves made{rows, inner};
    const auto padded = (rows + kGrain - 1) / kGrain * kGrain;
    for (std::size_t row = 0; row < rows; ++row) {
        const auto start = row / kPanelRows * kPanelRows;
        const auto width = std::min(kPanelRows, padded - start);
        for (std::size_t k = 0; k < inner; ++k) {
            const auto half = half_of(element(row, k));
            if (!half) return std::nullopt;
            // Most matrices end above, at their first element.
            if (made.panels_.empty()) made.panels_.assign(padded * inner, 0);
            made.panels_[start * inner + k * width + row - start] = *half;
        }
    }
    made.bias_.assign(padded, 0.0F);
    std::ranges::copy(bias, made.bias_.begin());
    return made;
}

void PackedHalves::add_bias(std::span<const float> more) {
    for (std::size_t row = 0; row < rows_; ++row) bias_[row] += more[more.size() == 1 ? 0 : row];
}

void PackedHalves::multiply(InputVectors x, float* out) const noexcept {
    HWY_DYNAMIC_DISPATCH(multiply_half_panels)(panels_.data(), bias_.data(), rows_, inner_, x, out);
}

}  // namespace sidetone::nn::native
#endif
