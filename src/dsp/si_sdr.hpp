// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <span>

namespace sidetone::dsp {

/// Scale-invariant signal-to-distortion ratio in dB (Le Roux, Wisdom, Erdogan and Hershey, "SDR – half-baked or well
/// done?", ICASSP 2019, equation 5), means removed, in double precision. Plus infinity for the reference itself, minus
/// infinity when nothing of it is in the estimate, not-a-number when either is constant or empty. Throws
/// std::invalid_argument when the lengths differ. Never on an audio thread.
[[nodiscard]] double si_sdr_db(std::span<const float> reference, std::span<const float> estimate);

}  // namespace sidetone::dsp
