// SPDX-License-Identifier: Apache-2.0
#include "dsp/convolver_plan.hpp"

#include <algorithm>
#include <bit>
#include <limits>

#include "dsp/convolver_cost.hpp"
#include "dsp/lane_transform.hpp"

namespace sidetone::dsp {
namespace {

constexpr std::size_t kSmallestBlock = 16;
constexpr std::size_t kLargestHead = 4096;
constexpr std::size_t kLargestTail = 16384;
/// What one product of a vector of inputs with two outputs takes, against a butterfly's instructions: fitted to times
/// of paced callbacks, which find their caches half cold.
constexpr double kProductCost = 11;
/// What a cache line that comes from behind the nearest caches costs on top, in the same unit.
constexpr double kLineCost = 1.5;
constexpr double kNearBytes = 256 * 1024;

std::size_t groups_of(std::size_t inputs, std::size_t lanes) {
    return (inputs + lanes - 1) / lanes;
}

/// Costs per frame of the parts of a plan for one matrix.
class Model {
public:
    Model(const ResponseMatrix& matrix, std::size_t lanes, std::size_t usual_frames)
        : lanes_(lanes),
          groups_(static_cast<double>(groups_of(matrix.inputs, lanes))),
          outputs_(static_cast<double>(matrix.outputs)),
          taps_(std::max<std::size_t>(1, matrix.length())),
          frames_(static_cast<double>(usual_frames)) {}

    [[nodiscard]] std::size_t taps() const { return taps_; }
    [[nodiscard]] double head(const ConvolverPlan::Level& level) const;
    [[nodiscard]] double tail(const ConvolverPlan::Level& level) const;

private:
    /// Of one block: its transforms, and the products with so many partitions.
    [[nodiscard]] double transforms(std::size_t block) const;
    [[nodiscard]] double products(std::size_t block, std::size_t partitions) const;

    std::size_t lanes_;
    double groups_, outputs_;
    std::size_t taps_;
    double frames_;
};

double Model::transforms(std::size_t block) const {
    const auto points = static_cast<double>(block);
    const double butterflies = points / 4 * std::countr_zero(block) / 2;
    // The inverse works on as many points at once as forward on signals; its tiles take as long as two stages more.
    const double inverse = butterflies / static_cast<double>(lanes_) + points / 40;
    return cost::kButterfly4 * (groups_ * butterflies + outputs_ * inverse) + 40 * groups_ * std::countr_zero(block);
}

double Model::products(std::size_t block, std::size_t partitions) const {
    const auto used = static_cast<double>(partitions);
    const auto points = static_cast<double>(block);
    const double arithmetic =
        outputs_ / 2 * points * (static_cast<double>(cost::products(0, 2)) / 16 + kProductCost * groups_ * used);
    const double lines = points * 2 * groups_ * (outputs_ + 1) * used * static_cast<double>(lanes_) / 16;
    return arithmetic + (lines * 64 > kNearBytes ? lines * kLineCost : 0);
}

double Model::head(const ConvolverPlan::Level& level) const {
    const auto block = static_cast<double>(level.block);
    const bool even = level.block % static_cast<std::size_t>(frames_) == 0;
    const bool whole = static_cast<std::size_t>(frames_) % level.block == 0;
    const double per_segment = transforms(level.block) + products(level.block, 1);
    const double per_frame_in_time =
        outputs_ / 2 *
        static_cast<double>(cost::direct(static_cast<std::size_t>(groups_) * std::min(taps_, level.block), 2));
    double segments = 1 / block;  // those that end a block
    double cost_of_others = 0;
    if (!whole) {
        const double others = even ? 1 / frames_ - segments : 1 / frames_;
        cost_of_others = others * std::min(per_segment, std::min(frames_, block / 2) * per_frame_in_time);
    }
    if (level.partitions == 1 && std::min(frames_, block) * per_frame_in_time < per_segment) {
        return per_frame_in_time;
    }
    return segments * (transforms(level.block) + products(level.block, level.partitions)) + cost_of_others;
}

double Model::tail(const ConvolverPlan::Level& level) const {
    const auto block = static_cast<double>(level.block);
    return (transforms(level.block) + products(level.block, level.partitions)) / block;
}

struct Found {
    double cost = std::numeric_limits<double>::infinity();
    std::vector<ConvolverPlan::Level> tails;
};

/// The best tails for the taps from 2 · `block` on, the first of them with that block.
Found best_tails(const Model& model, std::size_t block) {
    Found best;
    const auto partitions_until = [&](std::size_t end) { return (end - 2 * block + block - 1) / block; };
    const ConvolverPlan::Level alone{block, partitions_until(model.taps())};
    best.cost = model.tail(alone);
    best.tails = {alone};
    for (std::size_t next = 2 * block; next <= kLargestTail && 2 * next < model.taps(); next *= 2) {
        const ConvolverPlan::Level level{block, partitions_until(2 * next)};
        auto rest = best_tails(model, next);
        const double cost = model.tail(level) + rest.cost;
        if (cost >= best.cost) continue;
        best.cost = cost;
        best.tails = {level};
        best.tails.insert(best.tails.end(), rest.tails.begin(), rest.tails.end());
    }
    return best;
}

/// As many lanes as there are inputs, if vectors are so wide.
std::size_t lanes_for(std::size_t inputs) {
    const std::size_t widest = widest_lanes();
    return widest < 4 ? widest : std::clamp<std::size_t>(std::bit_ceil(inputs), 4, widest);
}

}  // namespace

ConvolverPlan plan_convolver(const ResponseMatrix& matrix, std::size_t usual_frames) {
    const Model model(matrix, lanes_for(matrix.inputs), std::max<std::size_t>(1, usual_frames));
    // Longer heads than blocks would do most of their work in every so-manieth callback.
    const auto longest = std::clamp(std::bit_floor(usual_frames), kSmallestBlock, kLargestHead);
    ConvolverPlan plan{.lanes = lanes_for(matrix.inputs)};
    double best = std::numeric_limits<double>::infinity();
    for (std::size_t block = kSmallestBlock; block <= longest; block *= 2) {
        const ConvolverPlan::Level alone{block, (model.taps() + block - 1) / block};
        if (const double cost = model.head(alone); cost < best) {
            best = cost;
            plan.head = alone;
            plan.tails.clear();
        }
        for (std::size_t next = 2 * block; next <= kLargestTail && 2 * next < model.taps(); next *= 2) {
            const ConvolverPlan::Level head{block, 2 * next / block};
            auto tails = best_tails(model, next);
            const double cost = model.head(head) + tails.cost;
            if (cost >= best) continue;
            best = cost;
            plan.head = head;
            plan.tails = std::move(tails.tails);
        }
    }
    return plan;
}

}  // namespace sidetone::dsp
