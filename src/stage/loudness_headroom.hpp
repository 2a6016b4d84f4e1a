// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <span>

#include "dsp/hrir_set.hpp"
#include "dsp/speaker_layout.hpp"

namespace sidetone::stage {

/// By how many decibels a set of responses makes all speakers together quieter (positive) or louder than a plain
/// downmix to two channels does: what its output has to be raised by, to be as loud.
///
/// Both are measured as ITU-R BS.1770 and EBU R 128 measure (libebur128, integrated loudness), with pink noise that
/// differs from speaker to speaker. The downmix is that of ITU-R BS.775, table 2: front left and right as they are,
/// everything in the middle to both sides 3 dB lower, surrounds 3 dB lower on their side, and so what is above; the
/// low-frequency channel takes no part.
///
/// `ears` has the responses of each speaker, at `rate_hz`. 0 where nothing can be heard, and never beyond 40 dB.
/// Control thread; docs/surround.md says how long it takes.
[[nodiscard]] double loudness_headroom_db(std::span<const dsp::Speaker> speakers, std::span<const dsp::EarPair> ears,
                                          std::uint32_t rate_hz);

}  // namespace sidetone::stage
