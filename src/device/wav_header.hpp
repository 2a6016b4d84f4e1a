// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>

namespace sidetone::device {

/// Checks that a RIFF, RIFX or RF64 WAVE file is what its header says: chunks that end where the file ends, a `data`
/// chunk that is all there, at least one channel. libsndfile quietly reads whatever it finds; a recording cut short by
/// a crash or a full disk would pass for a whole one.
///
/// Files of other kinds are left to libsndfile. Throws InputError naming the file, what was found and what was
/// expected.
void check_wav_header(const std::filesystem::path& path);

}  // namespace sidetone::device
