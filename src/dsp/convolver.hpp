// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "dsp/convolver_head.hpp"
#include "dsp/convolver_plan.hpp"
#include "dsp/convolver_tail.hpp"
#include "dsp/input_lanes.hpp"
#include "dsp/response_matrix.hpp"
#include "rt/realtime.hpp"

namespace sidetone::dsp {

/// Convolves N inputs with a matrix of responses into M outputs, without delay: an output frame has in it the input
/// frame that came with it, whatever the sizes of the blocks, which may change from call to call.
///
/// The first taps are made block by block, the later ones by longer transforms whose work is spread evenly over the
/// calls until their result is due (W. G. Gardner, 1995; no helper thread). Inputs share their transforms, and each
/// output has one inverse transform per length. Memory is locked and touched; `process` makes no heap call.
class Convolver {
public:
    /// Best for blocks of `usual_frames`; right for all. Control thread. Throws std::invalid_argument for a matrix
    /// without inputs or outputs, or with a response that leads from or to somewhere else, and std::bad_alloc.
    Convolver(const ResponseMatrix& matrix, std::size_t usual_frames);
    /// With partitions of one's own: for measurements and tests.
    Convolver(const ResponseMatrix& matrix, std::size_t usual_frames, ConvolverPlan plan);

    /// Audio thread. `in` may be `out`.
    void process(const float* const* in, float* const* out, std::size_t frames) noexcept SIDETONE_REALTIME;

    /// As if nothing had come in yet. Not while `process` runs.
    void reset() noexcept;

    [[nodiscard]] std::size_t inputs() const noexcept { return inputs_; }
    [[nodiscard]] std::size_t outputs() const noexcept { return outputs_; }
    [[nodiscard]] const ConvolverPlan& plan() const noexcept { return plan_; }
    [[nodiscard]] std::size_t memory_bytes() const noexcept;
    /// Empty, or one line: memory could not be locked, and what to do about it.
    [[nodiscard]] const std::string& lock_warning() const noexcept { return head_->lock_warning(); }

private:
    std::size_t inputs_, outputs_, usual_frames_;
    ConvolverPlan plan_;
    rt::Arena arena_;
    std::optional<InputLanes> lanes_;
    std::unique_ptr<ConvolverHead> head_;
    std::vector<std::unique_ptr<ConvolverTail>> tails_;
    std::uint64_t position_ = 0;
};

}  // namespace sidetone::dsp
