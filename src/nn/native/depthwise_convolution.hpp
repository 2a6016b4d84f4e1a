// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "nn/native/activation.hpp"
#include "nn/native/direct_convolution.hpp"
#include "nn/native/epilogue.hpp"
#include "nn/native/program_memory.hpp"

namespace sidetone::nn::native {

/// A convolution in which every channel has a filter of its own. There is little to do for each channel, so what counts
/// is what is not done: rows are read where they lie, whole vectors of outputs in the middle, the few outputs at the
/// edges one by one. Where rows are shorter than two vectors and lie end to end, all channels are one row, with a
/// weight for every output that is 0 where a tap meets padding.
///
/// For strides and spreads of 1 and 2, not both 2.
struct DepthwisePlan {
    struct Tap {
        std::size_t row = 0;  ///< the input's row
        std::ptrdiff_t offset = 0;
        std::size_t weight = 0;  ///< which row of weights
    };
    /// The outputs of one remainder of their place by the spread.
    struct Phase {
        std::vector<std::vector<Tap>> taps;  ///< per output row: those that meet an input's row
    };

    std::size_t batch = 1, channels = 1;
    std::size_t in_rows = 1, out_rows = 1;
    std::size_t in = 0;                            ///< inputs of a row: of one channel, or of all
    std::size_t count = 0;                         ///< outputs of a row and phase, likewise
    std::size_t first_inside = 0, end_inside = 0;  ///< of a row's outputs: all taps of these meet inputs
    std::size_t stride = 1, spread = 1;
    bool is_one_row = false;
    std::size_t repeats = 1;  ///< how often each channel's numbers stand in the tables: once, or for every output
    std::vector<Phase> phases;
    ProgramVector<float> weights;       ///< [taps of all phases][channels · repeats]
    ProgramVector<float> bias, slopes;  ///< [channels · repeats]; slopes: none without prelu
    Activation activation = Activation::none;

    [[nodiscard]] std::size_t bytes() const noexcept { return (weights.size() + bias.size()) * sizeof(float); }
};

/// True where the kernel can run it and is the faster one.
[[nodiscard]] bool suits_depthwise(const ConvolutionShape& shape) noexcept;

/// `weights` is [channels, taps of height, taps of width]; `bias` has one value per channel, or none.
[[nodiscard]] DepthwisePlan plan_depthwise(const ConvolutionShape& shape, std::span<const float> weights,
                                           std::span<const float> bias);

/// Lets the convolution, which has no activation yet, also do `epilogue`.
void append_epilogue(DepthwisePlan& plan, const Epilogue& epilogue);

/// Nothing outside the tensors is read or written.
void run_depthwise(const DepthwisePlan& plan, const float* x, float* out) noexcept;

}  // namespace sidetone::nn::native
