// SPDX-License-Identifier: Apache-2.0
#include "dsp/polyphase_resampler.hpp"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <numeric>
#include <span>
#include <stdexcept>
#include <string>
#include <vector>

namespace sidetone::dsp {

namespace {

constexpr std::size_t kMostTaps = 4'000'000;
constexpr std::uint32_t kFewestHalf = kTapUnit / 2;

struct Place {
    std::int64_t input;   // floor of the position
    std::uint32_t phase;  // what is left, in 1/phases of an input sample
};

Place place_of(std::int64_t m, std::uint32_t step, std::uint32_t phases) noexcept {
    const std::int64_t fine = m * std::int64_t{step};
    std::int64_t input = fine / std::int64_t{phases};
    std::int64_t phase = fine % std::int64_t{phases};
    if (phase < 0) {
        phase += phases;
        --input;
    }
    return {input, static_cast<std::uint32_t>(phase)};
}

/// Modified Bessel function of the first kind, order 0, by its power series.
double bessel_i0(double x) {
    double sum = 1;
    double term = 1;
    for (int k = 1; term > 1e-17 * sum; ++k) {
        term *= (x / (2 * k)) * (x / (2 * k));
        sum += term;
    }
    return sum;
}

/// Kaiser, "Nonrecursive digital filter design using the I0-sinh window function", ISCAS 1974: the shape that gives an
/// attenuation, and the span that a transition takes with it.
double kaiser_beta(double attenuation_db) {
    if (attenuation_db > 50) return 0.1102 * (attenuation_db - 8.7);
    if (attenuation_db > 21) return 0.5842 * std::pow(attenuation_db - 21, 0.4) + 0.07886 * (attenuation_db - 21);
    return 0;
}

/// Half the span in seconds, for a transition of `width_hz`.
double kaiser_half_span(double attenuation_db, double width_hz) {
    return std::max(0.0, attenuation_db - 7.95) / (2 * 14.36 * width_hz);
}

std::string name_of(std::uint32_t in_rate_hz, std::uint32_t out_rate_hz) {
    return "resampler " + std::to_string(in_rate_hz) + " Hz -> " + std::to_string(out_rate_hz) + " Hz: ";
}

void check(std::uint32_t in_rate_hz, std::uint32_t out_rate_hz, const PolyphaseResampler::Design& design) {
    const auto name = name_of(in_rate_hz, out_rate_hz);
    for (const auto rate_hz : {in_rate_hz, out_rate_hz}) {
        if (rate_hz < 8000 || rate_hz > 192'000)
            throw std::invalid_argument(name + "expected rates of 8000 to 192000 Hz");
    }
    if (!(design.stop_band_db >= 20 && design.stop_band_db <= 140)) {
        throw std::invalid_argument(name + "found a stop band of " + std::to_string(design.stop_band_db) +
                                    " dB, expected 20 to 140");
    }
    if (!(design.pass_band >= 0.5 && design.pass_band <= 0.98)) {
        throw std::invalid_argument(name + "found a pass band of " + std::to_string(design.pass_band) +
                                    ", expected 0.5 to 0.98");
    }
}

/// The taps of one branch, for input samples p - (half - 1) … p + half around the position p + fraction.
void design_branch(double fraction, double cut_off, double beta, std::uint32_t half, std::vector<double>& taps) {
    const double edge = bessel_i0(beta);
    double sum = 0;
    for (std::size_t j = 0; j < taps.size(); ++j) {
        const double distance = fraction + static_cast<double>(half) - 1 - static_cast<double>(j);
        const double x = std::numbers::pi * cut_off * distance;
        const double sinc = std::fabs(x) < 1e-9 ? 1.0 : std::sin(x) / x;
        const double inside = distance / static_cast<double>(half);
        taps[j] = sinc * bessel_i0(beta * std::sqrt(std::max(0.0, 1 - inside * inside))) / edge;
        sum += taps[j];
    }
    // Each branch passes a constant unchanged; left alone, they would differ and turn it into a tone.
    for (auto& tap : taps) tap /= sum;
}

/// As PolyphaseBranches wants it: whole units, the last of them flush with the last tap.
void store_branch(const std::vector<double>& taps, std::span<float> coefficients) {
    const std::size_t before_last = coefficients.size() - kTapUnit;
    for (std::size_t j = 0; j < taps.size(); ++j) {
        const std::size_t place = j < before_last ? j : j + coefficients.size() - taps.size();
        coefficients[place] = static_cast<float>(taps[j]);
    }
}

}  // namespace

PolyphaseResampler::PolyphaseResampler(std::uint32_t in_rate_hz, std::uint32_t out_rate_hz, const Design& design)
    : phases_(1), step_(1), half_(0) {
    check(in_rate_hz, out_rate_hz, design);
    if (in_rate_hz == out_rate_hz) return;

    const std::uint32_t divisor = std::gcd(in_rate_hz, out_rate_hz);
    phases_ = out_rate_hz / divisor;
    step_ = in_rate_hz / divisor;
    const double lower_hz = std::min(in_rate_hz, out_rate_hz);
    const double half_span = kaiser_half_span(design.stop_band_db, (1 - design.pass_band) * lower_hz);
    half_ = std::max(kFewestHalf, static_cast<std::uint32_t>(std::ceil(half_span * in_rate_hz)));

    const std::size_t taps = 2 * std::size_t{half_};
    if (phases_ * taps > kMostTaps) {
        throw std::invalid_argument(name_of(in_rate_hz, out_rate_hz) + "the ratio " + std::to_string(phases_) + "/" +
                                    std::to_string(step_) + " takes " + std::to_string(phases_ * taps) +
                                    " taps, at most " + std::to_string(kMostTaps) +
                                    " are allowed; choose rates with a larger common divisor");
    }
    units_ = (taps + kTapUnit - 1) / kTapUnit;
    branches_.assign(phases_ * units_ * kTapUnit, 0.0F);
    const double beta = kaiser_beta(design.stop_band_db);
    std::vector<double> branch(taps);
    for (std::uint32_t phase = 0; phase < phases_; ++phase) {
        const double fraction = static_cast<double>(phase) / phases_;
        design_branch(fraction, lower_hz / in_rate_hz, beta, half_, branch);
        store_branch(branch, std::span(branches_).subspan(phase * units_ * kTapUnit, units_ * kTapUnit));
    }
    filter_ = polyphase_filter(branches());
}

PolyphaseBranches PolyphaseResampler::branches() const noexcept {
    return {branches_.data(), 2 * std::size_t{half_}, units_, phases_, step_};
}

[[gnu::hot]] std::int64_t PolyphaseResampler::newest_input(std::int64_t m) const noexcept {
    return place_of(m, step_, phases_).input + half_;
}

[[gnu::hot]] std::int64_t PolyphaseResampler::oldest_input(std::int64_t m) const noexcept {
    if (half_ == 0) return m;
    return place_of(m, step_, phases_).input - (std::int64_t{half_} - 1);
}

[[gnu::hot]] std::int64_t PolyphaseResampler::outputs_ready(std::int64_t available) const noexcept {
    // Output m is determined when floor(m · step / phases) + half < available.
    const std::int64_t inputs = available - half_;
    if (inputs <= 0) return 0;
    return (inputs * std::int64_t{phases_} + step_ - 1) / std::int64_t{step_};
}

[[gnu::hot]] void PolyphaseResampler::compute(const float* in, std::int64_t in_position, std::int64_t first,
                                              std::size_t count, float* out) const noexcept {
    if (half_ == 0) {
        std::copy_n(in + (first - in_position), count, out);
        return;
    }
    const auto place = place_of(first, step_, phases_);
    const float* oldest = in + (place.input - (std::int64_t{half_} - 1) - in_position);
    filter_(branches(), {oldest, place.phase}, count, out);
}

std::vector<float> resampled(std::span<const float> in, const PolyphaseResampler& resampler) {
    const auto margin = 2 * std::size_t{resampler.half()};
    std::vector<float> padded(in.size() + 2 * margin);
    std::copy(in.begin(), in.end(), padded.begin() + static_cast<std::ptrdiff_t>(margin));
    std::vector<float> out(in.size() * resampler.phases() / resampler.step());
    resampler.compute(padded.data(), -static_cast<std::int64_t>(margin), 0, out.size(), out.data());
    return out;
}

}  // namespace sidetone::dsp
