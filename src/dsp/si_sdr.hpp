// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <span>

namespace sidetone::dsp {

/// Scale-invariant signal-to-distortion ratio in dB (Le Roux, Wisdom, Erdogan and Hershey, "SDR – half-baked or well
/// done?", ICASSP 2019, equation 5), means removed, in double precision. Plus infinity when `estimate` is a scaled
/// `reference`, minus infinity when nothing of the reference is in it, not-a-number when the reference or the estimate
/// is constant. Throws std::invalid_argument when the lengths differ. Never on an audio thread.
[[nodiscard]] double si_sdr_db(std::span<const float> reference, std::span<const float> estimate);

}  // namespace sidetone::dsp
