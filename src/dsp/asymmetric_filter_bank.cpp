// SPDX-License-Identifier: Apache-2.0
#include "dsp/asymmetric_filter_bank.hpp"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <stdexcept>
#include <string>

#include "dsp/products.hpp"

namespace sidetone::dsp {

namespace {

/// sin(π/2 · (n + ½) / length): the root of a Hann window's rising slope of `length` samples.
double root_hann_slope(std::size_t n, std::size_t length) {
    return std::sin(std::numbers::pi / 2 * (static_cast<double>(n) + 0.5) / static_cast<double>(length));
}

double analysis_window_at(AsymmetricWindows windows, std::size_t n) {
    const std::size_t fall = windows.synthesis / 2;
    const std::size_t rise = windows.analysis - fall;
    return n < rise ? root_hann_slope(n, rise) : root_hann_slope(windows.analysis - 1 - n, fall);
}

AsymmetricWindows checked(AsymmetricWindows windows) {
    const auto [analysis, synthesis, hop] = windows;
    if (RealFft::supports(analysis) && hop > 0 && synthesis % 2 == 0 && synthesis <= analysis && synthesis % hop == 0 &&
        synthesis >= 2 * hop) {
        return windows;
    }
    throw std::invalid_argument("asymmetric filter bank: found analysis " + std::to_string(analysis) + ", synthesis " +
                                std::to_string(synthesis) + ", hop " + std::to_string(hop) +
                                "; expected a transform size, an even length up to it, and a divisor of that length "
                                "that is at most half of it");
}

std::size_t rounded_up(std::size_t length, std::size_t step) {
    return (length + step - 1) / step * step;
}

}  // namespace

std::vector<float> asymmetric_analysis_window(AsymmetricWindows windows) {
    checked(windows);
    std::vector<float> window(windows.analysis);
    for (std::size_t n = 0; n < window.size(); ++n) window[n] = static_cast<float>(analysis_window_at(windows, n));
    return window;
}

std::vector<float> asymmetric_synthesis_window(AsymmetricWindows windows) {
    const auto [analysis, synthesis, hop] = checked(windows);
    // Copies of a Hann window, `hop` apart, add up to half the number that overlap.
    const double scale = 2.0 * static_cast<double>(hop) / static_cast<double>(synthesis);
    std::vector<float> window(synthesis);
    for (std::size_t n = 0; n < synthesis; ++n) {
        const double root = root_hann_slope(n, synthesis / 2);
        window[n] = static_cast<float>(scale * root * root / analysis_window_at(windows, analysis - synthesis + n));
    }
    return window;
}

AsymmetricFilterBank::AsymmetricFilterBank(AsymmetricWindows windows)
    : windows_(checked(windows)),
      fft_(windows.analysis),
      synthesis_(windows.synthesis, windows.hop, asymmetric_synthesis_window(windows)),
      analysis_window_(asymmetric_analysis_window(windows)),
      frame_(windows.analysis),
      history_(2 * rounded_up(windows.analysis, windows.hop)),
      history_length_(history_.size() / 2),
      spectrum_(fft_.bins()) {}

[[gnu::hot]] std::span<std::complex<float>> AsymmetricFilterBank::analyse(const float* in) noexcept {
    std::copy_n(in, windows_.hop, history_.data() + next_);
    std::copy_n(in, windows_.hop, history_.data() + next_ + history_length_);
    next_ += windows_.hop;
    const float* newest_frame = history_.data() + next_ + history_length_ - windows_.analysis;
    if (next_ == history_length_) next_ = 0;

    multiply(newest_frame, analysis_window_.data(), frame_.data(), windows_.analysis);
    fft_.forward(frame_.data(), spectrum_.data());
    return spectrum_;
}

[[gnu::hot]] void AsymmetricFilterBank::synthesise(float* out) noexcept {
    fft_.inverse(spectrum_.data(), frame_.data());
    synthesis_.add(frame_.data() + windows_.analysis - windows_.synthesis, out);
}

void AsymmetricFilterBank::process(const float* in, const float* gains, float* out) noexcept {
    apply_gains(gains, analyse(in).data(), bins());
    synthesise(out);
}

void AsymmetricFilterBank::process(const float* in, const std::complex<float>* mask, float* out) noexcept {
    apply_mask(mask, analyse(in).data(), bins());
    synthesise(out);
}

void AsymmetricFilterBank::reset() noexcept {
    std::fill(history_.begin(), history_.end(), 0.0F);
    synthesis_.reset();
}

}  // namespace sidetone::dsp
