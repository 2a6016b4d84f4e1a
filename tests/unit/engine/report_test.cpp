// SPDX-License-Identifier: Apache-2.0
#include "engine/report.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace sidetone::engine {
namespace {

using testing::HasSubstr;
using testing::Not;

Report example() {
    Report report;
    report.chain = "chains/denoise.toml";
    report.card = "a card";
    report.rate_hz = 48'000;
    report.block_frames = 128;
    report.channels = 1;
    report.blocks = 10;
    report.misses = 1;
    report.misses_card = 2;
    report.misses_stolen = 3;
    report.heap_calls = 0;
    report.locks = 4;
    report.latency = {.capture_ms = 1, .chain_ms = 20, .compute_ms = 300, .playback_ms = 4000};
    report.lines = {{"callback", {.p50 = 1, .p95 = 2, .p99 = 3, .p999 = 4, .max = 5, .count = 6}, 0},
                    {"denoise", {.p50 = 1, .p95 = 2, .p99 = 3, .p999 = 4, .max = 5, .count = 6}, 2.5}};
    return report;
}

// DESIGN section 9: scripts rely on these keys.
TEST(Report, JsonHasTheKeysThatScriptsRelyOn) {
    const auto json = to_json(example());
    for (const auto* const key :
         {"blocks", "misses", "misses_external", "heap_calls", "locks", "latency_ms", "stages"}) {
        EXPECT_TRUE(json.contains(key)) << key;
    }
    EXPECT_EQ(json["blocks"], 10);
    EXPECT_EQ(json["misses"], 1) << "ours alone";
    EXPECT_EQ(json["misses_external"]["card"], 2);
    EXPECT_EQ(json["misses_external"]["stolen"], 3);
    EXPECT_EQ(json["heap_calls"], 0);
    EXPECT_EQ(json["locks"], 4);
    for (const auto* const part : {"capture", "chain", "compute", "playback", "total"}) {
        EXPECT_TRUE(json["latency_ms"][part].is_number()) << part;
    }
    ASSERT_EQ(json["stages"].size(), 2U);
    for (const auto& stage : json["stages"]) {
        for (const auto* const key : {"name", "us", "budget_us"}) EXPECT_TRUE(stage.contains(key)) << key;
        EXPECT_EQ(stage["us"], nlohmann::json::parse(R"({"p50":1,"p95":2,"p99":3,"p999":4,"max":5,"count":6})"));
    }
    EXPECT_TRUE(json["stages"][0]["budget_us"].is_null()) << "no budget is not a budget of 0";
    EXPECT_EQ(json["stages"][1]["budget_us"], 2.5);
}

// Computing takes place within the playback period.
TEST(Report, LatencyIsCaptureChainAndPlayback) {
    EXPECT_DOUBLE_EQ(example().latency.total_ms(), 4021);
    EXPECT_EQ(to_json(example())["latency_ms"]["total"], 4021);
}

TEST(Report, WhatWasNotCountedIsNotZero) {
    auto report = example();
    report.heap_calls.reset();
    report.locks.reset();
    const auto json = to_json(report);
    EXPECT_TRUE(json["heap_calls"].is_null());
    EXPECT_TRUE(json["locks"].is_null());
    EXPECT_THAT(to_text(report), HasSubstr("heap calls not counted, locks not counted"));
    EXPECT_THAT(to_text(example()), HasSubstr("heap calls 0, locks 4"));
}

TEST(Report, TwoClocksAreToldOfWhereThereAreTwo) {
    auto report = example();
    EXPECT_TRUE(to_json(report)["clocks"].is_null());
    EXPECT_THAT(to_text(report), Not(HasSubstr("ppm apart")));
    report.clocks = ClockReport{.correction_ppm = 100.04,
                                .target_ms = 7.1,
                                .least_delay_ms = 7.09,
                                .most_delay_ms = 7.12,
                                .under_runs = 1,
                                .recentres = 2,
                                .dropped_frames = 3};
    EXPECT_EQ(to_json(report)["clocks"], nlohmann::json::parse(R"({
        "correction_ppm": 100.04, "delay_ms": {"target": 7.1, "least": 7.09, "most": 7.12},
        "under_runs": 1, "recentres": 2, "dropped_frames": 3})"));
    EXPECT_THAT(to_text(report), HasSubstr("clocks    +100.0 ppm apart; delay between them 7.09 to 7.12 ms (set to "
                                           "7.10), 1 under-runs, set anew 2 times, 3 frames dropped"));
}

TEST(Report, AFullLogIsToldForItMayHideMisses) {
    auto report = example();
    EXPECT_THAT(to_text(report), Not(HasSubstr("log full")));
    report.events_dropped = 7;
    EXPECT_THAT(to_text(report), HasSubstr("7 events are not in it"));
    EXPECT_EQ(to_json(report)["events_dropped"], 7);
}

TEST(Report, TextTellsBudgetsMissesAndLatency) {
    const auto text = to_text(example());
    EXPECT_THAT(text, HasSubstr("2 OVER")) << "p99 3 us, budget 2.5 us";
    EXPECT_THAT(text, HasSubstr("misses 1 (ours), 2 card, 3 stolen"));
    EXPECT_THAT(text, HasSubstr("= 4021.00 ms"));
    EXPECT_THAT(text, HasSubstr("converters unknown"));
    EXPECT_THAT(text, Not(HasSubstr("NaN")));
    auto with_nan = example();
    with_nan.not_finite = 7;
    EXPECT_THAT(to_text(with_nan), HasSubstr("replaced  7 samples that were NaN or infinite"));
}

}  // namespace
}  // namespace sidetone::engine
