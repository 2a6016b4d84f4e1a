// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstddef>
#include <span>
#include <vector>

#include "dsp/log_mel.hpp"

namespace sidetone::speech {

/// The coarse spectrum of a recording, every 10 ms: what changes where one phone ends and the next begins. 6.4 kB a
/// second. One thread, not a real-time one: it grows with the recording, up to half an hour.
class SpectralTrack {
public:
    static constexpr std::size_t kBands = 16;
    static constexpr std::size_t kMostFrames = 180'000;
    using Frame = std::array<float, kBands>;

    SpectralTrack();

    /// Mono, 16 kHz, -1 to 1; in any chunks.
    void push(std::span<const float> samples);

    /// Frame t is about the sound around frame_s(t). Each band is the mean of five of Kaldi's 80 log-mel bands, natural
    /// logarithms.
    [[nodiscard]] std::span<const Frame> frames() const noexcept { return frames_; }
    [[nodiscard]] static constexpr double frame_s(double t) noexcept { return (200 + 160 * t) / 16'000; }
    [[nodiscard]] static constexpr double frame_at(double seconds) noexcept { return (16'000 * seconds - 200) / 160; }

private:
    dsp::LogMel log_mel_;
    std::vector<Frame> frames_;
};

}  // namespace sidetone::speech
