// SPDX-License-Identifier: Apache-2.0
#include "device/clock_bridge.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <thread>

#include "rt/guard.hpp"
#include "unit/device/sine.hpp"

namespace sidetone::device {
namespace {

/// Writes a sine and reads it, block by block, each at the moments of its own clock.
class Rig {
public:
    Rig(const BridgeSettings& settings, double input_ppm, double output_ppm)
        : bridge(settings), settings_(settings), input_(1 + input_ppm * 1e-6), output_(1 + output_ppm * 1e-6) {
        samples_.resize(settings.input_block_frames);
        planes_.assign(settings.channels, std::vector<float>(settings.output_block_frames));
        for (auto& plane : planes_) pointers_.push_back(plane.data());
    }

    /// Input frames come as sin(2π · frequency · n), `frequency` in cycles per input frame.
    void run(double seconds, double frequency) {
        const double end_s = now_s_ + seconds;
        while (true) {
            const double write_s =
                static_cast<double>(written_ + settings_.input_block_frames) / (settings_.input_rate_hz * input_);
            const double read_s =
                static_cast<double>(read_ + settings_.output_block_frames) / (settings_.output_rate_hz * output_);
            now_s_ = std::min(write_s, read_s);
            if (now_s_ > end_s) return;
            if (write_s <= read_s) {
                write(frequency, write_s);
            } else {
                read(read_s);
            }
        }
    }

    bool input_flows = true;
    ClockBridge bridge;
    std::vector<float> out;        ///< channel 0
    double worst_delay_error = 0;  ///< since the last clearing, in output frames

private:
    void write(double frequency, double due_s) {
        for (std::size_t i = 0; i < samples_.size(); ++i) {
            samples_[i] =
                static_cast<float>(std::sin(2 * std::numbers::pi * frequency * static_cast<double>(written_ + i)));
        }
        const std::vector<const void*> data(settings_.channels, samples_.data());
        const auto frames = settings_.input_block_frames;
        if (input_flows) {
            bridge.write({.data = data.data(), .channels = settings_.channels}, frames, 0, std::llround(due_s * 1e9));
        }
        written_ += frames;
    }

    void read(double due_s) {
        bridge.read(pointers_, settings_.output_block_frames, 0, std::llround(due_s * 1e9));
        out.insert(out.end(), planes_[0].begin(), planes_[0].end());
        read_ += settings_.output_block_frames;
        if (bridge.delay_frames() > 0) {
            worst_delay_error =
                std::max(worst_delay_error, std::abs(bridge.delay_frames() - bridge.target_delay_frames()));
        }
    }

