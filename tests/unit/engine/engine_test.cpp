// SPDX-License-Identifier: Apache-2.0
#include "engine/engine.hpp"

#include <gtest/gtest.h>

#include <array>
#include <limits>
#include <random>
#include <string>
#include <thread>

#include "engine/tally.hpp"
#include "unit/engine/hand_driven_card.hpp"
#include "unit/engine/sounds.hpp"
#include "unit/engine/test_stages.hpp"

namespace sidetone::engine {
namespace {

using test::HandDrivenCard;
using test::Planes;

constexpr auto kGain = "[[stage]]\nkind = \"gain\"\n";
constexpr auto kDenoise = "[[stage]]\nkind = \"denoise\"\nmode = \"direct\"\n";
constexpr auto kDenoisePipelined = "[[stage]]\nkind = \"denoise\"\nmode = \"pipelined\"\n";

ChainFile chain(const char* text, std::uint32_t channels = 1) {
    return read_chain_text(text, "test.toml", channels);
}

device::CardFormat card_format(std::uint32_t rate_hz, std::uint32_t block_frames, std::uint32_t channels = 1) {
    return {.rate_hz = rate_hz,
            .block_frames = block_frames,
            .max_block_frames = block_frames,
            .input_channels = channels,
            .output_channels = channels};
}

std::uint64_t count_of(const Engine& engine, const std::string& line) {
    for (const auto& entry : engine.ledger()) {
        if (entry.name == line) return entry.us.count;
    }
    return 0;
}

// ── delay ───────────────────────────────────────────────────────────────────────────────────────

struct DelayCase {
    std::uint32_t rate_hz, block_frames;
    dsp::SampleFormat format;
    bool interleaved;
};

std::string name_of(const testing::TestParamInfo<DelayCase>& info) {
    const auto& c = info.param;
    return std::to_string(c.rate_hz) + "Hz" + std::to_string(c.block_frames) + "Frames" + dsp::to_string(c.format) +
           (c.interleaved ? "Interleaved" : "Planar");
}

class EngineDelay : public testing::TestWithParam<DelayCase> {
protected:
    [[nodiscard]] device::CardFormat format() const {
        auto format = card_format(GetParam().rate_hz, GetParam().block_frames, 2);
        format.format = GetParam().format;
        format.interleaved = GetParam().interleaved;
        return format;
    }
    [[nodiscard]] Planes input(double seconds) const {
        const auto speech = test::speech_at(GetParam().rate_hz, seconds);
        return {speech, speech};
    }
};

TEST_P(EngineDelay, OfAGainIsNone) {
    Engine engine{chain(kGain, 2)};
    HandDrivenCard card{engine, format()};
    const auto speech = input(0.5);
    const auto output = card.play(speech);
    EXPECT_EQ(engine.delay_frames(), 0U);
    for (const auto& channel : output) EXPECT_EQ(test::delay_found(speech[0], channel), 0);
}

TEST_P(EngineDelay, OfADirectModelIsWhatCrossCorrelationFinds) {
    Engine engine{chain(kDenoise, 2)};
    HandDrivenCard card{engine, format()};
    const auto speech = input(1.5);
    const auto output = card.play(speech);
    for (const auto& channel : output) EXPECT_EQ(test::delay_found(speech[0], channel), engine.delay_frames());
}

INSTANTIATE_TEST_SUITE_P(Cards, EngineDelay,
                         testing::Values(DelayCase{48'000, 128, dsp::SampleFormat::f32, false},
                                         DelayCase{48'000, 128, dsp::SampleFormat::s16, true},
                                         DelayCase{44'100, 100, dsp::SampleFormat::f32, true},
                                         DelayCase{44'100, 441, dsp::SampleFormat::s16, false},
                                         DelayCase{16'000, 128, dsp::SampleFormat::s32, true},
                                         DelayCase{16'000, 100, dsp::SampleFormat::s24, false}),
                         name_of);

TEST(Engine, PipelinedModelIsOneBlockLaterThanADirectOne) {
    for (const auto rate_hz : {16'000U, 44'100U, 48'000U}) {
        Engine direct{chain(kDenoise)}, pipelined{chain(kDenoisePipelined)};
        direct.prepare(card_format(rate_hz, 128));
        pipelined.prepare(card_format(rate_hz, 128));
        EXPECT_EQ(pipelined.delay_frames(), direct.delay_frames() + 128) << rate_hz << " Hz";
    }
}

TEST(Engine, DelayOfAPipelinedModelIsWhatCrossCorrelationFinds) {
    Engine engine{chain(kDenoisePipelined)};
    HandDrivenCard card{engine, card_format(48'000, 480)};
    const auto speech = test::speech_at(48'000, 1.2);
    const auto output = card.play_in_real_time({speech});
    EXPECT_EQ(test::delay_found(speech, output[0]), engine.delay_frames());
}

// ── blocks ──────────────────────────────────────────────────────────────────────────────────────

TEST(Engine, CutsOfTheBlocksDoNotChangeTheSound) {
    const Planes speech{test::speech_at(48'000, 1)};
    auto format = card_format(48'000, 128);
    format.max_block_frames = 512;
    format.fixed_block = false;
    Engine even{chain(kDenoise)}, odd{chain(kDenoise)};
    HandDrivenCard even_card{even, format}, odd_card{odd, format};
    std::mt19937 random{1};
    std::array<std::uint32_t, 97> sizes{};
    for (auto& size : sizes) size = 1 + random() % 512;
    const auto even_output = even_card.play(speech);
    const auto odd_output = odd_card.play_in_blocks(speech, sizes);
    EXPECT_EQ(even.delay_frames(), odd.delay_frames());
    EXPECT_LE(test::largest_difference(even_output[0], odd_output[0]), 1e-6F);
}

TEST(Engine, WorksOnWhenTheCardChangesItsBlockAndItsRate) {
    Engine engine{chain(kDenoise)};
    HandDrivenCard card{engine, card_format(48'000, 128)};
    EXPECT_EQ(engine.changes(), 0U);
    std::uint64_t blocks = 0;
    std::uint32_t changes = 0;
    for (const auto& format : {card_format(48'000, 64), card_format(48'000, 1024), card_format(44'100, 441)}) {
        card.change(format);
        EXPECT_EQ(engine.changes(), ++changes);
        EXPECT_EQ(engine.format().block_frames, format.block_frames);
        EXPECT_GT(engine.prepare_ns(), 0);
        const auto speech = test::speech_at(format.rate_hz, 1);
        const auto output = card.play({speech});
        blocks += (speech.size() + format.block_frames - 1) / format.block_frames;
        EXPECT_EQ(test::delay_found(speech, output[0]), engine.delay_frames());
    }
    EXPECT_EQ(engine.blocks(), blocks);
    EXPECT_EQ(count_of(engine, "callback"), blocks) << "the ledger goes on over changes";
}

TEST(Engine, WorksOnWhenAPipelinedChainIsPreparedAgain) {
    Engine engine{chain(kDenoisePipelined)};
    HandDrivenCard card{engine, card_format(48'000, 480)};
    const auto speech = test::speech_at(48'000, 0.6);
    (void)card.play_in_real_time({speech});
    card.change(card_format(48'000, 960));
    const auto output = card.play_in_real_time({speech});
    EXPECT_GT(test::peak_of(output[0]), 0.1F * test::peak_of(speech));
    EXPECT_NE(engine.worker_id(), 0);
}

// What is read from other threads, while the card prepares again and again.
TEST(Engine, MayBeAskedWhileTheCardPrepares) {
    Engine engine{chain(kDenoisePipelined)};
    engine.prepare(card_format(48'000, 128));
    std::atomic<bool> done{false};
    std::thread reader{[&] {
        while (!done) {
            (void)engine.ledger();
            (void)engine.decisions();
            (void)engine.warnings();
            (void)engine.format();
            (void)engine.delay_frames();
            (void)engine.take_input_peaks();
            (void)engine.changes();
        }
    }};
    // By itself, for every other question waits while the card prepares.
    std::atomic<int> seen{0};
    std::thread watcher{[&] {
        while (!done) seen = engine.worker_id();
    }};
    for (int i = 0; i < 10; ++i) engine.prepare(card_format(48'000, 64U << (i % 4)));
    done = true;
    reader.join();
    watcher.join();
    EXPECT_EQ(engine.changes(), 10U);
}

// ── channels ────────────────────────────────────────────────────────────────────────────────────

TEST(Engine, CardWithFewerChannelsThanTheChainFeedsItsLastOneToTheRest) {
    Engine engine{chain(kGain, 3)};
    auto format = card_format(48'000, 128);
    format.input_channels = 2;
    format.output_channels = 3;
    HandDrivenCard card{engine, format};
    const auto a = dsp::test::white_noise(4800, 1, 0.1F), b = dsp::test::white_noise(4800, 2, 0.1F);
    const auto output = card.play({a, b});
    const auto last = [](const std::vector<float>& samples) { return std::span(samples).subspan(2000, 2800); };
    EXPECT_EQ(test::largest_difference(last(output[0]), last(a)), 0.0F);
    EXPECT_EQ(test::largest_difference(last(output[1]), last(b)), 0.0F);
    EXPECT_EQ(test::largest_difference(last(output[2]), last(b)), 0.0F);
}

TEST(Engine, ChainWithFewerChannelsThanTheCardPlaysItsLastOneOnTheRest) {
    Engine engine{chain(kGain, 1)};
    HandDrivenCard card{engine, card_format(48'000, 128, 2)};
    const auto a = dsp::test::white_noise(4800, 1, 0.1F), b = dsp::test::white_noise(4800, 2, 0.1F);
    const auto output = card.play({a, b});
    const auto last = [](const std::vector<float>& samples) { return std::span(samples).subspan(2000, 2800); };
    for (const auto& channel : output) EXPECT_EQ(test::largest_difference(last(channel), last(a)), 0.0F);
}

TEST(Engine, CardWithoutInputsOrOutputsIsServed) {
    Engine engine{chain(kDenoise)};
    auto format = card_format(48'000, 128);
    format.input_channels = 0;
    HandDrivenCard deaf{engine, format};
    const auto output = deaf.play({std::vector<float>(4800)});
    EXPECT_TRUE(test::all_finite(output[0]));
    format.input_channels = 1;
    format.output_channels = 0;
    HandDrivenCard mute{engine, format};
    EXPECT_TRUE(mute.play({test::speech_at(48'000, 0.1)}).empty());
}

// Each channel has a model of its own: what one hears must not leak into the other.
TEST(Engine, ChannelsDoNotMix) {
    Engine engine{chain(kDenoise, 2)}, alone{chain(kDenoise, 1)};
    HandDrivenCard card{engine, card_format(48'000, 128, 2)}, alone_card{alone, card_format(48'000, 128)};
    const auto speech = test::speech_at(48'000, 1);
    const auto output = card.play({std::vector<float>(speech.size()), speech});
    const auto reference = alone_card.play({speech});
    EXPECT_LT(test::peak_of(output[0]), 1e-4F);
    EXPECT_EQ(test::largest_difference(output[1], reference[0]), 0.0F);
}

// ── values that are none ────────────────────────────────────────────────────────────────────────

class EngineNotFinite : public testing::TestWithParam<const char*> {};

TEST_P(EngineNotFinite, InputNeverReachesTheOutputAndIsCounted) {
    Engine engine{chain(GetParam())};
    HandDrivenCard card{engine, card_format(48'000, 128)};
    Tally tally{engine};
    auto speech = test::speech_at(48'000, 1);
    std::mt19937 random{3};
    constexpr std::array kBad{std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity(),
                              -std::numeric_limits<float>::infinity(), std::numeric_limits<float>::signaling_NaN()};
    std::uint64_t bad = 0;
    for (auto& sample : speech) {
        if (random() % 50 != 0) continue;
        sample = kBad[random() % kBad.size()];
        ++bad;
    }
    const auto output = card.play({speech});
    tally.poll(-1);
    EXPECT_TRUE(test::all_finite(output[0]));
    EXPECT_EQ(tally.not_finite_in(), bad);
    EXPECT_EQ(tally.not_finite_out(), 0U);
    EXPECT_EQ(tally.model_failures(), 0U);
}

TEST_P(EngineNotFinite, HugeInputNeverReachesTheOutputAsInfinityAndSoundRecovers) {
    Engine engine{chain(GetParam())};
    HandDrivenCard card{engine, card_format(48'000, 128)};
    const auto speech = test::speech_at(48'000, 1);
    std::vector<float> input(9600, std::numeric_limits<float>::max());
    for (std::size_t i = 0; i < input.size(); i += 2) input[i] = -input[i];
    input.insert(input.end(), speech.begin(), speech.end());
    input.insert(input.end(), speech.begin(), speech.end());
    const auto output = card.play({input});
    EXPECT_TRUE(test::all_finite(output[0]));
    const auto second = std::span(output[0]).subspan(9600 + speech.size());
    EXPECT_GT(test::peak_of(second), 0.1F * test::peak_of(speech)) << "the speech is heard again";
    EXPECT_LT(test::peak_of(second), 4 * test::peak_of(speech)) << "and nothing of what was";
}

INSTANTIATE_TEST_SUITE_P(Chains, EngineNotFinite, testing::Values(kGain, kDenoise),
                         [](const auto& info) { return std::string(info.param) == kGain ? "Gain" : "Denoise"; });

// ── the ledger ──────────────────────────────────────────────────────────────────────────────────

TEST(Engine, LedgerHasALineForEveryPartOfTheWay) {
    Engine engine{
        chain("callback_budget_us = 700\n[[stage]]\nkind = \"gain\"\nname = \"first\"\nbudget_us = 9\n"
              "[[stage]]\nkind = \"denoise\"\nmode = \"direct\"\ninference_budget_us = 5\n")};
    HandDrivenCard card{engine, card_format(16'000, 128)};
    (void)card.play({test::speech_at(16'000, 0.8)});
    EXPECT_EQ(count_of(engine, "convert in"), 100U);
    EXPECT_EQ(count_of(engine, "first"), 100U);
    EXPECT_EQ(count_of(engine, "denoise"), 100U);
    EXPECT_EQ(count_of(engine, "convert out"), 100U);
    EXPECT_EQ(count_of(engine, "callback"), 100U);
    EXPECT_EQ(count_of(engine, "due to done"), 100U);
    EXPECT_EQ(count_of(engine, "denoise: inference"), 100U) << "hop and block are the same at 16 kHz";
    for (const auto& line : engine.ledger()) {
        const auto budget_us = line.name == "first"                ? 9
                               : line.name == "callback"           ? 700
                               : line.name == "denoise: inference" ? 5
                                                                   : 0;
        EXPECT_EQ(line.budget_us, budget_us) << line.name;
    }
}

// A stage may have any name; the ledger must not add its times to a line of its own.
TEST(Engine, StageNamedLikeALineOfTheLedgerHasALineOfItsOwn) {
    Engine engine{chain("[[stage]]\nkind = \"gain\"\nname = \"callback\"\n")};
    HandDrivenCard card{engine, card_format(48'000, 128)};
    (void)card.play({std::vector<float>(1280)});
    std::size_t lines = 0;
    for (const auto& line : engine.ledger()) {
        lines += line.name.find("callback") != std::string::npos ? 1 : 0;
        EXPECT_EQ(line.us.count, 10U) << line.name;
    }
    EXPECT_EQ(lines, 2U);
}

TEST(Engine, PeaksAreThoseOfEachChannelSinceTheyWereTaken) {
    using Peaks = std::vector<float>;
    Engine engine{read_chain_text("[[stage]]\nkind = \"gain\"\ngain_db = -20\n", "test.toml", 3)};
    EXPECT_TRUE(engine.take_input_peaks().empty());
    auto format = card_format(48'000, 128);
    format.input_channels = 3;
    format.output_channels = 2;
    HandDrivenCard card{engine, format};
    EXPECT_EQ(engine.take_input_peaks(), (Peaks{0, 0, 0}));
    (void)card.play({std::vector<float>(4800, -0.5F), std::vector<float>(4800), std::vector<float>(4800, 0.25F)});
    EXPECT_EQ(engine.take_input_peaks(), (Peaks{0.5F, 0, 0.25F}));
    const auto out = engine.take_output_peaks();
    ASSERT_EQ(out.size(), 2U);
    EXPECT_FLOAT_EQ(out[0], 0.05F);
    EXPECT_EQ(out[1], 0.0F);
    EXPECT_EQ(engine.take_input_peaks(), (Peaks{0, 0, 0}));
}

TEST(Engine, EventsOfTheCardAreRemembered) {
    Engine engine{chain(kGain)};
    engine.on_event(device::CardEvent::xrun);
    engine.on_event(device::CardEvent::xrun);
    EXPECT_EQ(engine.xruns(), 2U);
    EXPECT_FALSE(engine.take_lost());
    engine.on_event(device::CardEvent::lost);
    EXPECT_TRUE(engine.take_lost());
    EXPECT_FALSE(engine.take_lost()) << "taken once";
    EXPECT_FALSE(engine.is_finished());
    engine.on_event(device::CardEvent::finished);
    EXPECT_TRUE(engine.is_finished());
}

}  // namespace
}  // namespace sidetone::engine
