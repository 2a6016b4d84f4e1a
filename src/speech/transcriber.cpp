// SPDX-License-Identifier: Apache-2.0
#include "speech/transcriber.hpp"

#include <utility>

namespace sidetone::speech {

Transcriber::Transcriber(PhonemeRecognizer recognizer, std::unique_ptr<VoiceDetector> detector,
                         const HeardPhones::Settings& settings, std::optional<HeardWords> words)
    : recognizer_(std::move(recognizer)), utterances_(settings, std::move(words)), activity_(std::move(detector)) {}

// Voice first: of a stretch of sound the network speaks later, so every end is known before the answers about it.
void Transcriber::push(std::span<const float> samples, const Use& use) {
    activity_.push(samples, [this](const VoiceEvent& event) { utterances_.note(event); });
    recognizer_.push(samples, [&](const PhonemeAnswer& answer) { utterances_.take(answer, use); });
    utterances_.hand_out(use);
}

void Transcriber::finish(const Use& use) {
    activity_.finish([this](const VoiceEvent& event) { utterances_.note(event); });
    recognizer_.finish([&](const PhonemeAnswer& answer) { utterances_.take(answer, use); });
    utterances_.finish(use);
}

void Transcriber::reset() {
    recognizer_.reset();
    utterances_.reset();
    activity_.reset();
}

}  // namespace sidetone::speech
