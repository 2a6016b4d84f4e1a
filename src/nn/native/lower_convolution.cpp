// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <array>
#include <cstring>
#include <string>
#include <string_view>

#include "nn/native/depthwise_convolution.hpp"
#include "nn/native/direct_convolution.hpp"
#include "nn/native/lowering.hpp"
#include "nn/native/packed_matrix.hpp"
#include "nn/native/quantized_convolution.hpp"
#include "nn/native/zero_border.hpp"

namespace sidetone::nn::native {
namespace {

// Of a transposed one: every input meets every tap once.
std::uint64_t multiply_adds_of(const ConvolutionShape& shape) noexcept {
    const auto& [batch, groups, inputs, outputs, height, width] = shape;
    const auto pixels = (height.spread > 1 ? height.in : height.out) * (width.spread > 1 ? width.in : width.out);
    return batch * groups * inputs * outputs * pixels * shape.taps();
}

/// `kernel` with an epilogue, where it can do it: sums are scaled before they are bent, and bent once.
template <class Kernel>
std::optional<Kernel> with_epilogue(const Kernel& kernel, std::size_t channels, const Epilogue& epilogue) {
    if (epilogue.channels != Epilogue::Channels::second_axis || !epilogue.suits(channels) ||
        kernel.plan.activation != Activation::none) {
        return std::nullopt;
    }
    auto made = kernel;
    append_epilogue(made.plan, epilogue);
    return made;
}

struct DepthwiseKernel {
    DepthwisePlan plan;
    std::uint64_t multiplications;

    [[nodiscard]] std::uint64_t multiply_adds() const noexcept { return multiplications; }
    [[nodiscard]] std::size_t weight_bytes() const noexcept { return plan.bytes(); }
    [[nodiscard]] std::optional<DepthwiseKernel> with(const Epilogue& epilogue) const {
        return with_epilogue(*this, plan.channels, epilogue);
    }
    void operator()(void* const* p) const noexcept {
        run_depthwise(plan, static_cast<const float*>(p[0]), static_cast<float*>(p[1]));
    }
};

struct DirectKernel {
    ConvolutionPlan plan;

    [[nodiscard]] std::uint64_t multiply_adds() const noexcept { return multiply_adds_of(plan.shape); }
    [[nodiscard]] std::size_t weight_bytes() const noexcept { return plan.bytes(); }
    [[nodiscard]] std::optional<DirectKernel> with(const Epilogue& epilogue) const {
        return with_epilogue(*this, plan.shape.outputs(), epilogue);
    }
    void operator()(void* const* p) const noexcept {
        run_convolution(plan, static_cast<const float*>(p[0]), static_cast<float*>(p[1]), static_cast<float*>(p[2]));
    }
};

/// For many channels and few places: the input is turned so that channels are neighbours, and each output's window,
/// then in one piece, multiplied by packed weights.
struct WindowKernel {
    ConvolutionShape shape;             // of height 1
    std::vector<PackedMatrix> weights;  // one per group, its inner elements [taps, inputs]
    bool is_in_place;                   // windows already lie in one piece

    [[nodiscard]] std::uint64_t multiply_adds() const noexcept {
        return shape.batch * shape.outputs() * shape.width.out * shape.group_inputs * shape.width.taps;
    }
    [[nodiscard]] std::size_t weight_bytes() const noexcept {
        std::size_t bytes = 0;
        for (const auto& matrix : weights) bytes += matrix.bytes();
        return bytes;
    }
    [[nodiscard]] std::string_view weight_type() const noexcept { return weights[0].weight_type(); }
    [[nodiscard]] std::size_t vectors() const noexcept { return shape.width.out; }
    void round_weights() {
        for (auto& matrix : weights) matrix.round_weights();
    }
    void operator()(void* const* p) const noexcept {
        const auto* x = static_cast<const float*>(p[0]);
        auto* out = static_cast<float*>(p[1]);
        auto* turned = static_cast<float*>(p[2]);
        const auto& width = shape.width;
        const auto stride = static_cast<std::size_t>(width.stride) * shape.group_inputs;
        for (std::size_t i = 0; i < shape.batch * shape.groups; ++i) {
            if (!is_in_place) turn(x, turned);
            weights[i % shape.groups].multiply({is_in_place ? x : turned, stride, width.out}, {out, width.out, 1});
            x += shape.group_inputs * width.in;
            out += shape.group_outputs * width.out;
        }
    }

    // How many places the windows cover, padding included.
    [[nodiscard]] std::size_t covered() const noexcept {
        return (shape.width.out - 1) * static_cast<std::size_t>(shape.width.stride) + shape.width.taps;
    }

