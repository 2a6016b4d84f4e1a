// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <deque>
#include <mutex>
#include <optional>
#include <span>
#include <utility>

#include "cli/follower.hpp"
#include "cli/spoken_words.hpp"
#include "speech/sound_memory.hpp"
#include "speech/utterances.hpp"

namespace sidetone::cli {

/// Follows free speech: which phones are heard, utterance by utterance, and hands each that is over to who finds its
/// text. What is heard while nobody speaks is not shown.
class CaptionFollower final : public Follower {
public:
    /// With `words`, these are listened for too. `texts` may be null, and must outlive the follower.
    CaptionFollower(const speech::HeardPhones::Settings& settings, std::optional<speech::HeardWords> words,
                    SpokenWords* texts);

    void hear(std::span<const float> samples) override;
    void note(const speech::VoiceEvent& event) override { utterances_.note(event); }
    void answer(const speech::PhonemeAnswer& answer, float voice) override;
    void end() override;
    [[nodiscard]] bool show(HeardNow& news) override;
    void rest() override;

    /// Any thread: what was listened for.
    [[nodiscard]] const std::optional<speech::HeardWords>& words() const noexcept { return utterances_.words(); }
    /// Any thread: the oldest utterance of those whose end has been shown and which nobody has taken.
    [[nodiscard]] std::optional<speech::Utterance> take_finished();

private:
    void finish(speech::Utterance utterance);
    void show_end(HeardNow& news);
    void show_part(HeardNow& news, std::int64_t begin);

    speech::Utterances utterances_;
    SpokenWords* texts_;
    speech::SoundMemory sound_;
    std::uint64_t over_ = 0;                                          // utterances whose sound was handed on
    std::deque<std::pair<std::int64_t, std::int64_t>> without_text_;  // where those lie whose sound was not
    std::deque<speech::Utterance> ended_;                             // and not shown
    std::uint64_t number_ = 0, phones_before_ = 0;                    // of utterances whose end was shown
    std::mutex mutex_;
    std::deque<speech::Utterance> finished_;  // under the mutex
};

}  // namespace sidetone::cli
