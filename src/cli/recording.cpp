// SPDX-License-Identifier: Apache-2.0
#include "cli/recording.hpp"

#include <cmath>
#include <vector>

#include "device/sound_file.hpp"
#include "dsp/stream_resampler.hpp"

namespace sidetone::cli {
namespace {

constexpr std::size_t kFramesAtOnce = 4096;

// Into the first of `channels`.
void mix_down(std::vector<std::vector<float>>& channels, std::size_t frames) {
    const auto share = 1.0F / static_cast<float>(channels.size());
    for (std::size_t n = 0; n < frames; ++n) {
        float sum = 0;
        for (const auto& channel : channels) sum += std::isfinite(channel[n]) ? channel[n] : 0.0F;
        channels.front()[n] = share * sum;
    }
}

}  // namespace

RecordingExtent read_recording(const std::filesystem::path& file, std::uint32_t rate_hz,
                               const std::function<void(std::span<const float>)>& use) {
    device::SoundFileReader reader{file};
    dsp::StreamResampler resampler{reader.rate_hz(), rate_hz};
    std::vector channels(reader.channels(), std::vector<float>(kFramesAtOnce));
    std::vector<float*> pointers;
    pointers.reserve(channels.size());
    for (auto& channel : channels) pointers.push_back(channel.data());
    std::uint64_t frames = 0;
    for (auto count = kFramesAtOnce; count == kFramesAtOnce;) {
        count = reader.read(pointers, kFramesAtOnce);
        mix_down(channels, count);
        resampler.push(std::span{channels.front()}.first(count), use);
        frames += count;
    }
    resampler.finish(use);
    return {.seconds = static_cast<double>(frames) / reader.rate_hz(), .not_finite = reader.not_finite()};
}

}  // namespace sidetone::cli
