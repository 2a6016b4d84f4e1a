// SPDX-License-Identifier: Apache-2.0

// Included once per target by files with vector kernels, after hwy/highway.h: products of the panels that a
// `PackedMatrix` has, of floats, of halves, or of integers of 24 bits.
#if defined(SIDETONE_NN_NATIVE_PANEL_PRODUCT) == defined(HWY_TARGET_TOGGLE)
#ifdef SIDETONE_NN_NATIVE_PANEL_PRODUCT
#undef SIDETONE_NN_NATIVE_PANEL_PRODUCT
#else
#define SIDETONE_NN_NATIVE_PANEL_PRODUCT
#endif

#include <hwy/highway.h>

#include <algorithm>
#include <cstdint>
#include <type_traits>

#include "nn/native/packed_matrix.hpp"
#include "nn/native/vector_math-inl.hpp"

HWY_BEFORE_NAMESPACE();
namespace sidetone::nn::native::HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

/// What the blocks of one panel share. `width` is the panel's rows with padding, `rows` those without.
template <class Weight>
struct Panel {
    const Weight* weights;
    const float* bias;
    const float* scales;  ///< of 24 bits: what a sum is multiplied by; else null
    std::size_t width, rows, inner;
};

/// Integers of 24 bits, each row with a scale. Four vectors of them lie in three of words: three in the words' upper
/// bytes, and the fourth one's bytes, from the first on, in their lowest ones. So they are read whole lines at a time
/// and need no shuffling.
struct Word24 {
    std::uint32_t bits;
};
constexpr int kGroup24 = 4;
template <class Weight>
constexpr bool kIsScaled = std::is_same_v<Weight, Word24>;

/// How many of what a panel is made of hold so many rows of a column.
template <class Weight>
constexpr std::size_t count_for(std::size_t rows) {
    return kIsScaled<Weight> ? rows / 4 * 3 : rows;
}

template <class Weight>
HWY_INLINE void prefetch_ahead(const Weight* from) {
    __builtin_prefetch(reinterpret_cast<const char*>(from) + PanelLayout::kPrefetchDistance, 0, 2);
}

HWY_INLINE hn::Vec<Tag> load_weights(const float* from) {
    return hn::LoadU(Tag{}, from);
}
HWY_INLINE hn::Vec<Tag> load_weights(const hwy::float16_t* from) {
    return hn::PromoteTo(Tag{}, hn::LoadU(hn::Rebind<hwy::float16_t, Tag>{}, from));
}

template <int kVectors, class Weight>
HWY_INLINE void load_column(const Weight* from, hn::Vec<Tag> (&column)[kVectors]) {
    const auto lanes = hn::Lanes(Tag{});
    for (int v = 0; v < kVectors; ++v, from += lanes) {
        prefetch_ahead(from);
        column[v] = load_weights(from);
    }
}

