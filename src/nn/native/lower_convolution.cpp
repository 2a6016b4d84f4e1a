// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <array>
#include <cstring>
#include <string>

#include "nn/native/gemm.hpp"
#include "nn/native/lowering.hpp"

namespace sidetone::nn::native {
namespace {

/// One spatial dimension.
struct Extent {
    std::size_t in = 1, out = 1, taps = 1;
    std::ptrdiff_t stride = 1, dilation = 1, pad = 0;
    std::ptrdiff_t spread = 1;  ///< zeros lie between the inputs so that they are this far apart (transposed strides)
};

/// Gathers what every tap sees into columns, then multiplies by the weights, group by group.
struct ConvolutionKernel {
    std::size_t batch, groups, group_inputs, group_outputs;
    Extent height, width;
    std::vector<float> weights;  // [groups][group_outputs][group_inputs·taps]
    std::vector<float> bias;     // one per output channel, or none
    bool is_pointwise;           // the input is already as its columns would be

    // Of a transposed one: every input meets every tap once.
    [[nodiscard]] std::uint64_t multiply_adds() const noexcept {
        const auto pixels = (height.spread > 1 ? height.in : height.out) * (width.spread > 1 ? width.in : width.out);
        return batch * pixels * weights.size();
    }
    [[nodiscard]] std::size_t weight_bytes() const noexcept { return (weights.size() + bias.size()) * sizeof(float); }

    void operator()(void* const* p) const noexcept {
        const auto* x = static_cast<const float*>(p[0]);
        auto* out = static_cast<float*>(p[1]);
        auto* columns = is_pointwise ? nullptr : static_cast<float*>(p[2]);
        const auto pixels = height.out * width.out;
        const auto inner = group_inputs * height.taps * width.taps;
        for (std::size_t i = 0; i < batch * groups; ++i) {
            const auto g = i % groups;
            if (!is_pointwise) gather(x, columns);
            multiply({weights.data() + g * group_outputs * inner, inner}, {is_pointwise ? x : columns, pixels},
                     group_outputs, pixels, inner, bias.empty() ? nullptr : bias.data() + g * group_outputs, nullptr,
                     out, pixels);
            x += group_inputs * height.in * width.in;
            out += group_outputs * pixels;
        }
    }

    void gather(const float* x, float* columns) const noexcept {
        for (std::size_t c = 0; c < group_inputs; ++c, x += height.in * width.in) {
            for (std::size_t kh = 0; kh < height.taps; ++kh) {
                for (std::size_t kw = 0; kw < width.taps; ++kw) {
                    for (std::size_t oh = 0; oh < height.out; ++oh, columns += width.out) {
                        const auto row = place(height, oh, kh);
                        if (row < 0) {
                            std::memset(columns, 0, width.out * sizeof(float));
                        } else {
                            gather_row(x + static_cast<std::size_t>(row) * width.in, kw, columns);
                        }
                    }
                }
            }
        }
    }

    // Where output `at` finds the input of `tap`; -1 where there is none.
    static std::ptrdiff_t place(const Extent& e, std::size_t at, std::size_t tap) noexcept {
        const auto spread =
            static_cast<std::ptrdiff_t>(at) * e.stride + static_cast<std::ptrdiff_t>(tap) * e.dilation - e.pad;
        if (spread < 0 || spread % e.spread != 0) return -1;
        const auto found = spread / e.spread;
        return found < static_cast<std::ptrdiff_t>(e.in) ? found : -1;
    }

