// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "dsp/log_mel.hpp"
#include "dsp/sliding_window.hpp"
#include "rt/mirrored_ring.hpp"
#include "rt/realtime.hpp"

namespace sidetone::dsp {

/// Mel-frequency cepstral coefficients of a stream of samples, as Kaldi defines them: the orthonormal cosine transform
/// (DCT-II) of each log-mel row, coefficient i times 1 + L/2 sin(πi/L). A row is made with the last sample of its
/// window. Rows are equal, bit by bit, however the samples were chunked.
///
/// Built on the control thread; the rest one thread at a time. No heap after construction.
class Mfcc {
public:
    /// Coefficient 0 is the mean of the log-mel row times √bands, or, as Kaldi has it unless told, the logarithm of the
    /// window's energy once its mean is taken away, before pre-emphasis and weighting.
    enum class First : std::uint8_t { cepstrum, energy };

    struct Design {
        LogMel::Design log_mel = LogMel::kaldi(16'000, 23);
        std::size_t coefficients = 13;
        double liftering = 22;  ///< L; 0 for none
        First first = First::energy;
        std::size_t kept_frames = 64;  ///< at least so many of the latest are to be had
    };

    /// Throws std::invalid_argument for a design that cannot be, and std::bad_alloc.
    explicit Mfcc(const Design& design);

    /// Takes any number of samples; returns how many rows they completed.
    std::size_t push(std::span<const float> samples) noexcept SIDETONE_REALTIME;
    /// The recording is over: rows that reach over its end (none when snipped). Then only `reset` may follow.
    std::size_t finish() noexcept SIDETONE_REALTIME;
    void reset() noexcept;

    [[nodiscard]] std::size_t coefficients() const noexcept { return design_.coefficients; }
    /// Rows made so far.
    [[nodiscard]] std::uint64_t frames() const noexcept { return frames_; }
    [[nodiscard]] std::size_t kept_frames() const noexcept { return rows_.capacity() / coefficients(); }
    /// The latest `count` rows, the oldest first, in one piece; good until the next `push`. `count` <= frames() and
    /// kept_frames().
    [[nodiscard]] std::span<const float> last(std::size_t count) const noexcept SIDETONE_REALTIME {
        return {rows_.last(frames() * coefficients(), count * coefficients()), count * coefficients()};
    }
    /// Row number t, one of the latest kept_frames().
    [[nodiscard]] std::span<const float> frame(std::uint64_t t) const noexcept SIDETONE_REALTIME {
        return {rows_.at(t * coefficients()), coefficients()};
    }
    /// Where row t's window begins, in samples since the first.
    [[nodiscard]] std::int64_t first_sample(std::uint64_t t) const noexcept SIDETONE_REALTIME {
        return mel_.first_sample(t);
    }

private:
    void make_rows(std::size_t count) noexcept SIDETONE_REALTIME;
    void keep_energy(const float* window) noexcept SIDETONE_REALTIME;

    Design design_;
    LogMel mel_;
    SlidingWindow windows_;        // the same as of the log-mel rows, for the energy
    std::vector<float> energies_;  // of the latest windows
    std::uint64_t next_energy_ = 0, frames_ = 0;
    std::vector<double> cosines_, sums_;  // coefficients side by side for each band
    rt::MirroredRing rows_;
};

}  // namespace sidetone::dsp
