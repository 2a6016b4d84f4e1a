// SPDX-License-Identifier: Apache-2.0
#include "speech/second_pass.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <vector>

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

/// What was heard live, all of it a voice, and sure of nothing.
SpokenPart part_of(std::int64_t first_frame, std::int64_t frames) {
    SpokenPart part{.first_frame = first_frame};
    const auto uniform = -std::log(static_cast<float>(kPhoneClassCount));
    part.answers.assign(static_cast<std::size_t>(frames) * kPhoneClassCount, uniform);
    part.voices.assign(static_cast<std::size_t>(frames), 1.0F);
    return part;
}

void hear(SecondPass& second, std::span<const float> samples) {
    for (; !samples.empty(); samples = samples.subspan(std::min(kHeardAtOnce, samples.size()))) {
        second.hear(samples.first(std::min(kHeardAtOnce, samples.size())));
    }
}

std::vector<JudgedPart> all_of(SecondPass& second) {
    std::vector<JudgedPart> all;
    while (auto part = second.take()) all.push_back(std::move(*part));
    return all;
}

/// A second pass over noise, whose network answers 0.64 s of sound at once.
struct Spoken {
    explicit Spoken(std::size_t count) : samples(syllables(count)) {}

    [[nodiscard]] std::span<const float> from(std::size_t first, std::size_t count) const {
        return std::span{samples}.subspan(first, count);
    }
    [[nodiscard]] std::vector<JudgedPart> parts_at_the_end() {
        second.end();
        second.finish();
        return all_of(second);
    }

    std::vector<float> samples;
    PronunciationJudge scores = judge();
    PhonemeRecognizer live = tiny_recognizer();
    SecondPass second{tiny_recognizer(), kPrompt, scores, live.first_sample(0)};
};

// Frames 0 to 99 are two seconds.
std::vector<HeardPhone> phones_when_submitted_after(std::size_t heard_samples) {
    Spoken spoken{64'000};
    hear(spoken.second, spoken.from(0, heard_samples));
    spoken.second.submit(part_of(0, 100));
    hear(spoken.second, spoken.from(heard_samples, 64'000 - heard_samples));
    const auto parts = spoken.parts_at_the_end();
    EXPECT_EQ(parts.size(), 1U);
    return parts.empty() ? std::vector<HeardPhone>{} : parts.front().phones;
}

TEST(SecondPass, HearsAPartToItsEndHoweverSoonItIsHandedOver) {
    const auto late = phones_when_submitted_after(64'000);
    const auto soon = phones_when_submitted_after(32'000);
    ASSERT_GT(late.size(), 3U);
    ASSERT_EQ(soon.size(), late.size());
    for (std::size_t n = 0; n < late.size(); ++n) {
        EXPECT_EQ(soon[n].phone, late[n].phone);
        EXPECT_EQ(soon[n].first_sample, late[n].first_sample);
    }
}

TEST(SecondPass, HandsPartsBackInTheOrderInWhichTheyCame) {
    Spoken spoken{64'000};
    for (std::int64_t n = 0; n < 4; ++n) {
        hear(spoken.second, spoken.from(static_cast<std::size_t>(n) * 16'000, 16'000));
        auto part = part_of(50 * n, 50);
        part.begin_sample = 16'000 * n;
        spoken.second.submit(std::move(part));
    }
    const auto parts = spoken.parts_at_the_end();
    ASSERT_EQ(parts.size(), 4U);
    for (std::int64_t n = 0; n < 4; ++n) EXPECT_EQ(parts[static_cast<std::size_t>(n)].begin_sample, 16'000 * n);
    EXPECT_GE(spoken.second.answers().size(), 190 * kPhoneClassCount);
}

// More than ten seconds wait, unless the machine is so fast that they do not.
TEST(SecondPass, HandsBackEveryPartWhereThereIsNoTimeForTheRest) {
    Spoken spoken{60 * 16'000};
    hear(spoken.second, spoken.samples);
    spoken.second.submit(part_of(0, 500));
    spoken.second.submit(part_of(500, 500));
    spoken.second.end();
    spoken.second.finish([] { return true; });
    EXPECT_EQ(all_of(spoken.second).size(), 2U);
    EXPECT_EQ(spoken.second.answers().empty(), spoken.second.is_behind());
}

TEST(SecondPass, LeavesWhatWaitsWhenItGoes) {
    Spoken spoken{60 * 16'000};
    hear(spoken.second, spoken.samples);
    spoken.second.submit(part_of(0, 500));
}

}  // namespace
}  // namespace sidetone::speech
