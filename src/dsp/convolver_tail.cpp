// SPDX-License-Identifier: Apache-2.0
#include "dsp/convolver_tail.hpp"

#include <algorithm>

#include "dsp/products.hpp"

namespace sidetone::dsp {

ConvolverTail::ConvolverTail(const ResponseMatrix& matrix, std::size_t block, std::size_t partitions, std::size_t lanes)
    : spectra_(matrix, 2 * block, block, partitions, lanes),
      outputs_(matrix.outputs),
      arena_(2 * (outputs_ * block * sizeof(float) + rt::kCacheLine)) {
    for (auto& samples : samples_) samples = arena_.allocate<float>(outputs_ * block);
    const auto append = [this](std::span<const PartitionedResponses::Phase> phases) {
        phases_.insert(phases_.end(), phases.begin(), phases.end());
    };
    append(spectra_.split());
    append(spectra_.multiply());
    append(spectra_.join());
    for (const auto& phase : phases_) total_cost_ += phase.items * phase.cost;
    phase_ = phases_.size();  // nothing to do
    spent_ = total_cost_;
}

void ConvolverTail::add(std::uint64_t position, std::size_t frames, float* const* out, std::size_t first) noexcept {
    const float* due = samples_[heard_].data() + position % block();
    for (std::size_t o = 0; o < outputs_; ++o) {
        add_samples(due + o * block(), out[o] + first, frames);
    }
}

void ConvolverTail::next_block(const InputLanes& inputs, std::uint64_t position) noexcept {
    work(inputs, block());
    heard_ = 1 - heard_;
    spectra_.next_block();
    position_ = position - block();
    phase_ = items_done_ = spent_ = 0;
}

void ConvolverTail::work(const InputLanes& inputs, std::size_t parts) noexcept {
    const std::size_t goal = parts >= block() ? total_cost_ : total_cost_ * parts / block();
    while (spent_ < goal && phase_ < phases_.size()) {
        const auto& phase = phases_[phase_];
        const std::size_t wanted = (goal - spent_ + phase.cost - 1) / phase.cost;
        const std::size_t count = std::min(wanted, phase.items - items_done_);
        spectra_.run(phase, items_done_, count, inputs, position_, {0, spectra_.partitions()},
                     samples_[1 - heard_].data());
        spent_ += count * phase.cost;
        items_done_ += count;
        if (items_done_ < phase.items) continue;
        items_done_ = 0;
        ++phase_;
    }
}

void ConvolverTail::reset() noexcept {
    spectra_.reset();
    for (auto& samples : samples_) std::fill(samples.begin(), samples.end(), 0.0F);
    phase_ = phases_.size();
    items_done_ = 0;
    spent_ = total_cost_;
}

}  // namespace sidetone::dsp
