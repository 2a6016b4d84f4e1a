// SPDX-License-Identifier: Apache-2.0
#include "cli/register_work.hpp"

#include <algorithm>
#include <limits>

#include "rt/clock.hpp"

namespace sidetone::cli {
namespace {

constexpr std::int64_t kProbeSteps = 20'000;
constexpr int kProbes = 50;

void multiply_on(std::int64_t steps) noexcept {
    double value = 1;
    for (std::int64_t i = 0; i < steps; ++i) value = value * 0.999999 + 1e-9;
    [[maybe_unused]] const volatile double kept = value;
}

// The fastest of many short probes is one that nobody disturbed.
double undisturbed_ns_per_step() noexcept {
    auto fastest = std::numeric_limits<std::int64_t>::max();
    for (int i = 0; i < kProbes; ++i) {
        const auto start = rt::now_ns();
        multiply_on(kProbeSteps);
        fastest = std::min(fastest, rt::now_ns() - start);
    }
    return static_cast<double>(fastest) / kProbeSteps;
}

}  // namespace

RegisterWork::RegisterWork(std::int64_t duration_ns)
    : steps_(static_cast<std::int64_t>(static_cast<double>(duration_ns) / undisturbed_ns_per_step())) {}

void RegisterWork::run() const noexcept {
    multiply_on(steps_);
}

}  // namespace sidetone::cli
