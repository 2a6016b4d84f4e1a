// SPDX-License-Identifier: Apache-2.0
#include "rt/histogram.hpp"

#include <algorithm>
#include <bit>
#include <cmath>

namespace sidetone::rt {
namespace {

// One thread records, so a load and a store do what a locked increment would, at a tenth of its cost.
template <class T>
void bump(std::atomic<T>& counter, T by, std::memory_order order = std::memory_order_relaxed) noexcept {
    counter.store(counter.load(std::memory_order_relaxed) + by, order);
}

}  // namespace

[[gnu::hot]] std::size_t Histogram::bucket_of(std::uint64_t value_ns) noexcept {
    constexpr std::uint64_t kSubBuckets = 1U << kSubBits;
    if (value_ns < kSubBuckets) return static_cast<std::size_t>(value_ns);
    const int octave = static_cast<int>(std::bit_width(value_ns)) - 1 - kSubBits;
    const auto within = (value_ns >> octave) - kSubBuckets;
    const auto bucket = (static_cast<std::uint64_t>(octave + 1) << kSubBits) + within;
    return std::min(static_cast<std::size_t>(bucket), kBuckets - 1);
}

std::uint64_t Histogram::lower_edge(std::size_t bucket) noexcept {
    return bucket == 0 ? 0 : upper_edge(bucket - 1) + 1;
}

std::uint64_t Histogram::upper_edge(std::size_t bucket) noexcept {
    constexpr std::uint64_t kSubBuckets = 1U << kSubBits;
    if (bucket < kSubBuckets) return bucket;
    const auto octave = (bucket >> kSubBits) - 1;
    const auto within = bucket & (kSubBuckets - 1);
    return ((kSubBuckets + within + 1) << octave) - 1;
}

[[gnu::hot]] void Histogram::record(std::int64_t value_ns) noexcept {
    record_many(value_ns, 1);
}

[[gnu::hot]] void Histogram::record_many(std::int64_t value_ns, std::uint32_t times) noexcept {
    const auto value = std::max<std::int64_t>(value_ns, 0);
    // The maximum first: whoever sees the bucket (acquire) must not see an older maximum.
    if (value > max_ns_.load(std::memory_order_relaxed)) max_ns_.store(value, std::memory_order_relaxed);
    bump(count_, std::uint64_t{times});
    bump(buckets_[bucket_of(static_cast<std::uint64_t>(value))], times, std::memory_order_release);
}

void Histogram::record_corrected(std::int64_t value_ns, std::int64_t interval_ns) noexcept {
    record(value_ns);
    if (interval_ns <= 0 || value_ns < 2 * interval_ns) return;
    // value - n interval for every n that leaves at least one interval. Past kMaxSteps neighbours are counted as one
    // value, the largest of them, which keeps the loop bounded after a stall of any length.
    constexpr std::int64_t kMaxSteps = 4096;
    const auto missing = value_ns / interval_ns - 1;
    const auto stride = (missing - 1) / kMaxSteps + 1;
    for (std::int64_t n = 1; n <= missing; n += stride) {
        record_many(value_ns - n * interval_ns, static_cast<std::uint32_t>(std::min(stride, missing - n + 1)));
    }
}

Histogram::Snapshot Histogram::snapshot() const noexcept {
    Snapshot taken;
    for (std::size_t bucket = 0; bucket < kBuckets; ++bucket) {
        taken.buckets[bucket] = buckets_[bucket].load(std::memory_order_acquire);
        taken.count += taken.buckets[bucket];
    }
    taken.max_ns = max_ns_.load(std::memory_order_relaxed);
    return taken;
}

std::int64_t Histogram::Snapshot::value_at(double share) const noexcept {
    if (count == 0) return 0;
    // A little less than the product, lest rounding puts 0.99 * 100 into the hundredth value.
    const double rank = std::ceil(std::clamp(share, 0.0, 1.0) * static_cast<double>(count) * (1 - 1e-12));
    const auto wanted = std::max<std::uint64_t>(static_cast<std::uint64_t>(rank), 1);
    std::uint64_t seen = 0;
    for (std::size_t bucket = 0; bucket < kBuckets; ++bucket) {
        seen += buckets[bucket];
        if (seen < wanted) continue;
        if (bucket == kBuckets - 1) return max_ns;
        return std::min(static_cast<std::int64_t>(upper_edge(bucket)), max_ns);
    }
    return max_ns;
}

// A value counts as the middle of its bucket: within half a percent, and less over many.
double Histogram::Snapshot::mean_ns() const noexcept {
    if (count == 0) return 0;
    double sum = 0;
    for (std::size_t bucket = 0; bucket < kBuckets; ++bucket) {
        if (buckets[bucket] == 0) continue;
        const auto middle = static_cast<double>(lower_edge(bucket) + upper_edge(bucket)) / 2;
        sum += buckets[bucket] * std::min(middle, static_cast<double>(max_ns));
    }
    return sum / static_cast<double>(count);
}

std::int64_t Histogram::value_at(double share) const noexcept {
    return snapshot().value_at(share);
}

std::uint64_t Histogram::count() const noexcept {
    return count_.load(std::memory_order_relaxed);
}

std::int64_t Histogram::max_ns() const noexcept {
    return max_ns_.load(std::memory_order_relaxed);
}

Distribution Histogram::distribution_us() const noexcept {
    const auto taken = snapshot();
    const auto us_at = [&](double share) { return static_cast<double>(taken.value_at(share)) * 1e-3; };
    return {.p50 = us_at(0.5),
            .p95 = us_at(0.95),
            .p99 = us_at(0.99),
            .p999 = us_at(0.999),
            .max = static_cast<double>(taken.max_ns) * 1e-3,
            .count = taken.count,
            .mean = taken.mean_ns() * 1e-3};
}

void Histogram::reset() noexcept {
    for (auto& bucket : buckets_) bucket.store(0, std::memory_order_relaxed);
    count_.store(0, std::memory_order_relaxed);
    max_ns_.store(0, std::memory_order_relaxed);
}

void Histogram::add(const Histogram& other) noexcept {
    for (std::size_t bucket = 0; bucket < kBuckets; ++bucket) {
        bump(buckets_[bucket], other.buckets_[bucket].load(std::memory_order_acquire));
    }
    bump(count_, other.count());
    max_ns_.store(std::max(max_ns(), other.max_ns()), std::memory_order_relaxed);
}

}  // namespace sidetone::rt
