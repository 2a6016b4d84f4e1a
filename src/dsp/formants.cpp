// SPDX-License-Identifier: Apache-2.0
#include "dsp/formants.hpp"

#include <cmath>
#include <numbers>
#include <stdexcept>
#include <string>

namespace sidetone::dsp {
namespace {

constexpr double kEmphasisedFromHz = 50;
constexpr double kLowestHz = 150, kBelowCeilingHz = 50;
// F1 is never higher than this share of the ceiling; what is found there instead is a hiss.
constexpr double kHighestFirst = 0.25;

const Formants::Design& checked(const Formants::Design& design) {
    if (!(design.ceiling_hz >= 4000 && 2 * design.ceiling_hz <= design.rate_hz &&
          std::fmod(design.ceiling_hz, 50) == 0)) {
        throw std::invalid_argument("formants: found a ceiling of " + std::to_string(design.ceiling_hz) +
                                    " Hz, expected a multiple of 50 from 4000 to half the rate of " +
                                    std::to_string(design.rate_hz) + " Hz");
    }
    if (design.order < 6 || design.order > 24)
        throw std::invalid_argument("formants: found order " + std::to_string(design.order) + ", expected 6 to 24");
    if (!(design.window_seconds >= 0.01 && design.window_seconds <= 0.2))
        throw std::invalid_argument("formants: expected a window of 10 to 200 ms");
    return design;
}

std::size_t window_samples(const Formants::Design& design) {
    return 2 * static_cast<std::size_t>(std::lround(design.window_seconds * design.ceiling_hz));
}

/// Gauss's bell, 0 at both ends, where it has fallen to e^-12.
std::vector<double> bell(std::size_t length) {
    std::vector<double> weights(length);
    const double middle = static_cast<double>(length) / 2, edge = std::exp(-12.0);
    for (std::size_t n = 0; n < length; ++n) {
        const double x = (static_cast<double>(n) - middle) / (middle + 1);
        weights[n] = (std::exp(-12 * x * x) - edge) / (1 - edge);
    }
    return weights;
}

}  // namespace

Formants::Formants(const Design& design)
    : design_(checked(design)),
      rate_hz_(2 * design.ceiling_hz),
      resampler_(design.rate_hz, static_cast<std::uint32_t>(rate_hz_)),
      windows_({.length = window_samples(design),
                .hop = static_cast<std::size_t>(std::lround(kHopSeconds * rate_hz_)),
                .edges = WindowEdges::silent}),
      weights_(bell(windows_.length())),
      weighted_(windows_.length()),
      prediction_(windows_.length(), design.order),
      roots_(design.order) {}

void Formants::reset() noexcept {
    resampler_.reset();
    windows_.reset();
}

std::size_t Formants::delay_samples() const noexcept {
    // The newest sample of frame t, at twice the ceiling's rate, is t hops and half a window from the first.
    const std::size_t newest = windows_.length() - windows_.length() / 2 - 1;
    const double newest_s = static_cast<double>(newest) / rate_hz_;
    return resampler_.look_ahead() + static_cast<std::size_t>(std::floor(newest_s * design_.rate_hz));
}

FormantFrame Formants::analyse(const float* window) noexcept {
    const double emphasis = std::exp(-2 * std::numbers::pi * kEmphasisedFromHz / rate_hz_);
    double power = 0;
    for (std::size_t n = 0; n < weighted_.size(); ++n) {
        const auto x = static_cast<double>(window[n]), before = static_cast<double>(window[n == 0 ? 0 : n - 1]);
        power += x * x;
        weighted_[n] = weights_[n] * (x - emphasis * before);
    }
    prediction_.analyse(weighted_);
    const bool converged = roots_.find(prediction_.coefficients());
    auto frame = formants_of_roots();
    const double level_db = 10 * std::log10(power / static_cast<double>(weighted_.size()));
    const bool has_first = frame.count >= 2 && frame.formants[0].frequency_hz <= kHighestFirst * design_.ceiling_hz;
    frame.is_reliable = converged && has_first && level_db >= design_.least_level_db &&
                        10 * std::log10(prediction_.gain()) >= design_.least_gain_db;
    return frame;
}

FormantFrame Formants::formants_of_roots() const noexcept {
    FormantFrame frame;
    for (const auto root : roots_.roots()) {
        const double hz_a_radian = rate_hz_ / (2 * std::numbers::pi);
        const double frequency_hz = std::arg(root) * hz_a_radian;
        const double bandwidth_hz = -std::log(std::norm(root)) * hz_a_radian;
        if (!(frequency_hz >= kLowestHz && frequency_hz <= design_.ceiling_hz - kBelowCeilingHz)) continue;
        if (!(bandwidth_hz <= design_.widest_hz)) continue;
        // It goes where it belongs by frequency; what is then beyond the fourth is dropped.
        Formant moved{static_cast<float>(frequency_hz), static_cast<float>(bandwidth_hz)};
        for (std::size_t n = 0; n < frame.formants.size(); ++n) {
            if (n >= frame.count || moved.frequency_hz < frame.formants[n].frequency_hz)
                std::swap(moved, frame.formants[n]);
            if (n >= frame.count) break;
        }
        frame.count = std::min(frame.count + 1, frame.formants.size());
    }
    return frame;
}

}  // namespace sidetone::dsp
