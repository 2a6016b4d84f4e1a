// SPDX-License-Identifier: Apache-2.0
#include "nn/native/packed_bytes.hpp"

#include <algorithm>
#include <cstring>
#include <utility>

#include "dsp/vector_target.hpp"
#include "nn/native/packed_matrix.hpp"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "nn/native/packed_bytes.cpp"
#include <hwy/foreach_target.h>  // includes this file once per target
#include <hwy/highway.h>

#ifndef SIDETONE_NN_NATIVE_BYTE_MATRIX
#define SIDETONE_NN_NATIVE_BYTE_MATRIX
namespace sidetone::nn::native {

/// A `PackedBytes` as its kernels see it. `zero_points` may be null.
struct ByteMatrix {
    const std::int8_t* panels;
    const std::int32_t* row_sums;
    const std::int32_t* zero_points;
    const std::int32_t* offsets;
    std::size_t padded_rows, inner, padded_inner;
};

}  // namespace sidetone::nn::native
#endif

HWY_BEFORE_NAMESPACE();
namespace sidetone::nn::native::HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;
using SumTag = hn::CappedTag<std::int32_t, PackedBytes::kRowGrain>;

HWY_INLINE std::int32_t quad_at(const std::uint8_t* x, std::size_t quad) {
    std::int32_t bytes = 0;
    std::memcpy(&bytes, x + quad * PackedBytes::kDepth, sizeof bytes);
    return bytes;
}

// Σ(x − zx)(w − zw) = Σxw − zx·Σw − zw·Σ(x − zx), of one vector's sums Σxw.
HWY_INLINE void correct(const ByteMatrix& matrix, const std::uint8_t* x, std::int32_t zero_point, std::int32_t* sums) {
    const SumTag d;
    const auto lanes = hn::Lanes(d);
    const auto zero = hn::Set(d, zero_point);
    for (std::size_t row = 0; row < matrix.padded_rows; row += lanes) {
        const auto from_input = hn::Mul(zero, hn::LoadU(d, matrix.row_sums + row));
        const auto sum = hn::Add(hn::LoadU(d, sums + row), hn::LoadU(d, matrix.offsets + row));
        hn::StoreU(hn::Sub(sum, from_input), d, sums + row);
    }
    if (matrix.zero_points == nullptr) return;
    std::int32_t above_zero = -zero_point * static_cast<std::int32_t>(matrix.inner);
    for (std::size_t k = 0; k < matrix.inner; ++k) above_zero += x[k];
    const auto all = hn::Set(d, above_zero);
    for (std::size_t row = 0; row < matrix.padded_rows; row += lanes) {
        const auto from_weights = hn::Mul(all, hn::LoadU(d, matrix.zero_points + row));
        hn::StoreU(hn::Sub(hn::LoadU(d, sums + row), from_weights), d, sums + row);
    }
}

#if HWY_TARGET == HWY_SCALAR
// A grain of rows times one vector. `weights` has the grain's first quad, the next ones are `step` bytes apart.
HWY_INLINE void multiply_grain(const std::int8_t* weights, std::size_t step, const std::uint8_t* x, std::size_t quads,
                               std::int32_t* sums) {
    constexpr auto kDepth = PackedBytes::kDepth;
    std::fill_n(sums, PackedBytes::kRowGrain, 0);
    for (std::size_t quad = 0; quad < quads; ++quad, weights += step, x += kDepth) {
        for (std::size_t i = 0; i < PackedBytes::kRowGrain * kDepth; ++i) {
            sums[i / kDepth] += std::int32_t{weights[i]} * std::int32_t{x[i % kDepth]};
        }
    }
}
#else
// A grain of rows times one vector: bytes are widened to 16 bits, whose products are summed in pairs, and those pairs
// at the end. `weights` has the grain's first quad, the next ones are `step` bytes apart.
HWY_INLINE void multiply_grain(const std::int8_t* weights, std::size_t step, const std::uint8_t* x, std::size_t quads,
                               std::int32_t* sums) {
    const SumTag d;
    const hn::Repartition<std::int16_t, SumTag> d16;
    const hn::Rebind<std::int8_t, decltype(d16)> d8;
    const hn::Rebind<std::uint8_t, decltype(d16)> du8;
    const hn::Repartition<std::int32_t, decltype(du8)> d_quad;
    constexpr std::size_t kVectors =
        PackedBytes::kRowGrain * PackedBytes::kDepth / hn::MaxLanes(hn::Repartition<std::int16_t, SumTag>{});
    hn::Vec<SumTag> even[kVectors];
    hn::Vec<SumTag> odd[kVectors];
    for (std::size_t v = 0; v < kVectors; ++v) even[v] = odd[v] = hn::Zero(d);
    for (std::size_t quad = 0; quad < quads; ++quad, weights += step) {
        const auto factor = hn::PromoteTo(d16, hn::BitCast(du8, hn::Set(d_quad, quad_at(x, quad))));
        for (std::size_t v = 0; v < kVectors; ++v) {
            const auto column = hn::PromoteTo(d16, hn::LoadU(d8, weights + v * hn::Lanes(d16)));
            even[v] = hn::ReorderWidenMulAccumulate(d, column, factor, even[v], odd[v]);
        }
    }
    for (std::size_t v = 0; v < kVectors; v += 2) {
        const auto low = hn::RearrangeToOddPlusEven(even[v], odd[v]);
        const auto high = hn::RearrangeToOddPlusEven(even[v + 1], odd[v + 1]);
        hn::StoreU(hn::Add(hn::ConcatEven(d, high, low), hn::ConcatOdd(d, high, low)), d, sums + v / 2 * hn::Lanes(d));
    }
}
#endif

