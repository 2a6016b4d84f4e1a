// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "dsp/aligned_vector.hpp"
#include "rt/realtime.hpp"

namespace sidetone::dsp {

/// Two ideas of the mel scale, and of the triangles upon it.
enum class MelScale : std::uint8_t {
    htk,     ///< 1127 ln(1 + f / 700), triangles straight in mel (HTK, Kaldi)
    slaney,  ///< linear to 1000 Hz, then logarithmic; triangles straight in Hz, each of area 1 (Slaney 1998, librosa)
};

/// Triangular filters over a power spectrum, evenly spaced in mel. A filter is a run of neighbouring bins; filters are
/// kept in groups of sixteen side by side, so that a vector makes as many of them at once as it has lanes. Immutable;
/// built on the control thread.
class MelBank {
public:
    struct Design {
        std::uint32_t rate_hz = 16'000;
        std::size_t transform = 512;  ///< the spectrum has transform / 2 + 1 bins
        std::size_t bands = 80;
        double low_hz = 20, high_hz = 8000;
        MelScale scale = MelScale::htk;
    };

    /// Throws std::invalid_argument for bands or edges out of range.
    explicit MelBank(const Design& design);

    [[nodiscard]] std::size_t bands() const noexcept { return design_.bands; }
    [[nodiscard]] std::size_t bins() const noexcept { return design_.transform / 2 + 1; }
    /// How many values `log_energies` may read: bins() and some more, so that no run reaches over the end.
    [[nodiscard]] std::size_t readable_bins() const noexcept { return bins() + longest_; }

    /// out[b] = ln max(floor, Σ weight · power) for all bands(). Of `power`, readable_bins() values are read; those
    /// after bins() must be finite and count nothing. NaN becomes the floor. Any thread.
    void log_energies(const float* power, float floor, float* out) const noexcept SIDETONE_REALTIME;

    /// The weight of a bin in a band, as the definition has it.
    [[nodiscard]] static double weight(const Design& design, std::size_t band, std::size_t bin);

    static constexpr std::size_t kGroup = 16;  ///< filters side by side: the widest vector's lanes

private:
    void append_group(std::size_t first_band);

    Design design_;
    std::size_t longest_ = 0;
    std::vector<std::size_t> lengths_;    // of the longest run of each group
    AlignedVector<std::int32_t> starts_;  // first bin of each filter
    AlignedVector<float> weights_;        // group by group, bin of the run by bin, kGroup side by side
};

}  // namespace sidetone::dsp
