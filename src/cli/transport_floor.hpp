// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>

#include "cli/transport_pipeline.hpp"

namespace sidetone::cli::transport {

/// Puts out silence and nothing else: what is left is the card's pacing, the floor under every figure.
class EmptyPipeline final : public Pipeline {
public:
    [[nodiscard]] const char* name() const noexcept override { return "none"; }
    void start(const device::CardFormat& /*format*/, Figures& /*figures*/) override {}
    void stop() noexcept override {}
    bool process(const device::CardBlock& block) noexcept override;
    [[nodiscard]] std::uint32_t delay_frames() const noexcept override { return 0; }
    [[nodiscard]] std::uint64_t misses() const noexcept override { return 0; }
    [[nodiscard]] int worker_id() const noexcept override { return 0; }
};

/// How late this machine wakes a real-time thread, in microseconds, as the rt-tests' cyclictest finds it.
struct CyclicTest {
    double p50_us = 0, p99_us = 0, max_us = 0;
    int wakes = 0;
};

/// Runs cyclictest for about `seconds`. Nothing where it is not installed or has no right to real time.
[[nodiscard]] std::optional<CyclicTest> run_cyclictest(int seconds);

/// Of cyclictest's histogram output; apart so that it can be given any text. Nothing when there is none in it.
[[nodiscard]] std::optional<CyclicTest> read_cyclictest(const std::string& output);

}  // namespace sidetone::cli::transport
