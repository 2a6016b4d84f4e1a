// SPDX-License-Identifier: Apache-2.0
#include "cli/mono_recording.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "device/sound_file.hpp"
#include "dsp/polyphase_resampler.hpp"
#include "rt/error.hpp"

namespace sidetone::cli {

std::vector<float> read_mono(const std::filesystem::path& file, std::uint32_t rate_hz) {
    const auto sound = device::read_sound_file(file);
    if (sound.not_finite != 0) {
        throw InputError{fmt::format("{}: found {} samples that are NaN or infinite", file.string(), sound.not_finite)};
    }
    return dsp::resampled(sound.channels.front(), dsp::PolyphaseResampler{sound.rate_hz, rate_hz});
}

double mean_power(std::span<const float> signal) {
    double sum = 0;
    for (const float sample : signal) sum += static_cast<double>(sample) * static_cast<double>(sample);
    return sum / static_cast<double>(std::max<std::size_t>(1, signal.size()));
}

}  // namespace sidetone::cli
