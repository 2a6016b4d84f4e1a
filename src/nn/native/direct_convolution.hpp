// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "nn/native/activation.hpp"
#include "nn/native/epilogue.hpp"
#include "nn/native/program_memory.hpp"

namespace sidetone::nn::native {

/// One spatial dimension of a convolution.
struct ConvolutionExtent {
    std::size_t in = 1, out = 1, taps = 1;
    std::ptrdiff_t stride = 1, dilation = 1, pad = 0;
    std::ptrdiff_t spread = 1;  ///< zeros lie between the inputs so that they are this far apart (transposed strides)

    /// Where output `at` finds the input of `tap`; -1 where there is none.
    [[nodiscard]] std::ptrdiff_t place(std::size_t at, std::size_t tap) const noexcept {
        const auto spread_place =
            static_cast<std::ptrdiff_t>(at) * stride + static_cast<std::ptrdiff_t>(tap) * dilation - pad;
        if (spread_place < 0 || spread_place % spread != 0) return -1;
        const auto found = spread_place / spread;
        return found < static_cast<std::ptrdiff_t>(in) ? found : -1;
    }
};

struct ConvolutionShape {
    std::size_t batch = 1, groups = 1, group_inputs = 1, group_outputs = 1;
    ConvolutionExtent height, width;

    [[nodiscard]] std::size_t inputs() const noexcept { return groups * group_inputs; }
    [[nodiscard]] std::size_t outputs() const noexcept { return groups * group_outputs; }
    [[nodiscard]] std::size_t taps() const noexcept { return height.taps * width.taps; }
};

/// How a convolution with vectors along the width is run, for frames of few channels: no columns are gathered. Rows are
/// copied once with their padding, split by the stride so that every tap reads neighbours; a transposed convolution
/// makes the outputs between two inputs one after the other, each from the taps that meet it.
struct ConvolutionPlan {
    static constexpr std::size_t kOutputBlock = 4;

    /// The outputs first, first + step, … of a row, and the taps that meet them.
    struct Phase {
        std::size_t first = 0, step = 1, count = 0;
        std::vector<std::size_t> taps;     ///< of the width
        std::vector<std::size_t> offsets;  ///< where a tap's input for the first output lies in a row
    };
    /// How rows lie in the scratch: the inputs split by the stride, padding around them, room for whole vectors behind.
    struct Rows {
        bool are_in_place = false;      ///< the input's own rows will do
        std::vector<std::size_t> used;  ///< of the height: those that some tap meets
        std::size_t splits = 1, split_elements = 0;
        std::size_t lead = 0;  ///< zeros before the first input, in elements of the unsplit row
        [[nodiscard]] std::size_t stride() const noexcept { return splits * split_elements; }
    };

    ConvolutionShape shape;
    std::vector<std::ptrdiff_t> places;  ///< [outputs' rows, taps of height]: the input's row, -1 for none
    std::vector<Phase> phases;
    Rows rows;
    /// [groups][blocks of outputs][phases][inputs][taps of height][taps of the phase][outputs of the block]
    ProgramVector<float> weights;
    std::vector<float> bias, slopes;  ///< one per output
    Activation activation = Activation::none;

    [[nodiscard]] std::size_t bytes() const noexcept { return (weights.size() + bias.size()) * sizeof(float); }
    /// What a run needs beside the tensors.
    [[nodiscard]] std::size_t scratch_elements() const noexcept;
};

/// `weights` is [outputs, group_inputs, taps of height, taps of width]; `bias` has one value per output, or none;
/// `slopes` are prelu's below zero, one per output, or none.
[[nodiscard]] ConvolutionPlan plan_convolution(const ConvolutionShape& shape, std::span<const float> weights,
                                               std::span<const float> bias, Activation activation = Activation::none,
                                               std::span<const float> slopes = {});

/// Lets the convolution, which has no activation yet, also do `epilogue`.
void append_epilogue(ConvolutionPlan& plan, const Epilogue& epilogue);

/// x is [batch, inputs, height, width]. Nothing outside the tensors and the scratch is read or written.
void run_convolution(const ConvolutionPlan& plan, const float* x, float* out, float* scratch) noexcept;

}  // namespace sidetone::nn::native
