// SPDX-License-Identifier: Apache-2.0
#include "dsp/segmental_snr.hpp"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>
#include <stdexcept>
#include <string>
#include <vector>

namespace sidetone::dsp {

namespace {

constexpr std::uint32_t kLowestRateHz = 1000;
constexpr double kLowestDb = -10;
constexpr double kHighestDb = 35;
constexpr double kSilencePower = 1e-4;  // -40 dB

struct FramePower {
    double clean, error;
};

std::vector<FramePower> frame_powers(std::span<const float> clean, std::span<const float> processed,
                                     std::size_t frame) {
    std::vector<FramePower> powers;
    for (std::size_t start = 0; start + frame <= clean.size(); start += frame / 2) {
        FramePower power{.clean = 0, .error = 0};
        for (std::size_t n = start; n < start + frame; ++n) {
            const auto wanted = static_cast<double>(clean[n]);
            const double error = static_cast<double>(processed[n]) - wanted;
            power.clean += wanted * wanted;
            power.error += error * error;
        }
        powers.push_back(power);
    }
    return powers;
}

}  // namespace

double segmental_snr_db(std::span<const float> clean, std::span<const float> processed, std::uint32_t rate_hz) {
    if (clean.size() != processed.size()) {
        throw std::invalid_argument("segmental SNR: the clean signal has " + std::to_string(clean.size()) +
                                    " samples, the processed one " + std::to_string(processed.size()));
    }
    if (rate_hz < kLowestRateHz) {
        throw std::invalid_argument("segmental SNR: rate is " + std::to_string(rate_hz) + " Hz, expected " +
                                    std::to_string(kLowestRateHz) + " or more");
    }
    const auto powers = frame_powers(clean, processed, std::size_t{rate_hz} * 32 / 1000);
    double loudest = 0;
    for (const auto& power : powers) loudest = std::max(loudest, power.clean);

    double sum_db = 0;
    std::size_t count = 0;
    for (const auto& power : powers) {
        if (!(power.clean > kSilencePower * loudest)) continue;
        sum_db += std::clamp(10 * std::log10(power.clean / power.error), kLowestDb, kHighestDb);
        ++count;
    }
    return count > 0 ? sum_db / static_cast<double>(count) : std::numeric_limits<double>::quiet_NaN();
}

}  // namespace sidetone::dsp
