// SPDX-License-Identifier: Apache-2.0
#include "nn/native/direct_convolution.hpp"

#include <algorithm>
#include <utility>

#include "dsp/vector_target.hpp"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "nn/native/direct_convolution.cpp"
#include <hwy/foreach_target.h>  // includes this file once per target
#include <hwy/highway.h>

#include "nn/native/activation-inl.hpp"

HWY_BEFORE_NAMESPACE();
namespace sidetone::nn::native::HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

/// The part of a run that makes one row of a block of outputs in one phase.
struct RowJob {
    const ConvolutionPlan& plan;
    const ConvolutionPlan::Phase& phase;
    const float* rows;  // the first input of the group
    std::size_t channel_stride, row_stride;
    const std::ptrdiff_t* places;  // one per tap of height
    const float* weights;
    std::size_t output;     // the first of the block
    float* out;             // its row
    std::size_t out_plane;  // from one output to the next
};

template <int kOutputs, int kVectors>
using Sums = hn::Vec<Tag>[kOutputs][kVectors];

// Adds what one tap sees. The last vector has `part` columns when that is not 0.
template <int kOutputs, int kVectors>
HWY_INLINE void add_tap(const float* x, const float* weights, std::size_t part, Sums<kOutputs, kVectors>& sums) {
    const Tag d;
    hn::Vec<Tag> inputs[kVectors];
    for (int v = 0; v < kVectors; ++v) {
        const float* from = x + static_cast<std::size_t>(v) * hn::Lanes(d);
        inputs[v] = part != 0 && v == kVectors - 1 ? load_part(d, from, part) : hn::LoadU(d, from);
    }
    for (int o = 0; o < kOutputs; ++o) {
        const auto weight = hn::Set(d, weights[o]);
        for (int v = 0; v < kVectors; ++v) sums[o][v] = hn::MulAdd(weight, inputs[v], sums[o][v]);
    }
}

template <int kOutputs, int kVectors>
HWY_INLINE void add_taps(const RowJob& job, std::size_t column, std::size_t part, Sums<kOutputs, kVectors>& sums) {
    const auto inputs = job.plan.shape.group_inputs;
    const auto heights = job.plan.shape.height.taps;
    const auto taps = job.phase.offsets.size();
    const std::size_t* offsets = job.phase.offsets.data();
    const float* weights = job.weights;
    const float* channel = job.rows + column;
    if (heights == 1 && taps == 1 && job.places[0] >= 0) {
        channel += static_cast<std::size_t>(job.places[0]) * job.row_stride + offsets[0];
        for (std::size_t c = 0; c < inputs; ++c, channel += job.channel_stride, weights += kOutputs) {
            add_tap<kOutputs, kVectors>(channel, weights, part, sums);
        }
        return;
    }
    for (std::size_t c = 0; c < inputs; ++c, channel += job.channel_stride) {
        for (std::size_t kh = 0; kh < heights; ++kh, weights += taps * kOutputs) {
            if (job.places[kh] < 0) continue;
            const float* row = channel + static_cast<std::size_t>(job.places[kh]) * job.row_stride;
            for (std::size_t t = 0; t < taps; ++t) {
                add_tap<kOutputs, kVectors>(row + offsets[t], weights + t * kOutputs, part, sums);
            }
        }
    }
}

// kOutputs outputs, kVectors vectors from `column` on, the last of `part` columns when that is not 0.
template <int kOutputs, int kVectors>
HWY_INLINE void convolve_tile(const RowJob& job, std::size_t column, std::size_t part) {
    const Tag d;
    Sums<kOutputs, kVectors> sums;
    for (int o = 0; o < kOutputs; ++o) {
        const auto bias = hn::Set(d, job.plan.bias[job.output + static_cast<std::size_t>(o)]);
        for (int v = 0; v < kVectors; ++v) sums[o][v] = bias;
    }
    // Rows in the scratch have room behind them; of those in place no more than their own is read.
    add_taps<kOutputs, kVectors>(job, column, job.plan.rows.are_in_place ? part : 0, sums);
    for (int o = 0; o < kOutputs; ++o) {
        const auto output = job.output + static_cast<std::size_t>(o);
        const float slope = job.plan.slopes.empty() ? 0.0F : job.plan.slopes[output];
        float* out = job.out + static_cast<std::size_t>(o) * job.out_plane + column;
        for (int v = 0; v < kVectors; ++v) {
            float* to = out + static_cast<std::size_t>(v) * hn::Lanes(d);
            const auto value = activate(d, job.plan.activation, slope, sums[o][v]);
            if (part != 0 && v == kVectors - 1) {
                store_part(value, d, to, part);
            } else {
                hn::StoreU(value, d, to);
            }
        }
    }
}