    BridgeSettings settings_;
    double input_, output_;
    double now_s_ = 0;
    std::uint64_t written_ = 0, read_ = 0;
    std::vector<float> samples_;
    std::vector<std::vector<float>> planes_;
    std::vector<float*> pointers_;
};

double true_step(const BridgeSettings& settings, double input_ppm, double output_ppm) {
    return settings.input_rate_hz * (1 + input_ppm * 1e-6) / (settings.output_rate_hz * (1 + output_ppm * 1e-6));
}

struct Case {
    std::uint32_t input_rate_hz, output_rate_hz, input_block, output_block;
    double input_ppm, output_ppm;
};

class ClockBridgeAcross : public testing::TestWithParam<Case> {};

TEST_P(ClockBridgeAcross, ASineStaysCleanAndTheDelayStaysPut) {
    const auto& p = GetParam();
    const BridgeSettings settings{.input_rate_hz = p.input_rate_hz,
                                  .output_rate_hz = p.output_rate_hz,
                                  .input_block_frames = p.input_block,
                                  .output_block_frames = p.output_block};
    Rig rig(settings, p.input_ppm, p.output_ppm);
    const double frequency = 997.0 / p.input_rate_hz;
    rig.run(30, frequency);
    EXPECT_EQ(rig.bridge.under_runs(), 0U);
    EXPECT_EQ(rig.bridge.recentres(), 0U);
    const double larger =
        std::max<double>(p.output_block, p.input_block * static_cast<double>(p.output_rate_hz) / p.input_rate_hz);
    EXPECT_LT(rig.worst_delay_error, larger / 2);
    EXPECT_NEAR(rig.bridge.correction_ppm(),
                (true_step(settings, p.input_ppm, p.output_ppm) * p.output_rate_hz / p.input_rate_hz - 1) * 1e6, 2);

    const std::span<const float> last(rig.out.end() - p.output_rate_hz / 10, rig.out.end());
    const auto fit = fit_sine(last, frequency * true_step(settings, p.input_ppm, p.output_ppm));
    EXPECT_NEAR(fit.amplitude, 1, 0.01);
    EXPECT_LT(fit.residue_db, -80) << "distortion and noise";
}

INSTANTIATE_TEST_SUITE_P(Clocks, ClockBridgeAcross,
                         testing::Values(Case{48'000, 48'000, 128, 128, 100, -100},
                                         Case{48'000, 48'000, 128, 128, -100, 100},
                                         Case{48'000, 48'000, 16, 16, 300, -300}, Case{48'000, 48'000, 64, 1024, 50, 0},
                                         Case{44'100, 48'000, 441, 128, -80, 60}, Case{96'000, 48'000, 256, 128, 0, 40},
                                         Case{16'000, 48'000, 160, 480, 20, -20}));

TEST(ClockBridge, ReportedDelayIsTheDelayOfTheSound) {
    const BridgeSettings settings{};
    Rig rig(settings, 100, -100);
    const double frequency = 50.0 / 48'000;  // one cycle is longer than the delay
    rig.run(20, frequency);
    // The last block was due at read / rate and began the stated delay before it; the sine's phase tells which input
    // frame that was.
    const double step = true_step(settings, 100, -100);
    const std::size_t length = 128 * 80;
    const std::span<const float> last(rig.out.end() - length, rig.out.end());
    const auto fit = fit_sine(last, frequency * step);
    const double first_read = static_cast<double>(rig.out.size() - length);
    // Input frames captured by the due time of the block that begins with `first_read`, minus the position heard there.
    const double captured = (first_read + 128) * step;
    const double cycles = captured * frequency - fit.phase / (2 * std::numbers::pi);
    const double delay = (cycles - std::floor(cycles)) / frequency;
    EXPECT_NEAR(delay, rig.bridge.delay_frames(), 1.0);
    EXPECT_NEAR(delay, rig.bridge.target_delay_frames(), 1.0);
}

TEST(ClockBridge, WhenTheInputRunsOutItFadesCountsAndComesBackToItsDelay) {
    Rig rig({}, 50, -50);
    const double frequency = 440.0 / 48'000;
    rig.run(5, frequency);
    rig.input_flows = false;
    const auto gap_begins = rig.out.size();
    rig.run(0.5, frequency);
    EXPECT_EQ(rig.bridge.under_runs(), 1U);
    EXPECT_EQ(rig.out.back(), 0.0F);
    rig.input_flows = true;
    rig.run(10, frequency);
    EXPECT_EQ(rig.bridge.under_runs(), 1U);
    EXPECT_NEAR(rig.bridge.delay_frames(), rig.bridge.target_delay_frames(), 64);
    // Neither end of the gap clicks: no step larger than a fade's.
    const float steepest = static_cast<float>(2 * std::numbers::pi * frequency + 2.0 / 64);
    for (std::size_t i = gap_begins; i < rig.out.size(); ++i)
        ASSERT_LT(std::abs(rig.out[i] - rig.out[i - 1]), steepest) << i;
    const std::span<const float> last(rig.out.end() - 4'800, rig.out.end());
    EXPECT_LT(fit_sine(last, frequency * true_step({}, 50, -50)).residue_db, -70);
}

TEST(ClockBridge, NeitherSideAllocatesOrLocks) {
    if (!rt::interposer_is_present()) GTEST_SKIP() << "no interposer in this build";
    ClockBridge bridge({.channels = 2, .input_rate_hz = 44'100});
    std::vector<float> in(128, 0.25F), left(128), right(128);
    const void* const data[] = {in.data(), in.data()};
    float* const out[] = {left.data(), right.data()};
    rt::reset_realtime_counts();
    {
        const rt::RealtimeScope scope(rt::RealtimeKind::audio);
        for (std::int64_t k = 0; k < 2'000; ++k) {
            // The input stops for a while: under-run and new start are real time too.
            if (k < 500 || k > 600) bridge.write({.data = data, .channels = 2}, 128, 0, k * 2'902'494);
            bridge.read(out, 128, 0, k * 2'902'494);
        }
    }
    EXPECT_EQ(rt::realtime_counts(rt::RealtimeKind::audio).heap_calls, 0U);
    EXPECT_EQ(rt::realtime_counts(rt::RealtimeKind::audio).locks, 0U);
    EXPECT_GT(bridge.under_runs(), 0U);
}

TEST(ClockBridge, TwoThreadsMayUseItAtOnce) {
    ClockBridge bridge({});
    constexpr std::int64_t kBlocks = 5'000, kPeriodNs = 128'000'000 / 48;
    std::thread writer([&] {
        const std::vector<float> in(128, 0.5F);
        const void* const data[] = {in.data()};
        for (std::int64_t k = 0; k < kBlocks; ++k) bridge.write({.data = data, .channels = 1}, 128, 0, k * kPeriodNs);
    });
    std::vector<float> out(128);
    float* const pointers[] = {out.data()};
    for (std::int64_t k = 0; k < kBlocks; ++k) {
        bridge.read(pointers, 128, 0, k * kPeriodNs);
        for (const float sample : out) ASSERT_LE(std::abs(sample), 0.75F);
    }
    writer.join();
}

TEST(ClockBridge, ABlockThatFindsNoRoomIsCounted) {
    ClockBridge bridge({});
    const std::vector<float> in(128, 0.5F);
    const void* const data[] = {in.data()};
    for (std::int64_t k = 0; k < 1'000; ++k) bridge.write({.data = data, .channels = 1}, 128, 0, k * 2'666'667);
    EXPECT_GT(bridge.dropped_frames(), 0U);
}

}  // namespace
}  // namespace sidetone::device
