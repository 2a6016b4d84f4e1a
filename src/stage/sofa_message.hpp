// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

namespace sidetone::stage {

/// What the program `sidetone-sofa` (sofa_program.cpp) writes for the one that started it, in the machine's own byte
/// order: this, and then
/// - where `is_read` is 1: the azimuths and elevations of the directions in degrees (2 · directions floats), the delays
///   of both ears in frames (2 · directions floats), and the responses, left ear first (2 · directions · frames
///   floats);
/// - else: what is wrong with the file, in words.
struct SofaMessage {
    static constexpr std::uint32_t kMark = 0x41'46'4f'53;  // "SOFA"
    static constexpr std::uint32_t kMostDirections = 100'000;
    static constexpr std::uint64_t kMostFloats = 1U << 27;
    static constexpr std::uint32_t kLowestRateHz = 8'000, kHighestRateHz = 192'000;
    static constexpr double kLatestDelaySeconds = 0.1;

    std::uint32_t mark = kMark;
    std::uint32_t is_read = 0;
    std::uint32_t rate_hz = 0;
    std::uint32_t directions = 0;
    std::uint32_t frames = 0;

    [[nodiscard]] std::uint64_t floats() const noexcept {
        return std::uint64_t{directions} * 2 * (2 + std::uint64_t{frames});
    }
};

}  // namespace sidetone::stage
