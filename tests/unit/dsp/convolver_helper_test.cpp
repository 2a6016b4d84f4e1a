// SPDX-License-Identifier: Apache-2.0
#include "dsp/convolver_helper.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <random>
#include <thread>
#include <vector>

#include "dsp/convolver.hpp"
#include "rt/guard.hpp"
#include "unit/dsp/signals.hpp"

namespace sidetone::dsp {
namespace {

using Channels = std::vector<std::vector<float>>;

constexpr std::size_t kUsual = 32;
constexpr ConvolverHelper::Settings kHelper{.rate_hz = 8000, .priority = 0};

/// Two inputs, two outputs, responses of so many taps.
struct Matrix {
    explicit Matrix(std::size_t length) {
        for (std::uint32_t n = 0; n < 4; ++n) taps.push_back(test::white_noise(length, n + 1));
        for (std::size_t n = 0; n < 4; ++n) responses.responses.push_back({n / 2, n % 2, taps[n]});
    }
    Channels taps;
    ResponseMatrix responses{.inputs = 2, .outputs = 2, .responses = {}};
};

/// With levels of 256 and 1024 frames for the helper, and one of 64 that is not.
ConvolverPlan plan() {
    return {.lanes = widest_lanes(), .head = {32, 4}, .tails = {{64, 6}, {256, 6}, {1024, 2}}};
}

Channels noise(std::size_t frames) {
    return {test::white_noise(frames, 31), test::white_noise(frames, 32)};
}

/// Calls of the sizes that `next_size` gives; `after_each` comes between them.
template <class NextSize, class AfterEach>
Channels run(Convolver& convolver, const Channels& in, NextSize next_size, AfterEach after_each) {
    const std::size_t frames = in.front().size();
    Channels out(2, std::vector<float>(frames));
    for (std::size_t first = 0; first < frames;) {
        const std::size_t here = std::min<std::size_t>(next_size(), frames - first);
        const float* const from[] = {in[0].data() + first, in[1].data() + first};
        float* const to[] = {out[0].data() + first, out[1].data() + first};
        convolver.process(from, to, here);
        after_each();
        first += here;
    }
    return out;
}

auto sizes_up_to(std::size_t largest) {
    return [generator = std::mt19937{5}, largest]() mutable { return 1 + generator() % largest; };
}

double difference_db(const Channels& a, const Channels& b) {
    double error = 0;
    double energy = 0;
    for (std::size_t c = 0; c < a.size(); ++c) {
        for (std::size_t n = 0; n < a[c].size(); ++n) {
            error += std::pow(static_cast<double>(a[c][n]) - static_cast<double>(b[c][n]), 2);
            energy += std::pow(static_cast<double>(b[c][n]), 2);
        }
    }
    return 10 * std::log10((error + 1e-30) / (energy + 1e-30));
}

TEST(ConvolverHelper, MakesWhatIsMadeWithoutIt) {
    const Matrix matrix{3500};
    const auto in = noise(12'000);
    Convolver alone(matrix.responses, kUsual, plan());
    Convolver helped(matrix.responses, kUsual, plan(), &kHelper);
    EXPECT_FALSE(alone.has_helper());
    ASSERT_TRUE(helped.has_helper());
    const auto expected = run(alone, in, sizes_up_to(kUsual), [] {});
    const auto out = run(helped, in, sizes_up_to(kUsual), [&] { helped.wait_for_helper(); });
    EXPECT_EQ(helped.late_blocks(), 0U);
    EXPECT_LT(difference_db(out, expected), -120);
    helped.reset();
    EXPECT_EQ(run(helped, in, sizes_up_to(kUsual), [&] { helped.wait_for_helper(); }), out)
        << "after a reset, the same";
}

TEST(ConvolverHelper, KeepsUpWithSoundInRealTime) {
    const Matrix matrix{3500};
    const auto in = noise(8000);  // a second
    Convolver alone(matrix.responses, kUsual, plan());
    Convolver helped(matrix.responses, kUsual, plan(), &kHelper);
    const auto expected = run(
        alone, in, [] { return kUsual; }, [] {});
    // A machine that stands still for 30 ms makes it late once; a helper that cannot keep up is late each time.
    for (int attempt = 0; attempt < 5; ++attempt) {
        helped.reset();
        auto due = std::chrono::steady_clock::now();
        const auto out = run(
            helped, in, [] { return kUsual; },
            [&] { std::this_thread::sleep_until(due += std::chrono::milliseconds{4}); });
        if (helped.late_blocks() > 0) continue;
        EXPECT_LT(difference_db(out, expected), -120);
        return;
    }
    FAIL() << "late in each of five runs";
}

TEST(ConvolverHelper, ThatIsLateIsToldAndStaysSilent) {
    const Matrix matrix{3500};
    const auto in = noise(40'000);
    Convolver helped(matrix.responses, kUsual, plan(), &kHelper);
    const auto out = run(
        helped, in, [] { return kUsual; }, [] {});
    EXPECT_GT(helped.late_blocks(), 0U) << "40 000 frames come at once, and the helper naps for 8 ms";
    for (const auto& channel : out) {
        EXPECT_TRUE(std::ranges::all_of(channel, [](float sample) { return std::isfinite(sample); }));
    }
    Convolver alone(matrix.responses, kUsual, plan());
    EXPECT_GT(difference_db(out, run(
                                     alone, in, [] { return kUsual; }, [] {})),
              -40)
        << "what was late is missing";
    alone.reset();
    // Once it has caught up, and all that it missed is out of the responses, everything is as it should be.
    helped.wait_for_helper();
    const auto more = noise(16'000);
    const auto later = run(helped, more, sizes_up_to(kUsual), [&] { helped.wait_for_helper(); });
    const auto expected = run(alone, more, sizes_up_to(kUsual), [] {});
    const auto end = [](const Channels& all) {
        return Channels{{all[0].end() - 8000, all[0].end()}, {all[1].end() - 8000, all[1].end()}};
    };
    EXPECT_LT(difference_db(end(later), end(expected)), -120);
}

TEST(ConvolverHelper, CostsTheAudioThreadNoHeapCallAndNoLock) {
    if (!rt::interposer_is_present()) GTEST_SKIP() << "no interposer: nothing is counted";
    const Matrix matrix{3500};
    const auto in = noise(8000);
    Convolver helped(matrix.responses, kUsual, plan(), &kHelper);
    Channels out(2, std::vector<float>(kUsual));
    float* const to[] = {out[0].data(), out[1].data()};
    rt::reset_realtime_counts();
    for (std::size_t first = 0; first + kUsual <= in[0].size(); first += kUsual) {
        const float* const from[] = {in[0].data() + first, in[1].data() + first};
        const rt::RealtimeScope scope(rt::RealtimeKind::audio);
        helped.process(from, to, kUsual);
    }
    EXPECT_EQ(rt::realtime_counts(rt::RealtimeKind::audio).heap_calls, 0U);
    EXPECT_EQ(rt::realtime_counts(rt::RealtimeKind::audio).locks, 0U);
}

TEST(ConvolverHelper, IsForLongPartitionsOnly) {
    const std::vector<ConvolverPlan::Level> levels{{256, 6}, {1024, 6}, {4096, 10}};
    EXPECT_EQ(ConvolverHelper::first_helped(levels, 64, 48'000), 1U) << "1024 frames are 21 ms";
    EXPECT_EQ(ConvolverHelper::first_helped(levels, 512, 48'000), 2U) << "a quarter of it is more than a call";
    EXPECT_EQ(ConvolverHelper::first_helped(levels, 64, 192'000), 2U);
    EXPECT_EQ(ConvolverHelper::first_helped({levels.data(), 1}, 64, 48'000), 1U);
    const Matrix matrix{200};
    EXPECT_FALSE((Convolver{matrix.responses, 64, {.rate_hz = 48'000}}.has_helper()));
}

}  // namespace
}  // namespace sidetone::dsp
