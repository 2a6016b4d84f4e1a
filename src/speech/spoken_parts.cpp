// SPDX-License-Identifier: Apache-2.0
#include "speech/spoken_parts.hpp"

#include <algorithm>
#include <cstddef>
#include <utility>

namespace sidetone::speech {
namespace {

constexpr std::int64_t kRecent = 50;  // a second of answers: a voice is told of after answers about its beginning

}  // namespace

SpokenParts::SpokenParts() {
    answers_.reserve(static_cast<std::size_t>(kMostFrames + 2 * kRecent) * kPhoneClassCount);
    voices_.reserve(static_cast<std::size_t>(kMostFrames + 2 * kRecent));
}

void SpokenParts::note(const VoiceEvent& event) {
    if (event.begins) {
        ahead_.push_back({.begin = event.sample});
    } else if (!ahead_.empty() && ahead_.back().end == kOpen) {
        ahead_.back().end = event.sample;
    }
}

void SpokenParts::push(const PhonemeAnswer& answer, float voice, const Use& use) {
    times_.note(answer, static_cast<std::uint64_t>(answer.number));
    answers_.insert(answers_.end(), answer.log_probabilities.begin(), answer.log_probabilities.end());
    voices_.push_back(voice);
    while (!ahead_.empty() && answer.first_sample >= ahead_.front().end) {
        hand_out(ahead_.front(), use);
        ahead_.pop_front();
    }
    if (ahead_.empty()) {
        if (end_frame() - first_kept_ >= 2 * kRecent) forget_before(end_frame() - kRecent);
        return;
    }
    auto& open = ahead_.front();
    if (open.end == kOpen && end_frame() - times_.frame_of(open.begin) >= kMostFrames) {
        const auto border = times_.sample_of(end_frame());
        hand_out({.begin = open.begin, .end = border}, use);
        open.begin = border;
    }
}

void SpokenParts::finish(const Use& use) {
    for (auto stretch : ahead_) {
        if (stretch.end == kOpen) stretch.end = std::max(stretch.begin, times_.sample_of(end_frame()));
        hand_out(stretch, use);
    }
    ahead_.clear();
}

// What was before it is about nothing that is still to come.
void SpokenParts::hand_out(const Stretch& stretch, const Use& use) {
    const auto first = std::clamp(times_.frame_of(stretch.begin), first_kept_, end_frame());
    const auto end = std::clamp(times_.frame_of(stretch.end) + 1, first, end_frame());
    SpokenPart part{.begin_sample = stretch.begin,
                    .end_sample = stretch.end,
                    .first_frame = first,
                    .answers = {},
                    .voices = {voices_.begin() + (first - first_kept_), voices_.begin() + (end - first_kept_)}};
    const auto row = static_cast<std::ptrdiff_t>(kPhoneClassCount);
    part.answers.assign(answers_.begin() + (first - first_kept_) * row, answers_.begin() + (end - first_kept_) * row);
    forget_before(end);
    if (!part.voices.empty()) use(std::move(part));
}

void SpokenParts::forget_before(std::int64_t frame) {
    const auto count = static_cast<std::ptrdiff_t>(frame - first_kept_);
    voices_.erase(voices_.begin(), voices_.begin() + count);
    answers_.erase(answers_.begin(), answers_.begin() + count * static_cast<std::ptrdiff_t>(kPhoneClassCount));
    first_kept_ = frame;
}

}  // namespace sidetone::speech
