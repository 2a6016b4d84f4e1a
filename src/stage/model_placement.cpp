// SPDX-License-Identifier: Apache-2.0
#include "stage/model_placement.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <vector>

#include "rt/clock.hpp"
#include "rt/guard.hpp"
#include "rt/thread.hpp"

namespace sidetone::stage {
namespace {

constexpr std::uint32_t kWarmUpHops = 64;
constexpr std::uint32_t kSettleHops = 4;  // the first runs fault pages in and let backends plan

std::vector<float> quiet_noise(std::size_t samples) {
    std::vector<float> noise(samples);
    std::uint32_t random = 1;
    for (auto& sample : noise) {
        random = random * 1664525U + 1013904223U;
        sample = (static_cast<float>(random >> 8U) / 16777216.0F - 0.5F) * 0.02F;
    }
    return noise;
}

}  // namespace

ModelCost measure_paced(const nn::HopModel& model, std::uint32_t hop, HopRunner& runner) {
    const auto window = quiet_noise(model.length());
    std::vector<float> result(std::max(model.hop(), model.bins()));
    const auto period_ns = static_cast<std::int64_t>(1e9 * hop / model.sample_rate_hz());
    const auto before = rt::realtime_counts(rt::RealtimeKind::worker);
    std::int64_t worst = 0;
    rt::ThreadSettings settings;
    settings.name = "st-warm-up";
    rt::RealtimeThread thread{
        settings, [&] {
            auto due = rt::monotonic_ns();
            for (std::uint32_t i = 0; i < kSettleHops; ++i) (void)runner.run_hop(i, 0, window.data(), result.data());
            for (std::uint32_t i = 0; i < kWarmUpHops; ++i) {
                rt::sleep_until_monotonic(due += period_ns);
                const auto pressure = rt::thread_pressure(rt::this_thread_kernel_id()).involuntary_switches;
                const auto stolen = rt::stolen_ns();
                std::int64_t took = 0;
                {
                    const rt::RealtimeScope scope{rt::RealtimeKind::worker};
                    const auto start = rt::now_ns();
                    (void)runner.run_hop(i, 0, window.data(), result.data());
                    took = rt::now_ns() - start;
                }
                // A run that lost its processor says nothing about the model.
                if (rt::thread_pressure(rt::this_thread_kernel_id()).involuntary_switches != pressure) continue;
                if (rt::stolen_ns() != stolen) continue;
                worst = std::max(worst, took);
            }
        }};
    thread.join();
    const auto heap_calls = rt::realtime_counts(rt::RealtimeKind::worker).heap_calls - before.heap_calls;
    return {.worst_us = std::max(1.0, static_cast<double>(worst) / 1000),
            .heap_calls_per_hop = static_cast<double>(heap_calls) / kWarmUpHops};
}

bool needs_cost(const PlacementWish& wish, const StageContext& context) noexcept {
    return !context.offline && wish.mode == Mode::automatic;
}

Placement place(const nn::HopModel& model, std::uint32_t hop, const PlacementWish& wish, const ModelCost& cost,
                const StageContext& context) {
    const auto chosen = [&](Mode mode, const std::string& why) {
        const auto& refusal = model.backend_refusal();
        return Placement{.mode = mode,
                         .decision = fmt::format("{} ({}{}{}) runs {}: {}", wish.model, model.backend(),
                                                 refusal.empty() ? "" : "; ", refusal, to_string(mode), why)};
    };
    if (context.offline) return chosen(Mode::direct, "no card waits for it");
    if (wish.mode != Mode::automatic) return chosen(wish.mode, "as the chain file asks");
    const double period_us = context.period_ns() / 1e3;
    const auto hops = most_hops_per_block(context, model.sample_rate_hz(), hop);
    const double cost_us = cost.worst_us * context.channels * std::max(1U, hops - 1);
    const auto words = fmt::format("the slowest of {} paced runs took {:.0f} us, {:.0f} % of the {:.0f} us period",
                                   kWarmUpHops, cost_us, 100 * cost_us / period_us, period_us);
    if (cost_us > wish.direct_share * period_us) {
        return chosen(Mode::pipelined, fmt::format("{} (direct needs <= {:.0f} %)", words, 100 * wish.direct_share));
    }
    if (!model.is_realtime_safe()) {
        const auto counted = cost.heap_calls_per_hop >= 1
                                 ? fmt::format(" (it made {:.0f} heap calls a run)", cost.heap_calls_per_hop)
                                 : std::string{};
        return chosen(Mode::pipelined, fmt::format("the backend is not real-time safe{}", counted));
    }
    return chosen(Mode::direct, words);
}

}  // namespace sidetone::stage
