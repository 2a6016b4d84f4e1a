// SPDX-License-Identifier: Apache-2.0
#include "speech/second_pass.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdint>
#include <optional>
#include <span>
#include <thread>
#include <vector>

#include "rt/guard.hpp"
#include "speech/reading.hpp"
#include "speech/weights_file.hpp"
#include "unit/dsp/signals.hpp"
#include "unit/nn/test_models.hpp"

namespace sidetone::speech {
namespace {

const Prompt kPrompt = {{"we", {{phone_named("W").value(), phone_named("IY").value()}}}};
constexpr std::size_t kHeardAtOnce = 1600;  // samples

// Speech-like: noise in syllables, so that answers differ from one another.
std::vector<float> syllables(std::size_t count) {
    auto samples = dsp::test::white_noise(count, 11, 0.1F);
    for (std::size_t n = 0; n < count; ++n) samples[n] *= std::abs(std::sin(0.001F * static_cast<float>(n)));
    return samples;
}

PhonemeRecognizer tiny_recognizer() {
    return {nn::read_manifest(nn::test::kSource / "tests" / "data" / "phoneme-tiny"), {.rows_per_run = 64}};
}

PronunciationJudge judge() {
    return PronunciationJudge{{.streaming = find_weights("phone-scorer", "phone-scorer.bin")}};
}

// Answers that are sure of nothing.
const std::vector<float> kUniform(kPhoneClassCount, -std::log(static_cast<float>(kPhoneClassCount)));

/// Somebody reads noise, of which the live network is sure of nothing; the other answers for 0.64 s of sound at once.
class Spoken {
    std::vector<float> samples_;
    std::size_t heard_ = 0;
    std::int64_t answered_ = 0;
    PronunciationJudge scores_ = judge();
    PhonemeRecognizer live_ = tiny_recognizer();

public:
    explicit Spoken(std::size_t count) : samples_(syllables(count)) {}

    SecondPass second{tiny_recognizer(), kPrompt, scores_, live_.first_sample(0)};

    [[nodiscard]] std::int64_t sample_of(std::int64_t frame) const { return live_.first_sample(frame); }

