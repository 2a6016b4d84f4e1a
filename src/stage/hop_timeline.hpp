// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include "dsp/polyphase_resampler.hpp"

namespace sidetone::stage {

/// The exact bookkeeping of a model that consumes hops at its own rate inside a chain that runs on blocks at the
/// card's.
///
/// Every element is written as a zero-phase function that looks ahead (resampler, window, overlap-add, resampler); the
/// delay of the whole is then the smallest whole number of card frames by which the output must lag so that whatever a
/// callback must put out depends on nothing that has not come in. It is found by trying one full period of the pattern:
/// no rounding, no safety margin.
class HopTimeline {
public:
    /// `hop` and `model_delay` (window length - hop) in samples at the model's rate. The resamplers are held by
    /// reference.
    HopTimeline(const dsp::PolyphaseResampler& down, const dsp::PolyphaseResampler& up, std::uint32_t hop,
                std::uint32_t model_delay);

    /// The newest hop on which output frame `n` (on the input's time axis, delay taken off) depends.
    [[nodiscard]] std::int64_t hop_for_output(std::int64_t n) const noexcept;

    /// The card frames 0 … x - 1 that must have come in before hop `hop` is complete; returns x.
    [[nodiscard]] std::int64_t frames_for_hop(std::int64_t hop) const noexcept;

    /// Smallest delay in card frames when every callback brings `block` frames (0: any number, changing from call to
    /// call) and a hop's result may be used `wait_frames` frames after the hop was complete.
    [[nodiscard]] std::uint32_t delay_frames(std::uint32_t block, std::uint32_t wait_frames) const;

private:
    const dsp::PolyphaseResampler& down_;
    const dsp::PolyphaseResampler& up_;
    std::int64_t hop_;
    std::int64_t model_delay_;
};

}  // namespace sidetone::stage
