// SPDX-License-Identifier: Apache-2.0
#include "speech/phoneme_recognizer.hpp"

#include <gmock/gmock.h>

#include <cmath>
#include <limits>
#include <numeric>
#include <random>
#include <vector>

#include "rt/error.hpp"
#include "rt/guard.hpp"
#include "unit/dsp/signals.hpp"
#include "unit/nn/test_models.hpp"

namespace sidetone::speech {
namespace {

using testing::HasSubstr;

nn::Manifest tiny_model() {
    return nn::read_manifest(nn::test::kSource / "tests" / "data" / "phoneme-tiny");
}
nn::Manifest tiny_second_pass() {
    return nn::read_manifest(nn::test::kSource / "tests" / "data" / "phoneme-tiny-both-ways");
}

// Speech-like: noise in syllables, so that answers differ from one another.
std::vector<float> syllables(std::size_t count) {
    auto samples = dsp::test::white_noise(count, 11, 0.1F);
    for (std::size_t n = 0; n < count; ++n) samples[n] *= std::abs(std::sin(0.001F * static_cast<float>(n)));
    return samples;
}

struct Heard {
    std::vector<float> values;
    std::vector<std::int64_t> first_samples;
};

Heard heard_in_chunks(PhonemeRecognizer& recognizer, std::span<const float> samples,
                      std::span<const std::size_t> sizes) {
    Heard heard;
    const auto keep = [&](const PhonemeAnswer& answer) {
        EXPECT_EQ(answer.number, static_cast<std::int64_t>(heard.first_samples.size()));
        heard.values.insert(heard.values.end(), answer.log_probabilities.begin(), answer.log_probabilities.end());
        heard.first_samples.push_back(answer.first_sample);
    };
    for (std::size_t i = 0; !samples.empty(); ++i) {
        const auto count = std::min(sizes[i % sizes.size()], samples.size());
        recognizer.push(samples.first(count), keep);
        samples = samples.subspan(count);
    }
    recognizer.finish(keep);
    return heard;
}

Heard heard_at_once(PhonemeRecognizer& recognizer, std::span<const float> samples) {
    const std::size_t all[] = {samples.size()};
    return heard_in_chunks(recognizer, samples, all);
}

Heard heard_at_once_of(const nn::Manifest& model, std::span<const float> samples) {
    PhonemeRecognizer recognizer{model};
    return heard_at_once(recognizer, samples);
}

float largest_difference(const std::vector<float>& a, const std::vector<float>& b) {
    EXPECT_EQ(a.size(), b.size());
    float largest = 0;
    for (std::size_t i = 0; i < std::min(a.size(), b.size()); ++i) largest = std::max(largest, std::abs(a[i] - b[i]));
    return largest;
}

TEST(PhonemeRecognizer, HearsASoftVoiceAsItHeardThoseOfTraining) {
    const auto voice = syllables(80'000);
    auto soft = voice;
    for (auto& sample : soft) sample *= 0.01F;
    auto model = tiny_model();
    const auto as_trained = heard_at_once_of(model, voice).values;
    const auto as_it_comes = heard_at_once_of(model, soft).values;
    model.features.speech_level = 24.0F;  // that of `voice`
    EXPECT_EQ(heard_at_once_of(model, voice).values, as_trained);
    const auto normalised = heard_at_once_of(model, soft).values;
    const auto off_at_the_end = [&](const std::vector<float>& heard) {
        float sum = 0;
        for (auto i = heard.size() / 2; i < heard.size(); ++i) sum += std::abs(heard[i] - as_trained[i]);
        return sum;
    };
    EXPECT_LT(off_at_the_end(normalised), 0.3F * off_at_the_end(as_it_comes));
}

TEST(PhonemeRecognizer, GivesTheSameBitsForAnyChunking) {
    const auto samples = syllables(20'011);
    PhonemeRecognizer recognizer{tiny_model()};
    const auto whole = heard_at_once(recognizer, samples);
    std::mt19937 random{3};
    for (const std::size_t most : {1U, 7U, 160U, 1281U, 4000U}) {
        std::vector<std::size_t> sizes(97);
        for (auto& size : sizes) size = 1 + random() % most;
        recognizer.reset();
        EXPECT_EQ(heard_in_chunks(recognizer, samples, sizes).values, whole.values) << most;
    }
}

TEST(PhonemeRecognizer, AnswersAreLogarithmsOfProbabilitiesAndDiffer) {
    const auto samples = syllables(16'000);
    PhonemeRecognizer recognizer{tiny_model()};
    const auto heard = heard_at_once(recognizer, samples);
    for (std::size_t at = 0; at < heard.values.size(); at += kPhoneClassCount) {
        double sum = 0;
        for (std::size_t i = 0; i < kPhoneClassCount; ++i) sum += std::exp(static_cast<double>(heard.values[at + i]));
        EXPECT_NEAR(sum, 1, 1e-5);
    }
    const auto [least, most] = std::ranges::minmax_element(heard.values);
    EXPECT_GT(*most - *least, 1);
}

// ONNX Runtime is the reference of the network; runs of other lengths are the same network.
TEST(PhonemeRecognizer, SaysTheSameInAnyBackendAndWithRunsOfAnyLength) {
    const auto samples = syllables(16'123);
    for (const auto& model : {tiny_model(), tiny_second_pass()}) {
        PhonemeRecognizer recognizer{model};
        const auto native = heard_at_once(recognizer, samples);
        EXPECT_EQ(recognizer.backend(), "native");
        for (const std::uint32_t rows : {2U, 4U, 8U, 10U, 64U}) {
            for (const auto* backend : {"native", "onnxruntime"}) {
                PhonemeRecognizer other{model, {.rows_per_run = rows, .backend = backend}};
                const auto heard = heard_at_once(other, samples);
                EXPECT_LT(largest_difference(heard.values, native.values), 1e-4) << rows << ' ' << backend;
                EXPECT_EQ(heard.first_samples, native.first_samples) << rows << ' ' << backend;
            }
        }
    }
}

// Its blocks wait for four answers' time: the changed sound is in the answers about the 80 ms before it, and in no
// earlier one.
TEST(PhonemeRecognizer, OfASecondPassHearsWhatComesAfterASound) {
    auto samples = syllables(16'000);
    PhonemeRecognizer recognizer{tiny_second_pass()};
    const auto before = heard_at_once(recognizer, samples);
    constexpr std::size_t kChange = 8000;
    for (std::size_t n = kChange; n < samples.size(); ++n) samples[n] = -2 * samples[n];
    recognizer.reset();
    const auto after = heard_at_once(recognizer, samples);
    std::size_t first = 0;
    while (before.values[first] == after.values[first]) ++first;
    const auto begin = before.first_samples[first / kPhoneClassCount];
    EXPECT_EQ(recognizer.look_ahead_samples(), (2 + 4) * 320 + 40);
    EXPECT_GT(begin + recognizer.hop() + recognizer.look_ahead_samples(), static_cast<std::int64_t>(kChange));
    EXPECT_LE(begin + recognizer.look_ahead_samples(), static_cast<std::int64_t>(kChange));
    EXPECT_EQ(before.first_samples.back(), heard_at_once_of(tiny_model(), samples).first_samples.back());
}

// 2 rows make an answer, the last row's middle is 160 + 200 samples into its stretch of sound, and training asks two
// answers late for what is there. Every recording is answered up to its end.
TEST(PhonemeRecognizer, DatesAnswersInTheSound) {
    PhonemeRecognizer recognizer{tiny_model()};
    EXPECT_EQ(recognizer.hop(), 320);
    EXPECT_EQ(recognizer.samples_per_run(), 1280);
    EXPECT_EQ(recognizer.first_sample(2) + 160, 360);
    EXPECT_EQ(recognizer.look_ahead_samples(), 640 + 40);
    const auto samples = syllables(400 + 160 * 20);  // 21 rows: 11 answers, and two for the end
    const auto heard = heard_at_once(recognizer, samples);
    ASSERT_EQ(heard.first_samples.size(), 13U);
    EXPECT_EQ(heard.first_samples.front(), -440);
    EXPECT_EQ(heard.first_samples.back(), 200 + 10 * 320);
}

TEST(PhonemeRecognizer, AnswersAsSoonAsARunIsFull) {
    PhonemeRecognizer recognizer{tiny_model(), {.rows_per_run = 2}};
    const auto samples = syllables(2000);
    std::size_t pushed = 0;
    recognizer.push(std::span{samples}.first(559), [&](const PhonemeAnswer&) { FAIL() << "too early"; });
    recognizer.push(std::span{samples}.subspan(559, 1), [&](const PhonemeAnswer& answer) {
        ++pushed;
        // The newest sample is look_ahead_samples() behind the end of the stretch.
        EXPECT_EQ(560 - (answer.first_sample + recognizer.hop()), recognizer.look_ahead_samples());
    });
    EXPECT_EQ(pushed, 1U);
}

TEST(PhonemeRecognizer, HasNothingToSayOfNothing) {
    PhonemeRecognizer recognizer{tiny_model()};
    EXPECT_TRUE(heard_at_once(recognizer, {}).values.empty());
    recognizer.reset();
    EXPECT_TRUE(heard_at_once(recognizer, syllables(399)).values.empty());
    recognizer.reset();
    EXPECT_EQ(heard_at_once(recognizer, syllables(400)).first_samples.size(), 3U);
}

TEST(PhonemeRecognizer, TakesWhatIsNotANumberForSilence) {
    auto samples = syllables(16'000);
    auto silenced = samples;
    for (std::size_t n = 5000; n < 5100; ++n) {
        samples[n] = n % 2 == 0 ? std::numeric_limits<float>::quiet_NaN() : std::numeric_limits<float>::infinity();
        silenced[n] = 0;
    }
    PhonemeRecognizer recognizer{tiny_model()};
    const auto heard = heard_at_once(recognizer, samples);
    recognizer.reset();
    EXPECT_EQ(heard.values, heard_at_once(recognizer, silenced).values);
    EXPECT_EQ(recognizer.failed_runs(), 0);
}

TEST(PhonemeRecognizer, SurvivesSamplesBeyondAllMeasure) {
    std::vector<float> samples(8000, std::numeric_limits<float>::max());
    PhonemeRecognizer recognizer{tiny_model()};
    for (const float value : heard_at_once(recognizer, samples).values) ASSERT_TRUE(std::isfinite(value));
}

TEST(PhonemeRecognizer, MakesNoHeapCalls) {
    if (!rt::interposer_is_present()) GTEST_SKIP() << "the interposer is not linked in";
    const auto samples = syllables(16'000);
    PhonemeRecognizer recognizer{tiny_model()};
    double sum = 0;
    rt::reset_realtime_counts();
    {
        const rt::RealtimeScope scope(rt::RealtimeKind::audio);
        const auto use = [&](const PhonemeAnswer& answer) { sum += static_cast<double>(answer.log_probabilities[0]); };
        recognizer.push(std::span{samples}.first(9000), use);
        recognizer.push(std::span{samples}.subspan(9000), use);
        recognizer.finish(use);
        recognizer.reset();
    }
    EXPECT_NE(sum, 0);
    EXPECT_EQ(rt::realtime_counts(rt::RealtimeKind::audio).heap_calls, 0U);
    EXPECT_EQ(rt::realtime_counts(rt::RealtimeKind::audio).locks, 0U);
}

TEST(PhonemeRecognizer, RefusesModelsOfOtherKinds) {
    const auto refusal = [](const nn::Manifest& model) {
        return nn::test::error_of([&] { PhonemeRecognizer recognizer{model}; });
    };
    EXPECT_THAT(refusal(nn::read_manifest(nn::test::kSource / "models" / "silero-vad")),
                HasSubstr(R"(key "task": found "vad", expected "phonemes")"));
    auto model = tiny_model();
    std::swap(model.features.classes[3], model.features.classes[4]);
    EXPECT_THAT(refusal(model), HasSubstr(R"(key "features.classes": found AO at 3, expected AH)"));
    model = tiny_model();
    model.sample_rate_hz = 8000;
    EXPECT_THAT(refusal(model), HasSubstr("found 8000, expected 16000"));
    for (const std::uint32_t rows : {0U, 3U, 66U}) {
        EXPECT_THROW((PhonemeRecognizer{tiny_model(), {.rows_per_run = rows}}), std::invalid_argument) << rows;
    }
}

// With the trained weights: speech has phones in it, and silence has none.
void expect_phones_in_speech_only(const nn::Manifest& model) {
    PhonemeRecognizer recognizer{model};
    const auto phones_in = [&](std::span<const float> samples) {
        std::size_t phones = 0;
        Phone before = kBlank;
        const auto count = [&](const PhonemeAnswer& answer) {
            const auto best = std::ranges::max_element(answer.log_probabilities) - answer.log_probabilities.begin();
            const auto phone = static_cast<Phone>(best);
            phones += phone != kBlank && phone != before ? 1 : 0;
            before = phone;
        };
        recognizer.reset();
        recognizer.push(samples, count);
        recognizer.finish(count);
        return phones;
    };
    const auto voice = nn::test::speech();
    const auto seconds = voice.size() / PhonemeRecognizer::kRateHz;
    EXPECT_GT(phones_in(voice), 5 * seconds);
    EXPECT_LT(phones_in(voice), 20 * seconds);
    EXPECT_LE(phones_in(std::vector<float>(48'000)), 1U);
}

TEST(PhonemeRecognizer, OfTheTrainedNetworksHearsPhonesInSpeechOnly) {
    const nn::test::PublishedWeights published;
    for (const auto* name : {"phoneme-ctc", "phoneme-second-pass"}) {
        SCOPED_TRACE(name);
        const auto model = nn::find_model(name);
        SIDETONE_REQUIRE_WEIGHTS(model);
        expect_phones_in_speech_only(model);
    }
}

}  // namespace
}  // namespace sidetone::speech
