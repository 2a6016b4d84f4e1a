// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <complex>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "dsp/asymmetric_filter_bank.hpp"
#include "rt/histogram.hpp"
#include "stage/spectral_gain.hpp"
#include "stage/stage.hpp"

namespace sidetone::stage {

/// How the gains reach the sound.
enum class BankOutput : std::uint8_t {
    synthesis,      ///< the spectrum is changed and sounded again: synthesis - hop late
    minimum_phase,  ///< a filter in the time domain has the gains of the last hop: no delay, less sharp
    causal_wiener,  ///< a filter as near as one can come with `delay_ms` to what the gains make of the sound
};

/// In milliseconds, so that a chain is the same at any rate.
struct FilterBankSettings {
    double analysis_ms = 32;
    double synthesis_ms = 4;
    double hop_ms = 1;
    BankOutput output = BankOutput::synthesis;
    double delay_ms = 0;  ///< of a causal_wiener output
};

/// The settings in whole samples: the hop is rounded, the synthesis window is a whole number of hops, and the analysis
/// window the transform size that comes nearest.
[[nodiscard]] dsp::AsymmetricWindows filter_bank_windows(const FilterBankSettings& settings, std::uint32_t rate_hz);

/// How many frames the output must lag beyond the bank's own delay so that blocks of `block` frames (0: of any size)
/// never wait for a hop to be completed: what they can leave incomplete.
[[nodiscard]] std::uint32_t regrouping_frames(std::uint32_t hop, std::uint32_t block) noexcept;

/// One low-delay filter bank in which the gains of all its links multiply (dsp/asymmetric_filter_bank.hpp). The delay
/// is synthesis - hop frames where blocks are whole hops, and `regrouping_frames` more where they are not; none with a
/// minimum-phase output, and what was set with a causal Wiener filter.
class FilterBankStage final : public Stage, public WorkSource {
public:
    FilterBankStage(const FilterBankSettings& settings, std::vector<std::unique_ptr<SpectralGain>> links);
    ~FilterBankStage() override;

    [[nodiscard]] const char* kind() const noexcept override { return "filter_bank"; }
    void prepare(const StageContext& context) override;
    void process(const float* const* in, float* const* out, std::uint32_t frames,
                 const BlockTime& time) noexcept SIDETONE_REALTIME override;
    [[nodiscard]] std::uint32_t delay_frames() const noexcept override { return delay_frames_; }
    [[nodiscard]] WorkSource* work() noexcept override;
    [[nodiscard]] std::vector<Changeable*> changeable_links() override;
    [[nodiscard]] std::vector<StagePart> parts() const override;
    [[nodiscard]] std::string decision() const override;
    [[nodiscard]] bool needs_calibration() const noexcept override;
    [[nodiscard]] std::uint64_t misses() const noexcept override;

    /// Worker thread.
    [[nodiscard]] bool run_next() noexcept SIDETONE_REALTIME override;
    void rehearse(const rt::Rehearsal& rehearsal) noexcept SIDETONE_REALTIME override;

private:
    struct Channel;

    void find_gains(const BlockTime& time) noexcept;
    void sound_hop() noexcept;
    void take_output(Channel& channel, float* out, std::uint32_t frames) const noexcept;

    FilterBankSettings settings_;
    std::vector<std::unique_ptr<SpectralGain>> links_;
    std::vector<rt::Histogram> link_time_;  // one per link
    std::vector<WorkSource*> work_;         // of the links that have any
    std::vector<Channel> channels_;
    std::vector<const float*> samples_;  // per channel: what a hop shows its links
    std::vector<const std::complex<float>*> spectra_;
    std::vector<float*> gains_;
    std::uint32_t hop_frames_ = 0;
    std::uint32_t delay_frames_ = 0;
    std::uint32_t filled_ = 0;  // frames of the hop that is coming in
    std::uint32_t read_ = 0;    // where the next output frame lies in a channel's queue of two hops
    std::uint32_t write_ = 0;   // where the next finished hop goes: 0 or hop_frames_
};

}  // namespace sidetone::stage
