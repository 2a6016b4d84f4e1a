// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <numbers>
#include <vector>

#include "device/joined_card.hpp"
#include "device/sim_card.hpp"
#include "engine/engine.hpp"
#include "rt/guard.hpp"
#include "stage/hrir_file.hpp"
#include "unit/device/sine.hpp"

namespace sidetone::engine {
namespace {

constexpr std::uint32_t kRateHz = 48'000, kChannels = 16, kBlock = 128;
constexpr double kToneHz = 1'000, kPpmApart = 100;
constexpr double kSettledSeconds = 20;  // of the loop that follows the clocks
constexpr std::size_t kWindow = kRateHz / 10;

/// Half an hour when there is time for it.
double long_run_seconds() {
    if (std::getenv("SIDETONE_LONG") != nullptr) return 1800;
#ifdef SIDETONE_SANITIZED
    return 25;
#else
    return 60;
#endif
}

/// The same tone on all speakers; it repeats after 48 frames, so the argument stays small and exact.
void make_tone(std::uint64_t first_frame, std::uint32_t /*channel*/, std::span<float> samples) {
    static const auto kPeriod = [] {
        std::array<float, 48> period{};
        for (std::size_t n = 0; n < 48; ++n)
            period[n] = static_cast<float>(0.02 * std::sin(2 * std::numbers::pi * static_cast<double>(n) / 48));
        return period;
    }();
    for (std::size_t i = 0; i < samples.size(); ++i) samples[i] = kPeriod[(first_frame + i) % 48];
}

/// The chain, and what it plays looked at in windows of a tenth of a second.
class HeardChain final : public device::CardUser {
public:
    HeardChain(Engine& engine, double frequency) : engine_(engine), frequency_(frequency) {
        for (auto& ear : window_) ear.reserve(kWindow);
    }
    void prepare(const device::CardFormat& format) override { engine_.prepare(format); }
    void process(const device::CardBlock& block) noexcept override {
        engine_.process(block);
        for (std::uint32_t n = 0; n < block.frames; ++n) {
            for (std::size_t ear = 0; ear < 2; ++ear)
                window_[ear].push_back(static_cast<const float*>(block.output.data[ear])[n]);
            if (window_[0].size() == kWindow) look();
        }
    }
    void on_event(device::CardEvent event) noexcept override { engine_.on_event(event); }
    [[nodiscard]] std::uint32_t delay_frames() const noexcept override { return engine_.delay_frames(); }

    double worst_residue_db = -200;
    std::array<double, 2> quietest{1e9, 1e9}, loudest{};  // of each ear

private:
    void look() {
        seen_s_ += static_cast<double>(kWindow) / kRateHz;
        for (std::size_t n = 0; n < 2; ++n) {
            auto& ear = window_[n];
            if (seen_s_ > kSettledSeconds) {
                const auto fit = device::fit_sine(ear, frequency_);
                worst_residue_db = std::max(worst_residue_db, fit.residue_db);
                quietest[n] = std::min(quietest[n], fit.amplitude);
                loudest[n] = std::max(loudest[n], fit.amplitude);
            }
            ear.clear();
        }
    }

    Engine& engine_;
    double frequency_, seen_s_ = 0;
    std::array<std::vector<float>, 2> window_;
};

TEST(SurroundChain, RunsFromOneClockToAnotherWithoutADropOutOrADrift) {
    if (!std::filesystem::exists(stage::find_hrir("mit-kemar"))) GTEST_SKIP() << "there is no MIT KEMAR";
    device::VirtualTime time;
    const auto card = [&](double skew_ppm, std::uint32_t inputs, std::uint32_t outputs, std::uint64_t seed) {
        return std::make_unique<device::SimCard>(device::SimSettings{
            .pacing =
                {.rate_hz = kRateHz, .block_frames = kBlock, .skew_ppm = skew_ppm, .jitter_us = 300, .seed = seed},
            .input_channels = inputs,
            .output_channels = outputs,
            .generator = inputs > 0 ? make_tone : device::SimGenerator{},
            .virtual_time = &time});
    };
    device::JoinedCard joined{card(kPpmApart / 2, kChannels, 0, 1), card(-kPpmApart / 2, 0, 2, 2)};
    Engine engine{read_chain(find_chain("surround"), kChannels)};
    HeardChain heard{engine, kToneHz / kRateHz * (1 + kPpmApart / 2e6) / (1 - kPpmApart / 2e6)};
    rt::reset_realtime_counts();
    joined.start(heard);
    const auto& bridge = *joined.bridge();
    const double target = bridge.target_delay_frames();
    double least = target, most = target;
    time.run_for(1);
    for (double s = 1; s < long_run_seconds(); s += 0.1) {
        time.run_for(0.1);
        least = std::min(least, bridge.delay_frames());
        most = std::max(most, bridge.delay_frames());
    }
    joined.stop();
    RecordProperty("delay_frames",
                   std::to_string(target) + ", " + std::to_string(least) + " to " + std::to_string(most));
    RecordProperty("residue_db", std::to_string(heard.worst_residue_db));
    EXPECT_LT(most - target, kBlock);
    EXPECT_LT(target - least, kBlock);
    EXPECT_NEAR(bridge.correction_ppm(), kPpmApart, 10);
    EXPECT_EQ(bridge.under_runs(), 0U);
    EXPECT_EQ(bridge.recentres(), 0U);
    EXPECT_EQ(bridge.dropped_frames(), 0U);
    // A drop-out, or a step in the delay, would not be the one tone.
    EXPECT_LT(heard.worst_residue_db, -80);
    for (std::size_t ear = 0; ear < 2; ++ear) {
        EXPECT_GT(heard.quietest[ear], 0.01);
        EXPECT_NEAR(heard.loudest[ear] / heard.quietest[ear], 1, 0.001);
    }
    if (rt::interposer_is_present()) {
        const auto counts = rt::realtime_counts(rt::RealtimeKind::audio);
        EXPECT_EQ(counts.heap_calls, 0U);
        EXPECT_EQ(counts.locks, 0U);
    }
}

}  // namespace
}  // namespace sidetone::engine
