// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>

#include "nn/hop_model.hpp"
#include "stage/hop_feed.hpp"
#include "stage/stage.hpp"

namespace sidetone::stage {

/// What a model takes where it will run.
struct ModelCost {
    double worst_us = 0;  ///< of one hop of one channel
    double heap_calls_per_hop = 0;
};

/// Runs channel 0 of `runner` on quiet noise every `hop` samples, on a thread such as it will run on, 68 times. Leaves
/// the model in some state: reset it. Control thread.
[[nodiscard]] ModelCost measure_paced(const nn::HopModel& model, std::uint32_t hop, HopRunner& runner);

/// What the user asked for.
struct PlacementWish {
    std::string model;  ///< as the user names it
    Mode mode = Mode::automatic;
    double direct_share = 0.5;  ///< of a period that the model may take to be run in the callback
};

struct Placement {
    Mode mode = Mode::direct;
    std::string decision;  ///< one line: what runs where, and why
};

/// Whether the wish can be granted without knowing the cost.
[[nodiscard]] bool needs_cost(const PlacementWish& wish, const StageContext& context) noexcept;

/// Direct or pipelined, and why. `cost` counts where `needs_cost`.
[[nodiscard]] Placement place(const nn::HopModel& model, std::uint32_t hop, const PlacementWish& wish,
                              const ModelCost& cost, const StageContext& context);

}  // namespace sidetone::stage
