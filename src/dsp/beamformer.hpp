// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstddef>

#include "rt/realtime.hpp"

namespace sidetone::dsp {

struct BeamformerSettings {
    double rate_hz = 48'000;
    double spacing_m = 0.010;       ///< from the front microphone to the back one
    double null_degrees = 180;      ///< 90 to 180 from the front; where an adaptive one begins
    bool is_adaptive = false;       ///< the null follows what is loudest behind
    double adapt_ms = 50;           ///< in which it gets two thirds of its way
    double equalise_from_hz = 200;  ///< below that, what a difference takes away is not given back
};

inline constexpr double kSpeedOfSoundMPerS = 343;

/// Listens to the front with two omnidirectional microphones: the difference of a cardioid to the front and β of one to
/// the back, with its null at cos θ = (β - 1) / (β + 1). Fixed, or with β that leaves the least power (Elko and Nguyen
/// Pong, "A simple adaptive first-order differential microphone", WASPAA 1995), held from 0 to 1 so that the null stays
/// behind.
///
/// The front is let through as the front microphone has it, within 3 dB up to a third of the frequency whose wavelength
/// is twice the spacing. Samples that are not finite are taken for silence. Made on the control thread, used by one
/// thread at a time; no heap.
class Beamformer {
public:
    /// Throws std::invalid_argument for a spacing of less than a twentieth or more than 24 samples' way.
    explicit Beamformer(const BeamformerSettings& settings);

    /// `out` may be either of the inputs.
    void process(const float* front, const float* back, float* out, std::size_t frames) noexcept SIDETONE_REALTIME;

    [[nodiscard]] double beta() const noexcept { return beta_; }

    /// By how much the front's sound is late, rounded down to whole frames.
    [[nodiscard]] std::size_t delay_frames() const noexcept { return direct_delay_; }

private:
    static constexpr std::size_t kTaps = 6, kMostDelay = 32;
    /// The last samples of a microphone, twice in a row, so that they are contiguous from any place.
    struct Line {
        std::array<float, 2 * kMostDelay> samples{};
        float direct = 0, delayed = 0;
    };

    void take(Line& line, float sample) noexcept;

    std::array<float, kTaps> fraction_{};  // interpolates between samples
    std::size_t direct_delay_ = 0, first_tap_ = 0, place_ = 0;
    Line front_, back_;
    float scale_, leak_;  // of the integrators
    float front_sum_ = 0, back_sum_ = 0;
    bool is_adaptive_;
    float beta_, step_, power_ = 0, power_kept_;
};

}  // namespace sidetone::dsp
