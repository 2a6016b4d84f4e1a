// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "cli/follower.hpp"
#include "speech/heard_phones.hpp"
#include "speech/second_pass.hpp"
#include "speech/spectral_track.hpp"

namespace sidetone::cli {

/// Follows somebody who reads a text aloud: which phones are heard, and when a pause says that the reading is over. All
/// that may come later, the text among it, is the second pass's.
class PromptFollower final : public Follower {
public:
    struct Settings {
        std::size_t beam = 4;
        double pause_s = 0;  ///< `wants_to_end` after so long a pause behind speech; 0: never
    };

    /// All that is heard goes to `second`, which must outlive the follower.
    PromptFollower(const Settings& settings, speech::SecondPass& second);

    void hear(std::span<const float> samples) override;
    void note(const speech::VoiceEvent& event) override;
    void answer(const speech::PhonemeAnswer& answer, float voice) override;
    void end() override;
    [[nodiscard]] bool show(HeardNow& news) override;
    void rest() override { second_.rest(); }

    /// Any thread: there was speech, and then the pause.
    [[nodiscard]] bool wants_to_end() const noexcept { return wants_to_end_.load(std::memory_order_relaxed); }

    [[nodiscard]] std::vector<speech::HeardPhone> phones() const;
    /// What was heard, for finding borders in it.
    [[nodiscard]] const speech::SpectralTrack& track() const noexcept { return track_; }
    [[nodiscard]] bool has_voice() const noexcept { return has_voice_; }

private:
    speech::HeardPhones phones_;
    speech::SpectralTrack track_;
    Settings settings_;
    speech::SecondPass& second_;
    std::int64_t samples_ = 0;
    bool has_voice_ = false;
    std::int64_t voice_ended_at_ = -1;  // sample
    std::atomic<bool> wants_to_end_{false};
};

}  // namespace sidetone::cli
