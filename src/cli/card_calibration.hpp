// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "stage/stage.hpp"

namespace sidetone::cli {

/// What `sidetone calibrate` was told of the cards `input` and `output`; an empty name is "default". Throws InputError
/// when what is stored cannot be read.
[[nodiscard]] stage::Calibration stored_calibration(const std::string& input, const std::string& output);

}  // namespace sidetone::cli
