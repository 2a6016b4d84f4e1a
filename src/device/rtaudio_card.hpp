// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "device/card.hpp"

namespace sidetone::device {

struct RtAudioSettings {
    std::string input = {}, output = {};  ///< as find_rtaudio_device takes them
    std::uint32_t rate_hz = 0;            ///< 0: 48000 where the devices have it, else their first in common
    std::uint32_t block_frames = 0;       ///< 0: 128; the system may choose another
    std::uint32_t input_channels = 1;
    std::uint32_t output_channels = 1;
    int priority = 70;
};

/// Cards of ALSA and PulseAudio here, of CoreAudio and WASAPI elsewhere, through RtAudio. Samples come in the devices'
/// own format where both have one of ours in common, so that RtAudio converts nothing.
///
/// `process` runs on RtAudio's thread. Due times are smoothed from the times of the calls, for RtAudio tells none;
/// frames lost in an xrun are not told either, so `lost_frames` stays 0. RtAudio gives latency as one sum, or not at
/// all: it is split evenly, or taken to be a block each.
class RtAudioCard final : public Card {
public:
    explicit RtAudioCard(RtAudioSettings settings);
    ~RtAudioCard() override;

    void start(CardUser& user) override;
    void stop() noexcept override;
    [[nodiscard]] const CardFormat& format() const noexcept override { return format_; }
    [[nodiscard]] std::string description() const override;
    [[nodiscard]] std::string playback_name() const override { return playback_name_; }
    [[nodiscard]] bool default_has_moved() override;
    [[nodiscard]] std::vector<std::string> warnings() const override;
    [[nodiscard]] int audio_thread_id() const noexcept override { return kernel_id_.load(std::memory_order_relaxed); }

private:
    class Stream;  // hides RtAudio.h, and is whom RtAudio calls

    RtAudioSettings settings_;
    CardFormat format_;
    std::string device_names_, playback_name_;
    std::vector<std::string> warnings_;
    std::atomic<int> kernel_id_{0};
    std::unique_ptr<Stream> stream_;
};

}  // namespace sidetone::device
