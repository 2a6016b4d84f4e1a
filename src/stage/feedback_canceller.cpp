// SPDX-License-Identifier: Apache-2.0
#include "stage/feedback_canceller.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "rt/clock.hpp"
#include "stage/events.hpp"

namespace sidetone::stage {

void FeedbackCancellerStage::prepare(const StageContext& context) {
    context_ = context;
    told_ = 0;
    // No more is known of what will be played, and no sound card brings it back any sooner.
    const auto least = context.max_block_frames + dsp::FeedbackCanceller::kHop - 1;
    const auto wanted = static_cast<std::size_t>(std::lround(settings_.bulk_delay_ms * 1e-3 * context.rate_hz));
    bulk_delay_frames_ = std::max<std::size_t>(least, wanted);
    const auto taps = static_cast<std::size_t>(std::ceil(settings_.path_ms * 1e-3 * context.rate_hz));
    cancellers_.clear();
    for (std::uint32_t c = 0; c < context.channels; ++c) {
        cancellers_.emplace_back(dsp::FeedbackPath{
            .rate_hz = static_cast<double>(context.rate_hz), .bulk_delay_frames = bulk_delay_frames_, .taps = taps});
    }
}

void FeedbackCancellerStage::process(const float* const* in, float* const* out, std::uint32_t frames,
                                     const BlockTime& /*time*/) noexcept {
    for (std::size_t c = 0; c < cancellers_.size(); ++c) cancellers_[c].cancel(in[c], out[c], frames);
    const auto divergences = this->divergences();
    if (divergences == told_) return;
    told_ = divergences;
    if (context_.audio_events == nullptr) return;
    context_.audio_events->record({.at_ns = rt::now_ns(),
                                   .kind = static_cast<std::uint32_t>(EventKind::canceller_diverged),
                                   .stage = context_.index,
                                   .values = {static_cast<std::int64_t>(divergences), 0, 0}});
}

void FeedbackCancellerStage::hear(const float* const* out, std::uint32_t frames) noexcept {
    for (std::size_t c = 0; c < cancellers_.size(); ++c) cancellers_[c].play(out[c], frames);
}

std::uint64_t FeedbackCancellerStage::divergences() const noexcept {
    std::uint64_t sum = 0;
    for (const auto& canceller : cancellers_) sum += canceller.divergences();
    return sum;
}

std::string FeedbackCancellerStage::decision() const {
    const auto ms = [&](std::size_t frames) { return 1000.0 * static_cast<double>(frames) / context_.rate_hz; };
    if (cancellers_.empty()) return {};
    return fmt::format("cancel_feedback: models the path from {:.1f} to {:.1f} ms after sound is played{}",
                       ms(bulk_delay_frames_), ms(bulk_delay_frames_ + cancellers_.front().taps()),
                       context_.offline ? "; offline nothing comes back, and steady tones are taken for feedback" : "");
}

}  // namespace sidetone::stage
