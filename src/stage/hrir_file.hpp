// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <string_view>

#include "dsp/hrir_set.hpp"

namespace sidetone::stage {

constexpr double kLongestResponseSeconds = 2;

/// A set, and how its file is laid out, in words.
struct HrirFile {
    dsp::HrirSet set;
    std::string_view layout;
};

/// Head-related impulse responses from a file, at the file's rate:
///
/// - `.sofa`: AES69, SimpleFreeFieldHRIR; the delays that it gives apart are put back into the responses, to fractions
///   of a frame;
/// - `.wav`: HeSuVi's 14 channels (seven speakers to both ears) or 7 (the left half of a symmetric head), 2 (left and
///   right ear, from the front) or 1 (both ears alike).
///
/// Control thread. Throws InputError: one line naming the file, what was found, and what was expected.
[[nodiscard]] HrirFile read_hrir_file(const std::filesystem::path& path);

/// The file that a user means: "mit-kemar" is the one that libmysofa brings; anything else is a path.
[[nodiscard]] std::filesystem::path find_hrir(const std::filesystem::path& named);

}  // namespace sidetone::stage
