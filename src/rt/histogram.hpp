// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>

#include "rt/realtime.hpp"

namespace sidetone::rt {

/// What a distribution of times comes down to, in the unit that was recorded.
struct Distribution {
    double p50 = 0, p95 = 0, p99 = 0, p999 = 0, max = 0;
    std::uint64_t count = 0;
    double mean = 0;  ///< times `count`: all of the time
};

/// Log-linear histogram of durations in nanoseconds, 0 ns to 68 s, relative error <= 1 % (after Gil Tene's
/// HdrHistogram). Fixed memory, no heap. One thread records; any thread may read `distribution` at any time and sees
/// a slightly earlier state.
class Histogram {
public:
    /// Counts one value. Negative values count as 0, too large ones in the last bucket (`max` stays exact).
    void record(std::int64_t value_ns) noexcept SIDETONE_REALTIME;

    /// Counts `value_ns` and, when it exceeds `interval_ns`, also the values that the calls it delayed would have seen
    /// (value - interval, value - 2 interval, …): the correction for coordinated omission.
    void record_corrected(std::int64_t value_ns, std::int64_t interval_ns) noexcept SIDETONE_REALTIME;

    /// Value at `share` (0 to 1) of the counted values: the upper edge of its bucket, never above `max`. 0 when empty.
    [[nodiscard]] std::int64_t value_at(double share) const noexcept;
    [[nodiscard]] std::uint64_t count() const noexcept;
    [[nodiscard]] std::int64_t max_ns() const noexcept;

    /// In microseconds.
    [[nodiscard]] Distribution distribution_us() const noexcept;

    /// No other thread may be recording.
    void reset() noexcept;

    /// Adds another histogram's counts. No other thread may be recording into this one.
    void add(const Histogram& other) noexcept;

private:
    static constexpr int kSubBits = 7;              // 128 buckets an octave: 1/128 < 1 %
    static constexpr int kOctaves = 36 - kSubBits;  // 2^7 to 2^36 ns = 68.7 s; below 2^7 every value has its bucket
    static constexpr std::size_t kBuckets = static_cast<std::size_t>(kOctaves + 1) << kSubBits;

    struct Snapshot {
        std::array<std::uint32_t, kBuckets> buckets{};
        std::uint64_t count = 0;
        std::int64_t max_ns = 0;
        [[nodiscard]] std::int64_t value_at(double share) const noexcept;
        [[nodiscard]] double mean_ns() const noexcept;
    };

    [[nodiscard]] static std::size_t bucket_of(std::uint64_t value_ns) noexcept;
    [[nodiscard]] static std::uint64_t lower_edge(std::size_t bucket) noexcept;
    [[nodiscard]] static std::uint64_t upper_edge(std::size_t bucket) noexcept;
    [[nodiscard]] Snapshot snapshot() const noexcept;
    void record_many(std::int64_t value_ns, std::uint32_t times) noexcept SIDETONE_REALTIME;

    std::array<std::atomic<std::uint32_t>, kBuckets> buckets_{};
    std::atomic<std::uint64_t> count_{0};
    std::atomic<std::int64_t> max_ns_{0};
};

}  // namespace sidetone::rt
