// SPDX-License-Identifier: Apache-2.0
#include "dsp/overlap_add.hpp"

#include <algorithm>
#include <stdexcept>
#include <string>

namespace sidetone::dsp {

OverlapAdd::OverlapAdd(std::size_t length, std::size_t hop, std::span<const float> synthesis_window)
    : length_(length), hop_(hop), window_(length, 1.0F), sum_(length, 0.0F) {
    if (hop == 0 || length == 0 || length % hop != 0) {
        throw std::invalid_argument("overlap-add: hop " + std::to_string(hop) + " does not divide the frame length " +
                                    std::to_string(length));
    }
    if (synthesis_window.empty()) return;
    if (synthesis_window.size() != length) {
        throw std::invalid_argument("overlap-add: the synthesis window has " + std::to_string(synthesis_window.size()) +
                                    " samples, expected " + std::to_string(length));
    }
    std::copy(synthesis_window.begin(), synthesis_window.end(), window_.begin());
}

[[gnu::hot]] void OverlapAdd::add(const float* frame, float* out) noexcept {
    const std::size_t until_wrap = length_ - begin_;
    multiply_add(frame, window_.data(), sum_.data() + begin_, until_wrap);
    multiply_add(frame + until_wrap, window_.data() + until_wrap, sum_.data(), begin_);

    float* finished = sum_.data() + begin_;
    std::copy_n(finished, hop_, out);
    std::fill_n(finished, hop_, 0.0F);
    begin_ = (begin_ + hop_) % length_;
}

void OverlapAdd::reset() noexcept {
    std::fill(sum_.begin(), sum_.end(), 0.0F);
}

}  // namespace sidetone::dsp
