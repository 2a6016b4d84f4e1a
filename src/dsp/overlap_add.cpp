// SPDX-License-Identifier: Apache-2.0
#include "dsp/overlap_add.hpp"

#include <algorithm>
#include <cmath>
#include <stdexcept>
#include <string>

namespace sidetone::dsp {

OverlapAdd::OverlapAdd(std::size_t length, std::size_t hop, std::span<const float> synthesis_window)
    : length_(length), hop_(hop), window_(synthesis_window.begin(), synthesis_window.end()), sum_(length, 0.0F) {
    if (hop == 0 || length == 0 || length % hop != 0) {
        throw std::invalid_argument("overlap-add: hop " + std::to_string(hop) + " does not divide the frame length " +
                                    std::to_string(length));
    }
    if (!window_.empty() && window_.size() != length) {
        throw std::invalid_argument("overlap-add: the synthesis window has " + std::to_string(window_.size()) +
                                    " samples, expected " + std::to_string(length));
    }
}

void OverlapAdd::add(const float* frame, float* out) noexcept {
    for (std::size_t n = 0; n < length_; ++n) sum_[n] += window_.empty() ? frame[n] : frame[n] * window_[n];
    std::copy_n(sum_.begin(), hop_, out);
    std::copy(sum_.begin() + static_cast<std::ptrdiff_t>(hop_), sum_.end(), sum_.begin());
    std::fill_n(sum_.end() - static_cast<std::ptrdiff_t>(hop_), hop_, 0.0F);
}

void OverlapAdd::reset() noexcept {
    std::fill(sum_.begin(), sum_.end(), 0.0F);
}

void multiply(const float* a, const float* b, float* out, std::size_t count) noexcept {
    for (std::size_t n = 0; n < count; ++n) out[n] = a[n] * b[n];
}

void magnitude(const std::complex<float>* spectrum, float* out, std::size_t count) noexcept {
    for (std::size_t k = 0; k < count; ++k) {
        out[k] = std::sqrt(spectrum[k].real() * spectrum[k].real() + spectrum[k].imag() * spectrum[k].imag());
    }
}

void apply_gains(const float* gain, std::complex<float>* spectrum, std::size_t count) noexcept {
    for (std::size_t k = 0; k < count; ++k) spectrum[k] *= gain[k];
}

}  // namespace sidetone::dsp
