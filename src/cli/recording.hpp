// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <span>

namespace sidetone::cli {

/// What there was in a recording.
struct RecordingExtent {
    double seconds = 0;
    std::uint64_t not_finite = 0;  ///< samples that were NaN or infinite; they were taken for silence
};

/// Reads a sound file of any rate and format piece by piece, so that its length does not matter, and calls `use` with
/// its samples at `rate_hz`: the mean of its channels. Throws InputError as device::SoundFileReader does.
RecordingExtent read_recording(const std::filesystem::path& file, std::uint32_t rate_hz,
                               const std::function<void(std::span<const float>)>& use);

}  // namespace sidetone::cli
