// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>

#include "stage/hrir_file.hpp"

namespace sidetone::stage {

/// Responses from a file after AES69, convention SimpleFreeFieldHRIR; what `read_hrir_file` calls. Throws InputError.
[[nodiscard]] HrirFile read_sofa_file(const std::filesystem::path& path);

}  // namespace sidetone::stage
