// SPDX-License-Identifier: Apache-2.0
#include "dsp/compressor.hpp"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <numeric>

#include "dsp/decibels.hpp"
#include "dsp/products.hpp"

namespace sidetone::dsp {

namespace {

constexpr double kCrossfadeMs = 20;
constexpr float kSilenceDbSpl = GainTable::kLowestDbSpl;

double hops_of(double milliseconds, const FrameFormat& format) {
    return milliseconds / 1000 * format.rate_hz / static_cast<double>(format.hop);
}

/// Parseval: the squared bins of one side add up to N/2 · Σ window² · mean square of the signal.
double mean_square_of_bins(std::span<const float> window) {
    double energy = 0;
    for (const double sample : window) energy += sample * sample;
    return 2 / (static_cast<double>(window.size()) * energy);
}

}  // namespace

CompressorPlan::CompressorPlan(const CompressorSettings& settings, std::size_t ears, const FrameFormat& format)
    : bands_(settings.bands.count()),
      ears_(ears),
      linked_(settings.linked),
      scale_(static_cast<float>(mean_square_of_bins(format.analysis_window) *
                                std::pow(10.0, settings.full_scale_db_spl / 10))),
      crossfade_(static_cast<float>(std::exp(-1 / hops_of(kCrossfadeMs / 4, format)))) {
    const std::size_t length = format.analysis_window.size();
    const std::size_t bins = length / 2 + 1;
    const double bin_hz = format.rate_hz / static_cast<double>(length);

    // Bin k stands for the frequencies from k - 1/2 to k + 1/2.
    for (std::size_t b = 0; b < bands_; ++b) {
        const auto place = [&](double hz) { return std::clamp(hz / bin_hz + 0.5, 0.0, static_cast<double>(bins)); };
        const double low = place(settings.bands.edges_hz[b]);
        const double high = place(settings.bands.edges_hz[b + 1]);
        const double first = std::ceil(low);
        const double last = std::floor(high);
        BandBins band{static_cast<std::size_t>(first), static_cast<std::size_t>(last), static_cast<float>(first - low),
                      static_cast<float>(high - last)};
        if (last < first) band = {band.last + 1, band.last + 1, static_cast<float>(high - low), 0};
        band_bins_.push_back(band);
    }

    const auto& centres_hz = settings.bands.centres_hz;
    place_.resize(bins);
    std::size_t next = 0;
    for (std::size_t b = 0; b <= bands_; ++b) {
        Segment segment{next, next, b == 0 ? 0 : b - 1, std::min(b, bands_ - 1)};
        for (; next < bins; ++next) {
            const double hz = static_cast<double>(next) * bin_hz;
            if (b < bands_ && hz >= centres_hz[b]) break;
            if (segment.lower == segment.upper) continue;
            const double low = erb_number(centres_hz[segment.lower]);
            place_[next] = static_cast<float>((erb_number(hz) - low) / (erb_number(centres_hz[segment.upper]) - low));
        }
        segment.last = next;
        segments_.push_back(segment);
    }

    for (std::size_t ear = 0; ear < ears; ++ear) {
        attack_.emplace_back();
        release_.emplace_back();
        for (std::size_t b = 0; b < bands_; ++b) {
            const auto& curve = settings.ears[std::min(ear, settings.ears.size() - 1)][b];
            tables_.emplace_back(curve);
            attack_[ear][b] =
                static_cast<float>(smoothing_share(attack_distance_db(curve), hops_of(settings.attack_ms, format)));
            release_[ear][b] =
                static_cast<float>(smoothing_share(release_distance_db(curve), hops_of(settings.release_ms, format)));
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

void Compressor::run(const CompressorPlan& plan, const std::complex<float>* const* spectra,
                     float* const* gains) noexcept {
    const bool is_new = last_plan_ != &plan && last_plan_ != nullptr;
    last_plan_ = &plan;
    measure(plan, spectra, gains);
    for (std::size_t ear = 0; ear < ears_.size(); ++ear) {
        follow(plan, ear, is_new);
        spread(plan, ears_[ear], gains[ear]);
    }
}

void Compressor::measure(const CompressorPlan& plan, const std::complex<float>* const* spectra,
                         const float* const* gains) noexcept {
    for (std::size_t e = 0; e < ears_.size(); ++e) {
        power_with_gains(spectra[e], gains[e], bins_.data(), plan.bins());
        for (std::size_t b = 0; b < plan.bands_; ++b) {
            const auto [first, last, share_below, share_above] = plan.band_bins_[b];
            float sum = 0;
            if (share_below > 0) sum += share_below * bins_[first - 1];
            for (std::size_t k = first; k < last; ++k) sum += bins_[k];
            if (share_above > 0) sum += share_above * bins_[last];
            ears_[e].power[b] = sum * plan.scale_;
        }
    }
    if (plan.linked_) {
        for (std::size_t e = 1; e < ears_.size(); ++e) {
            for (std::size_t b = 0; b < plan.bands_; ++b) {
                ears_[0].power[b] = std::max(ears_[0].power[b], ears_[e].power[b]);
            }
        }
        for (std::size_t e = 1; e < ears_.size(); ++e) ears_[e].power = ears_[0].power;
    }
    for (auto& ear : ears_) power_to_decibels(ear.power.data(), ear.input.data(), plan.bands_);
}

void Compressor::follow(const CompressorPlan& plan, std::size_t e, bool is_new) noexcept {
    auto& ear = ears_[e];
    const auto& attack = plan.attack_[e];
    const auto& release = plan.release_[e];
    for (std::size_t b = 0; b < plan.bands_; ++b) {
        const float input = std::clamp<float>(ear.input[b], GainTable::kLowestDbSpl, GainTable::kHighestDbSpl);
        const float difference = input - ear.level[b];
        ear.level[b] += difference * (difference > 0 ? attack[b] : release[b]);
        const float gain = plan.tables_[e * plan.bands_ + b].gain_db(ear.level[b]);
        // Another plan: what it changes at this level is made up for, and then let go.
        ear.carried[b] = is_new ? ear.gain[b] - gain : ear.carried[b] * plan.crossfade_;
        ear.gain[b] = gain + ear.carried[b];
    }
}

void Compressor::spread(const CompressorPlan& plan, const Ear& ear, float* gains) noexcept {
    for (const auto& [first, last, lower, upper] : plan.segments_) {
        const float from = ear.gain[lower];
        const float rise = ear.gain[upper] - from;
        for (std::size_t k = first; k < last; ++k) bins_[k] = from + plan.place_[k] * rise;
    }
    decibels_to_gains(bins_.data(), bins_.data(), plan.bins());
    multiply(gains, bins_.data(), gains, plan.bins());
}

}  // namespace sidetone::dsp
