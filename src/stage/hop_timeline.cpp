// SPDX-License-Identifier: Apache-2.0
#include "stage/hop_timeline.hpp"

#include <algorithm>
#include <limits>
#include <numeric>
#include <vector>

namespace sidetone::stage {
namespace {

std::int64_t floor_divide(std::int64_t a, std::int64_t b) noexcept {
    const auto quotient = a / b;
    return quotient * b > a ? quotient - 1 : quotient;
}

}  // namespace

HopTimeline::HopTimeline(const dsp::PolyphaseResampler& down, const dsp::PolyphaseResampler& up, std::uint32_t hop,
                         std::uint32_t model_delay)
    : down_(down), up_(up), hop_(hop), model_delay_(model_delay) {}

[[gnu::hot]] std::int64_t HopTimeline::hop_for_output(std::int64_t n) const noexcept {
    return floor_divide(up_.newest_input(n) + model_delay_, hop_);
}

std::int64_t HopTimeline::frames_for_hop(std::int64_t hop) const noexcept {
    return down_.newest_input((hop + 1) * hop_ - 1) + 1;
}

std::uint32_t HopTimeline::delay_frames(std::uint32_t block, std::uint32_t wait_frames) const {
    // The pattern repeats when a whole number of hops fills a whole number of card frames. down_.step() :
    // down_.phases() is the card's rate to the model's, in lowest terms.
    const std::int64_t card = down_.step(), model = down_.phases();
    const std::int64_t period = card * (hop_ / std::gcd(hop_, model));
    const std::int64_t residues = block == 0 ? 1 : std::gcd(period, static_cast<std::int64_t>(block));

    // Look-ahead of output frame n: how many frames after n the newest input it needs lies. Only the last frame of a
    // block matters, and with period and block given the last frames are those of one residue class.
    std::vector<std::int64_t> look_ahead(static_cast<std::size_t>(residues), std::numeric_limits<std::int64_t>::min());
    for (std::int64_t n = 0; n < period; ++n) {
        auto& worst = look_ahead[static_cast<std::size_t>(n % residues)];
        worst = std::max(worst, frames_for_hop(hop_for_output(n)) - 1 - n);
    }
    for (std::int64_t delay = 0;; ++delay) {
        const auto last = ((-1 - delay) % residues + residues) % residues;
        if (look_ahead[static_cast<std::size_t>(last)] <= delay - static_cast<std::int64_t>(wait_frames)) {
            return static_cast<std::uint32_t>(delay);
        }
    }
}

}  // namespace sidetone::stage
