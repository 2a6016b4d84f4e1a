// SPDX-License-Identifier: Apache-2.0
#include "speech/spoken_parts.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <random>
#include <utility>
#include <vector>

namespace sidetone::speech {
namespace {

constexpr std::int64_t kHop = 320, kFirst = -440;

/// A live network that answers in batches: each answer's first value is its number.
class Listener {
public:
    explicit Listener(std::int64_t frames_at_once = 1) : frames_at_once_(frames_at_once) {}

    void begin(std::int64_t sample) { parts_.note({.begins = true, .sample = sample}); }
    void end(std::int64_t sample) { parts_.note({.begins = false, .sample = sample}); }

    /// `frames` have been heard in all; the network answers once a batch is full.
    void hear_until(std::int64_t frames) {
        while (frames - answered_ >= frames_at_once_) answer(frames_at_once_);
    }
    void finish(std::int64_t frames) {
        hear_until(frames);
        answer(frames - answered_);
        parts_.finish([this](SpokenPart part) { found_.push_back(std::move(part)); });
    }
    [[nodiscard]] const std::vector<SpokenPart>& found() const noexcept { return found_; }

private:
    void answer(std::int64_t count) {
        for (; count > 0; --count, ++answered_) {
            std::array<float, kPhoneClassCount> row{static_cast<float>(answered_)};
            parts_.push({.log_probabilities = row, .number = answered_, .first_sample = kFirst + answered_ * kHop},
                        static_cast<float>(answered_), [this](SpokenPart part) { found_.push_back(std::move(part)); });
        }
    }

    SpokenParts parts_;
    std::int64_t frames_at_once_, answered_ = 0;
    std::vector<SpokenPart> found_;
};

std::int64_t sample_of(std::int64_t frame) {
    return kFirst + frame * kHop;
}

void expect_frames(const SpokenPart& part, std::int64_t first, std::int64_t end) {
    EXPECT_EQ(part.first_frame, first);
    ASSERT_EQ(static_cast<std::int64_t>(part.voices.size()), end - first);
    ASSERT_EQ(part.answers.size(), part.voices.size() * kPhoneClassCount);
    for (std::size_t n = 0; n < part.voices.size(); ++n) {
        ASSERT_EQ(part.voices[n], static_cast<float>(first) + static_cast<float>(n));
        ASSERT_EQ(part.answers[n * kPhoneClassCount], part.voices[n]);
    }
}

TEST(SpokenParts, ComeWhenAllAnswersAboutThemAreThere) {
    Listener listener;
    listener.hear_until(100);
    listener.begin(sample_of(80));
    listener.hear_until(140);
    listener.end(sample_of(150));
    listener.hear_until(150);
    EXPECT_TRUE(listener.found().empty());
    listener.hear_until(151);
    ASSERT_EQ(listener.found().size(), 1U);
    EXPECT_EQ(listener.found()[0].end_sample, sample_of(150));
    expect_frames(listener.found()[0], 80, 151);
}

// The network answers 640 ms late, and all was said and begun again since its last answers.
TEST(SpokenParts, KeepTheirAnswersWhereTheNextBeginsBeforeThese) {
    Listener listener{32};
    listener.hear_until(64);
    listener.begin(sample_of(66));
    listener.end(sample_of(75));
    listener.begin(sample_of(80));
    listener.hear_until(96);
    ASSERT_EQ(listener.found().size(), 1U);
    expect_frames(listener.found()[0], 66, 76);
    listener.end(sample_of(90));
    listener.begin(sample_of(91));
    listener.finish(100);
    ASSERT_EQ(listener.found().size(), 3U);
    expect_frames(listener.found()[1], 80, 91);
    expect_frames(listener.found()[2], 91, 100);
}

TEST(SpokenParts, OfMoreThanAMinuteComeOneAfterTheOther) {
    Listener listener;
    listener.hear_until(30);
    listener.begin(sample_of(20));
    listener.hear_until(20 + 2 * SpokenParts::kMostFrames);
    ASSERT_EQ(listener.found().size(), 2U);
    listener.finish(20 + 2 * SpokenParts::kMostFrames);
    ASSERT_EQ(listener.found().size(), 2U) << "nothing is left of it";
    expect_frames(listener.found()[0], 20, 20 + SpokenParts::kMostFrames);
    expect_frames(listener.found()[1], 20 + SpokenParts::kMostFrames, 20 + 2 * SpokenParts::kMostFrames);
    EXPECT_EQ(listener.found()[0].end_sample, listener.found()[1].begin_sample);
}

TEST(SpokenParts, AreNoneWhereNothingWasAnswered) {
    Listener listener{32};
    listener.begin(0);
    listener.finish(0);
    EXPECT_TRUE(listener.found().empty());
}

TEST(SpokenParts, AreTheSameHoweverAnswersCome) {
    std::mt19937 random{1};
    for (int round = 0; round < 200; ++round) {
        Listener one{1}, batches{static_cast<std::int64_t>(2 + random() % 31)};
        std::int64_t frame = 1;
        for (int utterance = 0; utterance < 5; ++utterance) {
            const auto begin = frame + static_cast<std::int64_t>(random() % 120);
            const auto end = begin + 2 + static_cast<std::int64_t>(random() % 200);
            frame = end + 1;
            for (auto* listener : {&one, &batches}) {
                listener->hear_until(begin + 10);  // a voice is told of a while after it began
                listener->begin(sample_of(begin));
                listener->hear_until(end);
                listener->end(sample_of(end));
            }
        }
        for (auto* listener : {&one, &batches}) listener->finish(frame + 50);
        ASSERT_EQ(one.found().size(), 5U);
        ASSERT_EQ(batches.found().size(), 5U);
        for (std::size_t n = 0; n < 5; ++n) {
            const auto& a = one.found()[n];
            const auto& b = batches.found()[n];
            EXPECT_EQ(std::pair(a.first_frame, a.voices), std::pair(b.first_frame, b.voices));
            EXPECT_EQ(std::pair(a.begin_sample, a.end_sample), std::pair(b.begin_sample, b.end_sample));
            expect_frames(a, a.first_frame, a.first_frame + static_cast<std::int64_t>(a.voices.size()));
        }
    }
}

}  // namespace
}  // namespace sidetone::speech
