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

AsymmetricFilterBank::Shared::Shared(AsymmetricWindows of)
    : windows(checked(of)), fft(of.analysis), analysis_window(asymmetric_analysis_window(of)), frame(of.analysis) {}

AsymmetricFilterBank::AsymmetricFilterBank(AsymmetricWindows windows)
    : AsymmetricFilterBank(std::make_shared<Shared>(windows)) {}

AsymmetricFilterBank::AsymmetricFilterBank(std::shared_ptr<Shared> shared)
    : shared_(std::move(shared)),
      synthesis_(shared_->windows.synthesis, shared_->windows.hop, asymmetric_synthesis_window(shared_->windows)),
      history_(rounded_up(shared_->windows.analysis, shared_->windows.hop)),
      spectrum_(shared_->fft.bins()) {}

[[gnu::hot]] std::span<std::complex<float>> AsymmetricFilterBank::analyse(const float* in) noexcept {
    const auto [analysis, synthesis, hop] = shared_->windows;
    std::copy_n(in, hop, history_.data() + next_);
    next_ += hop;
    if (next_ == history_.size()) next_ = 0;

    const float* window = shared_->analysis_window.data();
    float* frame = shared_->frame.data();
    const std::size_t oldest = next_ >= analysis ? next_ - analysis : next_ + history_.size() - analysis;
    const std::size_t until_wrap = std::min(analysis, history_.size() - oldest);
    multiply(history_.data() + oldest, window, frame, until_wrap);
    multiply(history_.data(), window + until_wrap, frame + until_wrap, analysis - until_wrap);
    shared_->fft.forward(frame, spectrum_.data());
    return spectrum_;
}

[[gnu::hot]] void AsymmetricFilterBank::synthesise(float* out) noexcept {
    float* frame = shared_->frame.data();
    shared_->fft.inverse(spectrum_.data(), frame);
    synthesis_.add(frame + shared_->windows.analysis - shared_->windows.synthesis, out);
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
