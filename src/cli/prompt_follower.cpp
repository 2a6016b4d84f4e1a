// SPDX-License-Identifier: Apache-2.0
#include "cli/prompt_follower.hpp"

#include <algorithm>
#include <utility>

#include "speech/reading.hpp"

namespace sidetone::cli {
namespace {

constexpr std::int64_t kMostAnswers = std::int64_t{60} * 50;  // a minute of them
constexpr std::size_t kRecent = 50;                           // a second of answers

}  // namespace

PromptFollower::PromptFollower(const speech::Prompt& prompt, const Settings& settings, SecondPass* second)
    : prompt_(prompt),
      phones_({.beam = settings.beam}),
      alignment_(prompt_, speech::settings_of_readings()),
      settings_(settings),
      second_(second) {
    kept_answers_.reserve(static_cast<std::size_t>(kMostAnswers) * speech::kPhoneClassCount);
    recent_answers_.reserve(kept_answers_.capacity());
    recent_voices_.reserve(static_cast<std::size_t>(kMostAnswers));
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
    if (event.begins) {
        if (begins_at_ >= 0) hand_over();
        begins_at_ = event.sample;
    } else {
        ends_at_ = event.sample;
    }
}

void PromptFollower::answer(const speech::PhonemeAnswer& answer, float voice) {
    phones_.push(answer);
    alignment_.push(answer.log_probabilities, voice);
    if (++answers_ <= kMostAnswers) {
        kept_answers_.insert(kept_answers_.end(), answer.log_probabilities.begin(), answer.log_probabilities.end());
    }
    if (second_ != nullptr) remember(answer, voice);
}

// An utterance is over once all answers about it are there. One of more than a minute is handed over in parts.
void PromptFollower::remember(const speech::PhonemeAnswer& answer, float voice) {
    if (answer.number == 0) first_answer_sample_ = answer.first_sample;
    if (answer.number == 1) hop_ = answer.first_sample - first_answer_sample_;
    if (recent_answers_.empty()) first_recent_ = answer.number;
    recent_answers_.insert(recent_answers_.end(), answer.log_probabilities.begin(), answer.log_probabilities.end());
    recent_voices_.push_back(voice);
    const bool is_over = ends_at_ >= 0 && answer.first_sample >= ends_at_;
    if (begins_at_ >= 0) {
        if (is_over || static_cast<std::int64_t>(recent_voices_.size()) == kMostAnswers) hand_over();
    } else if (recent_voices_.size() >= 2 * kRecent) {
        const auto count = static_cast<std::ptrdiff_t>(kRecent);
        recent_voices_.erase(recent_voices_.begin(), recent_voices_.begin() + count);
        recent_answers_.erase(recent_answers_.begin(),
                              recent_answers_.begin() + count * static_cast<std::ptrdiff_t>(speech::kPhoneClassCount));
        first_recent_ += count;
    }
}

void PromptFollower::hand_over() {
    const auto heard_end = first_answer_sample_ + answers_ * hop_;
    SpokenPart part{.begin_sample = begins_at_, .end_sample = ends_at_ >= 0 ? ends_at_ : heard_end};
    const auto begins = hop_ > 0 ? (begins_at_ - first_answer_sample_) / hop_ : 0;
    part.first_frame = std::clamp(begins, first_recent_, answers_);
    const auto before = (part.first_frame - first_recent_) * static_cast<std::int64_t>(speech::kPhoneClassCount);
    part.answers.assign(recent_answers_.begin() + before, recent_answers_.end());
    part.voices.assign(recent_voices_.begin() + (part.first_frame - first_recent_), recent_voices_.end());
    second_->submit(std::move(part));
    recent_answers_.clear();
    recent_voices_.clear();
    begins_at_ = ends_at_ >= 0 ? -1 : heard_end;
    ends_at_ = -1;
}

void PromptFollower::end() {
    if (second_ == nullptr) return;
    second_->end();
    if (begins_at_ >= 0) hand_over();
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
