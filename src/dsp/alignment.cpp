// SPDX-License-Identifier: Apache-2.0
#include "dsp/alignment.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <complex>
#include <cstddef>
#include <limits>
#include <stdexcept>
#include <string>
#include <vector>

#include "dsp/long_fft.hpp"

namespace sidetone::dsp {

namespace {

/// Element d (mod its size) is Σ reference[n] · delayed[n + d], for every lag at which the signals meet.
LongSpectrum cross_correlation(std::span<const float> reference, std::span<const float> delayed) {
    const std::size_t size = std::bit_ceil(reference.size() + delayed.size());
    // Two real transforms in one: the reference is the real part, the delayed signal the imaginary one.
    LongSpectrum both(size);
    for (std::size_t n = 0; n < reference.size(); ++n) both[n].real(static_cast<double>(reference[n]));
    for (std::size_t n = 0; n < delayed.size(); ++n) both[n].imag(static_cast<double>(delayed[n]));
    transform_long(both);

    // The inverse transform is the forward one read backwards.
    LongSpectrum product(size);
    for (std::size_t k = 0; k < size; ++k) {
        const std::size_t mirrored = (size - k) % size;
        const auto a = both[k];
        const auto b = std::conj(both[mirrored]);
        const auto reference_bin = (a + b) * 0.5;
        const auto delayed_bin = (a - b) * std::complex<double>(0.0, -0.5);
        product[mirrored] = std::conj(reference_bin) * delayed_bin / static_cast<double>(size);
    }
    transform_long(product);
    return product;
}

/// Element n is the energy of the first n samples.
std::vector<double> running_energy(std::span<const float> signal) {
    std::vector<double> energy(signal.size() + 1, 0.0);
    for (std::size_t n = 0; n < signal.size(); ++n) {
        const auto sample = static_cast<double>(signal[n]);
        energy[n + 1] = energy[n] + sample * sample;
    }
    return energy;
}

}  // namespace

std::int64_t delay_by_cross_correlation(std::span<const float> reference, std::span<const float> delayed,
                                        std::int64_t max_delay) {
    if (max_delay < 0) {
        throw std::invalid_argument("alignment: max_delay is " + std::to_string(max_delay) + ", expected 0 or more");
    }
    if (reference.empty() || delayed.empty()) return 0;
    const auto reference_energy = running_energy(reference);
    const auto delayed_energy = running_energy(delayed);
    const auto correlation = cross_correlation(reference, delayed);

    constexpr double kSmallestShare = 0.1;
    const auto reference_size = static_cast<std::int64_t>(reference.size());
    const auto delayed_size = static_cast<std::int64_t>(delayed.size());
    const auto circle = static_cast<std::int64_t>(correlation.size());
    double best = -std::numeric_limits<double>::infinity();
    std::int64_t best_lag = 0;
    const std::int64_t last_lag = std::min(max_delay, delayed_size - 1);
    for (std::int64_t lag = std::max(-max_delay, 1 - reference_size); lag <= last_lag; ++lag) {
        const std::int64_t begin = std::max<std::int64_t>(0, -lag);
        const std::int64_t end = std::min(reference_size, delayed_size - lag);
        const auto energy = [](const std::vector<double>& running, std::int64_t from, std::int64_t to) {
            return running[static_cast<std::size_t>(to)] - running[static_cast<std::size_t>(from)];
        };
        const double of_reference = energy(reference_energy, begin, end);
        const double of_delayed = energy(delayed_energy, begin + lag, end + lag);
        if (!(of_reference > kSmallestShare * reference_energy.back())) continue;
        if (!(of_delayed > kSmallestShare * delayed_energy.back())) continue;
        const auto at = static_cast<std::size_t>(lag >= 0 ? lag : lag + circle);
        const double similarity = correlation[at].real() / std::sqrt(of_reference * of_delayed);
        if (similarity > best) {
            best = similarity;
            best_lag = lag;
        }
    }
    return best_lag;
}

}  // namespace sidetone::dsp
