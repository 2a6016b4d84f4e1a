// SPDX-License-Identifier: Apache-2.0
#include "cli/caption_follower.hpp"

#include <algorithm>
#include <array>
#include <utility>

namespace sidetone::cli {
namespace {

// How many of the phones lie before `sample`: they are in order.
std::uint64_t phones_before(const speech::HeardPhones& phones, std::int64_t sample) {
    std::uint64_t low = 0, high = phones.size();
    while (low < high) {
        const auto middle = low + (high - low) / 2;
        std::array<speech::HeardPhone, 1> phone{};
        const bool is_before = phones.copy(middle, phone) == 1 && phone[0].end_sample <= sample;
        (is_before ? low : high) = is_before ? middle + 1 : middle;
    }
    return low;
}

}  // namespace

CaptionFollower::CaptionFollower(const speech::HeardPhones::Settings& settings, std::optional<speech::HeardWords> words,
                                 SpokenWords* texts)
    : utterances_(settings, std::move(words)),
      texts_(texts),
      sound_(texts != nullptr ? speech::kLongestUtterance : 0) {}

void CaptionFollower::hear(std::span<const float> samples) {
    if (texts_ != nullptr) sound_.push(samples);
}

void CaptionFollower::answer(const speech::PhonemeAnswer& answer, float) {
    utterances_.take(answer, [this](speech::Utterance utterance) { finish(std::move(utterance)); });
}

void CaptionFollower::end() {
    utterances_.finish([this](speech::Utterance utterance) { finish(std::move(utterance)); });
}

void CaptionFollower::finish(speech::Utterance utterance) {
    if (texts_ != nullptr) without_text_.emplace_back(utterance.begin, utterance.end);
    ended_.push_back(std::move(utterance));
}

void CaptionFollower::rest() {
    for (; !without_text_.empty(); without_text_.pop_front()) {
        const auto [begin, end] = without_text_.front();
        texts_->submit(over_++, sound_.copy(begin, end));
    }
}

bool CaptionFollower::show(HeardNow& news) {
    utterances_.hand_out([this](speech::Utterance utterance) { finish(std::move(utterance)); });
    news.utterance = number_;
    news.first = news.settled = phones_before_;
    if (!ended_.empty()) {
        show_end(news);
        return true;
    }
    if (const auto begin = utterances_.begin()) show_part(news, *begin);
    return false;
}

void CaptionFollower::show_end(HeardNow& news) {
    auto utterance = std::move(ended_.front());
    ended_.pop_front();
    const auto& phones = utterance.phones;
    const auto count = std::min(phones.size(), HeardNow::kMostPhones);
    std::copy(phones.end() - static_cast<std::ptrdiff_t>(count), phones.end(), news.phones.begin());
    news.first = phones_before_ + phones.size() - count;
    news.count = static_cast<std::uint32_t>(count);
    news.settled = news.first + count;
    news.ends_utterance = true;
    phones_before_ += phones.size();
    ++number_;
    const std::lock_guard lock{mutex_};
    finished_.push_back(std::move(utterance));
}

void CaptionFollower::show_part(HeardNow& news, std::int64_t begin) {
    const auto& phones = utterances_.phones();
    const auto noise = phones_before(phones, begin);
    const auto from = std::max(noise, phones.size() - std::min<std::uint64_t>(phones.size(), HeardNow::kMostPhones));
    news.count = static_cast<std::uint32_t>(phones.copy(from, news.phones));
    news.first = phones_before_ + from - noise;
    news.settled = phones_before_ + std::max(phones.settled(), noise) - noise;
}

std::optional<speech::Utterance> CaptionFollower::take_finished() {
    const std::lock_guard lock{mutex_};
    if (finished_.empty()) return std::nullopt;
    auto utterance = std::move(finished_.front());
    finished_.pop_front();
    return utterance;
}

}  // namespace sidetone::cli
