// SPDX-License-Identifier: Apache-2.0
#include "dsp/sliding_window.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <numeric>
#include <span>
#include <stdexcept>
#include <vector>

namespace sidetone::dsp {
namespace {

using Windows = std::vector<std::vector<float>>;

/// Samples 1, 2, 3 … so that zeros can only be padding.
std::vector<float> counting(std::size_t count) {
    std::vector<float> samples(count);
    std::iota(samples.begin(), samples.end(), 1.0F);
    return samples;
}

Windows windows_of(SlidingWindow& sliding, const std::vector<float>& samples, std::size_t chunk) {
    Windows windows;
    const auto keep = [&](const float* window) { windows.emplace_back(window, window + sliding.length()); };
    for (std::size_t n = 0; n < samples.size(); n += chunk) {
        sliding.push(std::span(samples).subspan(n, std::min(chunk, samples.size() - n)), keep);
    }
    sliding.finish(keep);
    return windows;
}

/// What stands at sample n of a recording, by the definition.
float sample_at(const std::vector<float>& samples, std::int64_t n, WindowEdges edges) {
    const auto count = static_cast<std::int64_t>(samples.size());
    if (edges == WindowEdges::mirrored) {
        while (n < 0 || n >= count) n = n < 0 ? -1 - n : 2 * count - 1 - n;
    }
    return n < 0 || n >= count ? 0.0F : samples[static_cast<std::size_t>(n)];
}

Windows expected_of(const std::vector<float>& samples, const SlidingWindow::Design& design) {
    const auto count = static_cast<std::int64_t>(samples.size());
    const auto length = static_cast<std::int64_t>(design.length);
    const auto hop = static_cast<std::int64_t>(design.hop);
    std::int64_t all = 0;
    std::int64_t before = 0;
    switch (design.edges) {
        case WindowEdges::snipped:
            all = count < length ? 0 : 1 + (count - length) / hop;
            break;
        case WindowEdges::mirrored:
            all = (count + hop / 2) / hop;
            before = length / 2 - hop / 2;
            break;
        case WindowEdges::silent:
            all = count == 0 ? 0 : 1 + count / hop;
            before = length / 2;
            break;
    }
    Windows windows;
    for (std::int64_t t = 0; t < all; ++t) {
        auto& window = windows.emplace_back();
        for (std::int64_t n = 0; n < length; ++n) {
            window.push_back(sample_at(samples, t * hop - before + n, design.edges));
        }
    }
    return windows;
}

constexpr WindowEdges kEdges[] = {WindowEdges::snipped, WindowEdges::mirrored, WindowEdges::silent};

TEST(SlidingWindow, HandsOutWhatTheDefinitionSaysForAnyLengthOfRecording) {
    for (const auto edges : kEdges) {
        for (const std::size_t length : {7U, 40U}) {
            const SlidingWindow::Design design{.length = length, .hop = 16 % length + 1, .edges = edges};
            SlidingWindow sliding(design);
            for (std::size_t count = 0; count < 150; ++count) {
                sliding.reset();
                const auto samples = counting(count);
                ASSERT_EQ(windows_of(sliding, samples, 1000), expected_of(samples, design))
                    << count << " samples, edges " << static_cast<int>(edges);
                ASSERT_EQ(sliding.windows(), expected_of(samples, design).size());
            }
        }
    }
}

TEST(SlidingWindow, HandsOutTheSameForAnyChunking) {
    const auto samples = counting(20'000);
    for (const auto edges : kEdges) {
        const SlidingWindow::Design design{.edges = edges};
        const auto expected = expected_of(samples, design);
        for (const std::size_t chunk : {1U, 2U, 159U, 160U, 161U, 400U, 401U, 1024U, 4000U, 20'000U}) {
            SlidingWindow sliding(design);
            ASSERT_EQ(windows_of(sliding, samples, chunk), expected) << chunk;
        }
    }
}

TEST(SlidingWindow, HandsOutAWindowWithItsLastSample) {
    for (const auto edges : kEdges) {
        SlidingWindow sliding({.length = 400, .hop = 160, .edges = edges});
        const auto samples = counting(1);
        for (std::uint64_t n = 0; n < 3000; ++n) {
            const auto before = sliding.windows();
            sliding.push(samples, [](const float*) {});
            const auto end = sliding.first_sample(before) + 400;
            ASSERT_EQ(sliding.windows() > before, static_cast<std::int64_t>(sliding.samples()) == end) << n;
        }
    }
}

TEST(SlidingWindow, RefusesHopsThatLeaveGaps) {
    EXPECT_THROW(SlidingWindow({.length = 4, .hop = 5}), std::invalid_argument);
    EXPECT_THROW(SlidingWindow({.length = 4, .hop = 0}), std::invalid_argument);
    EXPECT_NO_THROW(SlidingWindow({.length = 4, .hop = 4}));
}

}  // namespace
}  // namespace sidetone::dsp
