// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <span>

namespace sidetone::dsp {

/// The mean over frames of 32 ms, half overlapped, of
///
///     10 lg (Σ clean² / Σ (processed - clean)²), held within -10 and 35 dB
///
/// (Hansen and Pellom, "An effective quality evaluation protocol for speech enhancement algorithms", ICSLP 1998).
/// Frames more than 40 dB below the loudest one of `clean` are left out. Unlike SI-SDR it takes a change of level for
/// an error. 35 for the clean signal itself; not-a-number when it is silent or shorter than a frame.
///
/// The signals must be aligned (alignment.hpp), rate in Hz, from 1000 up. Throws std::invalid_argument when the lengths
/// differ or the rate is lower. Never on an audio thread.
[[nodiscard]] double segmental_snr_db(std::span<const float> clean, std::span<const float> processed,
                                      std::uint32_t rate_hz);

}  // namespace sidetone::dsp
