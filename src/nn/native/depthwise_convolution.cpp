// SPDX-License-Identifier: Apache-2.0
#include "nn/native/depthwise_convolution.hpp"

#include <algorithm>

#include "dsp/vector_target.hpp"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "nn/native/depthwise_convolution.cpp"
#include <hwy/foreach_target.h>  // includes this file once per target
#include <hwy/highway.h>

#include "nn/native/activation-inl.hpp"
#include "nn/native/vector_math-inl.hpp"

HWY_BEFORE_NAMESPACE();
namespace sidetone::nn::native::HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

/// One row of outputs of one channel, or of all where they are one row.
struct DepthwiseRow {
    const DepthwisePlan& plan;
    std::size_t row;     // of the output
    const float* x;      // the channel's inputs
    std::size_t number;  // the first of its numbers in the tables
    std::size_t table;   // numbers in a table
    float* out;
};

// The tables' numbers for outputs from `m` on.
template <bool kOneRow>
HWY_INLINE hn::Vec<Tag> numbers(const float* table, std::size_t m) {
    if constexpr (kOneRow) return hn::LoadU(Tag{}, table + m);
    return hn::Set(Tag{}, *table);
}

template <bool kOneRow>
HWY_INLINE hn::Vec<Tag> bend(const DepthwiseRow& r, std::size_t m, hn::Vec<Tag> sum) {
    const Tag d;
    if (r.plan.activation == Activation::none) return sum;
    if (r.plan.activation == Activation::relu) return hn::Max(sum, hn::Zero(d));
    const auto slopes = numbers<kOneRow>(r.plan.slopes.data() + r.number, m);
    return hn::IfThenElse(hn::Lt(sum, hn::Zero(d)), hn::Mul(sum, slopes), sum);
}

// A vector of outputs from `m` on, all taps of which meet inputs.
template <int kStride, bool kOneRow>
HWY_INLINE hn::Vec<Tag> sum_taps(const DepthwiseRow& r, const DepthwisePlan::Phase& phase, std::size_t m) {
    const Tag d;
    auto sum = numbers<kOneRow>(r.plan.bias.data() + r.number, m);
    for (const auto& tap : phase.taps[r.row]) {
        const float* from = r.x + tap.row * r.plan.in + static_cast<std::ptrdiff_t>(kStride * m) + tap.offset;
        const auto weights = numbers<kOneRow>(r.plan.weights.data() + tap.weight * r.table + r.number, m);
        hn::Vec<Tag> inputs;
        if constexpr (kStride == 1) {
            inputs = hn::LoadU(d, from);
        } else {
            hn::Vec<Tag> between;
            hn::LoadInterleaved2(d, from, inputs, between);
        }
        // A weight of 0 may stand for padding: what lies there must not become NaN.
        if constexpr (kOneRow) inputs = hn::IfThenElseZero(hn::Ne(weights, hn::Zero(d)), inputs);
        sum = hn::MulAdd(weights, inputs, sum);
    }
    return bend<kOneRow>(r, m, sum);
}

template <int kStride, int kSpread, bool kOneRow>
HWY_INLINE void convolve_vector(const DepthwiseRow& r, std::size_t m) {
    const Tag d;
    const auto first = sum_taps<kStride, kOneRow>(r, r.plan.phases[0], m);
    if constexpr (kSpread == 1) {
        hn::StoreU(first, d, r.out + m);
    } else {
        hn::StoreInterleaved2(first, sum_taps<kStride, kOneRow>(r, r.plan.phases[1], m), d, r.out + 2 * m);
    }
}

// One output of every phase, at an edge.
HWY_INLINE void convolve_one(const DepthwiseRow& r, std::size_t m) {
    const auto& plan = r.plan;
    const auto number = r.number + (plan.is_one_row ? m : 0);
    for (std::size_t p = 0; p < plan.spread; ++p) {
        float sum = plan.bias[number];
        for (const auto& tap : plan.phases[p].taps[r.row]) {
            const auto at = static_cast<std::ptrdiff_t>(plan.stride * m) + tap.offset;
            const float weight = plan.weights[tap.weight * r.table + number];
            if (at < 0 || at >= static_cast<std::ptrdiff_t>(plan.in) || weight == 0) continue;
            sum += weight * r.x[tap.row * plan.in + static_cast<std::size_t>(at)];
        }
        // As a vector of one: a branch on the sum's sign would make the instructions depend on the sound.
        const hn::CappedTag<float, 1> one;
        const float slope = plan.activation == Activation::prelu ? plan.slopes[number] : 0.0F;
        hn::Store(activate(one, plan.activation, slope, hn::Set(one, sum)), one, r.out + plan.spread * m + p);
    }
}

