// SPDX-License-Identifier: Apache-2.0
#include "dsp/stream_resampler.hpp"

#include <gtest/gtest.h>

#include <random>
#include <vector>

#include "rt/guard.hpp"
#include "unit/dsp/signals.hpp"

namespace sidetone::dsp {
namespace {

std::vector<float> streamed(StreamResampler& resampler, std::span<const float> samples, std::size_t most) {
    std::mt19937 random{static_cast<std::uint32_t>(most)};
    std::vector<float> out;
    const auto keep = [&](std::span<const float> made) { out.insert(out.end(), made.begin(), made.end()); };
    while (!samples.empty()) {
        const auto count = std::min<std::size_t>(1 + random() % most, samples.size());
        resampler.push(samples.first(count), keep);
        samples = samples.subspan(count);
    }
    resampler.finish(keep);
    return out;
}

TEST(StreamResampler, MakesOfAnyChunksWhatTheWholeBecomes) {
    const auto samples = test::white_noise(9'011, 5);
    for (const auto& [in, out] :
         {std::pair{48'000U, 16'000U}, std::pair{44'100U, 16'000U}, std::pair{8'000U, 16'000U},
          std::pair{16'000U, 16'000U}, std::pair{192'000U, 16'000U}, std::pair{16'000U, 48'000U}}) {
        const auto whole = resampled(samples, PolyphaseResampler{in, out});
        StreamResampler resampler{in, out};
        for (const std::size_t most : {1U, 100U, 1000U, 10'000U}) {
            resampler.reset();
            EXPECT_EQ(streamed(resampler, samples, most), whole) << in << " to " << out << ", " << most;
        }
    }
}

TEST(StreamResampler, AnswersAsSoonAsItsLookAheadIsThere) {
    StreamResampler resampler{48'000, 16'000};
    const auto samples = test::white_noise(resampler.look_ahead() + 1, 5);
    std::size_t made = 0;
    const auto count = [&](std::span<const float> out) { made += out.size(); };
    resampler.push(std::span{samples}.first(resampler.look_ahead()), count);
    EXPECT_EQ(made, 0U);
    resampler.push(std::span{samples}.last(1), count);
    EXPECT_EQ(made, 1U);
}

TEST(StreamResampler, MakesNoHeapCalls) {
    if (!rt::interposer_is_present()) GTEST_SKIP() << "the interposer is not linked in";
    const auto samples = test::white_noise(10'000, 5);
    StreamResampler resampler{44'100, 16'000};
    float sum = 0;
    rt::reset_realtime_counts();
    {
        const rt::RealtimeScope scope(rt::RealtimeKind::audio);
        const auto use = [&](std::span<const float> made) { sum += made.front(); };
        resampler.push(samples, use);
        resampler.finish(use);
    }
    EXPECT_NE(sum, 0);
    EXPECT_EQ(rt::realtime_counts(rt::RealtimeKind::audio).heap_calls, 0U);
}

}  // namespace
}  // namespace sidetone::dsp
