// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "dsp/aligned_vector.hpp"
#include "rt/realtime.hpp"

namespace sidetone::dsp {

/// The likeliest way of a voice through bins of pitch and silence between, frame by frame: Viterbi's search. A frame is
/// decided `lag` frames later, by the way that is best then, so that work and memory of a frame are constant.
///
/// Built on the control thread; the rest one thread at a time. No heap after construction.
class PitchPath {
public:
    struct Design {
        std::size_t bins = 217;
        std::size_t lag = 4;
        std::size_t reach = 15;     ///< bins that a voice can move within a frame
        double bin_cost = 0.15;     ///< natural logarithms: of moving by a bin
        double jump_cost = 8;       ///< of moving to any bin
        double voicing_cost = 4;    ///< of beginning or ending to be voiced
        double likeliness = 0.002;  ///< added to probabilities, none of which is nothing
    };
    static constexpr std::size_t kUnvoiced = SIZE_MAX;

    /// Throws std::invalid_argument for a design that cannot be.
    explicit PitchPath(const Design& design);

    /// How probable each bin is, and that the frame has no pitch.
    void push(std::span<const float> bins, float unvoiced) noexcept SIDETONE_REALTIME;
    void reset() noexcept;

    /// Frames pushed so far.
    [[nodiscard]] std::uint64_t frames() const noexcept { return frames_; }
    /// The bin, or kUnvoiced, that the best way of now had `back` frames before the latest; at most `lag`.
    [[nodiscard]] std::size_t state(std::size_t back) const noexcept SIDETONE_REALTIME;

private:
    [[nodiscard]] std::uint16_t* sources(std::uint64_t frame) noexcept;
    [[nodiscard]] const std::uint16_t* sources(std::uint64_t frame) const noexcept;

    Design design_;
    std::vector<float> costs_;  // of moving by so many bins
    // Scores of ways that end in each bin; on both sides of them room for neighbours that do not exist.
    AlignedVector<float> scores_, best_, likeliness_;
    AlignedVector<std::int32_t> from_;
    float unvoiced_ = 0;                  // of ways that end without pitch
    std::size_t best_state_ = 0;          // of the latest frame; bins is unvoiced
    std::vector<std::uint16_t> sources_;  // of the latest lag + 1 frames, for each bin and unvoiced: whence it came
    std::uint64_t frames_ = 0;
};

}  // namespace sidetone::dsp
