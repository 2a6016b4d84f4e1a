// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <filesystem>
#include <span>
#include <vector>

namespace sidetone::cli {

/// The first channel of a sound file at `rate_hz`. Throws InputError that names the file, also for samples that are
/// not finite.
[[nodiscard]] std::vector<float> read_mono(const std::filesystem::path& file, std::uint32_t rate_hz);

/// Mean square, full scale 1; 0 of nothing.
[[nodiscard]] double mean_power(std::span<const float> signal);

}  // namespace sidetone::cli
