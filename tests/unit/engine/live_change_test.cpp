// SPDX-License-Identifier: Apache-2.0
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <cmath>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "engine/engine.hpp"
#include "rt/guard.hpp"
#include "sidetone/chain.hpp"
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

constexpr std::uint32_t kBlock = 64;
constexpr device::CardFormat kCard{
    .rate_hz = 48'000, .block_frames = kBlock, .max_block_frames = kBlock, .input_channels = 1, .output_channels = 1};

// ── no click ────────────────────────────────────────────────────────────────────────────────────

constexpr double kToneHz = 230;
constexpr std::size_t kFrames = 750 * kBlock, kChangeAt = 600 * kBlock;  // models have settled by then
constexpr double kSkirtHz = 3'000;  // the tone, and what a change that takes some milliseconds puts beside it
constexpr double kClickDb = -75;    // of the tone's power: beyond the skirt there is no more than this …
constexpr double kMoreDb = 1;       // … or than what the stage makes of the tone without any change

struct Case {
    const char* name;
    const char* chain;
    Change change;
};

/// What is heard of `sound` when the change comes before block `at`.
std::vector<float> heard(const Case& c, const std::vector<float>& sound, std::size_t at) {
    Engine engine{read_chain_text(c.chain, "test.toml", 1)};
    HandDrivenCard card{engine, kCard};
    const Planes in{sound};
    Planes out(1);
    rt::reset_realtime_counts();
    for (std::size_t first = 0; first < kFrames; first += kBlock) {
        if (first == at) engine.change({&c.change, 1});
        card.block(in, first, kBlock, out);
    }
    if (rt::interposer_is_present()) {
        const auto counts = rt::realtime_counts(rt::RealtimeKind::audio);
        EXPECT_EQ(counts.heap_calls, 0U);
        EXPECT_EQ(counts.locks, 0U);
    }
    return out[0];
}

std::span<const float> around_the_change(const std::vector<float>& signal) {
    return std::span{signal}.subspan(kChangeAt - 1'000, 4'500);
}

class LiveChange : public testing::TestWithParam<Case> {};

TEST_P(LiveChange, MakesNoClickWhereASuddenOneWould) {
    const auto tone = stage::test::sine(kToneHz, kFrames, 0.5);
    const auto before = heard(GetParam(), tone, kFrames);
    const auto after = heard(GetParam(), tone, 0);
    const auto changed = heard(GetParam(), tone, kChangeAt);
    const double steady = std::max(power_above_db(around_the_change(before), kSkirtHz),
                                   power_above_db(around_the_change(after), kSkirtHz));
    const double bound = std::max(kClickDb, steady + kMoreDb);
    EXPECT_LT(power_above_db(around_the_change(changed), kSkirtHz), bound);
    EXPECT_TRUE(std::equal(before.begin(), before.begin() + kChangeAt, changed.begin())) << "not yet";
    EXPECT_LT(test::largest_difference(std::span{changed}.last(960), std::span{after}.last(960)), 1e-3F)
        << "it is there";

    // The same as a jump, where in a period it is largest.
    auto sudden = after;
    std::size_t jump = kChangeAt;
    for (auto n = kChangeAt; n < kChangeAt + 256; ++n) {
        if (std::fabs(after[n] - before[n]) > std::fabs(after[jump] - before[jump])) jump = n;
    }
    std::copy_n(before.begin(), jump, sudden.begin());
    EXPECT_GT(power_above_db(around_the_change(sudden), kSkirtHz), bound + 10);
}

constexpr auto kGain = "[[stage]]\nkind = \"gain\"\n";
constexpr auto kSoftLimit = "[[stage]]\nkind = \"limit\"\nceiling_dbfs = -12\nfade_in_ms = 10\n";
constexpr auto kTruePeakLimit =
    "[[stage]]\nkind = \"limit\"\nmode = \"true_peak\"\nceiling_dbfs = -12\nfade_in_ms = 10\n";
constexpr auto kEqualise =
    "[[stage]]\nkind = \"equalise\"\n[[stage.filter]]\nfrequency_hz = 300\ngain_db = 6\nq = 0.7\n";
constexpr auto kEqualiseGain =
    "[[stage]]\nkind = \"filter_bank\"\n[[stage.gains]]\nkind = \"equalise\"\n[[stage.gains.filter]]\nfrequency_hz = "
    "300\n";
constexpr auto kCompress = R"(
[[stage]]
kind = "filter_bank"
[[stage.gains]]
kind = "compress"
full_scale_db_spl = 100
[[stage.gains.band]]
levels_db_spl = [40, 80]
gains_db = [0, 0]
[[stage.gains.band]]
levels_db_spl = [40, 80]
gains_db = [0, 0]
)";
constexpr auto kDenoise = "[[stage]]\nkind = \"denoise\"\nmode = \"direct\"\nstrength_db = 3\n";
constexpr auto kDenoiseGain =
    "[[stage]]\nkind = \"filter_bank\"\n[[stage.gains]]\nkind = \"denoise\"\nmodel = \"dtln\"\nmode = "
    "\"direct\"\ncopies = 1\nstrength_db = 3\n";

