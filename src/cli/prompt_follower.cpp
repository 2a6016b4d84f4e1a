// SPDX-License-Identifier: Apache-2.0
#include "cli/prompt_follower.hpp"

#include <utility>

#include "speech/reading.hpp"

namespace sidetone::cli {
namespace {

constexpr std::int64_t kMostAnswers = std::int64_t{60} * 50;  // a minute of them

}  // namespace

PromptFollower::PromptFollower(const speech::Prompt& prompt, const Settings& settings, speech::SecondPass* second)
    : prompt_(prompt),
      phones_({.beam = settings.beam}),
      alignment_(prompt_, speech::settings_of_readings()),
      settings_(settings),
      second_(second) {
    kept_answers_.reserve(static_cast<std::size_t>(kMostAnswers) * speech::kPhoneClassCount);
}

void PromptFollower::hear(std::span<const float> samples) {
    samples_ += static_cast<std::int64_t>(samples.size());
    track_.push(samples);
    if (second_ != nullptr) second_->hear(samples);
    const auto pause = static_cast<std::int64_t>(settings_.pause_s * speech::PhonemeRecognizer::kRateHz);
    if (pause > 0 && voice_ended_at_ >= 0 && samples_ - voice_ended_at_ >= pause) wants_to_end_.store(true);
}

void PromptFollower::note(const speech::VoiceEvent& event) {
    has_voice_ = has_voice_ || event.begins;
    voice_ended_at_ = event.begins ? -1 : event.sample;
    if (second_ != nullptr) parts_.note(event);
}

void PromptFollower::answer(const speech::PhonemeAnswer& answer, float voice) {
    phones_.push(answer);
    alignment_.push(answer.log_probabilities, voice);
    if (++answers_ <= kMostAnswers) {
        kept_answers_.insert(kept_answers_.end(), answer.log_probabilities.begin(), answer.log_probabilities.end());
    }
    if (second_ != nullptr) {
        parts_.push(answer, voice, [this](speech::SpokenPart part) { second_->submit(std::move(part)); });
    }
}

void PromptFollower::end() {
    if (second_ == nullptr) return;
    second_->end();
    parts_.finish([this](speech::SpokenPart part) { second_->submit(std::move(part)); });
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

std::span<const float> PromptFollower::answers() const noexcept {
    if (answers_ > kMostAnswers) return {};
    return kept_answers_;
}

}  // namespace sidetone::cli
