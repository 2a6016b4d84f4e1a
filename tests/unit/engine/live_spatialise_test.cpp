// SPDX-License-Identifier: Apache-2.0
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <malloc.h>
#include <sndfile.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <functional>
#include <random>
#include <string>
#include <vector>

#include "engine/engine.hpp"
#include "rt/guard.hpp"
#include "unit/engine/hand_driven_card.hpp"
#include "unit/engine/sounds.hpp"
#include "unit/stage/spectrum.hpp"

namespace sidetone::engine {
namespace {

using nn::test::error_of;
using stage::test::power_above_db;
using test::HandDrivenCard;
using test::Planes;
using testing::HasSubstr;

constexpr std::uint32_t kChannels = 8;
constexpr std::uint32_t kBlock = 64;
constexpr device::CardFormat kCard{.rate_hz = 48'000,
                                   .block_frames = kBlock,
                                   .max_block_frames = kBlock,
                                   .input_channels = kChannels,
                                   .output_channels = kChannels};
constexpr double kToneHz = 230, kSkirtHz = 3'000, kClickDb = -75;
constexpr std::size_t kWindow = 4'500;
#ifdef SIDETONE_SANITIZED
constexpr bool kHeapIsCounted = false;
#else
constexpr bool kHeapIsCounted = true;
#endif

/// A tone from front left.
Planes tone(std::size_t frames) {
    Planes planes(kChannels, std::vector<float>(frames));
    planes[0] = stage::test::sine(kToneHz, frames, 0.5);
    return planes;
}

/// `before_block(n)` comes before block n. The audio thread is watched.
Planes play(Engine& engine, std::size_t blocks, const std::function<void(std::size_t)>& before_block) {
    HandDrivenCard card{engine, kCard};
    const auto in = tone(blocks * kBlock);
    Planes out(kChannels);
    for (auto& channel : out) channel.reserve(blocks * kBlock);
    rt::reset_realtime_counts();
    for (std::size_t block = 0; block < blocks; ++block) {
        before_block(block);
        card.block(in, block * kBlock, kBlock, out);
    }
    if (rt::interposer_is_present()) {
        const auto counts = rt::realtime_counts(rt::RealtimeKind::audio);
        EXPECT_EQ(counts.heap_calls, 0U);
        EXPECT_EQ(counts.locks, 0U);
    }
    return out;
}

/// The worst of all windows after the beginning, of both ears.
double click_db(const Planes& out) {
    double worst = -200;
    for (std::size_t ear = 0; ear < 2; ++ear) {
        for (std::size_t first = 2'400; first + kWindow <= out[ear].size(); first += kWindow) {
            worst = std::max(worst, power_above_db(std::span{out[ear]}.subspan(first, kWindow), kSkirtHz));
        }
    }
    return worst;
}

// ── head tracking ───────────────────────────────────────────────────────────────────────────────

constexpr auto kSurround = "[[stage]]\nkind = \"spatialise\"\n";

TEST(HeadTracking, MakesNoClickAtAHundredUpdatesASecond) {
    Engine engine{read_chain_text(kSurround, "test.toml", kChannels)};
    double yaw = 0;
    const auto out = play(engine, 900, [&](std::size_t block) {
        if (block * kBlock / 480 == (block + 1) * kBlock / 480) return;
        yaw = yaw > 170 ? -180 : yaw + 4;  // more than a turn a second
        const Change changes[] = {{"spatialise.yaw_deg", yaw},
                                  {"spatialise.pitch_deg", 30 * std::sin(yaw / 30)},
                                  {"spatialise.roll_deg", 20 * std::cos(yaw / 20)}};
        engine.change(changes);
    });
    EXPECT_LT(click_db(out), kClickDb);
}

TEST(Balance, MakesNoClickWhileItIsMoved) {
    Engine engine{read_chain_text(kSurround, "test.toml", kChannels)};
    const auto out = play(engine, 900, [&](std::size_t block) {
        if (block % 40 != 20) return;
        const Change change{"spatialise.balance_db", block % 80 == 20 ? -20.0 : 20.0};
        engine.change({&change, 1});
    });
    EXPECT_LT(click_db(out), kClickDb);
}

TEST(Loudness, IsMeasuredAnewWithoutAClick) {
    Engine engine{read_chain_text(kSurround, "test.toml", kChannels)};
    const auto out = play(engine, 300, [&](std::size_t block) {
        if (block % 100 != 50) return;
        const Change change{"spatialise.headroom", block == 150 ? "none" : "loudness"};
        engine.change({&change, 1});
    });
    EXPECT_LT(click_db(out), kClickDb);
}

TEST(HeadTracking, WouldClickWithoutCrossFades) {
    Engine engine{read_chain_text(kSurround, "test.toml", kChannels)};
    auto sudden = play(engine, 200, [](std::size_t) {});
    const Change change{"spatialise.yaw_deg", 60.0};
    engine.change({&change, 1});
    const auto turned = play(engine, 200, [](std::size_t) {});
    std::copy(turned[0].begin() + 5'000, turned[0].end(), sudden[0].begin() + 5'000);
    EXPECT_GT(click_db(sudden), kClickDb + 10);
}

TEST(HeadTracking, IsRefusedBeyondTheBoundsOfTheChainFile) {
    auto chain = read_chain_text(kSurround, "test.toml", kChannels);
    const Change change{"spatialise.yaw_deg", 181.0};
    EXPECT_EQ(error_of([&] {
                  chain.settings.change({&change, 1});
              }),
              "test.toml: stage \"spatialise\", key \"yaw_deg\": found 181, expected a number from -180 to 180");
}

// ── another set of responses ────────────────────────────────────────────────────────────────────

/// Fourteen responses, seven speakers to both ears, of so many frames.
void write_responses(const std::filesystem::path& path, int frames, unsigned seed) {
    std::mt19937 random{seed};
    std::normal_distribution<float> normal;
    std::vector<float> samples;
    for (int n = 0; n < frames; ++n) {
        for (int c = 0; c < 14; ++c)
            samples.push_back(0.2F * normal(random) *
                              std::exp(-8.0F * static_cast<float>(n) / static_cast<float>(frames)));
    }
    SF_INFO info{};
    info.samplerate = 48'000;
    info.channels = 14;
    info.format = SF_FORMAT_WAV | SF_FORMAT_FLOAT;
    SNDFILE* file = sf_open(path.c_str(), SFM_WRITE, &info);
    ASSERT_NE(file, nullptr) << path;
    EXPECT_EQ(sf_writef_float(file, samples.data(), frames), frames);
    sf_close(file);
}

class PresetSwitch : public testing::Test {
protected:
    void SetUp() override {
        write_responses(folder_.path() / "one.wav", 256, 1);
        write_responses(folder_.path() / "two.wav", 400, 2);
        nn::test::write(folder_.path() / "broken.wav", "RIFF");
    }
    [[nodiscard]] Engine engine() const {
        return Engine{read_chain_text("[[stage]]\nkind = \"spatialise\"\nhrir = \"one.wav\"\n",
                                      folder_.path() / "test.toml", kChannels)};
    }
    static std::size_t heap_bytes() {
        const auto heap = mallinfo2();
        return heap.uordblks + heap.hblkhd;
    }

