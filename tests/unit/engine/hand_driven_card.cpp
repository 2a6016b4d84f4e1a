// SPDX-License-Identifier: Apache-2.0
#include "unit/engine/hand_driven_card.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "dsp/sample_conversion.hpp"
#include "rt/clock.hpp"

namespace sidetone::engine::test {

HandDrivenCard::HandDrivenCard(device::CardUser& user, const device::CardFormat& format) : user_(user) {
    change(format);
}

void HandDrivenCard::change(const device::CardFormat& format) {
    user_.prepare(format);
    format_ = format;
    const auto make = [&](std::uint32_t channels) {
        const std::size_t bytes = format.max_block_frames * dsp::bytes_per_sample(format.format);
        return format.interleaved
                   ? std::vector<std::vector<std::byte>>(1, std::vector<std::byte>(bytes * std::max(1U, channels)))
                   : std::vector<std::vector<std::byte>>(channels, std::vector<std::byte>(bytes));
    };
    input_planes_ = make(format.input_channels);
    output_planes_ = make(format.output_channels);
    input_pointers_.clear();
    output_pointers_.clear();
    for (auto& plane : input_planes_) input_pointers_.push_back(plane.data());
    for (auto& plane : output_planes_) output_pointers_.push_back(plane.data());
}

void HandDrivenCard::store(const Planes& input, std::size_t first, std::uint32_t frames) {
    std::vector<void*> planes;
    for (auto& plane : input_planes_) planes.push_back(plane.data());
    const dsp::SampleSink sink{.data = planes.data(),
                               .format = format_.format,
                               .interleaved = format_.interleaved,
                               .channels = format_.input_channels};
    const auto stride = format_.interleaved ? format_.input_channels : 1;
    for (std::uint32_t c = 0; c < format_.input_channels; ++c) {
        std::vector<float> samples(frames);
        for (std::uint32_t i = 0; i < frames && first + i < input[c].size(); ++i) samples[i] = input[c][first + i];
        if (format_.format != dsp::SampleFormat::f32) {
            dsp::from_float(samples.data(), sink, c, 0, frames);
            continue;
        }
        auto* plane = format_.interleaved ? input_planes_[0].data() + c * sizeof(float) : input_planes_[c].data();
        for (std::uint32_t i = 0; i < frames; ++i) {
            std::memcpy(plane + std::size_t{i} * stride * sizeof(float), &samples[i], sizeof(float));
        }
    }
}

void HandDrivenCard::fetch(std::uint32_t frames, Planes& output) const {
    const dsp::SampleSource source{.data = const_cast<const void* const*>(output_pointers_.data()),
                                   .format = format_.format,
                                   .interleaved = format_.interleaved,
                                   .channels = format_.output_channels};
    const auto stride = format_.interleaved ? format_.output_channels : 1;
    for (std::uint32_t c = 0; c < format_.output_channels; ++c) {
        std::vector<float> samples(frames);
        if (format_.format != dsp::SampleFormat::f32) {
            dsp::to_float(source, c, 0, frames, samples.data());
        } else {
            const auto* plane =
                format_.interleaved ? output_planes_[0].data() + c * sizeof(float) : output_planes_[c].data();
            for (std::uint32_t i = 0; i < frames; ++i) {
                std::memcpy(&samples[i], plane + std::size_t{i} * stride * sizeof(float), sizeof(float));
            }
        }
        output[c].insert(output[c].end(), samples.begin(), samples.end());
    }
}

void HandDrivenCard::block(const Planes& input, std::size_t first, std::uint32_t frames, Planes& output,
                           const BlockTiming& timing) {
    store(input, first, frames);
    for (auto& plane : output_planes_) std::fill(plane.begin(), plane.end(), std::byte{0xff});  // NaN where unwritten
    const auto entered = rt::now_ns() - timing.took_ns;
    user_.process({.input = {.data = input_pointers_.data(),
                             .format = format_.format,
                             .interleaved = format_.interleaved,
                             .channels = format_.input_channels},
                   .output = {.data = output_pointers_.data(),
                              .format = format_.format,
                              .interleaved = format_.interleaved,
                              .channels = format_.output_channels},
                   .frames = frames,
                   .due_ns = entered - timing.late_ns,
                   .entered_ns = entered,
                   .due_monotonic_ns = rt::monotonic_ns() - timing.took_ns - timing.late_ns,
                   .period_ns = 1e9 * format_.block_frames / format_.rate_hz,
                   .lost_frames = timing.lost_frames});
    fetch(frames, output);
}

Planes HandDrivenCard::play(const Planes& input) {
    return play_in_blocks(input, std::span(&format_.block_frames, 1));
}

Planes HandDrivenCard::play_in_real_time(const Planes& input) {
    auto output = silent_output();
    const auto started = rt::monotonic_ns();
    for (std::size_t first = 0; first < input.front().size(); first += format_.block_frames) {
        const auto end = static_cast<double>(first + format_.block_frames);
        rt::sleep_until_monotonic(started + std::llround(1e9 * end / format_.rate_hz));
        block(input, first, format_.block_frames, output);
    }
    return output;
}

Planes HandDrivenCard::play_in_blocks(const Planes& input, std::span<const std::uint32_t> sizes) {
    auto output = silent_output();
    std::size_t first = 0;
    for (std::size_t i = 0; first < input.front().size(); ++i) {
        block(input, first, sizes[i % sizes.size()], output);
        first += sizes[i % sizes.size()];
    }
    return output;
}

}  // namespace sidetone::engine::test