    void turn(const float* x, float* turned) const noexcept {
        const auto lead = static_cast<std::size_t>(shape.width.pad);
        const auto channels = shape.group_inputs;
        std::memset(turned, 0, covered() * channels * sizeof(float));
        const auto last = std::min(shape.width.in, covered() - std::min(lead, covered()));
        for (std::size_t c = 0; c < channels; ++c, x += shape.width.in) {
            for (std::size_t i = 0; i < last; ++i) turned[(lead + i) * channels + c] = x[i];
        }
    }
};

struct Geometry {
    std::array<ConvolutionExtent, 2> extents;  // height, width; a signal in one dimension has a height of 1
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
    const bool is_same = automatic == "SAME_UPPER" || automatic == "SAME_LOWER";
    if (automatic != "NOTSET" && automatic != "VALID" && !is_same) {
        node.refuse("auto_pad \"" + one_line(automatic) + "\" is none");
    }
    // Of a transposed one; some files give batch and channels, too.
    const auto wanted = node.attribute_or("output_shape", Integers{});
    if (!wanted.empty() && wanted.size() != spatial && wanted.size() != x.size()) {
        node.refuse("its output_shape is not one number for every dimension");
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
        auto before = bounded(pads[i], 0);
        auto after = bounded(pads[i + spatial], 0);
        const auto reach = static_cast<std::ptrdiff_t>(e.taps - 1) * e.dilation;
        const auto in = static_cast<std::ptrdiff_t>(e.in);
        if (is_same && !transposed) {
            // As many outputs as strides fit into the input; what is odd goes to one side.
            const auto all = std::max<std::ptrdiff_t>(((in + stride - 1) / stride - 1) * stride + reach + 1 - in, 0);
            before = automatic == "SAME_LOWER" ? (all + 1) / 2 : all / 2;
            after = all - before;
        }
        std::ptrdiff_t out = 0;
        if (transposed) {
            e.spread = stride;
            out = (in - 1) * stride + reach + 1 + bounded(extra[i], 0);
            if (!wanted.empty() || is_same) {
                const auto given =
                    wanted.empty() ? std::min(in * stride, out) : bounded(wanted[wanted.size() - spatial + i], 1);
                const auto all = std::max<std::ptrdiff_t>(out - given, 0);
                before = automatic == "SAME_UPPER" ? all / 2 : (all + 1) / 2;
                out = given;
            } else {
                out -= before + after;
            }
            e.pad = reach - before;
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
std::vector<float> turned(std::span<const float> weights, const ConvolutionShape& shape) {
    const auto taps = shape.taps();
    std::vector<float> made(weights.size());
    for (std::size_t g = 0; g < shape.groups; ++g) {
        for (std::size_t i = 0; i < shape.group_inputs; ++i) {
            for (std::size_t o = 0; o < shape.group_outputs; ++o) {
                const float* from = &weights[((g * shape.group_inputs + i) * shape.group_outputs + o) * taps];
                float* to = &made[((g * shape.group_outputs + o) * shape.group_inputs + i) * taps];
                std::reverse_copy(from, from + taps, to);
            }
        }
    }
    return made;
}

bool is_trivial(const ConvolutionExtent& e) {
    return e.in == 1 && e.out == 1 && e.taps == 1 && e.pad == 0;
}

bool is_pointwise(const ConvolutionExtent& e) {
    return e.taps == 1 && e.stride == 1 && e.spread == 1 && e.pad == 0 && e.in == e.out;
}

// Few places leave most lanes of a vector along the width without work; many outputs fill one.
bool suits_windows(const ConvolutionShape& shape) {
    return is_trivial(shape.height) && shape.width.spread == 1 &&
           (shape.width.dilation == 1 || shape.width.taps == 1) && shape.width.out <= 8 &&
           shape.group_outputs >= PanelLayout::kRowGrain &&
           PackedMatrix::fits(shape.group_outputs, shape.group_inputs * shape.width.taps);
}

WindowKernel window_kernel(const ConvolutionShape& shape, std::span<const float> weights, std::span<const float> bias) {
    WindowKernel kernel{.shape = shape, .weights = {}, .is_in_place = false};
    const auto inner = shape.group_inputs * shape.width.taps;
    for (std::size_t g = 0; g < shape.groups; ++g) {
        const auto own = weights.subspan(g * shape.group_outputs * inner);
        const auto own_bias = bias.empty() ? bias : bias.subspan(g * shape.group_outputs, shape.group_outputs);
        kernel.weights.emplace_back(shape.group_outputs, inner, own_bias, [&](std::size_t row, std::size_t k) {
            const auto tap = k / shape.group_inputs;
            const auto input = k % shape.group_inputs;
            return own[row * inner + input * shape.width.taps + tap];
        });
    }
    const bool is_whole = shape.width.pad == 0 && kernel.covered() <= shape.width.in;
    kernel.is_in_place = is_whole && (shape.group_inputs == 1 || shape.width.in == 1);
    return kernel;
}

// Where a Pad comes before, the convolution pads itself: `x` and the geometry become those of what was padded.
void absorb_padding(const NodeLowering& node, ValueId& x, Geometry& geometry) {
    const auto border = zero_border(node, x);
    if (!border) return;
    const auto empty = [](const Border& b) { return b.before == 0 && b.after == 0; };
    if (!empty(border->borders[0]) || !empty(border->borders[1])) return;
    for (std::size_t i = 0; i < geometry.spatial; ++i) {
        auto& e = geometry.extents[i + 2 - geometry.spatial];
        e.in = static_cast<std::size_t>(node.shape(border->inside)[i + 2]);
        e.pad += static_cast<std::ptrdiff_t>(border->borders[i + 2].before);
    }
    x = border->inside;
}

ValueId add_scratch(NodeLowering& node, std::size_t elements) {
    return node.add_value(DataType::f32, {static_cast<std::int64_t>(elements)});
}

// Tables are made for every place and tap: what a file claims is bounded before they are.
void check_tables(const NodeLowering& node, const ConvolutionShape& shape) {
    constexpr std::size_t kMost = std::size_t{1} << 24;
    const auto phases = std::min(static_cast<std::size_t>(shape.width.spread), shape.width.out);
    if (shape.height.out > kMost / shape.height.taps || phases > kMost / shape.width.taps) {
        node.refuse("its window is beyond the limits");
    }
}

void lower(NodeLowering& node, bool transposed) {
    auto x = node.input(0);
    node.require_type(x, DataType::f32);
    const auto x_shape = node.shape(x);
    const auto given = node.constant<float>(1);
    const auto& weight_shape = node.shape(node.input(1));
    auto geometry = geometry_of(node, x_shape, weight_shape, transposed);
    if (!transposed) absorb_padding(node, x, geometry);
    const auto groups = node.attribute_or<std::int64_t>("group", 1);
    const auto inputs = x_shape[1];
    const auto outputs = transposed ? weight_shape[1] * groups : weight_shape[0];
    if (groups < 1 || groups > inputs || inputs % groups != 0 || outputs % groups != 0 ||
        (transposed ? weight_shape[0] != inputs : weight_shape[1] * groups != inputs)) {
        node.refuse("its weights do not fit its channels");
    }
    ConvolutionShape shape{.batch = static_cast<std::size_t>(x_shape[0]),
                           .groups = static_cast<std::size_t>(groups),
                           .group_inputs = static_cast<std::size_t>(inputs / groups),
                           .group_outputs = static_cast<std::size_t>(outputs / groups),
                           .height = geometry.extents[0],
                           .width = geometry.extents[1]};
    Shape out_shape{x_shape[0], outputs};
    for (std::size_t i = 2 - geometry.spatial; i < 2; ++i) {
        out_shape.push_back(static_cast<std::int64_t>(geometry.extents[i].out));
    }
    const auto weights = transposed ? turned(given, shape) : std::vector<float>(given.begin(), given.end());
    const auto bias = node.has_input(2) ? node.constant<float>(2) : std::span<const float>{};
    if (node.has_input(2) && bias.size() != shape.outputs()) node.refuse("its bias is not one per channel");
    // A signal that lies along the height is one that lies along the width, and so are all places of single taps.
    if (is_trivial(shape.width)) std::swap(shape.width, shape.height);
    if (is_pointwise(shape.width) && is_pointwise(shape.height)) {
        shape.width.in = shape.width.out = shape.height.in * shape.width.in;
        shape.height = {};
    }
    const auto out = node.add_value(DataType::f32, out_shape);
    if (suits_windows(shape)) {
        auto kernel = window_kernel(shape, weights, bias);
        const auto scratch = add_scratch(node, kernel.is_in_place ? 0 : kernel.covered() * shape.group_inputs);
        node.emit(std::move(kernel), {x}, {out, scratch});
    } else if (check_tables(node, shape); suits_depthwise(shape)) {
        node.emit(DepthwiseKernel{plan_depthwise(shape, weights, bias), multiply_adds_of(shape)}, {x}, {out});
    } else {
        auto plan = plan_convolution(shape, weights, bias);
        const auto scratch = add_scratch(node, plan.scratch_elements());
        node.emit(DirectKernel{std::move(plan)}, {x}, {out, scratch});
    }
    node.set_output(0, out);
}

void lower_convolution(NodeLowering& node) {
    if (lower_dequantized_convolution(node)) return;
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
