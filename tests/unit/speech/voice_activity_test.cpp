// SPDX-License-Identifier: Apache-2.0
#include "speech/voice_activity.hpp"

#include <gmock/gmock.h>

#include <cmath>
#include <deque>
#include <limits>
#include <random>
#include <vector>

#include "rt/guard.hpp"
#include "unit/dsp/signals.hpp"
#include "unit/nn/test_models.hpp"

namespace sidetone::speech {
namespace {

constexpr std::int64_t kFrame = VoiceDetector::kFrame;

// Says what it was told to, a frame after the other.
class Script final : public VoiceDetector {
public:
    explicit Script(std::vector<float> probabilities) : probabilities_(std::move(probabilities)) {}
    float probability(std::span<const float, kFrame>) noexcept override {
        return at_ < probabilities_.size() ? probabilities_[at_++] : 0;
    }
    void reset() noexcept override { at_ = 0; }
    [[nodiscard]] const char* name() const noexcept override { return "script"; }

private:
    std::vector<float> probabilities_;
    std::size_t at_ = 0;
};

struct Utterance {
    std::int64_t begin = -1, end = -1;
    bool operator==(const Utterance&) const = default;
};

std::vector<Utterance> utterances(VoiceActivity& activity, std::span<const float> samples, std::size_t chunk = 1000) {
    std::vector<Utterance> found;
    const auto keep = [&](const VoiceEvent& event) {
        if (event.begins) {
            found.push_back({.begin = event.sample});
        } else {
            found.back().end = event.sample;
        }
    };
    while (!samples.empty()) {
        const auto some = samples.first(std::min(chunk, samples.size()));
        samples = samples.subspan(some.size());
        activity.push(some, keep);
    }
    activity.finish(keep);
    return found;
}

std::vector<Utterance> scripted(std::vector<float> probabilities) {
    const std::vector<float> silence(probabilities.size() * kFrame);
    VoiceActivity activity{std::make_unique<Script>(std::move(probabilities)),
                           {.begin_frames = 2, .pre_roll = kFrame, .hang_over = 3 * kFrame}};
    return utterances(activity, silence);
}

TEST(VoiceActivity, BeginsEarlyAndEndsLate) {
    EXPECT_EQ(scripted({0, 0, 0, 1, 1, 1, 0, 0, 0, 0}), (std::vector<Utterance>{{2 * kFrame, 9 * kFrame}}));
}

TEST(VoiceActivity, OneLoudFrameIsNoVoice) {
    EXPECT_TRUE(scripted({0, 1, 0, 1, 0, 0.9F, 0.4F, 0.9F}).empty());
}

// Between the two thresholds nothing begins and nothing ends.
TEST(VoiceActivity, IsNotCutByUncertainFrames) {
    EXPECT_EQ(scripted({1, 1, 0.4F, 0.4F, 0.4F, 0.4F, 0, 0, 1, 0, 0, 0}), (std::vector<Utterance>{{0, 12 * kFrame}}));
    EXPECT_TRUE(scripted({0.4F, 0.4F, 0.4F, 0.4F, 0.4F}).empty());
}

TEST(VoiceActivity, PreRollDoesNotReachIntoTheUtteranceBefore) {
    EXPECT_EQ(scripted({1, 1, 0, 0, 0, 1, 1, 0}), (std::vector<Utterance>{{0, 5 * kFrame}, {5 * kFrame, 8 * kFrame}}));
}

TEST(VoiceActivity, RemembersHowProbableAVoiceWas) {
    VoiceActivity activity{std::make_unique<Script>(std::vector<float>{0.25F, 0.75F})};
    (void)utterances(activity, std::vector<float>(2 * kFrame + 5));
    EXPECT_EQ(activity.probability_at(-1), 0.5F);
    EXPECT_EQ(activity.probability_at(kFrame - 1), 0.25F);
    EXPECT_EQ(activity.probability_at(kFrame), 0.75F);
    EXPECT_EQ(activity.probability_at(2 * kFrame), 0.5F);
}

// ── real speech ─────────────────────────────────────────────────────────────────────────────────

constexpr std::size_t kSilence = 48'000;  // before and after the speech

// Speech with silence around it, in white noise so many decibels below.
std::vector<float> noisy_speech(double snr_db) {
    const auto voice = nn::test::speech();
    double energy = 0;
    for (const float sample : voice) energy += static_cast<double>(sample) * static_cast<double>(sample);
    const double level = std::sqrt(energy / static_cast<double>(voice.size()) * std::pow(10, -snr_db / 10));
    auto samples = dsp::test::white_noise(voice.size() + 2 * kSilence, 17, static_cast<float>(level));
    for (std::size_t n = 0; n < voice.size(); ++n) samples[kSilence + n] += voice[n];
    return samples;
}

std::unique_ptr<VoiceDetector> detector(const std::string& name) {
    return name == "silero" ? open_network_detector(nn::find_model("silero-vad")) : make_energy_detector();
}

class VoiceActivityOf : public testing::TestWithParam<const char*> {};

// Its onset is not cut, the silences around it are not in it, and most of it is found.
TEST_P(VoiceActivityOf, SpeechInNoiseIsFound) {
    for (const double snr_db : {40.0, 20.0, 15.0}) {
        const auto samples = noisy_speech(snr_db);
        VoiceActivity activity{detector(GetParam())};
        const auto found = utterances(activity, samples);
        ASSERT_FALSE(found.empty()) << snr_db;
        const auto speech_end = static_cast<std::int64_t>(samples.size() - kSilence);
        EXPECT_GT(found.front().begin, static_cast<std::int64_t>(kSilence) - 8000) << snr_db;
        EXPECT_LT(found.front().begin, static_cast<std::int64_t>(kSilence) + 8000) << snr_db;
        EXPECT_LT(found.back().end, speech_end + 16'000) << snr_db;
        std::int64_t covered = 0;
        for (const auto& utterance : found) covered += utterance.end - utterance.begin;
        EXPECT_GT(covered, (speech_end - static_cast<std::int64_t>(kSilence)) * 3 / 4) << snr_db;
    }
}

TEST_P(VoiceActivityOf, SteadyNoiseAndSilenceAreNoVoice) {
    for (const float level : {0.0F, 1e-4F, 3e-3F, 0.02F}) {
        VoiceActivity activity{detector(GetParam())};
        const auto found = utterances(activity, dsp::test::white_noise(160'000, 23, level));
        for (const auto& utterance : found) EXPECT_LT(utterance.end, 3 * 16'000) << level;  // before its floor is known
    }
}

TEST_P(VoiceActivityOf, AnyChunkingGivesTheSame) {
    const auto samples = noisy_speech(20);
    VoiceActivity activity{detector(GetParam())};
    const auto whole = utterances(activity, samples, samples.size());
    for (const std::size_t chunk : {160U, 513U, 4000U}) {
        activity.reset();
        EXPECT_EQ(utterances(activity, samples, chunk), whole) << chunk;
    }
}

TEST_P(VoiceActivityOf, SurvivesWhatIsNotANumber) {
    std::vector<float> samples(20 * kFrame, std::numeric_limits<float>::quiet_NaN());
    VoiceActivity activity{detector(GetParam())};
    (void)utterances(activity, samples);
    activity.reset();
    EXPECT_FALSE(utterances(activity, noisy_speech(20)).empty());
}

INSTANTIATE_TEST_SUITE_P(Detectors, VoiceActivityOf, testing::Values("silero", "energy"),
                         [](const auto& info) { return std::string{info.param}; });

TEST(EnergyDetector, MakesNoHeapCalls) {
    if (!rt::interposer_is_present()) GTEST_SKIP() << "the interposer is not linked in";
    const auto samples = dsp::test::white_noise(16'000, 1, 0.1F);
    VoiceActivity activity{make_energy_detector()};
    int events = 0;
    rt::reset_realtime_counts();
    {
        const rt::RealtimeScope scope(rt::RealtimeKind::audio);
        activity.push(samples, [&](const VoiceEvent&) { ++events; });
    }
    EXPECT_GT(events, 0);
    EXPECT_EQ(rt::realtime_counts(rt::RealtimeKind::audio).heap_calls, 0U);
}

TEST(NetworkDetector, RefusesModelsOfOtherTasks) {
    EXPECT_THAT(nn::test::error_of([] { (void)open_network_detector(nn::find_model("phoneme-ctc")); }),
                testing::HasSubstr(R"(key "task": found "phonemes", expected "vad")"));
}

}  // namespace
}  // namespace sidetone::speech
