// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <optional>
#include <string_view>
#include <type_traits>
#include <vector>

#include "nn/native/byte_product.hpp"
#include "nn/native/window_geometry.hpp"

namespace sidetone::nn::native {

/// A convolution of bytes: each output's window is laid out in one piece and multiplied by packed weights.
struct ByteConvolution {
    std::size_t batch = 1, groups = 1, group_inputs = 1, group_outputs = 1;
    WindowExtent height, width;

    /// Places that the windows cover, padding included.
    [[nodiscard]] static std::size_t covered(const WindowExtent& e) noexcept {
        return static_cast<std::size_t>((e.out - 1) * e.stride + (e.taps - 1) * e.dilation + 1);
    }
    [[nodiscard]] std::size_t plane_bytes() const noexcept { return covered(height) * covered(width) * group_inputs; }
    [[nodiscard]] std::size_t inner() const noexcept {
        return static_cast<std::size_t>(height.taps * width.taps) * group_inputs;
    }
    /// Where the weights [outputs, group inputs, height, width] have element `k` of a window of `row`.
    [[nodiscard]] std::size_t place(std::size_t row, std::size_t k) const noexcept {
        const auto taps = static_cast<std::size_t>(height.taps * width.taps);
        return (row * group_inputs + k % group_inputs) * taps + k / group_inputs;
    }
};

/// Operands: what the source reads; then the output, and scratch: a group's padded input with channels as neighbours,
/// one of its rows, the windows of a row of outputs, and their sums.
template <class Source, class Result>
struct ByteConvolutionKernel {
    Source source;
    Result result;
    ByteConvolution shape;
    std::vector<PackedBytes> weights;  // one per group

    [[nodiscard]] std::uint64_t multiply_adds() const noexcept {
        return shape.batch * shape.groups * shape.group_outputs * shape.inner() * positions();
    }
    [[nodiscard]] std::size_t weight_bytes() const noexcept { return weights.size() * weights[0].bytes(); }
    [[nodiscard]] static std::string_view weight_type() noexcept { return "int8"; }
    [[nodiscard]] std::size_t positions() const noexcept {
        return static_cast<std::size_t>(shape.height.out * shape.width.out);
    }
    [[nodiscard]] std::optional<ByteConvolutionKernel> with(const Epilogue& epilogue) const {
        return absorbing(*this, epilogue, Epilogue::Channels::second_axis);
    }

    void operator()(void* const* p) const noexcept {
        auto* const* writes = p + source.reads();
        auto* out = static_cast<typename Result::Out*>(writes[0]);
        auto* plane = static_cast<std::uint8_t*>(writes[1]);
        auto* row = static_cast<std::uint8_t*>(writes[2]);
        const auto inputs = static_cast<std::size_t>(shape.height.in * shape.width.in) * shape.group_inputs;
        const auto q = source.quantization(p, shape.batch * shape.groups * inputs);
        for (std::size_t i = 0; i < shape.batch * shape.groups; ++i) {
            const auto group = i % shape.groups;
            fill_plane(p[0], i * inputs, q, row, plane);
            for (std::ptrdiff_t at = 0; at < shape.height.out; ++at) {
                multiply_row(plane, at, group, q, out, writes);
            }
            out += shape.group_outputs * positions();
        }
    }

private:
    void fill_plane(const void* x, std::size_t first, Quantization q, std::uint8_t* row,
                    std::uint8_t* plane) const noexcept {
        const auto& [h, w] = std::pair{shape.height, shape.width};
        const auto width = static_cast<std::ptrdiff_t>(ByteConvolution::covered(w));
        const auto height = static_cast<std::ptrdiff_t>(ByteConvolution::covered(h));
        const auto channels = shape.group_inputs;
        const auto columns = std::min(w.in, width - w.pad);
        std::memset(plane, q.zero_point, shape.plane_bytes());
        for (std::size_t c = 0; c < channels; ++c) {
            for (std::ptrdiff_t y = 0; y < h.in; ++y, first += static_cast<std::size_t>(w.in)) {
                if (y + h.pad >= height) continue;
                source.load(x, first, static_cast<std::size_t>(w.in), q, row);
                auto* to = plane + static_cast<std::size_t>((y + h.pad) * width + w.pad) * channels + c;
                for (std::ptrdiff_t i = 0; i < columns; ++i, to += channels) *to = row[i];
            }
        }
    }

    void multiply_row(const std::uint8_t* plane, std::ptrdiff_t at, std::size_t group, Quantization q,
                      typename Result::Out* out, void* const* writes) const noexcept {
        const auto& w = shape.width;
        const auto width = ByteConvolution::covered(w);
        const auto& matrix = weights[group];
        auto* windows = static_cast<std::uint8_t*>(writes[3]);
        auto* sums = static_cast<std::int32_t*>(writes[4]);
        const auto count = static_cast<std::size_t>(w.out);
        // Taps that are neighbours are copied together.
        const auto pieces = w.dilation == 1 ? std::ptrdiff_t{1} : w.taps;
        const auto piece = static_cast<std::size_t>(w.taps / pieces) * shape.group_inputs;
        for (std::size_t v = 0; v < count; ++v) {
            auto* to = windows + v * matrix.padded_inner();
            for (std::ptrdiff_t tap = 0; tap < shape.height.taps; ++tap) {
                const auto y = static_cast<std::size_t>(at * shape.height.stride + tap * shape.height.dilation);
                const auto x = v * static_cast<std::size_t>(w.stride);
                const auto* from = plane + (y * width + x) * shape.group_inputs;
                for (std::ptrdiff_t i = 0; i < pieces; ++i, to += piece) {
                    std::memcpy(to, from + static_cast<std::size_t>(i * w.dilation) * shape.group_inputs, piece);
                }
            }
        }
        matrix.multiply({windows, matrix.padded_inner(), count, q.zero_point}, sums);
        for (std::size_t v = 0; v < count; ++v) {
            result.store(sums + v * matrix.padded_rows(), group * shape.group_outputs, shape.group_outputs, q.scale,
                         out + static_cast<std::size_t>(at) * count + v, positions());
        }
    }
};

}  // namespace sidetone::nn::native
