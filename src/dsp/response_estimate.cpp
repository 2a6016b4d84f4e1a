// SPDX-License-Identifier: Apache-2.0
#include "dsp/response_estimate.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <numbers>

#include "dsp/long_fft.hpp"

namespace sidetone::dsp {
namespace {

constexpr double kLowestHz = 20;
constexpr double kWeakestShare = 1e-6;   // of the strongest third octave's density
constexpr double kSmallestShare = 1e-6;  // of the mean power, below which a ratio of spectra is not trusted
constexpr double kThird = 1.2599210498948732;

std::size_t frames_of(double seconds, double rate_hz) {
    return static_cast<std::size_t>(std::lround(seconds * rate_hz));
}

double frequency_of(std::size_t bin, std::size_t size, double rate_hz) {
    return static_cast<double>(bin) * rate_hz / static_cast<double>(size);
}

/// 0 at one edge, 1 a third octave further in.
double rise(double frequency_hz, double from_hz, double to_hz) {
    const double share = std::clamp(std::log(frequency_hz / from_hz) / std::log(to_hz / from_hz), 0.0, 1.0);
    return 0.5 - 0.5 * std::cos(std::numbers::pi * share);
}

double weight(double frequency_hz, const FrequencySpan& range) {
    if (frequency_hz <= range.low_hz || frequency_hz >= range.high_hz) return 0;
    return rise(frequency_hz, range.low_hz, range.low_hz * kThird) *
           rise(frequency_hz, range.high_hz, range.high_hz / kThird);
}

/// What a spectrum has in the range, as a signal that begins the margin before time 0.
std::vector<float> limited(LongSpectrum spectrum, double rate_hz, const FrequencySpan& range, std::size_t length) {
    const std::size_t size = spectrum.size();
    for (std::size_t k = 0; k < size; ++k) {
        spectrum[k] *= weight(frequency_of(std::min(k, size - k), size, rate_hz), range);
    }
    const auto signal = signal_of(std::move(spectrum));
    const std::size_t margin = frames_of(kResponseMarginSeconds, rate_hz);
    std::vector<float> result(length + 2 * margin);
    for (std::size_t n = 0; n < result.size(); ++n) {
        result[n] = static_cast<float>(signal[(n + size - margin) & (size - 1)]);
    }
    return result;
}

/// Nothing that `limited` reads is then read twice.
std::size_t transform_size(std::size_t frames, double rate_hz) {
    return std::bit_ceil(frames + 2 * frames_of(kResponseMarginSeconds, rate_hz));
}

double mean_power(const LongSpectrum& spectrum, double rate_hz, double low_hz, double high_hz) {
    double sum = 0;
    std::size_t count = 0;
    for (std::size_t k = 1; k < spectrum.size() / 2; ++k) {
        const double frequency_hz = frequency_of(k, spectrum.size(), rate_hz);
        if (frequency_hz < low_hz || frequency_hz >= high_hz) continue;
        sum += std::norm(spectrum[k]);
        ++count;
    }
    return count > 0 ? sum / static_cast<double>(count) : 0;
}

}  // namespace

FrequencySpan covered_range(std::span<const float> sound, double rate_hz, double highest_hz) {
    const auto spectrum = spectrum_of(sound, transform_size(sound.size(), rate_hz));
    std::vector<double> edges_hz, density;
    const int thirds = static_cast<int>(std::ceil(3 * std::log2(highest_hz / kLowestHz)));
    for (int third = 0; third < thirds; ++third) {
        const double edge = kLowestHz * std::exp2(third / 3.0);
        edges_hz.push_back(edge);
        density.push_back(mean_power(spectrum, rate_hz, edge, std::min(edge * kThird, highest_hz)));
    }
    edges_hz.push_back(highest_hz);
    const auto strongest = std::ranges::max_element(density);
    if (strongest == density.end() || *strongest == 0) return {};
    const auto is_weak = [&](double value) { return value < kWeakestShare * *strongest; };
    const auto last = std::find_if(strongest, density.end(), is_weak);
    const auto before = std::find_if(std::make_reverse_iterator(strongest), density.rend(), is_weak);
    return {edges_hz[static_cast<std::size_t>(before.base() - density.begin())],
            edges_hz[static_cast<std::size_t>(last - density.begin())]};
}

std::vector<float> estimated_response(std::span<const float> dry, std::span<const float> wet, double rate_hz,
                                      const FrequencySpan& range, std::size_t length) {
    const std::size_t size = transform_size(std::max({dry.size(), wet.size(), length}), rate_hz);
    const auto x = spectrum_of(dry, size);
    auto ratio = spectrum_of(wet, size);
    const double epsilon = kSmallestShare * mean_power(x, rate_hz, range.low_hz, range.high_hz);
    for (std::size_t k = 0; k < size; ++k) {
        const double power = std::norm(x[k]) + epsilon;
        ratio[k] = power > 0 ? ratio[k] * std::conj(x[k]) / power : 0;
    }
    return limited(std::move(ratio), rate_hz, range, length);
}

std::vector<float> response_within(std::span<const float> response, double rate_hz, const FrequencySpan& range) {
    const std::size_t size = transform_size(response.size(), rate_hz);
    return limited(spectrum_of(response, size), rate_hz, range, response.size());
}

}  // namespace sidetone::dsp
