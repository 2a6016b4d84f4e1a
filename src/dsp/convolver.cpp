// SPDX-License-Identifier: Apache-2.0
#include "dsp/convolver.hpp"

#include <algorithm>
#include <bit>
#include <stdexcept>
#include <utility>

namespace sidetone::dsp {
namespace {

void check(const ResponseMatrix& matrix) {
    if (matrix.inputs == 0 || matrix.outputs == 0) {
        throw std::invalid_argument("convolver: " + std::to_string(matrix.inputs) + " inputs and " +
                                    std::to_string(matrix.outputs) + " outputs; expected at least one of each");
    }
    for (const auto& response : matrix.responses) {
        if (response.input < matrix.inputs && response.output < matrix.outputs) continue;
        throw std::invalid_argument("convolver: a response from input " + std::to_string(response.input) +
                                    " to output " + std::to_string(response.output) + " of a matrix of " +
                                    std::to_string(matrix.inputs) + " inputs and " + std::to_string(matrix.outputs) +
                                    " outputs");
    }
}

InputLanes::Shape shape_of(const ResponseMatrix& matrix, const ConvolverPlan& plan) {
    // A block may be worked on while the next one comes in, and its transform begins with the block before.
    const std::size_t longest = plan.tails.empty() ? plan.head.block : plan.tails.back().block;
    return {.inputs = matrix.inputs, .lanes = plan.lanes, .capacity = 4 * longest, .behind = plan.head.block};
}

}  // namespace

Convolver::Convolver(const ResponseMatrix& matrix, std::size_t usual_frames)
    : Convolver(matrix, usual_frames, (check(matrix), plan_convolver(matrix, usual_frames))) {}

Convolver::Convolver(const ResponseMatrix& matrix, std::size_t usual_frames, const ConvolverHelper::Settings& helper)
    : Convolver(matrix, usual_frames, (check(matrix), plan_convolver(matrix, usual_frames)), &helper) {}

Convolver::Convolver(const ResponseMatrix& matrix, std::size_t usual_frames, ConvolverPlan plan,
                     const ConvolverHelper::Settings* helper)
    : inputs_(matrix.inputs),
      outputs_(matrix.outputs),
      usual_frames_(usual_frames),
      plan_(std::move(plan)),
      arena_(shape_of(matrix, plan_).floats() * sizeof(float) + 2 * rt::kCacheLine) {
    check(matrix);
    lanes_.emplace(shape_of(matrix, plan_), arena_);
    head_ = std::make_unique<ConvolverHead>(matrix, plan_.head.block, plan_.head.partitions, plan_.lanes);
    const std::span<const ConvolverPlan::Level> levels{plan_.tails};
    const std::size_t own =
        helper != nullptr ? ConvolverHelper::first_helped(levels, usual_frames, helper->rate_hz) : levels.size();
    for (const auto& level : levels.first(own)) {
        tails_.push_back(std::make_unique<ConvolverTail>(matrix, level.block, level.partitions, plan_.lanes));
    }
    if (own < levels.size())
        helper_ = std::make_unique<ConvolverHelper>(matrix, levels.subspan(own), plan_.lanes, *lanes_, *helper);
}

void Convolver::process(const float* const* in, float* const* out, std::size_t frames) noexcept {
    for (std::size_t first = 0; first < frames;) {
        const std::size_t here = std::min(frames - first, head_->block() - position_ % head_->block());
        lanes_->write(in, first, here, position_);
        head_->process(*lanes_, position_, here, out, first);
        for (const auto& tail : tails_) tail->add(position_, here, out, first);
        for (const auto& tail : helped()) tail->add(position_, here, out, first);
        first += here;
        position_ += here;
        for (const auto& tail : tails_) {
            if (position_ % tail->block() == 0) tail->next_block(*lanes_, position_);
        }
        for (const auto& tail : helped()) {
            if (position_ % tail->block() == 0) tail->next_block(position_);
        }
    }
    // So far that, if blocks go on as usual, the last slice is done just before the result is due.
    for (const auto& tail : tails_) tail->work(*lanes_, position_ % tail->block() + usual_frames_);
}

std::span<const std::unique_ptr<HelpedTail>> Convolver::helped() const noexcept {
    if (helper_ == nullptr) return {};
    return helper_->tails();
}

void Convolver::reset() {
    if (helper_ != nullptr) helper_->stop();  // it reads the lanes
    lanes_->reset();
    head_->reset();
    for (const auto& tail : tails_) tail->reset();
    if (helper_ != nullptr) helper_->reset();
    position_ = 0;
}

void Convolver::wait_for_helper() const noexcept {
    if (helper_ != nullptr) helper_->wait();
}

std::size_t Convolver::memory_bytes() const noexcept {
    std::size_t sum = arena_.capacity_bytes() + head_->memory_bytes();
    for (const auto& tail : tails_) sum += tail->memory_bytes();
    if (helper_ != nullptr) sum += helper_->memory_bytes();
    return sum;
}

}  // namespace sidetone::dsp