INSTANTIATE_TEST_SUITE_P(
    OfEach, LiveChange,
    testing::Values(Case{"Gain", kGain, {"gain.gain_db", -20.0}},
                    Case{"SoftLimit", kSoftLimit, {"limit.ceiling_dbfs", -30.0}},
                    Case{"TruePeakLimit", kTruePeakLimit, {"limit.ceiling_dbfs", -30.0}},
                    Case{"EqualisePreamp", kEqualise, {"equalise.preamp_db", -20.0}},
                    Case{"EqualiseFilter", kEqualise, {"equalise.filter.1.gain_db", -20.0}},
                    Case{"EqualiseGain", kEqualiseGain, {"equalise.filter.1.gain_db", -20.0}},
                    Case{"CompressBand", kCompress, {"compress.band.1.gains_db", std::vector<double>{-20, -20}}},
                    Case{"CompressFullScale", kCompress, {"compress.output_limit_db_spl", 60.0}},
                    Case{"DenoiseGainStrength", kDenoiseGain, {"denoise.strength_db", 30.0}},
                    Case{"DenoiseGainWet", kDenoiseGain, {"denoise.wet", 0.1}}),
    [](const auto& info) { return info.param.name; });

// A tone goes through this model as it is (what a change does to one: MissConcealment).
TEST(LiveChanges, ReachTheStrengthOfADenoisingStage) {
    const Case weaker{"", kDenoise, {"denoise.strength_db", 0.0}};
    const auto noise = dsp::test::white_noise(kFrames, 1, 0.1F);
    const auto before = heard(weaker, noise, kFrames);
    const auto after = heard(weaker, noise, 0);
    const auto changed = heard(weaker, noise, kChangeAt);
    EXPECT_LT(test::largest_difference(std::span{changed}.last(960), std::span{after}.last(960)), 1e-3F);
    EXPECT_GT(test::largest_difference(std::span{before}.last(960), std::span{after}.last(960)), 1e-2F);
}

