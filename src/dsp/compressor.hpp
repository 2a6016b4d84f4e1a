// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <complex>
#include <cstddef>
#include <span>
#include <vector>

#include "dsp/band_bins.hpp"
#include "dsp/frequency_bands.hpp"
#include "dsp/gain_curve.hpp"
#include "dsp/step_smoothing.hpp"
#include "rt/realtime.hpp"

namespace sidetone::dsp {

struct CompressorSettings {
    FrequencyBands bands;
    /// A curve for each band of each ear; of one ear only: for all of them.
    std::vector<std::vector<GainCurve>> ears;
    double attack_ms = 5, release_ms = 80;
    /// All ears have the gains of the loudest, so that a source stays where it is heard.
    bool linked = false;
    /// The level of a sound whose root mean square is 1. A sine of full scale is 3 dB below.
    double full_scale_db_spl = 120;
    /// The same where the sound comes out again. Where it is another, gains make up for the difference.
    double playback_full_scale_db_spl = 120;
};

/// Settings worked out for one format of frames: immutable, made by the control thread and used by the audio thread.
///
/// Gains are corrected for what the filter bank makes of them (dsp/gain_correction.hpp), for spectra of the shape of
/// speech, and the smoothing for what the analysis window does to a step (dsp/step_smoothing.hpp): what comes out is
/// what the settings say.
class CompressorPlan {
public:
    static constexpr std::size_t kFewestBands = 2, kMostBands = 18;

    /// Throws std::invalid_argument unless every ear has a gain curve for each band.
    CompressorPlan(const CompressorSettings& settings, std::size_t ears, const FrameFormat& format);

    [[nodiscard]] std::size_t bins() const noexcept { return map_.bins(); }
    [[nodiscard]] std::size_t bands() const noexcept { return map_.bands(); }

private:
    friend class Compressor;

    using PerBand = std::array<float, kMostBands>;

    BandBins map_;
    bool linked_;
    float scale_;              // of a sum of squared bins, so that 0 dB is 0 dB SPL
    std::vector<float> fade_;  // what is left, so many hops later, of a difference to a plan before; ends with 0
    std::vector<std::vector<GainTable>> tables_;  // of each ear
    std::vector<PerBand> attack_, release_;
};

/// Multiband compressor on the spectra of a filter bank: each band's level in dB SPL is smoothed with its attack or
/// release, and read off its curve; gains lie on straight lines between the bands' centres, in dB over equivalent
/// rectangular bandwidths. Levels and gains go on from one plan to the next, and a difference fades within 40 ms.
///
/// Made on the control thread, used by one thread at a time. What is not finite counts as very soft or very loud, and
/// is forgotten like any other sound.
class Compressor {
public:
    Compressor(std::size_t ears, std::size_t bins);

    /// One hop of each ear: multiplies its gains into those that are there, `bins` of them, linear. Levels are those of
    /// the spectra with the gains that are there.
    void run(const CompressorPlan& plan, const std::complex<float>* const* spectra,
             float* const* gains) noexcept SIDETONE_REALTIME;

    /// Of the last hop, for meters: what the smoothed level was and what the curve gave for it.
    [[nodiscard]] std::span<const float> levels_db_spl(std::size_t ear) const noexcept { return ears_[ear].level; }
    [[nodiscard]] std::span<const float> gains_db(std::size_t ear) const noexcept { return ears_[ear].gain; }

    /// Back to silence.
    void reset() noexcept;

private:
    using PerBand = std::array<float, CompressorPlan::kMostBands>;
    struct Ear {
        PerBand power{}, input{}, level{}, gain{}, carried{};
    };

    void measure(const CompressorPlan& plan, const std::complex<float>* const* spectra,
                 const float* const* gains) noexcept;
    void follow(const CompressorPlan& plan, std::size_t ear) noexcept;
    void spread(const CompressorPlan& plan, const Ear& ear, float* gains) noexcept;

    std::vector<Ear> ears_;
    std::vector<float> bins_;                    // powers, then gains
    const CompressorPlan* last_plan_ = nullptr;  // to notice another one, never to look into
    std::size_t hops_since_change_ = 0;
};

}  // namespace sidetone::dsp
