// SPDX-License-Identifier: Apache-2.0
#include "dsp/response_resampler.hpp"

namespace sidetone::dsp {

ResponseResampler::ResponseResampler(std::uint32_t from_hz, std::uint32_t to_hz)
    : resampler_(from_hz, to_hz, {.stop_band_db = 100, .pass_band = 0.95}),
      // As many frames more in a second, each of them counts for less.
      scale_(static_cast<float>(from_hz) / static_cast<float>(to_hz)) {}

std::size_t ResponseResampler::length(std::size_t frames) const noexcept {
    return frames * resampler_.phases() / resampler_.step();
}

EarPair ResponseResampler::resampled(const EarPair& ears) const {
    if (resampler_.half() == 0) return ears;
    EarPair result;
    for (std::size_t ear = 0; ear < result.size(); ++ear) {
        result[ear] = dsp::resampled(ears[ear], resampler_);
        for (auto& sample : result[ear]) sample *= scale_;
    }
    return result;
}

}  // namespace sidetone::dsp
