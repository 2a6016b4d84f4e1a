// SPDX-License-Identifier: Apache-2.0
#include "speech/transcriber.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

#include "unit/dsp/signals.hpp"
#include "unit/nn/test_models.hpp"

namespace sidetone::speech {
namespace {

// A voice is in every frame that has a sample above 0.01.
class Loudness final : public VoiceDetector {
public:
    float probability(std::span<const float, VoiceDetector::kFrame> samples) noexcept override {
        return std::ranges::any_of(samples, [](float sample) { return sample > 0.01F; }) ? 1.0F : 0.0F;
    }
    void reset() noexcept override {}
    [[nodiscard]] const char* name() const noexcept override { return "loudness"; }
};

Transcriber tiny_transcriber() {
    return {PhonemeRecognizer{nn::read_manifest(nn::test::kSource / "tests" / "data" / "phoneme-tiny")},
            std::make_unique<Loudness>(),
            {}};
}

// One second of noise each, with a second of silence around it. The network's weights are random: it hears phones in
// it, whichever.
std::vector<float> bursts(int count) {
    std::vector<float> samples(16'000);
    for (int i = 0; i < count; ++i) {
        auto noise = dsp::test::white_noise(16'000, static_cast<std::uint32_t>(i), 0.1F);
        for (std::size_t n = 0; n < noise.size(); ++n) noise[n] *= std::abs(std::sin(0.002F * static_cast<float>(n)));
        samples.insert(samples.end(), noise.begin(), noise.end());
        samples.resize(samples.size() + 16'000);
    }
    return samples;
}

std::vector<Utterance> utterances(Transcriber& transcriber, std::span<const float> samples, std::size_t chunk) {
    std::vector<Utterance> found;
    const auto keep = [&](const Utterance& utterance) { found.push_back(utterance); };
    while (!samples.empty()) {
        const auto some = samples.first(std::min(chunk, samples.size()));
        samples = samples.subspan(some.size());
        transcriber.push(some, keep);
    }
    transcriber.finish(keep);
    return found;
}

TEST(Transcriber, CutsWhereThereIsSilence) {
    auto transcriber = tiny_transcriber();
    const auto found = utterances(transcriber, bursts(3), 4000);
    ASSERT_EQ(found.size(), 3U);
    for (std::size_t i = 0; i < found.size(); ++i) {
        const auto begin = static_cast<std::int64_t>(16'000 + 32'000 * i);
        EXPECT_LT(found[i].begin, begin);
        EXPECT_GT(found[i].begin, begin - 8000);
        EXPECT_GT(found[i].end, begin + 16'000);
        EXPECT_LT(found[i].end, begin + 32'000);
        for (const auto& phone : found[i].phones) {
            EXPECT_GT(phone.end_sample, found[i].begin);
            EXPECT_LT(phone.first_sample, found[i].end);
        }
    }
}

TEST(Transcriber, SaysTheSameForAnyChunking) {
    const auto samples = bursts(3);
    auto transcriber = tiny_transcriber();
    const auto whole = utterances(transcriber, samples, samples.size());
    std::size_t phones = 0;
    for (const auto& utterance : whole) phones += utterance.phones.size();
    EXPECT_GT(phones, 10U) << "a test of nothing";
    for (const std::size_t chunk : {97U, 512U, 5000U}) {
        transcriber.reset();
        const auto found = utterances(transcriber, samples, chunk);
        ASSERT_EQ(found.size(), whole.size()) << chunk;
        for (std::size_t i = 0; i < whole.size(); ++i) {
            EXPECT_EQ(found[i].begin, whole[i].begin);
            EXPECT_EQ(found[i].end, whole[i].end);
            ASSERT_EQ(found[i].phones.size(), whole[i].phones.size()) << chunk << ", utterance " << i;
            for (std::size_t k = 0; k < whole[i].phones.size(); ++k) {
                EXPECT_EQ(found[i].phones[k].phone, whole[i].phones[k].phone);
                EXPECT_EQ(found[i].phones[k].first_sample, whole[i].phones[k].first_sample);
            }
        }
    }
}

TEST(Transcriber, HandsAnUtteranceOutBeforeTheNextOne) {
    auto transcriber = tiny_transcriber();
    const auto samples = bursts(2);
    std::size_t found = 0;
    const auto count = [&](const Utterance&) { ++found; };
    transcriber.push(std::span{samples}.first(48'000 - 1000), count);
    EXPECT_EQ(found, 1U);
    transcriber.push(std::span{samples}.subspan(48'000 - 1000), count);
    EXPECT_EQ(found, 2U);
}

TEST(Transcriber, EndsWithTheStream) {
    auto transcriber = tiny_transcriber();
    const auto samples = bursts(1);
    const auto found = utterances(transcriber, std::span{samples}.first(28'000), 1000);
    ASSERT_EQ(found.size(), 1U);
    EXPECT_EQ(found[0].end, 28'000);
}

TEST(Transcriber, HasNothingToSayOfSilence) {
    auto transcriber = tiny_transcriber();
    EXPECT_TRUE(utterances(transcriber, std::vector<float>(64'000), 1000).empty());
    transcriber.reset();
    EXPECT_TRUE(utterances(transcriber, {}, 1000).empty());
}

}  // namespace
}  // namespace sidetone::speech
