// SPDX-License-Identifier: Apache-2.0
#include "dsp/bank_response.hpp"

#include <numbers>

namespace sidetone::dsp {

BankResponse::BankResponse(AsymmetricWindows windows, double rate_hz, std::span<const double> frequencies_hz)
    : fft_(windows.analysis), spectrum_(fft_.bins()), impulse_(windows.analysis) {
    const auto analysis = asymmetric_analysis_window(windows);
    const auto synthesis = asymmetric_synthesis_window(windows);
    const std::size_t length = windows.analysis;
    // For each shift m, the products of the windows that go straight, and those that wrap around the frame.
    std::vector<double> straight(length);
    std::vector<double> wrapped(length);
    for (std::size_t m = 0; m < length; ++m) {
        for (std::size_t s = 0; s < windows.synthesis; ++s) {
            const std::size_t n = length - windows.synthesis + s;
            const std::size_t from = n >= m ? n - m : n + length - m;
            auto& sum = n >= m ? straight[m] : wrapped[m];
            sum += static_cast<double>(synthesis[s]) * static_cast<double>(analysis[from]);
        }
    }
    for (const double frequency_hz : frequencies_hz) {
        const auto turned = [&](double samples) {
            return std::polar(1.0, 2 * std::numbers::pi * frequency_hz * samples / rate_hz);
        };
        auto& weight = weight_.emplace_back(length);
        for (std::size_t m = 0; m < length; ++m) {
            weight[m] =
                (straight[m] * turned(-static_cast<double>(m)) + wrapped[m] * turned(static_cast<double>(length - m))) /
                static_cast<double>(windows.hop);
        }
    }
}

std::complex<double> BankResponse::at(std::size_t index, std::span<const float> gains) {
    for (std::size_t k = 0; k < spectrum_.size(); ++k) spectrum_[k] = gains[k];
    fft_.inverse(spectrum_.data(), impulse_.data());
    std::complex<double> sum = 0;
    for (std::size_t m = 0; m < impulse_.size(); ++m) sum += static_cast<double>(impulse_[m]) * weight_[index][m];
    return sum;
}

}  // namespace sidetone::dsp
