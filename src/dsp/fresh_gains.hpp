// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <complex>
#include <cstddef>
#include <vector>

#include "rt/realtime.hpp"

namespace sidetone::dsp {

/// Gains for a spectrum of now from what a denoiser has made of one a few frames ago: the geometric mean of its gains
/// of then, which know the sound, and of a Wiener gain from the newest spectrum and the noise that it took off, which
/// is of now (the ratio of sound to noise by decision direction: Ephraim and Malah, IEEE Trans. ASSP 32(6), 1984,
/// 1109-1121).
///
/// Built on the control thread, used by one thread at a time.
class FreshGains {
public:
    explicit FreshGains(std::size_t bins);

    /// One frame further: `before` and `after` are the same earlier frame as it came in and denoised. One gain from 0
    /// to 1 for each bin of `newest`; not-a-number where the spectra are.
    void update(const std::complex<float>* before, const std::complex<float>* after, const std::complex<float>* newest,
                float* gains) noexcept SIDETONE_REALTIME;

    /// What is known of the newest frame, as a network may be shown it: for each of the lowest `bins` bins its power
    /// and then the earlier frame's as denoised, each over that of the noise in decades, then the earlier gains.
    void describe(std::size_t bins, float* evidence) const noexcept SIDETONE_REALTIME;

    /// Forgets the noise.
    void reset() noexcept;

private:
    [[nodiscard]] static float around(const std::vector<float>& padded, std::size_t bin) noexcept;
    void mirror_ends(std::vector<float>& padded) const noexcept;

    std::size_t bins_;
    std::vector<float> noise_, sound_, newest_;  // powers, with two neighbours more at either end
    std::vector<float> earlier_gains_;
};

}  // namespace sidetone::dsp
