// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "dsp/convolver_kernels.hpp"
#include "dsp/input_lanes.hpp"
#include "dsp/lane_transform.hpp"
#include "dsp/response_matrix.hpp"
#include "rt/arena.hpp"
#include "rt/realtime.hpp"

namespace sidetone::dsp {

/// A stretch of a matrix of responses, cut into partitions of `block` taps, and the delay line of input spectra that
/// they are multiplied with (uniformly partitioned overlap-save). Its work on one block is a list of phases of many
/// like items each, so that it can be done at once or item by item.
///
/// Built on the control thread; all else on the audio thread.
class PartitionedResponses {
public:
    /// A phase's items may be run in any number of calls, but phases only in order.
    struct Phase {
        enum class Kind : std::uint8_t { split_first, split, split_last, multiply, join, join_tiles } kind;
        std::size_t part = 0;   ///< group of inputs, or output
        std::size_t stage = 0;  ///< of the transform
        std::size_t first = 0;  ///< the first of its items
        std::size_t items = 0;
        std::size_t cost = 0;  ///< of an item, in instructions, roughly
    };

    /// The taps from `first_tap` on, in `partitions` partitions.
    PartitionedResponses(const ResponseMatrix& matrix, std::size_t first_tap, std::size_t block, std::size_t partitions,
                         std::size_t lanes);

    [[nodiscard]] std::size_t block() const noexcept { return transform_.points(); }
    [[nodiscard]] std::size_t partitions() const noexcept { return partitions_; }
    [[nodiscard]] std::size_t memory_bytes() const noexcept { return arena_.capacity_bytes(); }
    [[nodiscard]] const std::string& lock_warning() const noexcept { return arena_.lock_warning(); }

    /// All phases for a block; `split` gives the spectra of the inputs, `join` the samples of the outputs.
    [[nodiscard]] std::span<const Phase> split() const noexcept { return split_; }
    [[nodiscard]] std::span<const Phase> multiply() const noexcept { return {&multiply_, 1}; }
    [[nodiscard]] std::span<const Phase> join() const noexcept { return join_; }

    /// The block whose spectra will be made next takes the place of the oldest.
    void next_block() noexcept SIDETONE_REALTIME { newest_ = (newest_ + partitions_ - 1) % partitions_; }

    /// Runs `count` items of a phase, after `done` of them. The block begins at `position` of `inputs`. `out` holds
    /// block() samples for each output; products are summed over `range`.
    void run(const Phase& phase, std::size_t done, std::size_t count, const InputLanes& inputs, std::uint64_t position,
             Partitions range, float* out) noexcept SIDETONE_REALTIME;
    /// Runs whole phases.
    void run_all(std::span<const Phase> phases, const InputLanes& inputs, std::uint64_t position, Partitions range,
                 float* out) noexcept SIDETONE_REALTIME;

    /// Instead of splitting it: the newest block is silence.
    void silence_block() noexcept SIDETONE_REALTIME;

    /// The products of all outputs, for keeping and adding.
    [[nodiscard]] std::span<float> products() noexcept SIDETONE_REALTIME { return products_; }

    void reset() noexcept;

private:
    struct Sizes;
    [[nodiscard]] std::size_t used_partitions(const ResponseMatrix& matrix, std::size_t group,
                                              std::size_t output) const;
    void plan_responses(const ResponseMatrix& matrix);
    void allocate();
    void transform_responses(const ResponseMatrix& matrix);
    void plan_phases();
    void plan_split(std::size_t group, std::size_t stage, std::size_t first_point, std::size_t points);
    [[nodiscard]] std::size_t multiply_cost() const;

    LaneTransform transform_;
    std::size_t first_tap_, partitions_, lanes_, groups_, outputs_;
    rt::Arena arena_{1};
    std::vector<ResponseSpectra> responses_;
    std::vector<std::size_t> used_;  // for each pair of outputs and group of inputs
    std::vector<Phase> split_, join_;
    Phase multiply_{};
    std::size_t newest_ = 0;
    std::vector<std::span<float>> response_points_;
    std::span<float> input_points_, work_, products_;
};

}  // namespace sidetone::dsp
