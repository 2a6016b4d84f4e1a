// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>

#include "dsp/partitioned_responses.hpp"

namespace sidetone::dsp {

/// A later stretch of the responses, from tap 2 · block on: a block's work may take as long as the next block takes to
/// come, and is cut into slices of even cost.
class ConvolverTail {
public:
    ConvolverTail(const ResponseMatrix& matrix, std::size_t block, std::size_t partitions, std::size_t lanes);

    /// Adds what is due at `position` and after: `frames` frames, within one block. Audio thread, as all below.
    void add(std::uint64_t position, std::size_t frames, float* const* out,
             std::size_t first) noexcept SIDETONE_REALTIME;
    /// The block before `position` has come in: what is left of the work on its predecessor is done, its own begins.
    void next_block(const InputLanes& inputs, std::uint64_t position) noexcept SIDETONE_REALTIME;
    /// Goes on with the work until, of `block()` parts, `parts` are done.
    void work(const InputLanes& inputs, std::size_t parts) noexcept SIDETONE_REALTIME;
    void reset() noexcept;

    [[nodiscard]] std::size_t block() const noexcept { return spectra_.block(); }
    [[nodiscard]] std::size_t memory_bytes() const noexcept {
        return spectra_.memory_bytes() + arena_.capacity_bytes();
    }

private:
    PartitionedResponses spectra_;
    std::size_t outputs_;
    rt::Arena arena_;
    std::vector<PartitionedResponses::Phase> phases_;
    std::size_t total_cost_ = 0;
    std::array<std::span<float>, 2> samples_;  // being heard, being made: by turns
    std::size_t heard_ = 0;
    std::uint64_t position_ = 0;                      // of the block worked on
    std::size_t phase_, items_done_ = 0, spent_ = 0;  // how far the work is
};

}  // namespace sidetone::dsp