    void hear_until(std::size_t end) {
        for (; heard_ < end; heard_ += std::min(kHeardAtOnce, end - heard_)) {
            second.hear(std::span{samples_}.subspan(heard_, std::min(kHeardAtOnce, end - heard_)));
        }
    }
    /// An utterance whose last answer is about `end`, and has come.
    void say(std::int64_t first, std::int64_t end) {
        second.note({.begins = true, .sample = sample_of(first)});
        answer_until(end);
        second.note({.begins = false, .sample = sample_of(end)});
        answer_until(end + 1);
    }
    /// The same of two, whose ends both come before the answers about the first.
    void say_two(std::int64_t first, std::int64_t between, std::int64_t end) {
        second.note({.begins = true, .sample = sample_of(first)});
        second.note({.begins = false, .sample = sample_of(between)});
        second.note({.begins = true, .sample = sample_of(between + 2)});
        second.note({.begins = false, .sample = sample_of(end)});
        answer_until(end + 1);
    }
    [[nodiscard]] std::size_t judged_within_30_s(std::size_t count) {
        std::size_t found = 0;
        for (int n = 0; n < 3000 && found < count; ++n) {
            found += judged().size();
            std::this_thread::sleep_for(std::chrono::milliseconds{10});
        }
        return found;
    }
    [[nodiscard]] std::vector<JudgedPart> judged() {
        std::vector<JudgedPart> all;
        while (auto part = second.take()) all.push_back(std::move(*part));
        return all;
    }

private:
    void answer_until(std::int64_t end) {
        for (; answered_ < end; ++answered_) {
            second.answer({.log_probabilities = kUniform, .number = answered_, .first_sample = sample_of(answered_)},
                          1);
            second.rest();
        }
    }
};

// Frames 0 to 99 are two seconds.
std::vector<HeardPhone> phones_when_handed_over_after(std::size_t heard_samples) {
    Spoken spoken{64'000};
    spoken.hear_until(heard_samples);
    spoken.say(0, 99);
    spoken.hear_until(64'000);
    spoken.second.end();
    spoken.second.finish();
    const auto parts = spoken.judged();
    EXPECT_EQ(parts.size(), 1U);
    return parts.empty() ? std::vector<HeardPhone>{} : parts.front().phones;
}

TEST(SecondPass, HearsAPartToItsEndHoweverSoonItIsHandedOver) {
    const auto late = phones_when_handed_over_after(64'000);
    const auto soon = phones_when_handed_over_after(32'000);
    ASSERT_GT(late.size(), 3U);
    ASSERT_EQ(soon.size(), late.size());
    for (std::size_t n = 0; n < late.size(); ++n) {
        EXPECT_EQ(soon[n].phone, late[n].phone);
        EXPECT_EQ(soon[n].first_sample, late[n].first_sample);
    }
}

TEST(SecondPass, HandsPartsBackInTheOrderInWhichTheyCame) {
    Spoken spoken{64'000};
    for (std::size_t n = 0; n < 4; ++n) {
        spoken.hear_until((n + 1) * 16'000);
        spoken.say(50 * static_cast<std::int64_t>(n), 50 * static_cast<std::int64_t>(n) + 49);
    }
    spoken.second.end();
    spoken.second.finish();
    const auto parts = spoken.judged();
    ASSERT_EQ(parts.size(), 4U);
    for (std::size_t n = 0; n < 4; ++n) {
        EXPECT_EQ(parts[n].begin_sample, spoken.sample_of(50 * static_cast<std::int64_t>(n)));
    }
    EXPECT_GE(spoken.second.answers().size(), 190 * kPhoneClassCount);
}

// Nothing more comes behind it, neither sound nor as many answers as would go over anyway. The network answers late:
// both voices have ended before it comes to the first end.
TEST(SecondPass, JudgesAPartThatIsOverWithoutWaitingForMore) {
    Spoken spoken{64'000};
    spoken.hear_until(50'000);
    spoken.say(0, 60);
    EXPECT_EQ(spoken.judged_within_30_s(1), 1U);
    spoken.say_two(70, 75, 85);
    EXPECT_EQ(spoken.judged_within_30_s(2), 2U);
}

// More than ten seconds wait, unless the machine is so fast that they do not.
TEST(SecondPass, HandsBackEveryPartWhereThereIsNoTimeForTheRest) {
    Spoken spoken{60 * 16'000};
    spoken.hear_until(60 * 16'000);
    spoken.say(0, 499);
    spoken.say(500, 999);
    spoken.second.end();
    spoken.second.finish([] { return true; });
    EXPECT_EQ(spoken.judged().size(), 2U);
    EXPECT_EQ(spoken.second.answers().empty(), spoken.second.is_behind());
}

TEST(SecondPass, LeavesWhatWaitsWhenItGoes) {
    Spoken spoken{60 * 16'000};
    spoken.hear_until(60 * 16'000);
    spoken.say(0, 499);
}

std::vector<float> random_answers(std::size_t count) {
    auto rows = dsp::test::white_noise(count * kPhoneClassCount, 5, 3.0F);
    for (std::size_t n = 0; n < count; ++n) {
        const auto row = std::span{rows}.subspan(n * kPhoneClassCount, kPhoneClassCount);
        double sum = 0;
        for (const float value : row) sum += std::exp(static_cast<double>(value));
        for (auto& value : row) value -= static_cast<float>(std::log(sum));
    }
    return rows;
}

class SecondPassReading : public testing::TestWithParam<bool> {};  // with a second network

TEST_P(SecondPassReading, LaysTheTextIntoAllThatWasHeardLive) {
    constexpr std::size_t kAnswers = 700;
    const auto rows = random_answers(kAnswers);
    const auto scores = judge();
    SecondPass second{GetParam() ? std::optional{tiny_recognizer()} : std::nullopt, kPrompt, scores, 0};
    ForcedAlignment reference{kPrompt, settings_of_readings()};
    const std::vector<float> silence(320);
    for (std::size_t n = 0; n < kAnswers; ++n) {
        const auto row = std::span{rows}.subspan(n * kPhoneClassCount, kPhoneClassCount);
        const auto number = static_cast<std::int64_t>(n);
        const float voice = n % 100 < 60 ? 0.9F : 0.1F;
        if (n % 100 == 0 || n % 100 == 60) second.note({.begins = n % 100 == 0, .sample = 320 * number});
        second.hear(silence);
        second.answer({.log_probabilities = row, .number = number, .first_sample = 320 * number}, voice);
        reference.push(row, voice);
        if (n % 3 == 0) second.rest();
    }
    second.end();
    second.finish();
    const auto found = second.alignment(), wanted = reference.finish();
    EXPECT_EQ(found.log_price, wanted.log_price);
    ASSERT_EQ(found.phones.size(), wanted.phones.size());
    for (std::size_t n = 0; n < wanted.phones.size(); ++n) {
        EXPECT_EQ(found.phones[n].first_frame, wanted.phones[n].first_frame);
    }
    EXPECT_TRUE(std::ranges::equal(second.live_answers(), rows));
    EXPECT_EQ(second.take().has_value(), GetParam());
}

INSTANTIATE_TEST_SUITE_P(Networks, SecondPassReading, testing::Bool(),
                         [](const auto& info) { return info.param ? "Two" : "One"; });

// Two seconds at a time, which is less than may wait: whether the other thread has dealt with them tells what it says.
TEST(SecondPass, AllocatesNothingWhileItListens) {
    if (!rt::interposer_is_present()) GTEST_SKIP() << "heap calls are not counted in this build";
    Spoken spoken{5 * 32'000};
    rt::reset_realtime_counts();
    for (std::int64_t round = 0; round < 5; ++round) {
        {
            const rt::RealtimeScope scope(rt::RealtimeKind::audio);
            spoken.hear_until(static_cast<std::size_t>(round + 1) * 32'000);
            spoken.say(100 * round + 5, 100 * round + 60);
        }
        ASSERT_EQ(spoken.judged_within_30_s(1), 1U);
    }
    EXPECT_EQ(rt::realtime_counts(rt::RealtimeKind::audio).heap_calls, 0U);
}

TEST(SecondPass, KeepsNoAnswersOfMoreThanAMinute) {
    const auto scores = judge();
    SecondPass second{std::nullopt, kPrompt, scores, 0};
    for (std::int64_t n = 0; n <= 3000; ++n) {
        second.answer({.log_probabilities = kUniform, .number = n, .first_sample = 320 * n}, 1);
        second.rest();
    }
    second.end();
    second.finish();
    EXPECT_TRUE(second.live_answers().empty());
}

}  // namespace
}  // namespace sidetone::speech
