// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <optional>
#include <span>

#include "speech/heard_phones.hpp"
#include "speech/heard_words.hpp"
#include "speech/phoneme_recognizer.hpp"
#include "speech/utterances.hpp"
#include "speech/voice_activity.hpp"

namespace sidetone::speech {

/// A stream of samples at 16 kHz becomes utterances, and the phones and words in them.
///
/// The same utterances however the samples were chunked. Ordinary threads only, one at a time.
class Transcriber {
public:
    using Use = Utterances::Use;

    /// With `words`, these are listened for too. Throws std::invalid_argument for settings out of range.
    Transcriber(PhonemeRecognizer recognizer, std::unique_ptr<VoiceDetector> detector,
                const HeardPhones::Settings& settings, std::optional<HeardWords> words = {});

    void push(std::span<const float> samples, const Use& use);
    /// The stream is over: an utterance that is still going on ends. Then only `reset` may follow.
    void finish(const Use& use);
    void reset();

    [[nodiscard]] const std::optional<HeardWords>& words() const noexcept { return utterances_.words(); }
    [[nodiscard]] const char* detector() const noexcept { return activity_.detector(); }

private:
    PhonemeRecognizer recognizer_;
    Utterances utterances_;
    VoiceActivity activity_;
};

}  // namespace sidetone::speech