template <int kOutputs>
HWY_INLINE void convolve_row(const RowJob& job) {
    const auto lanes = hn::Lanes(Tag{});
    const auto count = job.phase.count;
    std::size_t column = 0;
    // The last vectors may be part of one: three at once suit widths just above two whole ones.
    while (column < count) {
        const auto left = count - column;
        const auto part = left % lanes;
        const auto vectors = (left + lanes - 1) / lanes;
        if (vectors >= 3 && vectors != 4) {
            convolve_tile<kOutputs, 3>(job, column, vectors == 3 ? part : 0);
            column += 3 * lanes;
        } else if (vectors >= 2) {
            convolve_tile<kOutputs, 2>(job, column, vectors == 2 ? part : 0);
            column += 2 * lanes;
        } else {
            convolve_tile<kOutputs, 1>(job, column, part);
            column += lanes;
        }
    }
}

HWY_INLINE void clear(float* to, std::size_t count) {
    std::fill_n(to, count, 0.0F);
}

// The usual stride: even inputs into one part, odd ones into the other, behind as many zeros as there are.
HWY_INLINE void split_in_two(const ConvolutionPlan::Rows& rows, const float* x, std::size_t in, float* to) {
    const Tag d;
    const auto lanes = hn::Lanes(d);
    for (std::size_t i = 0; i < rows.stride(); i += lanes) hn::StoreU(hn::Zero(d), d, to + i);
    float* even = to + rows.lead % 2 * rows.split_elements + rows.lead / 2;
    float* odd = to + (rows.lead + 1) % 2 * rows.split_elements + (rows.lead + 1) / 2;
    std::size_t i = 0;
    for (; 2 * (i + lanes) <= in; i += lanes) {
        hn::Vec<Tag> first;
        hn::Vec<Tag> second;
        hn::LoadInterleaved2(d, x + 2 * i, first, second);
        hn::StoreU(first, d, even + i);
        hn::StoreU(second, d, odd + i);
    }
    for (; 2 * i + 1 < in; ++i) {
        even[i] = x[2 * i];
        odd[i] = x[2 * i + 1];
    }
    if (2 * i < in) even[i] = x[2 * i];
}

// A row with its padding, split by the stride.
HWY_INLINE void copy_row(const ConvolutionPlan& plan, const float* x, float* to) {
    const auto& rows = plan.rows;
    const auto in = plan.shape.width.in;
    if (rows.splits == 1) {
        const Tag d;
        const auto lanes = hn::Lanes(d);
        for (std::size_t i = 0; i < rows.split_elements; i += lanes) hn::StoreU(hn::Zero(d), d, to + i);
        to += rows.lead;
        std::size_t i = 0;
        for (; i + lanes <= in; i += lanes) hn::StoreU(hn::LoadU(d, x + i), d, to + i);
        if (i < in) store_part(load_part(d, x + i, in - i), d, to + i, in - i);
        return;
    }
    if (rows.splits == 2) return split_in_two(rows, x, in, to);
    const auto splits = rows.splits;
    for (std::size_t s = 0; s < splits; ++s, to += rows.split_elements) {
        // The first input of this part, and where it goes.
        const auto first = (s + splits - rows.lead % splits) % splits;
        const auto at = (first + rows.lead) / splits;
        const auto count = in > first ? (in - first + splits - 1) / splits : 0;
        clear(to, at);
        for (std::size_t i = 0; i < count; ++i) to[at + i] = x[first + splits * i];
        clear(to + at + count, rows.split_elements - at - count);
    }
}

// Phases lie one after the other in `from`, each with room for `stride` elements.
HWY_INLINE void interleave(const ConvolutionPlan& plan, const float* from, std::size_t stride, float* out) {
    if (plan.phases.size() == 2) {
        const Tag d;
        const auto lanes = hn::Lanes(d);
        const auto whole = plan.phases[1].count;
        std::size_t i = 0;
        for (; i + lanes <= whole; i += lanes) {
            hn::StoreInterleaved2(hn::LoadU(d, from + i), hn::LoadU(d, from + stride + i), d, out + 2 * i);
        }
        for (; i < whole; ++i) {
            out[2 * i] = from[i];
            out[2 * i + 1] = from[stride + i];
        }
        if (plan.phases[0].count > whole) out[2 * whole] = from[whole];
        return;
    }
    for (const auto& phase : plan.phases) {
        for (std::size_t i = 0; i < phase.count; ++i) out[phase.first + i * phase.step] = from[i];
        from += stride;
    }
}

