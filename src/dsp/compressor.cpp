// SPDX-License-Identifier: Apache-2.0
#include "dsp/compressor.hpp"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <stdexcept>

#include "dsp/bank_response.hpp"
#include "dsp/decibels.hpp"
#include "dsp/gain_correction.hpp"
#include "dsp/products.hpp"
#include "dsp/speech_spectrum.hpp"

namespace sidetone::dsp {

namespace {

constexpr double kFadeMs = 40;
constexpr float kSilenceDbSpl = GainTable::kLowestDbSpl;

/// Parseval: the squared bins of one side add up to N/2 · Σ window² · mean square of the signal.
double mean_square_of_bins(std::span<const float> window) {
    double energy = 0;
    for (const double sample : window) energy += sample * sample;
    return 2 / (static_cast<double>(window.size()) * energy);
}

/// Half a cosine, so that a change begins and ends softly.
std::vector<float> fade_of(const FrameFormat& format) {
    const double hops = std::ceil(kFadeMs / 1000 * format.rate_hz / static_cast<double>(format.hop));
    std::vector<float> fade(static_cast<std::size_t>(hops) + 1);
    for (std::size_t hop = 0; hop + 1 < fade.size(); ++hop) {
        fade[hop] = static_cast<float>(0.5 + 0.5 * std::cos(std::numbers::pi * static_cast<double>(hop) / hops));
    }
    return fade;
}

/// What the gains of one ear need more, for speech of every fifth decibel.
class SpeechCorrection {
public:
    SpeechCorrection(const std::vector<GainCurve>& curves, const FrequencyBands& bands, const BandBins& map,
                     BankResponse& response) {
        for (std::size_t b = 0; b < bands.count(); ++b) {
            share_db_.push_back(speech_level_between_db_spl(bands.edges_hz[b], bands.edges_hz[b + 1], 0));
        }
        std::vector<double> wanted_db(bands.count());
        for (int speech = kSoftest; speech <= kLoudest; speech += kStep) {
            for (std::size_t b = 0; b < bands.count(); ++b) wanted_db[b] = curves[b].gain_db(speech + share_db_[b]);
            more_db_.push_back(gain_correction_db(response, map, wanted_db));
        }
    }

    [[nodiscard]] double at(std::size_t band, double level_db_spl) const {
        const double place = std::clamp((level_db_spl - share_db_[band] - kSoftest) / kStep, 0.0,
                                        static_cast<double>(more_db_.size() - 1));
        const auto row = std::min(static_cast<std::size_t>(place), more_db_.size() - 2);
        return std::lerp(more_db_[row][band], more_db_[row + 1][band], place - static_cast<double>(row));
    }

private:
    static constexpr int kSoftest = 20, kLoudest = 110, kStep = 5;