void multiply(const ByteMatrix& matrix, const ByteVectors& x, std::int32_t* sums) {
    const auto quads = matrix.padded_inner / PackedBytes::kDepth;
    for (std::size_t panel = 0; panel < matrix.padded_rows; panel += PackedBytes::kPanelRows) {
        const auto width = std::min(PackedBytes::kPanelRows, matrix.padded_rows - panel);
        const auto* weights = matrix.panels + panel * matrix.padded_inner;
        for (std::size_t v = 0; v < x.count; ++v) {
            for (std::size_t row = 0; row < width; row += PackedBytes::kRowGrain) {
                multiply_grain(weights + row * PackedBytes::kDepth, width * PackedBytes::kDepth, x.data + v * x.stride,
                               quads, sums + v * matrix.padded_rows + panel + row);
            }
        }
    }
    for (std::size_t v = 0; v < x.count; ++v) {
        correct(matrix, x.data + v * x.stride, x.zero_point, sums + v * matrix.padded_rows);
    }
}

}  // namespace sidetone::nn::native::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

// Highway's target for these instructions asks for more than they need.
#if HWY_ARCH_X86 && HWY_TARGET == HWY_AVX3
HWY_PUSH_ATTRIBUTES(HWY_TARGET_STR_AVX3 ",avx512vnni")
namespace sidetone::nn::native::HWY_NAMESPACE {

using QuadSums = hn::Vec<hn::Full512<std::int32_t>>;
constexpr std::size_t kVectorBytes = 64;

// Adds four products of each of kVectors·16 rows to the sums of kCount vectors.
template <int kVectors, int kCount>
HWY_INLINE void add_quad(const std::int8_t* weights, const std::uint8_t* x, std::size_t stride, std::size_t quad,
                         QuadSums (&sums)[kCount][kVectors]) {
    for (int v = 0; v < kVectors; ++v) {
        const auto* from = weights + static_cast<std::size_t>(v) * kVectorBytes;
        __builtin_prefetch(from + PanelLayout::kPrefetchDistance, 0, 2);
        const auto column = hn::LoadU(hn::Full512<std::int8_t>{}, from);
        for (int n = 0; n < kCount; ++n) {
            const auto factor =
                hn::Set(hn::Full512<std::int32_t>{}, quad_at(x + static_cast<std::size_t>(n) * stride, quad));
            sums[n][v] = QuadSums{_mm512_dpbusd_epi32(sums[n][v].raw, factor.raw, column.raw)};
        }
    }
}

// kVectors·16 rows times kCount vectors, with quads summed in kSplits parts so that enough sums are under way.
template <int kVectors, int kCount, int kSplits>
HWY_INLINE void multiply_block_by_quads(const std::int8_t* weights, std::size_t step, const ByteVectors& x,
                                        std::size_t vector, std::size_t quads, std::int32_t* sums,
                                        std::size_t sums_stride) {
    const hn::Full512<std::int32_t> d;
    QuadSums total[kSplits][kCount][kVectors];
    for (auto& split : total) {
        for (auto& one : split) {
            for (auto& sum : one) sum = hn::Zero(d);
        }
    }
    const auto* data = x.data + vector * x.stride;
    std::size_t quad = 0;
    for (; quad + kSplits <= quads; quad += kSplits) {
        for (int s = 0; s < kSplits; ++s) {
            const auto at = quad + static_cast<std::size_t>(s);
            add_quad<kVectors, kCount>(weights + at * step, data, x.stride, at, total[s]);
        }
    }
    for (; quad < quads; ++quad) {
        add_quad<kVectors, kCount>(weights + quad * step, data, x.stride, quad, total[0]);
    }
    for (int n = 0; n < kCount; ++n) {
        auto* to = sums + (vector + static_cast<std::size_t>(n)) * sums_stride;
        for (int v = 0; v < kVectors; ++v) {
            auto sum = total[0][n][v];
            for (int s = 1; s < kSplits; ++s) sum = hn::Add(sum, total[s][n][v]);
            hn::StoreU(sum, d, to + static_cast<std::size_t>(v) * PackedBytes::kRowGrain);
        }
    }
}

template <int kVectors>
HWY_INLINE void multiply_rows_by_quads(const std::int8_t* weights, std::size_t step, const ByteVectors& x,
                                       std::size_t quads, std::int32_t* sums, std::size_t sums_stride) {
    constexpr int kSplits = kVectors == 1 ? 8 : 4;
    std::size_t v = 0;
    for (; v + 4 <= x.count; v += 4) {
        multiply_block_by_quads<kVectors, 4, 1>(weights, step, x, v, quads, sums, sums_stride);
    }
    for (; v < x.count; ++v) {
        multiply_block_by_quads<kVectors, 1, kSplits>(weights, step, x, v, quads, sums, sums_stride);
    }
}

void multiply_by_quads(const ByteMatrix& matrix, const ByteVectors& x, std::int32_t* sums) {
    const auto quads = matrix.padded_inner / PackedBytes::kDepth;
    for (std::size_t panel = 0; panel < matrix.padded_rows; panel += PackedBytes::kPanelRows) {
        const auto width = std::min(PackedBytes::kPanelRows, matrix.padded_rows - panel);
        const auto* weights = matrix.panels + panel * matrix.padded_inner;
        const auto step = width * PackedBytes::kDepth;
        if (width == PackedBytes::kPanelRows) {
            multiply_rows_by_quads<4>(weights, step, x, quads, sums + panel, matrix.padded_rows);
            continue;
        }
        for (std::size_t row = 0; row < width; row += PackedBytes::kRowGrain) {
            multiply_rows_by_quads<1>(weights + row * PackedBytes::kDepth, step, x, quads, sums + panel + row,
                                      matrix.padded_rows);
        }
    }
    for (std::size_t v = 0; v < x.count; ++v) {
        correct(matrix, x.data + v * x.stride, x.zero_point, sums + v * matrix.padded_rows);
    }
}

}  // namespace sidetone::nn::native::HWY_NAMESPACE
HWY_POP_ATTRIBUTES
#endif

