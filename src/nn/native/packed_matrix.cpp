// SPDX-License-Identifier: Apache-2.0
#include "nn/native/packed_matrix.hpp"

#include <algorithm>
#include <utility>

#include "dsp/vector_target.hpp"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "nn/native/packed_matrix.cpp"
#include <hwy/foreach_target.h>  // includes this file once per target
#include <hwy/highway.h>

#include "nn/native/vector_math-inl.hpp"

HWY_BEFORE_NAMESPACE();
namespace sidetone::nn::native::HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

/// What the blocks of one panel share. `width` is the panel's rows with padding, `rows` those without.
struct Panel {
    const float* weights;
    const float* bias;
    std::size_t width, rows, inner;
};

// Stores rows [first, first + lanes) of one product, as far as the matrix has them.
HWY_INLINE void store_rows(hn::Vec<Tag> sums, std::size_t first, const Panel& panel, const OutputVectors& out,
                           float* product) {
    const Tag d;
    const auto lanes = hn::Lanes(d);
    const auto rows = std::min(lanes, panel.rows > first ? panel.rows - first : 0);
    float* to = product + first * out.row_step;
    if (out.row_step == 1) {
        if (rows == lanes) return hn::StoreU(sums, d, to);
        if (rows > 0) store_part(sums, d, to, rows);
        return;
    }
    HWY_ALIGN float values[kMaxLanes];
    hn::Store(sums, d, values);
    for (std::size_t r = 0; r < rows; ++r) to[r * out.row_step] = values[r];
}

// kVectors·lanes rows from `first` on, times kCount vectors. Columns are summed in kSplits parts, so that enough sums
// are under way to cover the latency of a fused multiply-add.
template <int kVectors, int kCount, int kSplits>
HWY_INLINE void multiply_block(const Panel& panel, std::size_t first, const float* x, std::size_t x_stride, float* out,
                               const OutputVectors& places) {
    const Tag d;
    using V = hn::Vec<Tag>;
    const auto lanes = hn::Lanes(d);
    V sums[kSplits][kCount][kVectors];
    for (int v = 0; v < kVectors; ++v) {
        const auto bias = hn::LoadU(d, panel.bias + first + static_cast<std::size_t>(v) * lanes);
        for (int n = 0; n < kCount; ++n) {
            sums[0][n][v] = bias;
            for (int s = 1; s < kSplits; ++s) sums[s][n][v] = hn::Zero(d);
        }
    }
    const float* weights = panel.weights + first;
    const auto add_column = [&](std::size_t k, int s) HWY_ATTR {
        V column[kVectors];
        for (int v = 0; v < kVectors; ++v) column[v] = hn::LoadU(d, weights + static_cast<std::size_t>(v) * lanes);
        for (int n = 0; n < kCount; ++n) {
            const auto factor = hn::Set(d, x[static_cast<std::size_t>(n) * x_stride + k]);
            for (int v = 0; v < kVectors; ++v) sums[s][n][v] = hn::MulAdd(factor, column[v], sums[s][n][v]);
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
            store_rows(sum, first + static_cast<std::size_t>(v) * lanes, panel, places,
                       out + static_cast<std::size_t>(n) * places.vector_step);
        }
    }
}

template <int kVectors>
HWY_INLINE void multiply_vectors(const Panel& panel, std::size_t first, const InputVectors& x,
                                 const OutputVectors& out) {
    constexpr int kSplits = kVectors >= 3 ? 2 : 4;
    std::size_t n = 0;
    const auto block = [&]<int kCount, int kSplit>() HWY_ATTR {
        for (; n + kCount <= x.count; n += kCount) {
            multiply_block<kVectors, kCount, kSplit>(panel, first, x.data + n * x.stride, x.stride,
                                                     out.data + n * out.vector_step, out);
        }
    };
#if HWY_TARGET <= HWY_AVX3 || HWY_ARCH_ARM_A64  // with 32 registers
    block.template operator()<4, kVectors == 1 ? 2 : 1>();
#endif
    block.template operator()<2, kVectors == 1 ? 2 : 1>();
    block.template operator()<1, kSplits>();
}

void multiply_panels(const float* panels, const float* bias, std::size_t rows, std::size_t inner, InputVectors x,
                     OutputVectors out) {
    constexpr std::size_t kBlock = 4;
    const auto lanes = hn::Lanes(Tag{});
    for (std::size_t row = 0; row < rows; row += PackedMatrix::kPanelRows) {
        const auto left = std::min(PackedMatrix::kPanelRows, rows - row);
        const auto width = (left + PackedMatrix::kRowGrain - 1) / PackedMatrix::kRowGrain * PackedMatrix::kRowGrain;
        const Panel panel{panels + row * inner, bias + row, width, left, inner};
        const OutputVectors part{out.data + row * out.row_step, out.row_step, out.vector_step};
        std::size_t first = 0;
        for (; first + kBlock * lanes <= width; first += kBlock * lanes) {
            multiply_vectors<kBlock>(panel, first, x, part);
        }
        for (; first + 2 * lanes <= width; first += 2 * lanes) multiply_vectors<2>(panel, first, x, part);
        for (; first + lanes <= width; first += lanes) multiply_vectors<1>(panel, first, x, part);
    }
}

}  // namespace sidetone::nn::native::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace sidetone::nn::native {

HWY_EXPORT(multiply_panels);

PackedMatrix::PackedMatrix(std::size_t rows, std::size_t inner, std::span<const float> bias,
                           const std::function<float(std::size_t row, std::size_t k)>& element)
    : rows_(rows), inner_(inner) {
    const auto padded = (rows + kRowGrain - 1) / kRowGrain * kRowGrain;
    bias_.assign(padded, 0.0F);
    std::ranges::copy(bias, bias_.begin());
    panels_.assign(padded * inner, 0.0F);
    for (std::size_t row = 0; row < rows; ++row) {
        const auto start = row / kPanelRows * kPanelRows;
        const auto width = std::min(kPanelRows, padded - start);
        float* panel = panels_.data() + start * inner;
        for (std::size_t k = 0; k < inner; ++k) panel[k * width + row - start] = element(row, k);
    }
}

void PackedMatrix::add_bias(std::span<const float> more) {
    for (std::size_t row = 0; row < rows_; ++row) bias_[row] += more[more.size() == 1 ? 0 : row];
}

void PackedMatrix::multiply(InputVectors x, OutputVectors out) const noexcept {
    HWY_DYNAMIC_DISPATCH(multiply_panels)(panels_.data(), bias_.data(), rows_, inner_, x, out);
}

}  // namespace sidetone::nn::native
#endif