    nn::test::TemporaryFolder folder_;
};

TEST_F(PresetSwitch, MakesNoClickAndLeavesNothingBehind) {
    const std::size_t switches = std::getenv("SIDETONE_LONG") != nullptr ? 1'000 : 50;
    constexpr std::size_t kBlocksEach = 24;                    // the longer set, and a fade of 20 ms
    constexpr std::size_t kWarm = 10, kBytesOfSlack = 65'536;  // a set takes more
    auto chain = engine();
    std::size_t warm_bytes = 0, bytes = 0, made = 0;
    const auto out = play(chain, (switches + 1) * kBlocksEach, [&](std::size_t block) {
        if (block % kBlocksEach != 0) return;
        bytes = heap_bytes();
        if (made == kWarm) warm_bytes = bytes;
        if (made == switches) return;
        const Change change{"spatialise.hrir", made % 2 == 0 ? "two.wav" : "one.wav"};
        chain.change({&change, 1});
        ++made;
    });
    EXPECT_EQ(made, switches);
    EXPECT_LT(click_db(out), kClickDb);
    if (kHeapIsCounted) {
        EXPECT_LT(bytes, warm_bytes + kBytesOfSlack);
    }
}

TEST_F(PresetSwitch, ThatFailsLeavesTheOldOneSounding) {
    auto untouched = engine();
    const auto expected = play(untouched, 100, [](std::size_t) {});
    auto chain = engine();
    const auto out = play(chain, 100, [&](std::size_t block) {
        if (block % 10 != 5) return;
        for (const auto* const file : {"missing.wav", "broken.wav", "test.toml"}) {
            const Change changes[] = {{"spatialise.yaw_deg", 90.0}, {"spatialise.hrir", file}};
            EXPECT_THAT(error_of([&] { chain.change(changes); }), HasSubstr(file));
        }
    });
    EXPECT_EQ(out, expected);
}

}  // namespace
}  // namespace sidetone::engine
