// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <functional>
#include <limits>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "speech/heard_phones.hpp"
#include "speech/heard_words.hpp"
#include "speech/phoneme_recognizer.hpp"
#include "speech/voice_activity.hpp"

namespace sidetone::speech {

/// What somebody said between two pauses; times are samples at 16 kHz since the stream's first.
struct Utterance {
    std::int64_t begin = 0, end = 0;
    std::vector<HeardPhone> phones;  ///< within it, in order
    std::vector<HeardWord> words;    ///< the same of words, where a vocabulary is given
};

/// A stream of samples at 16 kHz becomes utterances, and the phones and words in them. An utterance is handed out as
/// soon as the pause after it has been long enough, and the network has said all about it. One that goes on for more
/// than a thousand phones is handed out in parts, so that an endless stream takes no more memory than a long sentence.
///
/// The same utterances however the samples were chunked. Ordinary threads only, one at a time.
class Transcriber {
public:
    using Use = std::function<void(const Utterance&)>;

    /// With `words`, these are listened for too. Throws std::invalid_argument for settings out of range.
    Transcriber(PhonemeRecognizer recognizer, std::unique_ptr<VoiceDetector> detector,
                const HeardPhones::Settings& settings, std::optional<HeardWords> words = {});

    void push(std::span<const float> samples, const Use& use);
    /// The stream is over: an utterance that is still going on ends. Then only `reset` may follow.
    void finish(const Use& use);
    void reset();

    [[nodiscard]] const std::optional<HeardWords>& words() const noexcept { return words_; }
    [[nodiscard]] const char* detector() const noexcept { return activity_.detector(); }

private:
    static constexpr std::int64_t kOpen = std::numeric_limits<std::int64_t>::max();

    void note(const VoiceEvent& event);
    void take(const PhonemeAnswer& answer, const Use& use);
    void hand_out_front(std::int64_t until, const Use& use);
    void forget();

    PhonemeRecognizer recognizer_;
    HeardPhones phones_;
    std::optional<HeardWords> words_;
    VoiceActivity activity_;
    std::deque<Utterance> ahead_;  // without phones yet; the last may be open
};

}  // namespace sidetone::speech
