// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "dsp/partitioned_responses.hpp"

namespace sidetone::dsp {

/// The beginning of the responses, heard without delay. A segment that ends a block, or that is long, is made by
/// transforms: of the block as far as it is known, which is all that its own samples depend on. A short one is made in
/// time. What older blocks contribute is made once per block.
class ConvolverHead {
public:
    ConvolverHead(const ResponseMatrix& matrix, std::size_t block, std::size_t partitions, std::size_t lanes);

    /// Makes `frames` frames of all outputs from `first` on. `inputs` holds them, and they lie within one block. Audio
    /// thread.
    void process(InputLanes& inputs, std::uint64_t position, std::size_t frames, float* const* out,
                 std::size_t first) noexcept SIDETONE_REALTIME;
    void reset() noexcept;

    [[nodiscard]] std::size_t block() const noexcept { return spectra_.block(); }
    [[nodiscard]] std::size_t memory_bytes() const noexcept {
        return spectra_.memory_bytes() + arena_.capacity_bytes();
    }
    [[nodiscard]] const std::string& lock_warning() const noexcept { return spectra_.lock_warning(); }

private:
    void gather_taps(const ResponseMatrix& matrix);
    void begin_block(const InputLanes& inputs, std::uint64_t position) noexcept;
    void process_in_time(const InputLanes& inputs, std::uint64_t position, std::size_t frames, float* const* out,
                         std::size_t first) noexcept;
    void process_by_transform(const InputLanes& inputs, std::uint64_t position, std::size_t frames, float* const* out,
                              std::size_t first) noexcept;

    PartitionedResponses spectra_;
    std::size_t lanes_, outputs_;
    std::size_t direct_frames_;  // up to so many frames are made in time
    rt::Arena arena_;
    std::vector<ResponseTaps> taps_;
    std::span<float> older_products_;  // of this block, by the partitions after the first
    std::span<float> older_samples_;   // the same in time
    std::span<float> samples_;
    bool older_samples_made_ = false;
};

}  // namespace sidetone::dsp
