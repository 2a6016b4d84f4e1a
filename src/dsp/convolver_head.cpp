// SPDX-License-Identifier: Apache-2.0
#include "dsp/convolver_head.hpp"

#include <algorithm>

#include "dsp/convolver_cost.hpp"

namespace sidetone::dsp {
namespace {

std::size_t arena_bytes(const ResponseMatrix& matrix, std::size_t block, std::size_t taps, std::size_t lanes) {
    const std::size_t groups = (matrix.inputs + lanes - 1) / lanes;
    return (4 * matrix.outputs * block + groups * lanes * taps * matrix.outputs) * sizeof(float) +
           (matrix.outputs + 4) * rt::kCacheLine;
}

std::size_t cost_of(std::span<const PartitionedResponses::Phase> phases) {
    std::size_t sum = 0;
    for (const auto& phase : phases) sum += phase.items * phase.cost;
    return sum;
}

}  // namespace

ConvolverHead::ConvolverHead(const ResponseMatrix& matrix, std::size_t block, std::size_t partitions, std::size_t lanes)
    : spectra_(matrix, 0, block, partitions, lanes),
      lanes_(lanes),
      outputs_(matrix.outputs),
      arena_(arena_bytes(matrix, block, std::min(block, matrix.length()), lanes)) {
    older_products_ = arena_.allocate<float>(outputs_ * 2 * block);
    older_samples_ = arena_.allocate<float>(outputs_ * block);
    samples_ = arena_.allocate<float>(outputs_ * block);
    gather_taps(matrix);
    std::size_t a_frame = 1;
    const std::size_t groups = (matrix.inputs + lanes - 1) / lanes;
    for (const auto& response : taps_) a_frame += cost::direct(groups * response.length, response.count);
    direct_frames_ = (cost_of(spectra_.split()) + cost_of(spectra_.join()) +
                      block / kProductBatch * cost::products(groups, 2) * taps_.size()) /
                     a_frame;
}

void ConvolverHead::gather_taps(const ResponseMatrix& matrix) {
    const std::size_t groups = (matrix.inputs + lanes_ - 1) / lanes_;
    const std::size_t length = std::min(block(), matrix.length());
    for (std::size_t output = 0; output < outputs_; output += 2) {
        ResponseTaps response{
            .outputs = {output, output + 1}, .count = std::min<std::size_t>(2, outputs_ - output), .length = length};
        const auto taps = arena_.allocate<float>(groups * length * response.count * lanes_);
        for (const auto& from : matrix.responses) {
            if (from.output < output || from.output >= output + response.count) continue;
            const std::size_t group = from.input / lanes_;
            for (std::size_t n = 0; n < std::min(length, from.taps.size()); ++n) {
                const std::size_t at = (group * length + n) * response.count + from.output - output;
                taps[at * lanes_ + from.input % lanes_] += from.taps[n];
            }
        }
        response.taps = taps.data();
        taps_.push_back(response);
    }
}

void ConvolverHead::process(InputLanes& inputs, std::uint64_t position, std::size_t frames, float* const* out,
                            std::size_t first) noexcept {
    const std::size_t offset = position % block();
    const bool ends = offset + frames == block();
    const bool whole = ends && offset == 0;
    if (offset == 0) {
        spectra_.next_block();
        older_samples_made_ = false;
        if (!whole) begin_block(inputs, position);
    }
    // Spectra of the past are of use only to partitions after the first.
    const bool needs_spectrum = ends && spectra_.partitions() > 1;
    if (frames <= direct_frames_ && !needs_spectrum) {
        process_in_time(inputs, position, frames, out, first);
        return;
    }
    if (!ends) inputs.clear_ahead(position + frames);
    process_by_transform(inputs, position, frames, out, first);
}

void ConvolverHead::begin_block(const InputLanes& inputs, std::uint64_t position) noexcept {
    if (spectra_.partitions() == 1) return;
    spectra_.run_all(spectra_.multiply(), inputs, position, {1, spectra_.partitions()}, nullptr);
    std::copy(spectra_.products().begin(), spectra_.products().end(), older_products_.begin());
}

void ConvolverHead::process_in_time(const InputLanes& inputs, std::uint64_t position, std::size_t frames,
                                    float* const* out, std::size_t first) noexcept {
    const std::size_t offset = position % block();
    if (!older_samples_made_ && spectra_.partitions() > 1) {
        std::copy(older_products_.begin(), older_products_.end(), spectra_.products().begin());
        spectra_.run_all(spectra_.join(), inputs, position, {}, older_samples_.data());
        older_samples_made_ = true;
    }
    for (std::size_t o = 0; o < outputs_; ++o) {
        std::copy_n(older_samples_.data() + o * block() + offset, frames, out[o] + first);
    }
    for (const auto& response : taps_) {
        const std::array<float*, 2> to{out[response.outputs[0]] + first,
                                       response.count == 2 ? out[response.outputs[1]] + first : nullptr};
        add_direct(response, inputs.at(0, position), inputs.group_stride(), lanes_, inputs.groups(), frames, to);
    }
}

void ConvolverHead::process_by_transform(const InputLanes& inputs, std::uint64_t position, std::size_t frames,
                                         float* const* out, std::size_t first) noexcept {
    const std::size_t offset = position % block();
    const std::uint64_t begin = position - offset;
    const bool whole = frames == block();
    spectra_.run_all(spectra_.split(), inputs, begin, {}, nullptr);
    spectra_.run_all(spectra_.multiply(), inputs, begin, {0, whole ? spectra_.partitions() : 1}, nullptr);
    if (!whole && spectra_.partitions() > 1) {
        const auto products = spectra_.products();
        for (std::size_t n = 0; n < products.size(); ++n) products[n] += older_products_[n];
    }
    spectra_.run_all(spectra_.join(), inputs, begin, {}, samples_.data());
    for (std::size_t o = 0; o < outputs_; ++o) {
        std::copy_n(samples_.data() + o * block() + offset, frames, out[o] + first);
    }
}

void ConvolverHead::reset() noexcept {
    spectra_.reset();
    std::fill(older_products_.begin(), older_products_.end(), 0.0F);
    std::fill(older_samples_.begin(), older_samples_.end(), 0.0F);
    std::fill(samples_.begin(), samples_.end(), 0.0F);
    older_samples_made_ = false;
}

}  // namespace sidetone::dsp