template <int kOutputs>
HWY_INLINE const float* convolve_block(const ConvolutionPlan& plan, RowJob job, float* phases_out) {
    const auto& shape = plan.shape;
    const auto plane = shape.height.out * shape.width.out;
    float* out = job.out;
    const auto phase_stride = plan.phases[0].count;
    const float* weights = job.weights;
    for (std::size_t oh = 0; oh < shape.height.out; ++oh, out += shape.width.out) {
        const auto* places = plan.places.data() + oh * shape.height.taps;
        weights = job.weights;
        for (std::size_t i = 0; i < plan.phases.size(); ++i) {
            const auto& phase = plan.phases[i];
            const bool is_whole = plan.phases.size() == 1;
            convolve_row<kOutputs>({plan, phase, job.rows, job.channel_stride, job.row_stride, places, weights,
                                    job.output, is_whole ? out : phases_out + i * phase_stride,
                                    is_whole ? plane : plan.phases.size() * phase_stride});
            weights += shape.group_inputs * shape.height.taps * phase.taps.size() * kOutputs;
        }
        if (plan.phases.size() == 1) continue;
        for (std::size_t o = 0; o < kOutputs; ++o) {
            interleave(plan, phases_out + o * plan.phases.size() * phase_stride, phase_stride, out + o * plane);
        }
    }
    return weights;
}

void convolve(const ConvolutionPlan& plan, const float* x, float* out, float* scratch) {
    const auto& shape = plan.shape;
    const auto plane = shape.height.out * shape.width.out;
    const auto in_rows = shape.inputs() * shape.height.in;
    const auto row_stride = plan.rows.are_in_place ? shape.width.in : plan.rows.stride();
    const auto channel_stride = shape.height.in * row_stride;
    float* phases_out = plan.rows.are_in_place ? scratch : scratch + in_rows * row_stride;
    for (std::size_t b = 0; b < shape.batch; ++b, x += in_rows * shape.width.in, out += shape.outputs() * plane) {
        const float* rows = x;
        if (!plan.rows.are_in_place) {
            for (std::size_t c = 0; c < shape.inputs(); ++c) {
                for (const auto row : plan.rows.used) {
                    const auto r = c * shape.height.in + row;
                    copy_row(plan, x + r * shape.width.in, scratch + r * row_stride);
                }
            }
            rows = scratch;
        }
        const float* weights = plan.weights.data();
        for (std::size_t g = 0; g < shape.groups; ++g, rows += shape.group_inputs * channel_stride) {
            std::size_t o = 0;
            const auto job = [&] {
                const auto output = g * shape.group_outputs + o;
                return RowJob{plan,    plan.phases[0], rows,   channel_stride,       row_stride,
                              nullptr, weights,        output, out + output * plane, plane};
            };
            for (; o + 4 <= shape.group_outputs; o += 4) weights = convolve_block<4>(plan, job(), phases_out);
            for (; o + 2 <= shape.group_outputs; o += 2) weights = convolve_block<2>(plan, job(), phases_out);
            for (; o < shape.group_outputs; ++o) weights = convolve_block<1>(plan, job(), phases_out);
        }
    }
}

}  // namespace sidetone::nn::native::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace sidetone::nn::native {
namespace {

constexpr std::size_t kMaxLanes = HWY_NAMESPACE::kMaxLanes;

std::size_t rounded(std::size_t count) {
    return (count + kMaxLanes - 1) / kMaxLanes * kMaxLanes;
}

// Output m of a phase finds the input of a tap m places behind the tap's offset: into the split rows of a convolution
// with a stride, into the plain row of a transposed one.
void plan_width(ConvolutionPlan& plan) {
    const auto& width = plan.shape.width;
    auto& rows = plan.rows;
    const auto spread = static_cast<std::size_t>(width.spread);
    rows.splits = static_cast<std::size_t>(width.stride);
    struct Found {
        std::size_t phase, tap;
        std::ptrdiff_t input;
    };
    std::vector<Found> found;
    std::ptrdiff_t lead = 0;
    for (std::size_t p = 0; p < std::min(spread, width.out); ++p) {
        plan.phases.push_back({.first = p, .step = spread, .count = (width.out - p + spread - 1) / spread});
        for (std::size_t tap = 0; tap < width.taps; ++tap) {
            const auto at =
                static_cast<std::ptrdiff_t>(p) + static_cast<std::ptrdiff_t>(tap) * width.dilation - width.pad;
            if (at % width.spread != 0) continue;
            found.push_back({p, tap, at / width.spread});
            lead = std::max(lead, -at / width.spread);
        }
    }
    rows.lead = static_cast<std::size_t>(lead);
    std::size_t furthest = 0;
    for (const auto& [p, tap, input] : found) {
        const auto place = static_cast<std::size_t>(input + lead);
        furthest = std::max(furthest, place / rows.splits);
        plan.phases[p].taps.push_back(tap);
        plan.phases[p].offsets.push_back(place);
    }
    const auto held = (rows.lead + width.in + rows.splits - 1) / rows.splits;
    rows.split_elements = rounded(std::max(furthest + rounded(plan.phases[0].count), held));
    for (auto& phase : plan.phases) {
        for (auto& offset : phase.offsets) {
            offset = offset % rows.splits * rows.split_elements + offset / rows.splits;
        }
    }
    // No padding, and no output that reads behind its row.
    rows.are_in_place = rows.splits == 1 && spread == 1 && lead == 0 && furthest + width.out <= width.in;
}

// Calls `visit(output, row, tap)` for all weights in the order in which they are packed; a row is an input and a tap of
// the height.
template <class Visit>
void for_each_weight(const ConvolutionPlan& plan, const Visit& visit) {
    const auto& shape = plan.shape;
    for (std::size_t g = 0; g < shape.groups; ++g) {
        for (std::size_t o = 0; o < shape.group_outputs;) {
            const auto left = shape.group_outputs - o;
            const auto block = left >= ConvolutionPlan::kOutputBlock ? ConvolutionPlan::kOutputBlock
                               : left >= 2                           ? 2U
                                                                     : 1U;
            for (const auto& phase : plan.phases) {
                for (std::size_t row = 0; row < shape.group_inputs * shape.height.taps; ++row) {
                    for (const auto tap : phase.taps) {
                        for (std::size_t i = 0; i < block; ++i) visit(g * shape.group_outputs + o + i, row, tap);
                    }
                }
            }
            o += block;
        }
    }
}

void pack(ConvolutionPlan& plan, std::span<const float> weights) {
    const auto& shape = plan.shape;
    for_each_weight(plan, [&](std::size_t output, std::size_t row, std::size_t tap) {
        const auto at = (output * shape.group_inputs * shape.height.taps + row) * shape.width.taps + tap;
        plan.weights.push_back(weights[at]);
    });
}

}  // namespace

