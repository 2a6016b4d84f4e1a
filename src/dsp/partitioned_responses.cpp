// SPDX-License-Identifier: Apache-2.0
#include "dsp/partitioned_responses.hpp"

#include <algorithm>

#include "dsp/aligned_vector.hpp"
#include "dsp/convolver_cost.hpp"
#include "dsp/lane_transform_kernels.hpp"

namespace sidetone::dsp {
namespace {

/// A transform goes on with one part of the points until it is done, once the part fits into this: half of the nearest
/// cache.
constexpr std::size_t kNearFloats = 16 * 1024 / sizeof(float);

using Phase = PartitionedResponses::Phase;

}  // namespace

PartitionedResponses::PartitionedResponses(const ResponseMatrix& matrix, std::size_t first_tap, std::size_t block,
                                           std::size_t partitions, std::size_t lanes)
    : transform_(block, widest_lanes()),
      first_tap_(first_tap),
      partitions_(partitions),
      lanes_(lanes),
      groups_((matrix.inputs + lanes - 1) / lanes),
      outputs_(matrix.outputs) {
    plan_responses(matrix);
    allocate();
    transform_responses(matrix);
    plan_phases();
}

std::size_t PartitionedResponses::used_partitions(const ResponseMatrix& matrix, std::size_t group,
                                                  std::size_t output) const {
    std::size_t used = 0;
    for (const auto& response : matrix.responses) {
        if (response.output != output || response.input / lanes_ != group) continue;
        if (response.taps.size() <= first_tap_) continue;
        used = std::max(used, (response.taps.size() - first_tap_ + block() - 1) / block());
    }
    return std::min(used, partitions_);
}

void PartitionedResponses::plan_responses(const ResponseMatrix& matrix) {
    std::vector<std::size_t> heard;
    for (std::size_t output = 0; output < outputs_; ++output) {
        for (std::size_t group = 0; group < groups_; ++group) {
            if (used_partitions(matrix, group, output) == 0) continue;
            heard.push_back(output);
            break;
        }
    }
    used_.reserve((heard.size() + 1) / 2 * groups_);  // spans point into it
    for (std::size_t n = 0; n < heard.size(); n += 2) {
        ResponseSpectra spectra;
        spectra.count = std::min<std::size_t>(2, heard.size() - n);
        for (std::size_t o = 0; o < spectra.count; ++o) spectra.outputs[o] = heard[n + o];
        const std::size_t begin = used_.size();
        for (std::size_t group = 0; group < groups_; ++group) {
            std::size_t used = 0;
            for (std::size_t o = 0; o < spectra.count; ++o) {
                used = std::max(used, used_partitions(matrix, group, spectra.outputs[o]));
            }
            used_.push_back(used);
            spectra.point_stride += used * spectra.count * 2 * lanes_;
        }
        spectra.used = {used_.data() + begin, groups_};
        responses_.push_back(spectra);
    }
}

void PartitionedResponses::allocate() {
    std::size_t floats = block() * 2 * lanes_ * (groups_ * partitions_ + 1) + outputs_ * 2 * block();
    for (const auto& response : responses_) floats += block() * response.point_stride;
    arena_ = rt::Arena{floats * sizeof(float) + (responses_.size() + 4) * rt::kCacheLine};
    input_points_ = arena_.allocate<float>(block() * 2 * lanes_ * groups_ * partitions_);
    work_ = arena_.allocate<float>(block() * 2 * lanes_);
    products_ = arena_.allocate<float>(outputs_ * 2 * block());
    for (auto& response : responses_) {
        response_points_.push_back(arena_.allocate<float>(block() * response.point_stride));
        response.points = response_points_.back().data();
    }
}

void PartitionedResponses::transform_responses(const ResponseMatrix& matrix) {
    AlignedVector<float> taps(block() * lanes_);
    const AlignedVector<float> silence(block() * lanes_);
    const LaneSignals z{lanes_, work_.data()};
    const auto scale = 1.0F / static_cast<float>(block());  // the inverse transform has none
    const auto gather = [&](std::size_t group, std::size_t output, std::size_t begin) {
        std::fill(taps.begin(), taps.end(), 0.0F);
        for (const auto& response : matrix.responses) {
            if (response.output != output || response.input / lanes_ != group) continue;
            float* to = taps.data() + response.input % lanes_;
            for (std::size_t n = 0; n < block() && begin + n < response.taps.size(); ++n) {
                to[n * lanes_] += scale * response.taps[begin + n];
            }
        }
    };
    for (std::size_t r = 0; r < responses_.size(); ++r) {
        const auto& response = responses_[r];
        float* to = response_points_[r].data();
        for (std::size_t group = 0; group < groups_; ++group) {
            for (std::size_t p = 0; p < response.used[group]; ++p) {
                for (std::size_t o = 0; o < response.count; ++o, to += 2 * lanes_) {
                    gather(group, response.outputs[o], first_tap_ + p * block());
                    forward_first_stage(transform_, taps.data(), silence.data(), z, 0, block() / 4);
                    for (std::size_t stage = 1; stage + 1 < transform_.stages(); ++stage) {
                        forward_stage(transform_, stage, z, 0, block() / transform_.stage(stage).radix);
                    }
                    forward_last_stage(transform_, z, to, response.point_stride, 0, block() / 4);
                }
            }
        }
    }
}

void PartitionedResponses::plan_phases() {
    for (std::size_t group = 0; group < groups_; ++group) {
        if (std::ranges::none_of(responses_, [&](const auto& response) { return response.used[group] > 0; })) continue;
        split_.push_back({Phase::Kind::split_first, group, 0, 0, block() / 4, cost::kButterfly4});
        plan_split(group, 1, 0, block());
    }
    multiply_ = {Phase::Kind::multiply, 0, 0, 0, block() / kProductBatch, multiply_cost()};
    for (const auto& response : responses_) {
        for (std::size_t o = 0; o < response.count; ++o) {
            const std::size_t output = response.outputs[o];
            for (std::size_t stage = transform_.stages(); stage-- > transform_.first_within();) {
                const std::size_t radix = transform_.stage(stage).radix;
                join_.push_back({Phase::Kind::join, output, stage, 0, transform_.rows() / radix,
                                 radix == 4 ? cost::kButterfly4 : cost::kButterfly2});
            }
            join_.push_back({Phase::Kind::join_tiles, output, 0, 0, transform_.rows() / transform_.columns(),
                             cost::tile(transform_.columns())});
        }
    }
}

void PartitionedResponses::plan_split(std::size_t group, std::size_t stage, std::size_t first_point,
                                      std::size_t points) {
    const auto& here = transform_.stage(stage);
    const bool last = stage + 1 == transform_.stages();
    split_.push_back({last ? Phase::Kind::split_last : Phase::Kind::split, group, stage, first_point / here.radix,
                      points / here.radix, here.radix == 4 ? cost::kButterfly4 : cost::kButterfly2});
    if (last) return;
    const std::size_t part = here.span / here.radix;
    if (points * 2 * lanes_ <= kNearFloats) return plan_split(group, stage + 1, first_point, points);
    for (std::size_t begin = 0; begin < points; begin += part) plan_split(group, stage + 1, first_point + begin, part);
}

std::size_t PartitionedResponses::multiply_cost() const {
    std::size_t sum = 0;
    for (const auto& response : responses_) {
        std::size_t used = 0;
        for (const auto of_group : response.used) used += of_group;
        sum += cost::products(used, response.count);
    }
    return sum;
}

void PartitionedResponses::run(const Phase& phase, std::size_t done, std::size_t count, const InputLanes& inputs,
                               std::uint64_t position, Partitions range, float* out) noexcept {
    const LaneSignals z{lanes_, work_.data()};
    const std::size_t first = phase.first + done;
    float* rows = products_.data() + phase.part * 2 * block();
    switch (phase.kind) {
        case Phase::Kind::split_first:
            forward_first_stage(transform_, inputs.at(phase.part, position - block()), inputs.at(phase.part, position),
                                z, first, count);
            break;
        case Phase::Kind::split:
            forward_stage(transform_, phase.stage, z, first, count);
            break;
        case Phase::Kind::split_last:
            forward_last_stage(transform_, z, input_points_.data() + 2 * lanes_ * (phase.part * partitions_ + newest_),
                               2 * lanes_ * groups_ * partitions_, first, count);
            break;
        case Phase::Kind::multiply:
            multiply_spectra({lanes_, groups_, partitions_, newest_, input_points_.data()}, responses_, range,
                             {transform_.columns(), products_.data(), 2 * block()}, first, count);
            break;
        case Phase::Kind::join:
            inverse_stage(transform_, phase.stage, rows, first, count);
            break;
        case Phase::Kind::join_tiles:
            inverse_tiles(transform_, rows, out + phase.part * block(), first, count);
            break;
    }
}

void PartitionedResponses::run_all(std::span<const Phase> phases, const InputLanes& inputs, std::uint64_t position,
                                   Partitions range, float* out) noexcept {
    for (const auto& phase : phases) run(phase, 0, phase.items, inputs, position, range, out);
}

void PartitionedResponses::silence_block() noexcept {
    const std::size_t of_point = 2 * lanes_ * groups_ * partitions_;
    for (std::size_t group = 0; group < groups_; ++group) {
        float* to = input_points_.data() + 2 * lanes_ * (group * partitions_ + newest_);
        for (std::size_t point = 0; point < block(); ++point) std::fill_n(to + point * of_point, 2 * lanes_, 0.0F);
    }
}

void PartitionedResponses::reset() noexcept {
    std::fill(input_points_.begin(), input_points_.end(), 0.0F);
    std::fill(products_.begin(), products_.end(), 0.0F);
    newest_ = 0;
}

}  // namespace sidetone::dsp