TEST(LiveChanges, AHundredASecondMakeNoClick) {
    Engine engine{read_chain_text(std::string{kGain} + kEqualise, "test.toml", 1)};
    HandDrivenCard card{engine, kCard};
    const Planes tone{stage::test::sine(kToneHz, kFrames, 0.5)};
    Planes out(1);
    std::mt19937 random{1};
    std::uniform_real_distribution<double> db{-20, 0};
    for (std::size_t first = 0; first < kFrames; first += kBlock) {
        if (first / 480 != (first + kBlock) / 480) {
            const Change changes[] = {{"gain.gain_db", db(random)}, {"equalise.filter.1.gain_db", db(random)}};
            engine.change(changes);
        }
        card.block(tone, first, kBlock, out);
    }
    for (std::size_t first = 4'800; first + 4'500 < kFrames; first += 4'500) {
        EXPECT_LT(power_above_db(std::span{out[0]}.subspan(first, 4'500), kSkirtHz), kClickDb) << first;
    }
}

// ── by name ─────────────────────────────────────────────────────────────────────────────────────

/// Tells what of `text` cannot be changed so.
std::string refusal(const char* text, const Change& change) {
    auto chain = read_chain_text(text, "test.toml", 2);
    return error_of([&] { chain.settings.change({&change, 1}); });
}

TEST(ChangeByName, IsRefusedInOneLineWithTheBoundsOfTheChainFile) {
    EXPECT_EQ(refusal(kGain, {"gain.gain_db", 41.0}),
              "test.toml: stage \"gain\", key \"gain_db\": found 41, expected a number from -120 to 40");
    EXPECT_THAT(refusal(kGain, {"gain.gain_db", std::nan("")}), HasSubstr("found nan"));
    EXPECT_THAT(refusal(kGain, {"gain.gain_db", "loud"}), HasSubstr("found \"loud\", expected a number"));
    EXPECT_THAT(refusal(kGain, {"gain.gain_db", std::vector<double>{1, 2}}), HasSubstr("found an array"));
    EXPECT_THAT(refusal(kSoftLimit, {"limit.ceiling_dbfs", -11.0}), HasSubstr("expected a number from -80 to -12"));
    EXPECT_THAT(refusal(kCompress, {"compress.band.1.gains_db", std::vector<double>{0, 20}}),
                HasSubstr("gains that do not rise with the level"));
    EXPECT_THAT(refusal("[[stage]]\nkind = \"equalise\"\n", {"equalise.file", "no such.txt"}),
                HasSubstr("no such.txt: cannot be read"));
}

TEST(ChangeByName, NamesWhatThereIs) {
    EXPECT_EQ(refusal(kGain, {"gian.gain_db", 1.0}),
              "test.toml: change of \"gian.gain_db\": found no such stage, expected a key of one of \"gain\"");
    EXPECT_THAT(refusal(kGain, {"gain", 1.0}), HasSubstr("found no such stage"));
    EXPECT_THAT(refusal(kGain, {"gain.", 1.0}), HasSubstr("expected one of what can change: \"gain_db\""));
    EXPECT_THAT(refusal(kGain, {"gain.gain", 1.0}), HasSubstr("expected one of what can change: \"gain_db\""));
    EXPECT_THAT(refusal(kGain, {"gain.kind", "limit"}), HasSubstr("expected one of what can change"));
    EXPECT_THAT(refusal(kSoftLimit, {"limit.mode", "true_peak"}),
                HasSubstr("found a change while sound runs, expected one of what can change: \"ceiling_dbfs\""));
    EXPECT_THAT(refusal("[[stage]]\nkind = \"beamform\"\n", {"beamform.null_degrees", 120.0}),
                HasSubstr("nothing of this stage can change"));
    EXPECT_THAT(refusal(kCompress, {"compress.band.3.knee_db", 1.0}), HasSubstr("key \"band.3.knee_db\""));
    EXPECT_THAT(refusal(kCompress, {"compress.band.0.knee_db", 1.0}), HasSubstr("found nothing there"));
    EXPECT_THAT(refusal(kCompress, {"compress.band.x.knee_db", 1.0}), HasSubstr("found nothing there"));
    EXPECT_THAT(refusal(kCompress, {"compress.band.1", 1.0}), HasSubstr("found nothing there"));
    EXPECT_THAT(refusal(kCompress, {"compress.band", 1.0}), HasSubstr("key \"band\""));
    EXPECT_THAT(refusal(kCompress, {"compress.band.1.gains_db.1", 1.0}), HasSubstr("found nothing there"));
    EXPECT_THAT(refusal(kCompress, {"compress.band.1.loudness", 1.0}), HasSubstr("found an unknown key"));
}

TEST(ChangeByName, ReachesStagesAndLinksOfTheSameKindByNumberOrByTheirOwnNames) {
    const std::string trim = "[[stage]]\nkind = \"gain\"\nname = \"trim\"\n";
    const std::string named =
        "[[stage]]\nkind = \"filter_bank\"\n[[stage.gains]]\nkind = \"equalise\"\nname = \"tone\"\n";
    auto chain = read_chain_text(kGain + trim + kGain + named + kEqualiseGain + kEqualise, "test.toml", 1);
    for (const auto* const name : {"gain.gain_db", "gain-2.gain_db", "trim.gain_db", "equalise.preamp_db",
                                   "equalise-2.preamp_db", "tone.preamp_db"}) {
        const Change change{name, -1.0};
        EXPECT_NO_THROW(chain.settings.change({&change, 1})) << name;
    }
}

TEST(ChangeByName, AllOfAStageChangesOrNothing) {
    Engine engine{read_chain_text(kGain, "test.toml", 1)};
    HandDrivenCard card{engine, kCard};
    const Change changes[] = {{"gain.gain_db", -20.0}, {"gain.gian_db", 0.0}};
    EXPECT_NE(error_of([&] { engine.change(changes); }), "");
    const auto out = card.play({std::vector<float>(9'600, 0.5F)});
    EXPECT_EQ(out[0].back(), 0.5F);
}

TEST(ChangeByName, IsKeptWhenTheCardChanges) {
    Engine engine{read_chain_text(std::string{kGain} + kSoftLimit, "test.toml", 1)};
    HandDrivenCard card{engine, kCard};
    const Change changes[] = {{"gain.gain_db", -20.0}, {"limit.ceiling_dbfs", -40.0}};
    engine.change(changes);
    auto other = kCard;
    other.rate_hz = 44'100;
    card.change(other);
    const auto out = card.play({std::vector<float>(9'600, 0.5F)});
    EXPECT_NEAR(out[0].back(), 0.01F, 1e-3F);
}

// For the thread sanitizer: a control thread beside an audio thread.
TEST(LiveChanges, ComeFromAnotherThread) {
    Engine engine{
        read_chain_text(std::string{kGain} + kEqualise + kSoftLimit + kEqualiseGain + kCompress, "test.toml", 1)};
    HandDrivenCard card{engine, kCard};
    std::atomic<bool> ends{false};
    std::atomic<int> made{0};
    std::thread control([&] {
        for (int i = 0; !ends; ++i) {
            const double db = -(i % 20);
            const Change changes[] = {{"gain.gain_db", db},
                                      {"equalise.preamp_db", db},
                                      {"limit.ceiling_dbfs", -12 + db},
                                      {"equalise-2.preamp_db", db},
                                      {"compress.knee_db", -db}};
            engine.change(changes);
            made = i + 1;
        }
    });
    const Planes tone{stage::test::sine(kToneHz, kFrames, 0.5)};
    Planes out(1);
    while (made < 20) {
        for (std::size_t first = 0; first < 4'800; first += kBlock) card.block(tone, first, kBlock, out);
    }
    ends = true;
    control.join();
    EXPECT_TRUE(test::all_finite(out[0]));
}

}  // namespace
}  // namespace sidetone::engine
