// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>

#include "cli/convolve_slice.hpp"

namespace sidetone::cli::convolve {

/// dsp/convolver.hpp.
[[nodiscard]] std::unique_ptr<Engine> make_sidetone(const Job& job);
/// The same with its helper thread.
[[nodiscard]] std::unique_ptr<Engine> make_sidetone_with_helper(const Job& job);
/// Whether responses are long enough for that thread to have work.
[[nodiscard]] bool has_helper(const Job& job);
/// The definition, as loops that the compiler makes vectors of.
[[nodiscard]] std::unique_ptr<Engine> make_direct(const Job& job);
/// Nothing: what pacing alone costs.
[[nodiscard]] std::unique_ptr<Engine> make_floor(const Job& job);

}  // namespace sidetone::cli::convolve