HWY_EXPORT(convolve);

std::size_t ConvolutionPlan::scratch_elements() const noexcept {
    const auto copied = rows.are_in_place ? 0 : shape.inputs() * shape.height.in * rows.stride();
    return copied + (phases.size() > 1 ? kOutputBlock * phases.size() * phases[0].count : 0);
}

ConvolutionPlan plan_convolution(const ConvolutionShape& shape, std::span<const float> weights,
                                 std::span<const float> bias, Activation activation, std::span<const float> slopes) {
    ConvolutionPlan plan{.shape = shape,
                         .places = {},
                         .phases = {},
                         .rows = {},
                         .weights = {},
                         .bias = {bias.begin(), bias.end()},
                         .slopes = {slopes.begin(), slopes.end()},
                         .activation = activation};
    plan.bias.resize(shape.outputs(), 0.0F);
    for (std::size_t oh = 0; oh < shape.height.out; ++oh) {
        for (std::size_t kh = 0; kh < shape.height.taps; ++kh) plan.places.push_back(shape.height.place(oh, kh));
    }
    std::vector<bool> is_used(shape.height.in);
    for (const auto place : plan.places) {
        if (place >= 0) is_used[static_cast<std::size_t>(place)] = true;
    }
    for (std::size_t row = 0; row < is_used.size(); ++row) {
        if (is_used[row]) plan.rows.used.push_back(row);
    }
    plan_width(plan);
    pack(plan, weights);
    return plan;
}

void append_epilogue(ConvolutionPlan& plan, const Epilogue& epilogue) {
    const auto of = [](const std::vector<float>& values, std::size_t output) {
        return values[values.size() == 1 ? 0 : output];
    };
    if (!epilogue.scale.empty()) {
        std::size_t at = 0;
        for_each_weight(plan, [&](std::size_t output, std::size_t, std::size_t) {
            plan.weights[at++] *= of(epilogue.scale, output);
        });
    }
    for (std::size_t o = 0; o < plan.bias.size(); ++o) {
        if (!epilogue.scale.empty()) plan.bias[o] *= of(epilogue.scale, o);
        if (!epilogue.shift.empty()) plan.bias[o] += of(epilogue.shift, o);
    }
    if (epilogue.slopes.empty()) return;
    const bool is_relu = epilogue.slopes == std::vector<float>{0.0F};
    plan.activation = is_relu ? Activation::relu : Activation::prelu;
    for (std::size_t o = 0; o < plan.bias.size(); ++o) plan.slopes.push_back(of(epilogue.slopes, o));
}

void run_convolution(const ConvolutionPlan& plan, const float* x, float* out, float* scratch) noexcept {
    HWY_DYNAMIC_DISPATCH(convolve)(plan, x, out, scratch);
}

}  // namespace sidetone::nn::native
#endif
