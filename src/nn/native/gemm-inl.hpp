// SPDX-License-Identifier: Apache-2.0

// Included once per target by files with vector kernels: the product of matrices of which the second is row-major, so
// that vectors lie along columns and every element of the first is used as one number in all lanes.
#if defined(SIDETONE_NN_NATIVE_GEMM) == defined(HWY_TARGET_TOGGLE)
#ifdef SIDETONE_NN_NATIVE_GEMM
#undef SIDETONE_NN_NATIVE_GEMM
#else
#define SIDETONE_NN_NATIVE_GEMM
#endif

#include <hwy/highway.h>

#include "nn/native/gemm.hpp"
#include "nn/native/vector_math-inl.hpp"

HWY_BEFORE_NAMESPACE();
namespace sidetone::nn::native::HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

/// What all tiles of a product share.
struct Product {
    Matrix a, b;
    std::size_t inner;
    const float* row_bias;
    const float* column_bias;
    float* out;
    std::size_t out_stride;
};

// A tile of kRows rows by kVectors vectors kept in registers. The last vector has `part` columns when that is not 0.
// Small tiles sum every fourth column apart, so that enough sums are under way to cover the latency of a fused
// multiply-add.
template <int kRows, int kVectors>
HWY_INLINE void multiply_tile(const Product& p, std::size_t row, std::size_t column, std::size_t part) {
    const Tag d;
    using V = hn::Vec<Tag>;
    const std::size_t lanes = hn::Lanes(d);
    const auto load = [&](const float* from, int v) HWY_ATTR {
        return part != 0 && v == kVectors - 1 ? load_part(d, from + static_cast<std::size_t>(v) * lanes, part)
                                              : hn::LoadU(d, from + static_cast<std::size_t>(v) * lanes);
    };
    constexpr int kSplits = kRows * kVectors <= 2 ? 4 : 1;
    V sums[kSplits][kRows][kVectors];
    for (int r = 0; r < kRows; ++r) {
        for (int v = 0; v < kVectors; ++v) {
            for (int s = 1; s < kSplits; ++s) sums[s][r][v] = hn::Zero(d);
            if (p.column_bias != nullptr) {
                sums[0][r][v] = load(p.column_bias + column, v);
            } else {
                sums[0][r][v] =
                    p.row_bias != nullptr ? hn::Set(d, p.row_bias[row + static_cast<std::size_t>(r)]) : hn::Zero(d);
            }
        }
    }
    const float* a = p.a.data + row * p.a.stride;
    const float* b = p.b.data + column;
    const auto add_column = [&](int s) HWY_ATTR {
        V columns[kVectors];
        for (int v = 0; v < kVectors; ++v) columns[v] = load(b, v);
        for (int r = 0; r < kRows; ++r) {
            const auto factor = hn::Set(d, a[static_cast<std::size_t>(r) * p.a.stride]);
            for (int v = 0; v < kVectors; ++v) sums[s][r][v] = hn::MulAdd(factor, columns[v], sums[s][r][v]);
        }
        ++a;
        b += p.b.stride;
    };
    std::size_t k = 0;
    for (; k + kSplits <= p.inner; k += kSplits) {
        for (int s = 0; s < kSplits; ++s) add_column(s);
    }
    for (; k < p.inner; ++k) add_column(0);
    for (int r = 0; r < kRows; ++r) {
        float* out = p.out + (row + static_cast<std::size_t>(r)) * p.out_stride + column;
        for (int v = 0; v < kVectors; ++v) {
            auto sum = sums[0][r][v];
            for (int s = 1; s < kSplits; ++s) sum = hn::Add(sum, sums[s][r][v]);
            float* to = out + static_cast<std::size_t>(v) * lanes;
            if (part != 0 && v == kVectors - 1) {
                store_part(sum, d, to, part);
            } else {
                hn::StoreU(sum, d, to);
            }
        }
    }
}

template <int kRows>
HWY_INLINE void multiply_rows(const Product& p, std::size_t row, std::size_t columns) {
    const std::size_t lanes = hn::Lanes(Tag{});
    constexpr int kWide = kRows == 1 ? 8 : kRows == 2 ? 4 : 2;
    std::size_t column = 0;
    for (; column + kWide * lanes <= columns; column += kWide * lanes) multiply_tile<kRows, kWide>(p, row, column, 0);
    for (; column + lanes <= columns; column += lanes) multiply_tile<kRows, 1>(p, row, column, 0);
    if (column < columns) multiply_tile<kRows, 1>(p, row, column, columns - column);
}

HWY_INLINE void multiply_matrices(const Product& p, std::size_t rows, std::size_t columns) {
    std::size_t row = 0;
    for (; row + 4 <= rows; row += 4) multiply_rows<4>(p, row, columns);
    for (; row + 2 <= rows; row += 2) multiply_rows<2>(p, row, columns);
    for (; row < rows; ++row) multiply_rows<1>(p, row, columns);
}

}  // namespace sidetone::nn::native::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