    std::vector<double> share_db_;  // of each band, in speech of 0 dB SPL
    std::vector<std::vector<double>> more_db_;
};

}  // namespace

CompressorPlan::CompressorPlan(const CompressorSettings& settings, std::size_t ears, const FrameFormat& format)
    : map_(settings.bands, format.rate_hz, format.analysis_window.size()),
      linked_(settings.linked),
      scale_(static_cast<float>(mean_square_of_bins(format.analysis_window) *
                                std::pow(10.0, settings.full_scale_db_spl / 10))),
      fade_(fade_of(format)),
      attack_(ears),
      release_(ears) {
    BankResponse response({format.analysis_window.size(), format.synthesis, format.hop}, format.rate_hz,
                          settings.bands.centres_hz);
    const StepSmoothing smoothing(format);
    const double make_up_db = settings.full_scale_db_spl - settings.playback_full_scale_db_spl;
    for (std::size_t ear = 0; ear < ears; ++ear) {
        const auto& curves = settings.ears[std::min(ear, settings.ears.size() - 1)];
        if (curves.size() != settings.bands.count()) throw std::invalid_argument{"a band needs one gain curve per ear"};
        const SpeechCorrection correction(curves, settings.bands, map_, response);
        auto& tables = tables_.emplace_back();
        for (std::size_t b = 0; b < curves.size(); ++b) {
            tables.emplace_back(
                curves[b], [&](double level_db_spl) { return correction.at(b, level_db_spl); }, make_up_db);
            attack_[ear][b] = static_cast<float>(smoothing.attack_share(curves[b], settings.attack_ms));
            release_[ear][b] = static_cast<float>(smoothing.release_share(curves[b], settings.release_ms));
        }
    }
}

Compressor::Compressor(std::size_t ears, std::size_t bins) : ears_(ears), bins_(bins) {
    reset();
}

void Compressor::reset() noexcept {
    for (auto& ear : ears_) {
        ear = {};
        ear.level.fill(kSilenceDbSpl);
    }
    last_plan_ = nullptr;
}

[[gnu::hot]] void Compressor::run(const CompressorPlan& plan, const std::complex<float>* const* spectra,
                                  float* const* gains) noexcept {
    if (last_plan_ != &plan) {
        const bool is_first = last_plan_ == nullptr;
        last_plan_ = &plan;
        hops_since_change_ = is_first ? plan.fade_.size() - 1 : 0;
    } else {
        hops_since_change_ = std::min(hops_since_change_ + 1, plan.fade_.size() - 1);
    }
    measure(plan, spectra, gains);
    for (std::size_t ear = 0; ear < ears_.size(); ++ear) {
        follow(plan, ear);
        spread(plan, ears_[ear], gains[ear]);
    }
}

[[gnu::hot]] void Compressor::measure(const CompressorPlan& plan, const std::complex<float>* const* spectra,
                                      const float* const* gains) noexcept {
    for (std::size_t e = 0; e < ears_.size(); ++e) {
        power_with_gains(spectra[e], gains[e], bins_.data(), plan.bins());
        auto& band_power = ears_[e].power;
        plan.map_.sum(bins_.data(), band_power.data());
        for (std::size_t b = 0; b < plan.bands(); ++b) band_power[b] *= plan.scale_;
    }
    if (plan.linked_) {
        for (std::size_t e = 1; e < ears_.size(); ++e) {
            for (std::size_t b = 0; b < plan.bands(); ++b) {
                ears_[0].power[b] = std::max(ears_[0].power[b], ears_[e].power[b]);
            }
        }
        for (std::size_t e = 1; e < ears_.size(); ++e) ears_[e].power = ears_[0].power;
    }
    for (auto& ear : ears_) power_to_decibels(ear.power.data(), ear.input.data(), plan.bands());
}

[[gnu::hot]] void Compressor::follow(const CompressorPlan& plan, std::size_t e) noexcept {
    auto& ear = ears_[e];
    const auto& attack = plan.attack_[e];
    const auto& release = plan.release_[e];
    const auto& tables = plan.tables_[e];
    for (std::size_t b = 0; b < plan.bands(); ++b) {
        const float input = std::clamp<float>(ear.input[b], GainTable::kLowestDbSpl, GainTable::kHighestDbSpl);
        const float difference = input - ear.level[b];
        ear.level[b] += difference * (difference > 0 ? attack[b] : release[b]);
        const float gain = tables[b].gain_db(ear.level[b]);
        // Another plan: what it changes at this level is made up for, and then let go.
        if (hops_since_change_ == 0) ear.carried[b] = ear.gain[b] - gain;
        ear.gain[b] = gain + ear.carried[b] * plan.fade_[hops_since_change_];
    }
}

[[gnu::hot]] void Compressor::spread(const CompressorPlan& plan, const Ear& ear, float* gains) noexcept {
    plan.map_.spread(ear.gain.data(), bins_.data());
    decibels_to_gains(bins_.data(), bins_.data(), plan.bins());
    multiply(gains, bins_.data(), gains, plan.bins());
}

}  // namespace sidetone::dsp
