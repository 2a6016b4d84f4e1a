// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>

#include "dsp/hrir_set.hpp"
#include "dsp/polyphase_resampler.hpp"

namespace sidetone::dsp {

/// Takes responses to another rate, as loud as they were. Control thread.
class ResponseResampler {
public:
    /// 8000 to 192000 Hz; throws std::invalid_argument otherwise.
    ResponseResampler(std::uint32_t from_hz, std::uint32_t to_hz);

    /// What a response of so many frames becomes.
    [[nodiscard]] std::size_t length(std::size_t frames) const noexcept;
    [[nodiscard]] EarPair resampled(const EarPair& ears) const;

private:
    PolyphaseResampler resampler_;
    float scale_;
};

}  // namespace sidetone::dsp
