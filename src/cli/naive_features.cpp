// SPDX-License-Identifier: Apache-2.0
#include "cli/naive_features.hpp"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <numeric>
#include <utility>

namespace sidetone::cli {
namespace {

using Complex = std::complex<float>;

/// By hand: std::complex's own looks for infinities.
Complex product(Complex a, Complex b) {
    return {a.real() * b.real() - a.imag() * b.imag(), a.real() * b.imag() + a.imag() * b.real()};
}

void order_by_reversed_bits(std::vector<Complex>& x) {
    for (std::size_t n = 1, reversed = 0; n < x.size(); ++n) {
        std::size_t bit = x.size() / 2;
        for (; (reversed & bit) != 0; bit /= 2) reversed ^= bit;
        reversed |= bit;
        if (n < reversed) std::swap(x[n], x[reversed]);
    }
}

/// Cooley and Tukey's transform in place; `turns[k]` is exp(-2πi k / x.size()).
void transform(std::vector<Complex>& x, const std::vector<Complex>& turns) {
    order_by_reversed_bits(x);
    for (std::size_t half = 1; half < x.size(); half *= 2) {
        const std::size_t step = x.size() / (2 * half);
        for (std::size_t first = 0; first < x.size(); first += 2 * half) {
            for (std::size_t k = 0; k < half; ++k) {
                const auto turned = product(x[first + k + half], turns[k * step]);
                x[first + k + half] = x[first + k] - turned;
                x[first + k] += turned;
            }
        }
    }
}

}  // namespace

NaiveFeatures::NaiveFeatures(const dsp::LogMel::Design& design) : design_(design) {
    const double turn = 2 * std::numbers::pi;
    for (std::size_t n = 0; n < design.length; ++n) {
        const double hann =
            0.5 - 0.5 * std::cos(turn * static_cast<double>(n) / static_cast<double>(design.length - 1));
        window_.push_back(static_cast<float>(std::pow(hann, 0.85)));
    }
    const std::size_t size = design.mel.transform;
    for (std::size_t k = 0; k < size / 2; ++k) {
        turns_.emplace_back(std::polar(1.0, -turn * static_cast<double>(k) / static_cast<double>(size)));
    }
    for (std::size_t band = 0; band < design.mel.bands; ++band) {
        auto& filter = filters_.emplace_back();
        for (std::size_t bin = 0; bin <= size / 2; ++bin) {
            const auto weight = static_cast<float>(dsp::MelBank::weight(design.mel, band, bin));
            if (weight <= 0) continue;
            if (filter.weights.empty()) filter.first = bin;
            filter.weights.push_back(weight);
        }
    }
}

std::vector<std::vector<float>> NaiveFeatures::push(std::span<const float> samples) {
    std::vector<std::vector<float>> frames;
    pending_.insert(pending_.end(), samples.begin(), samples.end());
    while (pending_.size() >= design_.length) {
        const auto begin = pending_.begin();
        frames.push_back(frame_of({begin, begin + static_cast<std::ptrdiff_t>(design_.length)}));
        pending_.erase(begin, begin + static_cast<std::ptrdiff_t>(design_.hop));
    }
    return frames;
}

std::vector<float> NaiveFeatures::frame_of(std::vector<float> x) const {
    for (auto& sample : x) sample *= static_cast<float>(design_.scale);
    const float mean = std::accumulate(x.begin(), x.end(), 0.0F) / static_cast<float>(x.size());
    for (auto& sample : x) sample -= mean;
    for (std::size_t n = x.size(); n-- > 0;) x[n] -= static_cast<float>(design_.pre_emphasis) * x[n == 0 ? 0 : n - 1];
    for (std::size_t n = 0; n < x.size(); ++n) x[n] *= window_[n];
    const auto power = power_of(x);
    std::vector<float> energies;
    for (const auto& filter : filters_) {
        float energy = 0;
        for (std::size_t n = 0; n < filter.weights.size(); ++n) energy += filter.weights[n] * power[filter.first + n];
        energies.push_back(std::log(std::max(energy, design_.floor)));
    }
    return energies;
}

std::vector<float> NaiveFeatures::power_of(const std::vector<float>& x) const {
    std::vector<Complex> spectrum(design_.mel.transform);
    std::copy(x.begin(), x.end(), spectrum.begin());
    transform(spectrum, turns_);
    std::vector<float> power(spectrum.size() / 2 + 1);
    for (std::size_t k = 0; k < power.size(); ++k) power[k] = std::norm(spectrum[k]);
    return power;
}

}  // namespace sidetone::cli
