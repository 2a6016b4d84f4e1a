// SPDX-License-Identifier: Apache-2.0
#include "speech/utterances.hpp"

#include <algorithm>
#include <iterator>
#include <utility>

namespace sidetone::speech {
namespace {

constexpr std::size_t kMostWords = 2048;     // more than the words' search keeps
constexpr std::uint64_t kMostPhones = 1000;  // of an utterance; the beam search keeps 1024

}  // namespace

void Utterances::note(const VoiceEvent& event) {
    if (event.begins) {
        ahead_.push_back({.begin = event.sample, .end = kOpen, .phones = {}, .words = {}});
    } else {
        ahead_.back().end = event.sample;
    }
}

void Utterances::take(const PhonemeAnswer& answer, const Use& use) {
    answered_ = answer.first_sample;
    if (!ahead_.empty() && answered_ >= ahead_.front().end) set_front_aside(ahead_.front().end, use);
    if (now().phones.size() >= kMostPhones) {
        const bool is_speech = !ahead_.empty() && ahead_.front().begin < answered_;
        if (is_speech) {
            const auto whole = ahead_.front();
            set_front_aside(answered_, use);
            ahead_.push_front({.begin = answered_, .end = whole.end, .phones = {}, .words = {}});
        }
        forget();
    }
    now().phones.push(answer);
    if (now().words) now().words->push(answer);
}

void Utterances::finish(const Use& use) {
    while (!ahead_.empty()) set_front_aside(ahead_.front().end, use);
    hand_out(use);
}

void Utterances::reset() {
    forget();
    ahead_.clear();
    over_.reset();
    answered_ = 0;
}

std::optional<std::int64_t> Utterances::begin() const noexcept {
    if (ahead_.empty() || ahead_.front().begin > answered_) return std::nullopt;
    return ahead_.front().begin;
}

// What was heard up to `until`: that before the utterance was noise, and what comes after begins anew.
void Utterances::set_front_aside(std::int64_t until, const Use& use) {
    hand_out(use);
    over_ = std::move(ahead_.front());
    ahead_.pop_front();
    over_->end = until;
    now_ = 1 - now_;
    forget();
}

void Utterances::hand_out(const Use& use) {
    if (!over_) return;
    auto utterance = *std::exchange(over_, std::nullopt);
    const auto& before = searches_[1 - now_];
    const auto is_within = [&](const auto& heard) {
        return heard.end_sample > utterance.begin && heard.first_sample < utterance.end;
    };
    std::vector<HeardPhone> phones(static_cast<std::size_t>(before.phones.size()));
    phones.resize(before.phones.copy(0, phones));
    std::ranges::copy_if(phones, std::back_inserter(utterance.phones), is_within);
    if (before.words) {
        std::vector<HeardWord> words(kMostWords);
        words.resize(before.words->copy_end(0, words));
        std::ranges::copy_if(words, std::back_inserter(utterance.words), is_within);
    }
    use(std::move(utterance));
}

void Utterances::forget() {
    now().phones.reset();
    if (now().words) now().words->reset();
}

}  // namespace sidetone::speech
