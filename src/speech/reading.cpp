// SPDX-License-Identifier: Apache-2.0
#include "speech/reading.hpp"

#include <algorithm>
#include <cmath>

namespace sidetone::speech {
namespace {

std::size_t fewest_phones(const PromptWord& word) {
    std::size_t fewest = word.pronunciations.front().size();
    for (const auto& pronunciation : word.pronunciations) fewest = std::min(fewest, pronunciation.size());
    return fewest;
}

}  // namespace

double border_s(const PhonemeRecognizer& recognizer, std::int64_t answer, double seconds) noexcept {
    const auto sample = recognizer.first_sample(answer) - kBorderLatenessSamples;
    return std::clamp(static_cast<double>(sample) / PhonemeRecognizer::kRateHz, 0.0, seconds);
}

Reading reading_of(const Prompt& prompt, const FinishedAlignment& alignment, const PhonemeRecognizer& recognizer,
                   double seconds) {
    const auto time_of = [&](std::int64_t frame) { return border_s(recognizer, frame, seconds); };
    Reading reading{.words = {}, .is_whole = alignment.is_complete};
    for (const auto& word : prompt) reading.words.push_back({.text = word.text, .phones = {}});
    std::size_t heard = 0, expected = 0;
    for (const auto& phone : alignment.phones) {
        heard += phone.peak_log_probability >= kLeastHeardLogProbability ? 1 : 0;
        ++expected;
        reading.words[static_cast<std::size_t>(phone.word)].phones.push_back(
            {.phone = phone.phone,
             .start_s = time_of(phone.first_frame),
             .end_s = time_of(phone.end_frame),
             .confidence = std::exp(static_cast<double>(phone.peak_log_probability))});
    }
    for (std::size_t i = 0; i < prompt.size(); ++i) {
        auto& word = reading.words[i];
        if (word.is_left_out()) {
            expected += fewest_phones(prompt[i]);
            continue;
        }
        word.start_s = word.phones.front().start_s;
        word.end_s = word.phones.back().end_s;
    }
    if (expected > 0) reading.heard_share = static_cast<double>(heard) / static_cast<double>(expected);
    return reading;
}

}  // namespace sidetone::speech
