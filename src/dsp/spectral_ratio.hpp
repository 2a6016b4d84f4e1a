// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <complex>
#include <cstddef>
#include <span>
#include <vector>

#include "rt/realtime.hpp"

namespace sidetone::dsp {

/// What has become of a sound on its way through something, bin by bin, as real factors: the ones that make the sound
/// before come nearest to the sound after in the mean square, over the last frames and the neighbouring bins.
///
/// Built on the control thread, used by one thread at a time.
class SpectralRatio {
public:
    static constexpr float kHighest = 2;  ///< ratios are from 0 to this

    /// Each frame weighs `forgetting` (0 to below 1) of what the next one weighs.
    SpectralRatio(std::size_t bins, double forgetting);

    /// Spectra of one more frame before and after; one ratio per bin, until the next call. Where there was no sound
    /// they are one; where what was summed has outgrown a float they are not-a-number, until reset.
    std::span<const float> update(const std::complex<float>* before,
                                  const std::complex<float>* after) noexcept SIDETONE_REALTIME;

    /// Forgets all frames.
    void reset() noexcept;

private:
    float forgetting_;
    std::vector<float> common_, power_;  // sums over frames, with two bins of nothing at either end
    std::vector<float> ratios_;
};

}  // namespace sidetone::dsp
