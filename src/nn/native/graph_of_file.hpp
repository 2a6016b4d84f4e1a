// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>

#include "nn/manifest.hpp"

namespace sidetone::nn::native {

/// What a manifest would say of a model's file that has none, as far as the file itself tells: every open dimension of
/// its inputs is 1, the signal is the first input of floats, and an output of the same shape and of nearly the same
/// name as another input ("h0" and "h1", "cache" and "cache_out") is that input of the next run. The first other output
/// of floats is the signal's. Throws InputError for a file that the native executor refuses.
[[nodiscard]] GraphSpec graph_of_file(const std::filesystem::path& file);

}  // namespace sidetone::nn::native
