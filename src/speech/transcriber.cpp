// SPDX-License-Identifier: Apache-2.0
#include "speech/transcriber.hpp"

#include <algorithm>
#include <utility>

namespace sidetone::speech {
namespace {

constexpr std::uint64_t kMostPhones = 1000;  // of an utterance; the beam search keeps 1024

}  // namespace

Transcriber::Transcriber(PhonemeRecognizer recognizer, std::unique_ptr<VoiceDetector> detector,
                         const HeardPhones::Settings& settings, std::optional<HeardWords> words)
    : recognizer_(std::move(recognizer)), phones_(settings), words_(std::move(words)), activity_(std::move(detector)) {}

// Voice first: of a stretch of sound the network speaks later, so every end is known before the answers about it.
void Transcriber::push(std::span<const float> samples, const Use& use) {
    activity_.push(samples, [this](const VoiceEvent& event) { note(event); });
    recognizer_.push(samples, [&](const PhonemeAnswer& answer) { take(answer, use); });
}

void Transcriber::finish(const Use& use) {
    activity_.finish([this](const VoiceEvent& event) { note(event); });
    recognizer_.finish([&](const PhonemeAnswer& answer) { take(answer, use); });
    while (!ahead_.empty()) hand_out_front(ahead_.front().end, use);
}

void Transcriber::reset() {
    recognizer_.reset();
    forget();
    activity_.reset();
    ahead_.clear();
}

void Transcriber::note(const VoiceEvent& event) {
    if (event.begins) {
        ahead_.push_back({.begin = event.sample, .end = kOpen, .phones = {}, .words = {}});
    } else {
        ahead_.back().end = event.sample;
    }
}

void Transcriber::take(const PhonemeAnswer& answer, const Use& use) {
    const auto now = answer.first_sample;
    if (!ahead_.empty() && now >= ahead_.front().end) hand_out_front(ahead_.front().end, use);
    if (phones_.size() >= kMostPhones) {
        const bool is_speech = !ahead_.empty() && ahead_.front().begin < now;
        if (is_speech) {
            const auto whole = ahead_.front();
            hand_out_front(now, use);
            ahead_.push_front({.begin = now, .end = whole.end, .phones = {}, .words = {}});
        }
        forget();
    }
    phones_.push(answer);
    if (words_) words_->push(answer);
}

// What was heard up to `until`: that before the utterance was noise, and what comes after begins anew.
void Transcriber::hand_out_front(std::int64_t until, const Use& use) {
    auto utterance = std::move(ahead_.front());
    ahead_.pop_front();
    utterance.end = until;
    const auto is_within = [&](const auto& heard) {
        return heard.end_sample > utterance.begin && heard.first_sample < utterance.end;
    };
    std::vector<HeardPhone> phones(static_cast<std::size_t>(phones_.size()));
    phones.resize(phones_.copy(0, phones));
    std::ranges::copy_if(phones, std::back_inserter(utterance.phones), is_within);
    if (words_) {
        std::vector<HeardWord> words(kMostPhones);
        words.resize(words_->copy_end(0, words));
        std::ranges::copy_if(words, std::back_inserter(utterance.words), is_within);
    }
    use(utterance);
    forget();
}

void Transcriber::forget() {
    phones_.reset();
    if (words_) words_->reset();
}

}  // namespace sidetone::speech
