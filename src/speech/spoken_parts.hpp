// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <limits>
#include <vector>

#include "speech/heard_times.hpp"
#include "speech/phoneme_recognizer.hpp"
#include "speech/voice_activity.hpp"

namespace sidetone::speech {

/// What one who reads said between two pauses, as it was heard live. Frames are the live network's answers.
struct SpokenPart {
    std::int64_t begin_sample = 0, end_sample = 0;
    std::int64_t first_frame = 0;
    std::vector<float> answers;  ///< from that frame on, row after row
    std::vector<float> voices;   ///< of each frame: how probable a voice was
};

/// Puts together what is heard of each utterance of a stream, from the voice's events and the network's answers, which
/// come later: hands it out once all answers about it are there. One of more than a minute comes in parts. No answer is
/// in two of them. One thread.
class SpokenParts {
public:
    using Use = std::function<void(SpokenPart)>;

    static constexpr std::int64_t kMostFrames = std::int64_t{60} * 50;  ///< a minute of answers

    SpokenParts();

    void note(const VoiceEvent& event);
    /// `voice`: how probable a voice was where the answer is about.
    void push(const PhonemeAnswer& answer, float voice, const Use& use);
    /// The stream is over: hands out what is left.
    void finish(const Use& use);

private:
    static constexpr std::int64_t kOpen = std::numeric_limits<std::int64_t>::max();

    struct Stretch {
        std::int64_t begin = 0, end = kOpen;  // samples
    };

    void hand_out(const Stretch& stretch, const Use& use);
    void forget_before(std::int64_t frame);
    [[nodiscard]] std::int64_t end_frame() const noexcept {
        return first_kept_ + static_cast<std::int64_t>(voices_.size());
    }

    FrameTimes times_;
    std::deque<Stretch> ahead_;  // not handed out yet; all but the last have ended
    std::int64_t first_kept_ = 0;
    std::vector<float> answers_;  // from that frame on
    std::vector<float> voices_;
};

}  // namespace sidetone::speech
