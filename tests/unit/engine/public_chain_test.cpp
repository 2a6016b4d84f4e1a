// SPDX-License-Identifier: Apache-2.0
#include "sidetone/chain.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <type_traits>
#include <utility>

#include "rt/clock.hpp"
#include "unit/engine/sounds.hpp"

namespace sidetone {
namespace {

using nn::test::error_of;
using testing::HasSubstr;

static_assert(std::is_nothrow_move_constructible_v<Chain> && std::is_nothrow_move_assignable_v<Chain>);
static_assert(!std::is_copy_constructible_v<Chain>);

class PublicChain : public testing::Test {
protected:
    [[nodiscard]] std::filesystem::path chain(const std::string& text) {
        const auto path = folder_.path() / ("chain-" + std::to_string(++made_) + ".toml");
        nn::test::write(path, text);
        return path;
    }
    [[nodiscard]] std::filesystem::path gain() { return chain("[[stage]]\nkind = \"gain\"\nbudget_us = 7\n"); }
    [[nodiscard]] std::filesystem::path denoise(const std::string& mode) {
        return chain("[[stage]]\nkind = \"denoise\"\nmode = \"" + mode + "\"\n");
    }

    nn::test::TemporaryFolder folder_;
    int made_ = 0;
};

// One channel, in place, in blocks of `frames`.
std::vector<float> processed_in_place(Chain& chain, std::vector<float> sound, std::uint32_t frames) {
    for (std::size_t first = 0; first + frames <= sound.size(); first += frames) {
        float* planes[] = {sound.data() + first};
        chain.process(planes, planes, frames);
    }
    return sound;
}

TEST_F(PublicChain, InPlaceIsAsInto) {
    for (const auto& file : {gain(), denoise("direct")}) {
        Chain in_place{file, {.rate_hz = 48'000, .block_frames = 96}};
        Chain into{file, {.rate_hz = 48'000, .block_frames = 96}};
        const auto speech = engine::test::speech_at(48'000, 0.96);
        const auto expected = processed_in_place(in_place, speech, 96);
        std::vector<float> output(speech.size());
        for (std::size_t first = 0; first < speech.size(); first += 96) {
            const float* in[] = {speech.data() + first};
            float* out[] = {output.data() + first};
            into.process(in, out, 96);
        }
        EXPECT_EQ(engine::test::largest_difference(output, expected), 0.0F);
        EXPECT_GT(engine::test::peak_of(output), 0.01F);
    }
}

TEST_F(PublicChain, DelayIsWhatCrossCorrelationFindsAndStays) {
    for (const auto rate_hz : {16'000U, 44'100U, 48'000U}) {
        Chain chain{denoise("direct"), {.rate_hz = rate_hz, .block_frames = 128}};
        const auto before = chain.delay_frames();
        const auto speech = engine::test::speech_at(rate_hz, 1.5);
        const auto output = processed_in_place(chain, speech, 128);
        EXPECT_EQ(chain.delay_frames(), before);
        EXPECT_EQ(engine::test::delay_found(speech, output), before) << rate_hz << " Hz";
    }
}

TEST_F(PublicChain, PipelinedInRealTimeHasTheDelayItReports) {
    constexpr std::uint32_t kFrames = 480;
    Chain chain{denoise("pipelined"), {.rate_hz = 48'000, .block_frames = kFrames}};
    const auto speech = engine::test::speech_at(48'000, 1.2);
    auto output = speech;
    const auto started = rt::monotonic_ns();
    for (std::size_t first = 0; first + kFrames <= output.size(); first += kFrames) {
        rt::sleep_until_monotonic(started + static_cast<std::int64_t>(first + kFrames) * 1'000'000 / 48);
        float* planes[] = {output.data() + first};
        chain.process(planes, planes, kFrames);
    }
    EXPECT_EQ(engine::test::delay_found(speech, output), chain.delay_frames());
    EXPECT_LT(chain.misses(), 60U) << "of 150 hops";
}

TEST_F(PublicChain, OfflineDelayDoesNotDependOnTheBlock) {
    const auto file = denoise("auto");
    const Chain small{file, {.rate_hz = 48'000, .block_frames = 32, .offline = true}};
    const Chain large{file, {.rate_hz = 48'000, .block_frames = 4096, .offline = true}};
    EXPECT_EQ(small.delay_frames(), large.delay_frames());
}

TEST_F(PublicChain, ChangingBlocksUpToThePromisedLongestWork) {
    Chain chain{denoise("direct"),
                {.rate_hz = 48'000, .block_frames = 64, .max_block_frames = 333, .fixed_block = false}};
    const auto speech = engine::test::speech_at(48'000, 1);
    auto output = speech;
    std::size_t first = 0;
    for (const std::uint32_t frames : {64U, 1U, 333U, 17U, 256U}) {
        for (int i = 0; i < 60; ++i) {
            float* planes[] = {output.data() + first};
            chain.process(planes, planes, frames);
            first += frames;
        }
    }
    output.resize(first);
    EXPECT_EQ(engine::test::delay_found(speech, output), chain.delay_frames());
}

// Hosts of plug-ins call with no frames at all, to have parameters taken over.
TEST_F(PublicChain, BlockOfNoFramesDoesNothing) {
    for (const auto* const mode : {"direct", "pipelined"}) {
        const ChainFormat format{.rate_hz = 48'000, .block_frames = 64, .max_block_frames = 64, .fixed_block = false};
        Chain chain{denoise(mode), format};
        auto speech = engine::test::speech_at(48'000, 0.1);
        const auto before = speech;
        float* planes[] = {speech.data()};
        chain.process(planes, planes, 0);
        chain.process(planes, planes, 0);
        EXPECT_EQ(speech, before);
        chain.process(planes, planes, 64);
    }
}

TEST_F(PublicChain, NeverPlaysWhatIsNotFinite) {
    for (const auto& file : {gain(), denoise("direct")}) {
        Chain chain{file, {.rate_hz = 48'000, .block_frames = 128}};
        auto speech = engine::test::speech_at(48'000, 0.5);
        for (std::size_t i = 0; i < speech.size(); i += 7) speech[i] = std::numeric_limits<float>::quiet_NaN();
        for (std::size_t i = 0; i < speech.size(); i += 11) speech[i] = -std::numeric_limits<float>::infinity();
        speech.resize(speech.size() / 128 * 128);
        EXPECT_TRUE(engine::test::all_finite(processed_in_place(chain, speech, 128)));
    }
}

TEST_F(PublicChain, TimingsAreTheLedger) {
    Chain chain{gain(), {.rate_hz = 48'000, .block_frames = 128}};
    (void)processed_in_place(chain, std::vector<float>(1280), 128);
    bool has_gain = false;
    for (const auto& timing : chain.timings()) {
        EXPECT_EQ(timing.count, 10U) << timing.name;
        EXPECT_LE(timing.p50_us, timing.max_us) << timing.name;
        if (timing.name == "gain") {
            has_gain = true;
            EXPECT_EQ(timing.budget_us, 7);
        }
    }
    EXPECT_TRUE(has_gain);
}

TEST_F(PublicChain, ChangesByName) {
    Chain chain{gain(), {.rate_hz = 48'000, .block_frames = 128}};
    chain.change({"gain.gain_db", -20.0});
    EXPECT_NEAR(processed_in_place(chain, std::vector<float>(12'800, 0.5F), 128).back(), 0.05F, 1e-6F);
    EXPECT_THAT(error_of([&] { chain.change({"gain.gain_db", "loud"}); }), HasSubstr("found \"loud\""));
    EXPECT_NEAR(processed_in_place(chain, std::vector<float>(128, 0.5F), 128).back(), 0.05F, 1e-6F);
}

TEST_F(PublicChain, MovesWithItsWorker) {
    Chain chain{denoise("pipelined"), {.rate_hz = 48'000, .block_frames = 128}};
    const auto delay = chain.delay_frames();
    Chain other{gain(), {.rate_hz = 48'000, .block_frames = 128}};
    other = std::move(chain);
    EXPECT_EQ(other.delay_frames(), delay);
    Chain third{std::move(other)};
    EXPECT_EQ(third.delay_frames(), delay);
    (void)processed_in_place(third, std::vector<float>(12'800), 128);
    third = Chain{gain(), {.rate_hz = 48'000, .block_frames = 128}};
    EXPECT_EQ(third.delay_frames(), 0U);
}

TEST_F(PublicChain, RefusesFormatsOutOfRangeInOneLine) {
    const auto file = gain();
    const auto refusal = [&](const ChainFormat& format) { return error_of([&] { const Chain chain(file, format); }); };
    EXPECT_THAT(refusal({.rate_hz = 7999}), HasSubstr("rate_hz: found 7999, expected 8000 to 192000"));
    EXPECT_THAT(refusal({.rate_hz = 192'001}), HasSubstr("rate_hz: found 192001"));
    EXPECT_THAT(refusal({.block_frames = 0}), HasSubstr("block_frames: found 0, expected 1 to 65536"));
    EXPECT_THAT(refusal({.block_frames = 65'537}), HasSubstr("block_frames: found 65537"));
    EXPECT_THAT(refusal({.max_block_frames = 65'537}), HasSubstr("max_block_frames: found 65537"));
    EXPECT_THAT(refusal({.channels = 0}), HasSubstr("channels: found 0, expected 1 to 16"));
    EXPECT_THAT(refusal({.channels = 17}), HasSubstr("channels: found 17"));
    EXPECT_THAT(error_of([&] { const Chain chain(folder_.path() / "missing.toml", {}); }),
                HasSubstr("missing.toml: cannot be read"));
    EXPECT_THAT(error_of([&] { const Chain bad(chain("[[stage]]\nkind = \"x\"\n"), {}); }), HasSubstr(".toml:2: "));
}

TEST_F(PublicChain, TakesTheFormatsAtTheEdgesOfTheRange) {
    for (const auto rate_hz : {8000U, 192'000U}) {
        for (const auto frames : {1U, 65'536U}) {
            Chain chain{denoise("direct"), {.rate_hz = rate_hz, .block_frames = frames}};
            std::vector<float> sound(frames, 0.1F);
            float* planes[] = {sound.data()};
            for (int i = 0; i < 3; ++i) chain.process(planes, planes, frames);
            EXPECT_TRUE(engine::test::all_finite(sound));
        }
    }
}

}  // namespace
}  // namespace sidetone
