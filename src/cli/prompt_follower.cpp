// SPDX-License-Identifier: Apache-2.0
#include "cli/prompt_follower.hpp"

namespace sidetone::cli {

PromptFollower::PromptFollower(const Settings& settings, speech::SecondPass& second)
    : phones_({.beam = settings.beam}), settings_(settings), second_(second) {}

void PromptFollower::hear(std::span<const float> samples) {
    samples_ += static_cast<std::int64_t>(samples.size());
    track_.push(samples);
    second_.hear(samples);
    const auto pause = static_cast<std::int64_t>(settings_.pause_s * speech::PhonemeRecognizer::kRateHz);
    if (pause > 0 && voice_ended_at_ >= 0 && samples_ - voice_ended_at_ >= pause) wants_to_end_.store(true);
}

void PromptFollower::note(const speech::VoiceEvent& event) {
    has_voice_ = has_voice_ || event.begins;
    voice_ended_at_ = event.begins ? -1 : event.sample;
    second_.note(event);
}

void PromptFollower::answer(const speech::PhonemeAnswer& answer, float voice) {
    phones_.push(answer);
    second_.answer(answer, voice);
}

void PromptFollower::end() {
    second_.end();
}

bool PromptFollower::show(HeardNow& news) {
    news.first = phones_.size() > HeardNow::kMostPhones ? phones_.size() - HeardNow::kMostPhones : 0;
    news.count = static_cast<std::uint32_t>(phones_.copy(news.first, news.phones));
    news.settled = phones_.settled();
    return false;
}

std::vector<speech::HeardPhone> PromptFollower::phones() const {
    std::vector<speech::HeardPhone> all(static_cast<std::size_t>(phones_.size()));
    all.resize(phones_.copy(0, all));
    return all;
}

}  // namespace sidetone::cli
