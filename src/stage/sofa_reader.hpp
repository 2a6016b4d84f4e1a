// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <vector>

namespace sidetone::stage {

/// What a file after AES69 holds, as far as it is used here.
struct SofaContents {
    std::uint32_t rate_hz = 0;
    std::uint32_t directions = 0, frames = 0;
    std::vector<float> angles_deg;    ///< azimuth and elevation of each direction
    std::vector<float> delay_frames;  ///< of the left and the right ear, for each direction
    std::vector<float> taps;          ///< `frames` of the left ear, then of the right ear, for each direction
};

/// How long a response of so many frames is once it is delayed: with room for the delay, and for what a fraction of a
/// frame rings on.
[[nodiscard]] std::size_t delayed_frames(std::size_t frames, double delay_frames) noexcept;

/// Anybody may have made such a file, and a malicious one can keep libmysofa busy for ever or bring it down. So a
/// program of its own reads it, `sidetone-sofa`, within bounds of time and memory, and hands over plain numbers, which
/// are looked at here, with their delays too: they make responses longer. It is started by posix_spawn: a fork would
/// make every page of this process copy-on-write, and the audio thread would pay for it with page faults.
///
/// Control thread. Throws InputError: one line that names the file. `patience` is for a reader that hangs; one that
/// computes stops by itself after 5 s of processor time.
[[nodiscard]] SofaContents read_sofa_contents(const std::filesystem::path& path, const std::filesystem::path& reader,
                                              std::chrono::milliseconds patience = std::chrono::seconds{30});

/// Where `sidetone-sofa` is: $SIDETONE_SOFA_READER, else beside this program or library, or where both were installed.
/// Throws InputError.
[[nodiscard]] std::filesystem::path find_sofa_reader();

}  // namespace sidetone::stage