template <int kVectors>
HWY_INLINE void load_column(const Word24* from, hn::Vec<Tag> (&column)[kVectors]) {
    static_assert(kVectors == kGroup24);
    const Tag d;
    const hn::RebindToUnsigned<Tag> words;
    const auto lanes = hn::Lanes(d);
    const auto load = [&](std::size_t v) HWY_ATTR {
        prefetch_ahead(from + v * lanes);
        return hn::LoadU(words, reinterpret_cast<const std::uint32_t*>(from) + v * lanes);
    };
    const auto w0 = load(0);
    const auto w1 = load(1);
    const auto w2 = load(2);
    const auto upper = hn::Set(words, 0xFFFF'FF00U);
    const auto numbers = [&](auto word)
                             HWY_ATTR { return hn::ConvertTo(d, hn::BitCast(hn::RebindToSigned<Tag>{}, word)); };
    column[0] = numbers(hn::And(w0, upper));
    column[1] = numbers(hn::And(w1, upper));
    column[2] = numbers(hn::And(w2, upper));
    const auto second = hn::OrAnd(hn::ShiftLeft<24>(w0), hn::ShiftLeft<16>(w1), hn::Set(words, 0x00FF'0000U));
    column[3] = numbers(hn::OrAnd(second, hn::ShiftLeft<8>(w2), hn::Set(words, 0x0000'FF00U)));
}

// Stores rows [first, first + lanes) of one product, as far as the matrix has them.
template <class Weight>
HWY_INLINE void store_rows(hn::Vec<Tag> sums, std::size_t first, const Panel<Weight>& panel, const OutputVectors& out,
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
template <int kVectors, int kCount, int kSplits, class Weight>
HWY_INLINE void multiply_block(const Panel<Weight>& panel, std::size_t first, const float* x, std::size_t x_stride,
                               float* out, const OutputVectors& places) {
    const Tag d;
    using V = hn::Vec<Tag>;
    const auto lanes = hn::Lanes(d);
    V sums[kSplits][kCount][kVectors];
    for (int v = 0; v < kVectors; ++v) {
        const auto bias = hn::LoadU(d, panel.bias + first + static_cast<std::size_t>(v) * lanes);
        for (int n = 0; n < kCount; ++n) {
            sums[0][n][v] = kIsScaled<Weight> ? hn::Zero(d) : bias;
            for (int s = 1; s < kSplits; ++s) sums[s][n][v] = hn::Zero(d);
        }
    }
    const Weight* weights = panel.weights + count_for<Weight>(first);
    const auto add_column = [&](std::size_t k, int s) HWY_ATTR {
        V column[kVectors];
        load_column<kVectors>(weights, column);
        for (int n = 0; n < kCount; ++n) {
            const auto factor = hn::Set(d, x[static_cast<std::size_t>(n) * x_stride + k]);
            for (int v = 0; v < kVectors; ++v) sums[s][n][v] = hn::MulAdd(factor, column[v], sums[s][n][v]);
        }
        weights += count_for<Weight>(panel.width);
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
            if constexpr (kIsScaled<Weight>) {
                sum = hn::MulAdd(sum, hn::LoadU(d, panel.scales + row), hn::LoadU(d, panel.bias + row));
            }
            store_rows(sum, row, panel, places, out + static_cast<std::size_t>(n) * places.vector_step);
        }
    }
}

template <int kVectors, class Weight>
HWY_INLINE void multiply_vectors(const Panel<Weight>& panel, std::size_t first, const InputVectors& x,
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

/// What `PackedMatrix::multiply` says, with weights of any kind that `load_column` knows. Panels of 24 bits are whole.
template <class Weight>
HWY_INLINE void multiply_panels(const Weight* panels, const float* bias, std::size_t rows, std::size_t inner,
                                InputVectors x, OutputVectors out, const float* scales = nullptr) {
    constexpr std::size_t kBlock = kGroup24;
    const auto lanes = hn::Lanes(Tag{});
    for (std::size_t row = 0; row < rows; row += PanelLayout::kPanelRows) {
        const auto left = std::min(PanelLayout::kPanelRows, rows - row);
        const auto width = (left + PanelLayout::kRowGrain - 1) / PanelLayout::kRowGrain * PanelLayout::kRowGrain;
        const Panel<Weight> panel{panels + count_for<Weight>(row) * inner,
                                  bias + row,
                                  kIsScaled<Weight> ? scales + row : nullptr,
                                  width,
                                  left,
                                  inner};
        const OutputVectors part{out.data + row * out.row_step, out.row_step, out.vector_step};
        std::size_t first = 0;
        for (; first + kBlock * lanes <= width; first += kBlock * lanes) {
            multiply_vectors<kBlock>(panel, first, x, part);
        }
        if constexpr (!kIsScaled<Weight>) {
            for (; first + 2 * lanes <= width; first += 2 * lanes) multiply_vectors<2>(panel, first, x, part);
            for (; first + lanes <= width; first += lanes) multiply_vectors<1>(panel, first, x, part);
        }
    }
}

}  // namespace sidetone::nn::native::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