template <int kStride, int kSpread, bool kOneRow>
HWY_INLINE void convolve_channels(const DepthwisePlan& plan, const float* x, float* out) {
    const auto lanes = hn::Lanes(Tag{});
    const auto table = plan.channels * plan.repeats;
    const auto rows = plan.is_one_row ? 1 : plan.channels;
    const auto first = std::min(plan.first_inside, plan.count);
    const auto end = std::max(first, std::min(plan.end_inside, plan.count));
    for (std::size_t i = 0; i < plan.batch * rows; ++i, x += plan.in_rows * plan.in) {
        for (std::size_t row = 0; row < plan.out_rows; ++row, out += plan.spread * plan.count) {
            const DepthwiseRow r{plan, row, x, i % rows, table, out};
            std::size_t m = 0;
            for (; m < first; ++m) convolve_one(r, m);
            for (; m + lanes <= end; m += lanes) convolve_vector<kStride, kSpread, kOneRow>(r, m);
            if (m < end && m >= first + lanes) {  // some outputs once more
                convolve_vector<kStride, kSpread, kOneRow>(r, end - lanes);
                m = end;
            }
            for (; m < plan.count; ++m) convolve_one(r, m);
        }
    }
}

void convolve_depthwise(const DepthwisePlan& plan, const float* x, float* out) {
    const auto run = [&]<int kStride, int kSpread>() HWY_ATTR {
        if (plan.is_one_row) return convolve_channels<kStride, kSpread, true>(plan, x, out);
        convolve_channels<kStride, kSpread, false>(plan, x, out);
    };
    if (plan.spread == 2) return run.template operator()<1, 2>();
    if (plan.stride == 2) return run.template operator()<2, 1>();
    run.template operator()<1, 1>();
}

}  // namespace sidetone::nn::native::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace sidetone::nn::native {
namespace {

constexpr std::size_t kShortRow = 2 * HWY_NAMESPACE::kMaxLanes;

// Whether the inputs of output m, of all channels end to end, are `stride` times m and the tap's offset on.
bool lies_end_to_end(const ConvolutionShape& shape) noexcept {
    const auto& width = shape.width;
    return shape.batch == 1 && shape.height.in == 1 && shape.height.out == 1 &&
           static_cast<std::size_t>(width.spread) * width.in == static_cast<std::size_t>(width.stride) * width.out;
}

std::size_t outputs_of_phase(const ConvolutionExtent& width) noexcept {
    return width.out / static_cast<std::size_t>(width.spread);
}

// The taps that meet an input's row, and those numbers of theirs that are no padding's.
void plan_taps(DepthwisePlan& plan, const ConvolutionShape& shape, std::span<const float> weights) {
    const auto& width = shape.width;
    plan.phases.resize(plan.spread);
    std::size_t rows = 0;  // of weights
    for (std::size_t p = 0; p < plan.spread; ++p) {
        auto& phase = plan.phases[p];
        phase.taps.resize(plan.out_rows);
        for (std::size_t kh = 0; kh < shape.height.taps; ++kh) {
            for (std::size_t kw = 0; kw < width.taps; ++kw) {
                const auto at =
                    static_cast<std::ptrdiff_t>(p) + static_cast<std::ptrdiff_t>(kw) * width.dilation - width.pad;
                if (at % width.spread != 0) continue;
                const auto offset = at / width.spread;
                for (std::size_t c = 0; c < plan.channels; ++c) {
                    const float weight = weights[(c * shape.height.taps + kh) * width.taps + kw];
                    for (std::size_t i = 0; i < plan.repeats; ++i) {
                        const bool is_inside = !plan.is_one_row || width.place(i * plan.spread + p, kw) >= 0;
                        plan.weights.push_back(is_inside ? weight : 0.0F);
                    }
                }
                for (std::size_t row = 0; row < plan.out_rows; ++row) {
                    const auto from = shape.height.place(row, kh);
                    if (from >= 0) phase.taps[row].push_back({static_cast<std::size_t>(from), offset, rows});
                }
                ++rows;
            }
        }
    }
}

// Which outputs read nothing outside their row, whole vectors and what a stride of 2 reads in between included.
void plan_inside(DepthwisePlan& plan) {
    std::ptrdiff_t first = 0;
    auto end = static_cast<std::ptrdiff_t>(plan.count);
    const auto stride = static_cast<std::ptrdiff_t>(plan.stride);
    const auto in = static_cast<std::ptrdiff_t>(plan.in);
    for (const auto& phase : plan.phases) {
        for (const auto& taps : phase.taps) {
            for (const auto& tap : taps) {
                first = std::max(first, (-tap.offset + stride - 1) / stride);
                const auto last = in - stride - tap.offset;  // the furthest input that `count` may lead to
                end = std::min(end, last < 0 ? 0 : last / stride + 1);
            }
        }
    }
    plan.first_inside = static_cast<std::size_t>(first);
    plan.end_inside = static_cast<std::size_t>(end);
}

}  // namespace

