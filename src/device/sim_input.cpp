// SPDX-License-Identifier: Apache-2.0
#include "device/sim_input.hpp"

#include <algorithm>
#include <cstring>
#include <utility>

namespace sidetone::device {

SimInput::SimInput(const Sound* sound, SimGenerator generator, std::uint32_t channels, dsp::SampleFormat format,
                   bool interleaved, std::uint32_t max_block_frames)
    : generator_(std::move(generator)),
      channels_(channels),
      format_(format),
      interleaved_(interleaved),
      scratch_(make_planes(max_block_frames)),
      generated_(max_block_frames),
      pointers_(interleaved ? 1 : channels) {
    if (sound == nullptr) return;
    recorded_frames_ = sound->frames();
    stored_frames_ = recorded_frames_ + max_block_frames;
    recording_ = make_planes(stored_frames_);
    for (std::uint32_t c = 0; c < channels_; ++c) {
        const std::size_t from = sound->channels.size() == 1 ? 0 : c;
        if (from < sound->channels.size()) store(recording_, c, sound->channels[from]);
    }
}

SimInput::Planes SimInput::make_planes(std::size_t frames) const {
    const std::size_t bytes = frames * dsp::bytes_per_sample(format_);
    return interleaved_ ? Planes(1, std::vector<std::byte>(bytes * channels_))
                        : Planes(channels_, std::vector<std::byte>(bytes));
}

void SimInput::store(Planes& planes, std::uint32_t channel, std::span<const float> samples) const noexcept {
    if (format_ == dsp::SampleFormat::f32) {
        // Bit by bit: a float card hands on NaN and infinity as it got them.
        const std::size_t stride = interleaved_ ? channels_ : 1;
        std::byte* to = interleaved_ ? planes[0].data() + channel * sizeof(float) : planes[channel].data();
        for (std::size_t i = 0; i < samples.size(); ++i)
            std::memcpy(to + i * stride * sizeof(float), &samples[i], sizeof(float));
        return;
    }
    // A from_float call touches one channel of the sink only; the plane of that channel is all it needs in planar
    // layout.
    void* plane = interleaved_ ? planes[0].data() : planes[channel].data();
    const dsp::SampleSink sink{
        .data = &plane, .format = format_, .interleaved = interleaved_, .channels = interleaved_ ? channels_ : 1};
    dsp::from_float(samples.data(), sink, interleaved_ ? channel : 0, 0, samples.size());
}

void SimInput::generate(std::uint64_t first_frame, std::uint32_t frames) noexcept {
    for (std::uint32_t c = 0; c < channels_; ++c) {
        const std::span<float> samples(generated_.data(), frames);
        generator_(first_frame, c, samples);
        store(scratch_, c, samples);
    }
}

dsp::SampleSource SimInput::point_at(const Planes& planes, std::size_t frame) noexcept {
    const std::size_t step = dsp::bytes_per_sample(format_) * (interleaved_ ? channels_ : 1);
    for (std::size_t p = 0; p < planes.size(); ++p) pointers_[p] = planes[p].data() + frame * step;
    return {.data = pointers_.data(), .format = format_, .interleaved = interleaved_, .channels = channels_};
}

void SimInput::capture(std::uint64_t first_frame, std::uint32_t frames) noexcept {
    if (!generator_ || (first_frame == captured_first_ && frames == captured_frames_)) return;
    generate(first_frame, frames);
    captured_first_ = first_frame;
    captured_frames_ = frames;
}

dsp::SampleSource SimInput::block(std::uint64_t first_frame, std::uint32_t frames) noexcept {
    capture(first_frame, frames);
    if (!generator_ && first_frame + frames <= stored_frames_) return point_at(recording_, first_frame);
    return point_at(scratch_, 0);
}

}  // namespace sidetone::device
