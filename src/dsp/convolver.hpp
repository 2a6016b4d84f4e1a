// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "dsp/convolver_head.hpp"
#include "dsp/convolver_helper.hpp"
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
/// calls until their result is due (W. G. Gardner, 1995), or done by a helper thread, if one is wanted. Inputs share
/// their transforms, and each output has one inverse transform per length. Memory is locked and touched; `process`
/// makes no heap call and no system call.
class Convolver {
public:
    /// Best for blocks of `usual_frames`; right for all. Control thread. Throws std::invalid_argument for a matrix
    /// without inputs or outputs, or with a response that leads from or to somewhere else, and std::bad_alloc.
    Convolver(const ResponseMatrix& matrix, std::size_t usual_frames);
    /// The same with a helper thread for partitions of 20 ms or more, if responses are that long: calls are shorter
    /// then, but what the helper does not get done in time is not heard, and calls must come in real time.
    Convolver(const ResponseMatrix& matrix, std::size_t usual_frames, const ConvolverHelper::Settings& helper);
    /// With partitions of one's own: for measurements and tests.
    Convolver(const ResponseMatrix& matrix, std::size_t usual_frames, ConvolverPlan plan,
              const ConvolverHelper::Settings* helper = nullptr);

    /// Audio thread. `in` may be `out`.
    void process(const float* const* in, float* const* out, std::size_t frames) noexcept SIDETONE_REALTIME;

    /// As if nothing had come in yet. Control thread, not while `process` runs.
    void reset();

    [[nodiscard]] std::size_t inputs() const noexcept { return inputs_; }
    [[nodiscard]] std::size_t outputs() const noexcept { return outputs_; }
    [[nodiscard]] const ConvolverPlan& plan() const noexcept { return plan_; }
    /// Whether there is a helper thread.
    [[nodiscard]] bool has_helper() const noexcept { return helper_ != nullptr; }
    /// After each call that does not come in real time; not on an audio thread.
    void wait_for_helper() const noexcept;
    /// Blocks that the helper did not get done in time. Any thread.
    [[nodiscard]] std::uint64_t late_blocks() const noexcept { return helper_ != nullptr ? helper_->late() : 0; }
    [[nodiscard]] std::size_t memory_bytes() const noexcept;
    /// Empty, or one line: memory could not be locked, and what to do about it.
    [[nodiscard]] const std::string& lock_warning() const noexcept { return head_->lock_warning(); }

private:
    [[nodiscard]] std::span<const std::unique_ptr<HelpedTail>> helped() const noexcept SIDETONE_REALTIME;

    std::size_t inputs_, outputs_, usual_frames_;
    ConvolverPlan plan_;
    rt::Arena arena_;
    std::optional<InputLanes> lanes_;
    std::unique_ptr<ConvolverHead> head_;
    std::vector<std::unique_ptr<ConvolverTail>> tails_;  // those that are worked on between the calls' own work
    std::unique_ptr<ConvolverHelper> helper_;            // has the longer ones, if any; reads lanes_
    std::uint64_t position_ = 0;
};

}  // namespace sidetone::dsp
