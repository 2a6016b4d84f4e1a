// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <span>

namespace sidetone::dsp {

/// How much of speech can be understood, by correlating third-octave envelopes over 384 ms: about 0 (nothing) to 1.
struct Intelligibility {
    /// Taal, Hendriks, Heusdens and Jensen, "An algorithm for intelligibility prediction of time-frequency weighted
    /// noisy speech", IEEE Trans. Audio, Speech, Lang. Process. 19(7), 2011. Band by band.
    double stoi;
    /// Jensen and Taal, "An algorithm for predicting the intelligibility of speech masked by modulated noise maskers",
    /// IEEE/ACM Trans. Audio, Speech, Lang. Process. 24(11), 2016. All bands together: it also sees spectral contrast.
    double estoi;
};

/// Both measures of `processed` against `clean`, which must be aligned to the sample (alignment.hpp). Frames in which
/// `clean` is more than 40 dB below its loudest frame are left out. Neither measure depends on the level of either
/// signal, both are 1 for the clean signal itself; ESTOI of a signal that has nothing to do with it is near 0. Both are
/// not-a-number when less than 31 frames of 12.8 ms are left.
///
/// Throws std::invalid_argument when the lengths differ, or for a rate that PolyphaseResampler does not take to 10 kHz.
/// Samples must be finite. Never on an audio thread.
[[nodiscard]] Intelligibility intelligibility(std::span<const float> clean, std::span<const float> processed,
                                              std::uint32_t rate_hz);

}  // namespace sidetone::dsp
