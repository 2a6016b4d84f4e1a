// SPDX-License-Identifier: Apache-2.0
#include "cli/spectrogram.hpp"

#include <algorithm>
#include <utility>

#include "dsp/products.hpp"
#include "dsp/window.hpp"

namespace sidetone::cli {
namespace {

// At 16 kHz windows of 8 ms every 2 ms: wide bands, in which formants stand out and not harmonics.
constexpr std::size_t kLengthsASecond = 125, kHopsASecond = 500, kTransform = 512;
constexpr std::size_t kMostColumns = 1800;

}  // namespace

SpectrogramMaker::SpectrogramMaker(std::uint32_t rate_hz)
    : hz_a_bin_(static_cast<double>(rate_hz) / kTransform),
      windows_({.length = rate_hz / kLengthsASecond, .hop = rate_hz / kHopsASecond, .edges = dsp::WindowEdges::silent}),
      transform_(kTransform),
      shape_(dsp::make_window(dsp::WindowShape::hann, windows_.length())),
      weighted_(kTransform),
      column_(transform_.bins()),
      spectrum_(transform_.bins()) {}

void SpectrogramMaker::push(std::span<const float> samples) {
    windows_.push(samples, [this](const float* window) { add(window); });
}

void SpectrogramMaker::add(const float* window) {
    dsp::multiply(window, shape_.data(), weighted_.data(), shape_.size());
    transform_.forward(weighted_.data(), spectrum_.data());
    dsp::power(spectrum_.data(), column_.data(), column_.size());
    if (windows_in_column_ == windows_a_column_ || power_.empty()) {
        if (power_.size() == kMostColumns * column_.size()) halve();
        power_.insert(power_.end(), column_.begin(), column_.end());
        windows_in_column_ = 1;
        return;
    }
    float* last = power_.data() + power_.size() - column_.size();
    for (std::size_t k = 0; k < column_.size(); ++k) last[k] = std::max(last[k], column_[k]);
    ++windows_in_column_;
}

// The number of columns is even, so the last one is whole afterwards.
void SpectrogramMaker::halve() {
    const std::size_t bins = column_.size();
    for (std::size_t n = 0; 2 * n * bins < power_.size(); ++n) {
        for (std::size_t k = 0; k < bins; ++k)
            power_[n * bins + k] = std::max(power_[2 * n * bins + k], power_[(2 * n + 1) * bins + k]);
    }
    power_.resize(power_.size() / 2);
    windows_a_column_ *= 2;
}

Spectrogram SpectrogramMaker::take() {
    return {.hz_a_bin = hz_a_bin_, .bins = column_.size(), .power = std::move(power_)};
}

}  // namespace sidetone::cli
