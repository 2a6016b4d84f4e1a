// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace sidetone::nn::native {

/// What a step does to an input when it is no more than v·scale + shift, then PReLU with `slopes`: each one number per
/// channel, one for all, or none. The kernel that makes the input may then do it before it stores.
struct Epilogue {
    enum class Channels : std::uint8_t { second_axis, last_axis };

    std::size_t operand = 0;  ///< the input; all others are constant
    Channels channels = Channels::second_axis;
    std::vector<float> scale, shift, slopes;

    [[nodiscard]] bool is_per_channel() const noexcept {
        return scale.size() > 1 || shift.size() > 1 || slopes.size() > 1;
    }
    /// True where nothing is more or less than `count` channels need.
    [[nodiscard]] bool suits(std::size_t count) const noexcept {
        const auto fits = [&](const auto& values) { return values.size() <= 1 || values.size() == count; };
        return fits(scale) && fits(shift) && fits(slopes);
    }
    /// True where all it does is to put 0 in place of what is below.
    [[nodiscard]] bool is_rectifier() const noexcept {
        return scale.empty() && shift.empty() && slopes.size() == 1 && slopes[0] == 0.0F;
    }
    /// True where it only adds: the same to all, or to each of `count` channels along `axis`.
    [[nodiscard]] bool is_bias_of(Channels axis, std::size_t count) const noexcept {
        if (!scale.empty() || !slopes.empty() || shift.empty()) return false;
        return shift.size() == 1 || (channels == axis && shift.size() == count);
    }
};

}  // namespace sidetone::nn::native
