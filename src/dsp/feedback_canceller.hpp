// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <complex>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "dsp/aligned_vector.hpp"
#include "dsp/feedback_canceller_kernels.hpp"
#include "dsp/real_fft.hpp"
#include "dsp/whitener.hpp"
#include "rt/realtime.hpp"

namespace sidetone::dsp {

struct FeedbackPath {
    double rate_hz = 48'000;
    /// By which what is played can be in the microphone at the earliest: the card's round trip. At least the largest
    /// block and a hop, less one frame: no more is known of what will be played.
    std::size_t bulk_delay_frames = 0;
    std::size_t taps = 512;  ///< how much of the path is modelled beyond that; rounded up to whole hops
};

/// Estimates what of a loudspeaker's sound comes back into the microphone and takes it off, without adding delay: one
/// microphone, one loudspeaker. Samples that are not finite are taken for silence.
///
/// A partitioned-block frequency-domain filter whose every weight has a step size of its own, by a diagonal Kalman
/// filter (Enzner and Vary 2006; partitioned: Kuech, Mabande and Enzner 2014). The loop makes the loudspeaker's sound
/// resemble the wanted one, which a plain filter would cancel as well; so this one learns from whitened signals (the
/// prediction-error method: Spriet, Proudler, Moonen and Wouters 2005).
///
/// What learns slowly cancels best, and howls for long when the path changes; so it learns quickly for as long as the
/// microphone is far louder than usual.
///
/// Made on the control thread; `cancel` and `play` then by one thread, in turns. Constant work per hop, no heap.
class FeedbackCanceller {
public:
    static constexpr std::size_t kHop = 32;

    explicit FeedbackCanceller(const FeedbackPath& path);

    /// The next frames of the microphone; `out` may be `in`.
    void cancel(const float* in, float* out, std::size_t frames) noexcept SIDETONE_REALTIME;

    /// The frames that are played for those of the last `cancel`, as many.
    void play(const float* out, std::size_t frames) noexcept SIDETONE_REALTIME;

    /// How often it forgot all that it had learned, since it made things louder or was not finite.
    [[nodiscard]] std::uint64_t divergences() const noexcept { return divergences_; }

    /// What it takes the path to be, from `bulk_delay_frames` on: `taps()` values. While no other call is made.
    [[nodiscard]] std::vector<float> impulse_response();
    [[nodiscard]] std::size_t taps() const noexcept { return partitions_ * kHop; }

private:
    static constexpr std::size_t kSize = 2 * kHop, kBins = kHop + 1;
    using Values = AlignedVector<float>;

    [[nodiscard]] CancellerSpectra spectra() noexcept;
    void begin_hop() noexcept;
    void end_hop() noexcept;
    void transform(const float* block, float* re, float* im) noexcept;
    void transform_back(const float* re, const float* im, float* block) noexcept;
    void adapt() noexcept;
    void constrain() noexcept;
    [[nodiscard]] bool is_suspicious() noexcept;
    void watch() noexcept;
    void forget() noexcept;

    std::size_t partitions_, bulk_delay_;
    RealFft fft_;
    Whitener whitener_;
    Values played_re_, played_im_, whitened_re_, whitened_im_, weight_re_, weight_im_, uncertainty_;
    Values re_, im_, near_power_, near_smoothed_;
    std::array<float, kHop> estimate_{};
    std::array<float, Whitener::kOrder + kHop> error_{};  // of this hop, and what lies before it
    std::array<std::complex<float>, kBins> bins_{};
    std::size_t newest_ = 0, to_constrain_ = 0, in_hop_ = 0;
    std::vector<float> ring_;  // what was played
    std::uint64_t written_ = 0, taken_in_hops_ = 0;
    std::array<float, Whitener::kOrder + kSize> reference_{};  // two hops, and what lies before them
    std::array<float, kSize> whitened_reference_{}, block_{};
    bool is_plausible_ = true, is_forgetting_ = false, is_fading_ = false;
    double microphone_power_ = 0, error_power_ = 0, hop_microphone_ = 0, hop_error_ = 0;
    double usual_db_, recent_power_ = 0;
    float near_retained_, settled_retained_, quick_retained_;
    double watch_retained_, recent_retained_, usual_retained_;
    std::uint64_t divergences_ = 0;
};

}  // namespace sidetone::dsp
