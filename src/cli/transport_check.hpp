// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "cli/transport_pipeline.hpp"

namespace sidetone::cli::transport {

/// How much the pipelines' outputs differ.
struct CheckResult {
    std::uint32_t block_frames = 0;
    int max_difference = 0;    ///< in steps of the card's 16 bits
    const char* between = "";  ///< the pipeline that differs most from the last one
    int loudest = 0;           ///< of the last one's output: a comparison of silence says nothing
    [[nodiscard]] bool is_good() const noexcept { return max_difference <= 1 && loudest > 0; }
};

/// Sends `sound` through every pipeline, without pacing and waiting for the worker after each block, takes each one's
/// delay off, and compares sample by sample.
[[nodiscard]] CheckResult check_equal_work(std::span<const std::unique_ptr<Pipeline>> pipelines, std::uint32_t rate_hz,
                                           std::uint32_t block_frames, std::span<const float> sound);

}  // namespace sidetone::cli::transport
