// SPDX-License-Identifier: Apache-2.0
#include "dsp/periodicity.hpp"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <stdexcept>
#include <string>

#include "dsp/periodicity_kernels.hpp"
#include "dsp/products.hpp"

namespace sidetone::dsp {
namespace {

std::uint32_t checked(std::uint32_t rate_hz) {
    if (rate_hz < 8000 || rate_hz > 48'000) {
        throw std::invalid_argument("periodicity: found a rate of " + std::to_string(rate_hz) +
                                    " Hz, expected 8000 to 48000");
    }
    return rate_hz;
}

// 23.5 ms: with lags up to 20 ms the whole fits a power of two at 16 kHz.
std::size_t segment_samples(std::uint32_t rate_hz) {
    return 2 * static_cast<std::size_t>(std::lround(0.01175 * rate_hz));
}

std::size_t transform_size(std::size_t length) {
    std::size_t size = (length + 31) / 32 * 32;
    while (size <= 4096 && !RealFft::supports(size)) size += 32;
    return size;
}

/// The middle and one side of Hann's window, of sum 1 when mirrored.
std::vector<float> low_pass(std::size_t reach) {
    std::vector<float> taps(reach + 1);
    const auto period = static_cast<double>(reach + 1);
    for (std::size_t n = 0; n < taps.size(); ++n) {
        taps[n] = static_cast<float>((1 + std::cos(std::numbers::pi * static_cast<double>(n) / period)) / 2 / period);
    }
    return taps;
}

}  // namespace

Periodicity::Periodicity(std::uint32_t rate_hz, std::size_t longest_lag)
    : segment_(segment_samples(checked(rate_hz))),
      longest_lag_(longest_lag),
      reach_(rate_hz / 4000),
      filter_(low_pass(reach_)),
      transform_(transform_size(segment_ + 2 * longest_lag)),
      sound_(segment_ + 2 * longest_lag),
      padded_(transform_.size()),
      correlation_(transform_.size()),
      whole_(transform_.bins()),
      middle_(transform_.bins()),
      energy_(sound_.size() + 1),
      likeness_(longest_lag + 1) {}

void Periodicity::analyse(const float* samples) noexcept {
    symmetric_filter(filter_, samples, sound_.data(), sound_.size());
    level_out();
    for (std::size_t n = 0; n < sound_.size(); ++n) {
        const auto x = static_cast<double>(sound_[n]);
        energy_[n + 1] = energy_[n] + x * x;
    }
    power_ = (energy_[longest_lag_ + segment_] - energy_[longest_lag_]) / static_cast<double>(segment_);
    correlate();
    normalise();
}

// Takes the regression line away.
void Periodicity::level_out() noexcept {
    const auto count = static_cast<double>(sound_.size());
    const double middle = (count - 1) / 2;
    double sum = 0, moment = 0;
    for (std::size_t n = 0; n < sound_.size(); ++n) {
        const auto x = static_cast<double>(sound_[n]);
        sum += x;
        moment += (static_cast<double>(n) - middle) * x;
    }
    const double mean = sum / count, slope = moment / (count * (count * count - 1) / 12);
    for (std::size_t n = 0; n < sound_.size(); ++n) {
        sound_[n] -= static_cast<float>(mean + slope * (static_cast<double>(n) - middle));
    }
}

// correlation[longest lag + τ] = Σ x[n] x[n + τ], n in the middle.
void Periodicity::correlate() noexcept {
    std::copy(sound_.begin(), sound_.end(), padded_.begin());
    std::fill(padded_.begin() + static_cast<std::ptrdiff_t>(sound_.size()), padded_.end(), 0.0F);
    transform_.forward(padded_.data(), whole_.data());
    std::copy_n(sound_.data() + longest_lag_, segment_, padded_.data());
    std::fill(padded_.begin() + static_cast<std::ptrdiff_t>(segment_), padded_.end(), 0.0F);
    transform_.forward(padded_.data(), middle_.data());
    for (auto& bin : middle_) bin = std::conj(bin);
    apply_mask(middle_.data(), whole_.data(), whole_.size());
    transform_.inverse(whole_.data(), correlation_.data());
}

void Periodicity::normalise() noexcept {
    const auto energy_from = [&](std::size_t n) { return energy_[n + segment_] - energy_[n]; };
    const double own = energy_from(longest_lag_);
    for (std::size_t lag = 0; lag <= longest_lag_; ++lag) {
        const std::size_t later = longest_lag_ + lag, earlier = longest_lag_ - lag;
        const double products = static_cast<double>(correlation_[later]) + static_cast<double>(correlation_[earlier]);
        const double energy = own + (energy_from(later) + energy_from(earlier)) / 2;
        likeness_[lag] = energy > 0 ? products / energy : 0;
    }
}

}  // namespace sidetone::dsp
