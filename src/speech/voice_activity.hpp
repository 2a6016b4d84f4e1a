// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

#include "rt/realtime.hpp"
#include "speech/voice_detector.hpp"

namespace sidetone::speech {

/// A voice begins or ends, at a sample of the stream.
struct VoiceEvent {
    bool begins = false;
    std::int64_t sample = 0;  ///< where it begins, or where the silence after it has lasted long enough
};

/// Cuts a stream at 16 kHz into utterances, with hysteresis, so that one uncertain frame does not cut a word; with a
/// pre-roll, so that quiet onsets are inside; and with a hang-over, so that pauses within a sentence do not end it.
/// Events are the same however the samples were chunked. One thread at a time.
class VoiceActivity {
public:
    struct Settings {
        float begin_probability = 0.5F;  ///< a voice begins when it reaches this in `begin_frames` frames in a row …
        float end_probability = 0.35F;   ///< … and ends when it stays below this for the hang-over
        int begin_frames = 2;            ///< of 32 ms
        std::int64_t pre_roll = 3200;    ///< samples before the first of those frames that belong to it
        std::int64_t hang_over = 8000;   ///< samples
    };

    VoiceActivity(std::unique_ptr<VoiceDetector> detector, const Settings& settings);
    explicit VoiceActivity(std::unique_ptr<VoiceDetector> detector) : VoiceActivity(std::move(detector), Settings{}) {}

    /// Calls use(const VoiceEvent&) for what `samples` decide.
    template <class Use>
    void push(std::span<const float> samples, Use&& use);
    /// The stream is over: a voice that is still there ends. Then only `reset` may follow.
    template <class Use>
    void finish(Use&& use);
    void reset() noexcept;

    [[nodiscard]] bool is_speaking() const noexcept { return is_speaking_; }
    [[nodiscard]] const char* detector() const noexcept { return detector_->name(); }
    /// How probable a voice was at a sample of the last two seconds: 0.5 where that is not known, or not yet.
    [[nodiscard]] float probability_at(std::int64_t sample) const noexcept SIDETONE_REALTIME;

private:
    static constexpr std::int64_t kFrame = VoiceDetector::kFrame;
    static constexpr std::size_t kRemembered = 64;  // frames

    /// What the full frame decides; an event with sample < 0: nothing.
    [[nodiscard]] VoiceEvent decide() noexcept;

    std::unique_ptr<VoiceDetector> detector_;
    Settings settings_;
    std::array<float, VoiceDetector::kFrame> frame_{};
    std::array<float, kRemembered> probabilities_{};
    std::size_t filled_ = 0;
    std::int64_t frames_ = 0;
    std::int64_t voiced_in_row_ = 0;    // frames
    std::int64_t last_voiced_end_ = 0;  // sample
    std::int64_t last_end_ = 0;         // of the utterance before
    bool is_speaking_ = false;
};

// ── definitions ─────────────────────────────────────────────────────────────────────────────────

template <class Use>
void VoiceActivity::push(std::span<const float> samples, Use&& use) {
    while (!samples.empty()) {
        const auto count = std::min(samples.size(), frame_.size() - filled_);
        std::ranges::copy(samples.first(count), frame_.begin() + static_cast<std::ptrdiff_t>(filled_));
        samples = samples.subspan(count);
        filled_ += count;
        if (filled_ < frame_.size()) return;
        filled_ = 0;
        if (const auto event = decide(); event.sample >= 0) use(event);
    }
}

template <class Use>
void VoiceActivity::finish(Use&& use) {
    if (is_speaking_) use(VoiceEvent{.begins = false, .sample = frames_ * kFrame + static_cast<std::int64_t>(filled_)});
    is_speaking_ = false;
}

}  // namespace sidetone::speech
