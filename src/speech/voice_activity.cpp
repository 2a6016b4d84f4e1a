// SPDX-License-Identifier: Apache-2.0
#include "speech/voice_activity.hpp"

#include <utility>

namespace sidetone::speech {

VoiceActivity::VoiceActivity(std::unique_ptr<VoiceDetector> detector, const Settings& settings)
    : detector_(std::move(detector)), settings_(settings) {}

VoiceEvent VoiceActivity::decide() noexcept {
    const float probability = detector_->probability(frame_);
    probabilities_[static_cast<std::size_t>(frames_) % kRemembered] = probability;
    const auto begin = frames_ * kFrame;
    const auto end = begin + kFrame;
    ++frames_;
    voiced_in_row_ = probability >= settings_.begin_probability ? voiced_in_row_ + 1 : 0;
    if (is_speaking_) {
        if (probability >= settings_.end_probability) last_voiced_end_ = end;
        if (end - last_voiced_end_ < settings_.hang_over) return {.sample = -1};
        is_speaking_ = false;
        last_end_ = end;
        return {.begins = false, .sample = end};
    }
    if (voiced_in_row_ < settings_.begin_frames) return {.sample = -1};
    is_speaking_ = true;
    last_voiced_end_ = end;
    const auto onset = end - settings_.begin_frames * kFrame;
    return {.begins = true, .sample = std::max(last_end_, onset - settings_.pre_roll)};
}

float VoiceActivity::probability_at(std::int64_t sample) const noexcept {
    const auto frame = sample / kFrame;
    const bool is_known = sample >= 0 && frame < frames_ && frames_ - frame <= static_cast<std::int64_t>(kRemembered);
    return is_known ? probabilities_[static_cast<std::size_t>(frame) % kRemembered] : 0.5F;
}

void VoiceActivity::reset() noexcept {
    detector_->reset();
    filled_ = 0;
    frames_ = voiced_in_row_ = last_voiced_end_ = last_end_ = 0;
    is_speaking_ = false;
}

}  // namespace sidetone::speech