#if HWY_ONCE
namespace sidetone::nn::native {

HWY_EXPORT(multiply);

namespace {

#if HWY_ARCH_X86 && (HWY_TARGETS & HWY_AVX3)
const bool kMultipliesByQuads = (hwy::SupportedTargets() & HWY_AVX3) != 0 && __builtin_cpu_supports("avx512vnni");
#endif

void fill_rows(ProgramVector<std::int32_t>& padded, std::size_t rows, std::span<const std::int32_t> values) {
    for (std::size_t row = 0; row < rows && !values.empty(); ++row) padded[row] = values[values.size() == 1 ? 0 : row];
}

}  // namespace

PackedBytes::PackedBytes(std::size_t rows, std::size_t inner, std::span<const std::int32_t> zero_points,
                         std::span<const std::int32_t> offsets,
                         const std::function<std::int8_t(std::size_t row, std::size_t k)>& element)
    : rows_(rows), inner_(inner) {
    const auto padded = (rows + kRowGrain - 1) / kRowGrain * kRowGrain;
    row_sums_.assign(padded, 0);
    offsets_.assign(padded, 0);
    fill_rows(offsets_, rows, offsets);
    if (std::ranges::any_of(zero_points, [](std::int32_t zero) { return zero != 0; })) {
        zero_points_.assign(padded, 0);
        fill_rows(zero_points_, rows, zero_points);
    }
    panels_.assign(padded * padded_inner(), 0);
    for (std::size_t row = 0; row < rows; ++row) {
        const auto start = row / kPanelRows * kPanelRows;
        const auto width = std::min(kPanelRows, padded - start);
        auto* panel = panels_.data() + start * padded_inner() + (row - start) * kDepth;
        for (std::size_t k = 0; k < inner; ++k) {
            const auto value = element(row, k);
            panel[k / kDepth * width * kDepth + k % kDepth] = value;
            row_sums_[row] += value;
        }
    }
}

void PackedBytes::multiply_portably(const ByteVectors& x, std::int32_t* sums) const noexcept {
    const ByteMatrix matrix{.panels = panels_.data(),
                            .row_sums = row_sums_.data(),
                            .zero_points = zero_points_.empty() ? nullptr : zero_points_.data(),
                            .offsets = offsets_.data(),
                            .padded_rows = padded_rows(),
                            .inner = inner_,
                            .padded_inner = padded_inner()};
    HWY_DYNAMIC_DISPATCH(multiply)(matrix, x, sums);
}

void PackedBytes::multiply(const ByteVectors& x, std::int32_t* sums) const noexcept {
#if HWY_ARCH_X86 && (HWY_TARGETS & HWY_AVX3)
    if (kMultipliesByQuads) {
        N_AVX3::multiply_by_quads({.panels = panels_.data(),
                                   .row_sums = row_sums_.data(),
                                   .zero_points = zero_points_.empty() ? nullptr : zero_points_.data(),
                                   .offsets = offsets_.data(),
                                   .padded_rows = padded_rows(),
                                   .inner = inner_,
                                   .padded_inner = padded_inner()},
                                  x, sums);
        return;
    }
#endif
    multiply_portably(x, sums);
}

}  // namespace sidetone::nn::native
#endif
