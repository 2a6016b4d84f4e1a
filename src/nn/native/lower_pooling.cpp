// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <limits>
#include <string>

#include "nn/native/lowering.hpp"
#include "nn/native/window_geometry.hpp"

namespace sidetone::nn::native {
namespace {

enum class Pooling : std::uint8_t { maximum, mean };

/// Tap by tap, so that the innermost loop runs along a row without asking where the input ends.
struct PoolingKernel {
    Pooling kind;
    std::size_t planes;
    WindowGeometry window;
    std::vector<float> shares;  // mean: 1 / taps that count, for every output of a plane

    [[nodiscard]] std::uint64_t multiply_adds() const noexcept {
        std::uint64_t count = planes;
        for (const auto& e : window) count *= static_cast<std::uint64_t>(e.out * e.taps);
        return count;
    }
    [[nodiscard]] std::size_t weight_bytes() const noexcept { return shares.size() * sizeof(float); }

    void operator()(void* const* p) const noexcept {
        const auto* x = static_cast<const float*>(p[0]);
        auto* out = static_cast<float*>(p[1]);
        const auto& [depth, height, width] = window;
        const auto in = static_cast<std::size_t>(depth.in * height.in * width.in);
        const auto pixels = static_cast<std::size_t>(depth.out * height.out * width.out);
        for (std::size_t i = 0; i < planes; ++i, x += in) {
            for (std::ptrdiff_t d = 0; d < depth.out; ++d) {
                for (std::ptrdiff_t h = 0; h < height.out; ++h, out += width.out) pool_row(x, d, h, out);
            }
            if (kind != Pooling::mean) continue;
            float* plane = out - pixels;
            for (std::size_t k = 0; k < pixels; ++k) plane[k] *= shares[k];
        }
    }

    void pool_row(const float* x, std::ptrdiff_t d, std::ptrdiff_t h, float* out) const noexcept {
        const auto& [depth, height, width] = window;
        std::fill_n(out, width.out, kind == Pooling::maximum ? std::numeric_limits<float>::lowest() : 0.0F);
        for (std::ptrdiff_t kd = 0; kd < depth.taps; ++kd) {
            const auto z = depth.place(d, kd);
            if (!depth.is_inside(z)) continue;
            for (std::ptrdiff_t kh = 0; kh < height.taps; ++kh) {
                const auto y = height.place(h, kh);
                if (!height.is_inside(y)) continue;
                const float* row = x + (z * height.in + y) * width.in;
                for (std::ptrdiff_t kw = 0; kw < width.taps; ++kw) add_tap(row, kw, out);
            }
        }
    }

    void add_tap(const float* row, std::ptrdiff_t tap, float* out) const noexcept {
        const auto& width = window[2];
        const auto shift = width.place(0, tap);
        // Outputs whose tap lies in the input: 0 <= at·stride + shift < in.
        const auto first = shift >= 0 ? 0 : std::min((-shift + width.stride - 1) / width.stride, width.out);
        const auto last = shift >= width.in ? 0 : std::min((width.in - 1 - shift) / width.stride + 1, width.out);
        if (kind == Pooling::maximum) {
            for (auto i = first; i < last; ++i) out[i] = std::max(out[i], row[i * width.stride + shift]);
        } else {
            for (auto i = first; i < last; ++i) out[i] += row[i * width.stride + shift];
        }
    }
};

// How many taps of output `at` a mean is over: those in the input, and those in the padding where they count.
double counted_taps(const WindowExtent& e, std::ptrdiff_t at, bool counts_padding) {
    const auto before = counts_padding ? e.pad : 0;
    const auto after = counts_padding ? e.pad_after : 0;
    // The first tap at or behind `place`.
    const auto tap_from = [&](std::ptrdiff_t place) {
        const auto away = std::max<std::ptrdiff_t>(place - e.place(at, 0), 0);
        return std::min((away + e.dilation - 1) / e.dilation, e.taps);
    };
    return static_cast<double>(tap_from(e.in + after) - tap_from(-before));
}

std::vector<float> shares_of(const WindowGeometry& window, bool counts_padding) {
    const auto counts = [&](const WindowExtent& e) {
        std::vector<double> made;
        for (std::ptrdiff_t i = 0; i < e.out; ++i) made.push_back(counted_taps(e, i, counts_padding));
        return made;
    };
    const auto depth = counts(window[0]);
    const auto height = counts(window[1]);
    const auto width = counts(window[2]);
    std::vector<float> shares;
    for (const auto d : depth) {
        for (const auto h : height) {
            for (const auto w : width) shares.push_back(static_cast<float>(1.0 / std::max(d * h * w, 1.0)));
        }
    }
    return shares;
}

template <Pooling kKind>
void lower_pooling(NodeLowering& node) {
    const auto x = node.input(0);
    node.require_type(x, DataType::f32);
    if (node.has_output(1)) node.refuse("its second output is not in the native executor");
    const auto shape = node.shape(x);
    const auto window = window_geometry(node, shape, node.attribute_or("kernel_shape", std::vector<std::int64_t>{}));
    Shape out_shape{shape[0], shape[1]};
    for (std::size_t i = window.size() - (shape.size() - 2); i < window.size(); ++i) {
        out_shape.push_back(window[i].out);
    }
    const auto out = node.add_value(DataType::f32, out_shape);
    PoolingKernel kernel{kKind, static_cast<std::size_t>(shape[0] * shape[1]), window, {}};
    if (kKind == Pooling::mean) {
        kernel.shares = shares_of(window, node.attribute_or<std::int64_t>("count_include_pad", 0) != 0);
    }
    node.emit(std::move(kernel), {x}, {out});
    node.set_output(0, out);
}

/// Of a whole plane.
struct GlobalPoolingKernel {
    Pooling kind;
    std::size_t planes, pixels;

    void operator()(void* const* p) const noexcept {
        const auto* x = static_cast<const float*>(p[0]);
        auto* out = static_cast<float*>(p[1]);
        for (std::size_t i = 0; i < planes; ++i, x += pixels) {
            if (kind == Pooling::maximum) {
                out[i] = *std::max_element(x, x + pixels);
                continue;
            }
            double sum = 0;
            for (std::size_t k = 0; k < pixels; ++k) sum += static_cast<double>(x[k]);
            out[i] = static_cast<float>(sum / static_cast<double>(pixels));
        }
    }
};

template <Pooling kKind>
void lower_global(NodeLowering& node) {
    const auto x = node.input(0);
    node.require_type(x, DataType::f32);
    auto shape = node.shape(x);
    if (shape.size() < 3 || elements_of(shape) == 0) node.refuse("its input has no planes");
    const auto planes = static_cast<std::size_t>(shape[0] * shape[1]);
    const auto pixels = elements_of(shape) / planes;
    std::fill(shape.begin() + 2, shape.end(), 1);
    const auto out = node.add_value(DataType::f32, shape);
    node.emit(GlobalPoolingKernel{kKind, planes, pixels}, {x}, {out});
    node.set_output(0, out);
}

constexpr Operator kOperators[] = {
    {"MaxPool", lower_pooling<Pooling::maximum>},
    {"AveragePool", lower_pooling<Pooling::mean>},
    {"GlobalMaxPool", lower_global<Pooling::maximum>},
    {"GlobalAveragePool", lower_global<Pooling::mean>},
};

}  // namespace

std::span<const Operator> pooling_operators() {
    return kOperators;
}

}  // namespace sidetone::nn::native