    void gather_row(const float* x, std::size_t tap, float* columns) const noexcept {
        if (width.stride == 1 && width.spread == 1) {
            const auto shift = static_cast<std::ptrdiff_t>(tap) * width.dilation - width.pad;
            const auto out = static_cast<std::ptrdiff_t>(width.out);
            const auto first = std::clamp<std::ptrdiff_t>(-shift, 0, out);
            const auto last = std::clamp<std::ptrdiff_t>(static_cast<std::ptrdiff_t>(width.in) - shift, first, out);
            std::fill(columns, columns + first, 0.0F);
            std::copy(x + first + shift, x + last + shift, columns + first);
            std::fill(columns + last, columns + out, 0.0F);
            return;
        }
        for (std::size_t ow = 0; ow < width.out; ++ow) {
            const auto found = place(width, ow, tap);
            columns[ow] = found < 0 ? 0.0F : x[found];
        }
    }
};

struct Geometry {
    std::array<Extent, 2> extents;  // height, width; a signal in one dimension has a height of 1
    std::size_t spatial;
};

Geometry geometry_of(const NodeLowering& node, const Shape& x, const Shape& weights, bool transposed) {
    if (x.size() < 3 || x.size() > 4 || weights.size() != x.size() || elements_of(weights) == 0 ||
        elements_of(x) == 0) {
        node.refuse("shapes " + shape_text(x) + " and " + shape_text(weights) + " are not in the native executor");
    }
    const auto spatial = x.size() - 2;
    Geometry geometry{.extents = {}, .spatial = spatial};
    using Integers = std::vector<std::int64_t>;
    const auto strides = node.attribute_or("strides", Integers(spatial, 1));
    const auto dilations = node.attribute_or("dilations", Integers(spatial, 1));
    const auto extra = node.attribute_or("output_padding", Integers(spatial, 0));
    auto pads = node.attribute_or("pads", Integers(2 * spatial, 0));
    const auto automatic = node.attribute_or<std::string>("auto_pad", "NOTSET");
    if (automatic == "VALID") pads.assign(2 * spatial, 0);
    if ((automatic != "NOTSET" && automatic != "VALID") || node.attribute<Integers>("output_shape")) {
        node.refuse("automatic padding is not in the native executor");
    }
    if (strides.size() != spatial || dilations.size() != spatial || pads.size() != 2 * spatial ||
        extra.size() != spatial) {
        node.refuse("its attributes are not one for every dimension");
    }
    for (std::size_t i = 0; i < spatial; ++i) {
        constexpr std::int64_t kMost = 1 << 20;
        const auto bounded = [&](std::int64_t value, std::int64_t least) {
            if (value < least || value > kMost) node.refuse("an attribute is out of range");
            return static_cast<std::ptrdiff_t>(value);
        };
        auto& e = geometry.extents[i + 2 - spatial];
        e.in = static_cast<std::size_t>(x[i + 2]);
        e.taps = static_cast<std::size_t>(bounded(weights[i + 2], 1));
        e.dilation = bounded(dilations[i], 1);
        const auto stride = bounded(strides[i], 1);
        const auto before = bounded(pads[i], 0);
        const auto after = bounded(pads[i + spatial], 0);
        const auto reach = static_cast<std::ptrdiff_t>(e.taps - 1) * e.dilation;
        const auto in = static_cast<std::ptrdiff_t>(e.in);
        std::ptrdiff_t out = 0;
        if (transposed) {
            e.spread = stride;
            e.pad = reach - before;
            out = (in - 1) * stride + reach + 1 - before - after + bounded(extra[i], 0);
        } else {
            e.stride = stride;
            e.pad = before;
            out = in + before + after - reach - 1 < 0 ? 0 : (in + before + after - reach - 1) / stride + 1;
        }
        if (out <= 0) node.refuse("its output is empty");
        e.out = static_cast<std::size_t>(out);
    }
    return geometry;
}

// [inputs, outputs of a group, taps] with its taps turned round: a transposed convolution is one of the spread input.
std::vector<float> turned(std::span<const float> weights, const ConvolutionKernel& k) {
    const auto taps = k.height.taps * k.width.taps;
    std::vector<float> made(weights.size());
    for (std::size_t g = 0; g < k.groups; ++g) {
        for (std::size_t i = 0; i < k.group_inputs; ++i) {
            for (std::size_t o = 0; o < k.group_outputs; ++o) {
                const float* from = &weights[((g * k.group_inputs + i) * k.group_outputs + o) * taps];
                float* to = &made[((g * k.group_outputs + o) * k.group_inputs + i) * taps];
                std::reverse_copy(from, from + taps, to);
            }
        }
    }
    return made;
}

void lower(NodeLowering& node, bool transposed) {
    const auto x = node.input(0);
    node.require_type(x, DataType::f32);
    const auto shape = node.shape(x);
    const auto weights = node.constant<float>(1);
    const auto& weight_shape = node.shape(node.input(1));
    const auto geometry = geometry_of(node, shape, weight_shape, transposed);
    const auto groups = node.attribute_or<std::int64_t>("group", 1);
    const auto inputs = shape[1];
    const auto outputs = transposed ? weight_shape[1] * groups : weight_shape[0];
    if (groups < 1 || groups > inputs || inputs % groups != 0 || outputs % groups != 0 ||
        (transposed ? weight_shape[0] != inputs : weight_shape[1] * groups != inputs)) {
        node.refuse("its weights do not fit its channels");
    }
    ConvolutionKernel kernel{.batch = static_cast<std::size_t>(shape[0]),
                             .groups = static_cast<std::size_t>(groups),
                             .group_inputs = static_cast<std::size_t>(inputs / groups),
                             .group_outputs = static_cast<std::size_t>(outputs / groups),
                             .height = geometry.extents[0],
                             .width = geometry.extents[1],
                             .weights = {},
                             .bias = {},
                             .is_pointwise = true};
    kernel.weights = transposed ? turned(weights, kernel) : std::vector<float>(weights.begin(), weights.end());
    if (node.has_input(2)) {
        const auto bias = node.constant<float>(2);
        if (bias.size() != static_cast<std::size_t>(outputs)) node.refuse("its bias is not one per channel");
        kernel.bias.assign(bias.begin(), bias.end());
    }
    for (const auto& e : geometry.extents) {
        kernel.is_pointwise =
            kernel.is_pointwise && e.taps == 1 && e.stride == 1 && e.spread == 1 && e.pad == 0 && e.in == e.out;
    }
    Shape out_shape{shape[0], outputs};
    for (std::size_t i = 2 - geometry.spatial; i < 2; ++i) {
        out_shape.push_back(static_cast<std::int64_t>(geometry.extents[i].out));
    }
    std::vector<ValueId> writes{node.add_value(DataType::f32, out_shape)};
    if (!kernel.is_pointwise) {
        const auto size = [](std::size_t value) { return static_cast<std::int64_t>(value); };
        writes.push_back(
            node.add_value(DataType::f32, {size(kernel.group_inputs), size(kernel.height.taps * kernel.width.taps),
                                           size(kernel.height.out), size(kernel.width.out)}));
    }
    node.emit(std::move(kernel), {x}, writes);
    node.set_output(0, writes[0]);
}

void lower_convolution(NodeLowering& node) {
    lower(node, false);
}

void lower_transposed(NodeLowering& node) {
    lower(node, true);
}

constexpr Operator kOperators[] = {{"Conv", lower_convolution}, {"ConvTranspose", lower_transposed}};

}  // namespace

std::span<const Operator> convolution_operators() {
    return kOperators;
}

}  // namespace sidetone::nn::native
