// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <vector>

#include "dsp/aligned_vector.hpp"
#include "rt/realtime.hpp"

namespace sidetone::dsp {

/// A filter in the time domain whose taps change while sound runs: each new set fades in. At first it passes everything
/// as it is. Built on the control thread, used by one thread at a time.
class FadedFilter {
public:
    /// `fade` is the number of samples over which new taps take effect, and the most between two calls of `set_taps`.
    FadedFilter(std::size_t taps, std::size_t fade);

    [[nodiscard]] std::size_t taps() const noexcept { return now_.size(); }

    /// New taps, taps() of them. The end of the response is made soft.
    void set_taps(const float* taps) noexcept SIDETONE_REALTIME;

    /// Filters the next `count` samples; at most `fade` samples from one `set_taps` to the next. `in` may be `out`.
    void process(const float* in, float* out, std::size_t count) noexcept SIDETONE_REALTIME;

private:
    std::size_t fade_;
    AlignedVector<float> now_, before_;  // `before_` fades out
    std::vector<float> tail_;            // window over the taps
    std::vector<float> samples_;         // the last taps - 1 samples, then those since set_taps
    std::size_t filled_ = 0;
};

}  // namespace sidetone::dsp
