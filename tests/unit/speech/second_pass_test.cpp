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

// Frames 0 to 99 are two seconds; the network answers 0.64 s of sound at once.
std::vector<HeardPhone> phones_when_submitted_after(std::size_t heard_samples) {
    const auto samples = syllables(64'000);
    const auto scores = judge();
    auto recognizer = tiny_recognizer();
    const auto first = recognizer.first_sample(0);
    SecondPass second{std::move(recognizer), kPrompt, scores, first};
    hear(second, std::span{samples}.first(heard_samples));
    second.submit(part_of(0, 100));
    hear(second, std::span{samples}.subspan(heard_samples));
    second.end();
    second.finish();
    const auto parts = all_of(second);
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
    const auto samples = syllables(64'000);
    const auto scores = judge();
    auto recognizer = tiny_recognizer();
    const auto first = recognizer.first_sample(0);
    SecondPass second{std::move(recognizer), kPrompt, scores, first};
    for (std::int64_t n = 0; n < 4; ++n) {
        hear(second, std::span{samples}.subspan(static_cast<std::size_t>(n) * 16'000, 16'000));
        auto part = part_of(50 * n, 50);
        part.begin_sample = 16'000 * n;
        second.submit(std::move(part));
    }
    second.end();
    second.finish();
    const auto parts = all_of(second);
    ASSERT_EQ(parts.size(), 4U);
    for (std::int64_t n = 0; n < 4; ++n) EXPECT_EQ(parts[static_cast<std::size_t>(n)].begin_sample, 16'000 * n);
    EXPECT_GE(second.answers().size(), 190 * kPhoneClassCount);
}

// More than ten seconds wait, unless the machine is so fast that they do not.
TEST(SecondPass, HandsBackEveryPartWhereThereIsNoTimeForTheRest) {
    const auto samples = syllables(60 * 16'000);
    const auto scores = judge();
    auto recognizer = tiny_recognizer();
    const auto first = recognizer.first_sample(0);
    SecondPass second{std::move(recognizer), kPrompt, scores, first};
    hear(second, samples);
    second.submit(part_of(0, 500));
    second.submit(part_of(500, 500));
    second.end();
    second.finish([] { return true; });
    EXPECT_EQ(all_of(second).size(), 2U);
    EXPECT_EQ(second.answers().empty(), second.is_behind());
}

TEST(SecondPass, LeavesWhatWaitsWhenItGoes) {
    const auto samples = syllables(60 * 16'000);
    const auto scores = judge();
    auto recognizer = tiny_recognizer();
    const auto first = recognizer.first_sample(0);
    SecondPass second{std::move(recognizer), kPrompt, scores, first};
    hear(second, samples);
    second.submit(part_of(0, 500));
}

}  // namespace
}  // namespace sidetone::speech
