// SPDX-License-Identifier: Apache-2.0
#include "dsp/long_fft.hpp"

#include <algorithm>
#include <numbers>

namespace sidetone::dsp {
namespace {

void reverse_bits(LongSpectrum& data) {
    for (std::size_t n = 1, reversed = 0; n < data.size(); ++n) {
        std::size_t bit = data.size() / 2;
        for (; (reversed & bit) != 0; bit /= 2) reversed ^= bit;
        reversed ^= bit;
        if (n < reversed) std::swap(data[n], data[reversed]);
    }
}

}  // namespace

void transform_long(LongSpectrum& data) {
    const std::size_t size = data.size();
    LongSpectrum roots(size / 2);
    for (std::size_t k = 0; k < roots.size(); ++k) {
        roots[k] = std::polar(1.0, -2.0 * std::numbers::pi * static_cast<double>(k) / static_cast<double>(size));
    }
    reverse_bits(data);
    for (std::size_t half = 1; half < size; half *= 2) {
        const std::size_t root_step = size / (2 * half);
        for (std::size_t start = 0; start < size; start += 2 * half) {
            for (std::size_t k = 0; k < half; ++k) {
                const auto even = data[start + k];
                const auto odd = data[start + k + half] * roots[k * root_step];
                data[start + k] = even + odd;
                data[start + k + half] = even - odd;
            }
        }
    }
}

LongSpectrum spectrum_of(std::span<const float> signal, std::size_t size) {
    LongSpectrum spectrum(size);
    std::ranges::transform(signal, spectrum.begin(), [](float sample) { return static_cast<double>(sample); });
    transform_long(spectrum);
    return spectrum;
}

std::vector<double> signal_of(LongSpectrum spectrum) {
    // The inverse transform is the forward one read backwards.
    transform_long(spectrum);
    const std::size_t size = spectrum.size();
    std::vector<double> signal(size);
    for (std::size_t n = 0; n < size; ++n) signal[n] = spectrum[(size - n) % size].real() / static_cast<double>(size);
    return signal;
}

}  // namespace sidetone::dsp