HWY_EXPORT(convolve_depthwise);

bool suits_depthwise(const ConvolutionShape& shape) noexcept {
    const auto& [batch, groups, inputs, outputs, height, width] = shape;
    if (inputs != 1 || outputs != 1 || height.spread != 1 || width.stride > 2 || width.spread > 2) return false;
    if (width.stride == 2 && width.spread == 2) return false;
    if (width.out % static_cast<std::size_t>(width.spread) != 0) return false;
    if (outputs_of_phase(width) >= kShortRow) return true;
    constexpr std::size_t kMostWeights = 1 << 16;  // one for every output is more than is worth reading
    return lies_end_to_end(shape) && shape.groups * shape.taps() <= kMostWeights / kShortRow;
}

DepthwisePlan plan_depthwise(const ConvolutionShape& shape, std::span<const float> weights,
                             std::span<const float> bias) {
    const auto& width = shape.width;
    const auto outputs = outputs_of_phase(width);
    DepthwisePlan plan;
    plan.is_one_row = outputs < kShortRow;
    plan.batch = shape.batch;
    plan.channels = shape.groups;
    plan.repeats = plan.is_one_row ? outputs : 1;
    plan.in_rows = shape.height.in;
    plan.out_rows = shape.height.out;
    plan.in = plan.is_one_row ? shape.groups * width.in : width.in;
    plan.count = plan.is_one_row ? shape.groups * outputs : outputs;
    plan.stride = static_cast<std::size_t>(width.stride);
    plan.spread = static_cast<std::size_t>(width.spread);
    plan.bias.resize(plan.channels * plan.repeats);
    for (std::size_t i = 0; i < plan.bias.size() && !bias.empty(); ++i) plan.bias[i] = bias[i / plan.repeats];
    plan_taps(plan, shape, weights);
    plan_inside(plan);
    return plan;
}

void append_epilogue(DepthwisePlan& plan, const Epilogue& epilogue) {
    const auto table = plan.channels * plan.repeats;
    const auto of = [&](const std::vector<float>& values, std::size_t i) {
        return values[values.size() == 1 ? 0 : i % table / plan.repeats];
    };
    if (!epilogue.scale.empty()) {
        for (std::size_t i = 0; i < plan.weights.size(); ++i) plan.weights[i] *= of(epilogue.scale, i);
    }
    for (std::size_t i = 0; i < table; ++i) {
        if (!epilogue.scale.empty()) plan.bias[i] *= of(epilogue.scale, i);
        if (!epilogue.shift.empty()) plan.bias[i] += of(epilogue.shift, i);
    }
    if (epilogue.slopes.empty()) return;
    const bool is_relu = epilogue.slopes == std::vector<float>{0.0F};
    plan.activation = is_relu ? Activation::relu : Activation::prelu;
    if (is_relu) return;
    for (std::size_t i = 0; i < table; ++i) plan.slopes.push_back(of(epilogue.slopes, i));
}

void run_depthwise(const DepthwisePlan& plan, const float* x, float* out) noexcept {
    HWY_DYNAMIC_DISPATCH(convolve_depthwise)(plan, x, out);
}

}  // namespace sidetone::nn::native
#endif
