// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>

#include "rt/mirrored_ring.hpp"
#include "rt/realtime.hpp"

namespace sidetone::dsp {

/// What is before a recording's first sample x[0], and after its last.
enum class WindowEdges : std::uint8_t {
    snipped,   ///< nothing: window t covers [t hop, t hop + length) (Kaldi's snip-edges=true)
    mirrored,  ///< x[-1 - n] = x[n]: window t is centred on hop t, at (t + 1/2) hop (Kaldi's snip-edges=false)
    silent,    ///< zeros: window t is centred on sample t hop (librosa's center=True)
};

/// Cuts a stream of samples into overlapping windows, each handed out as a view the moment its last sample has come.
/// What is handed out depends on the samples alone, never on how they were chunked. Built on the control thread; the
/// rest one thread at a time.
class SlidingWindow {
public:
    struct Design {
        std::size_t length = 400, hop = 160;
        WindowEdges edges = WindowEdges::snipped;
    };

    /// Throws std::invalid_argument unless 1 <= hop <= length, and std::bad_alloc.
    explicit SlidingWindow(const Design& design);

    /// Calls use(const float* window) for each window that `samples` complete, in order; `window` is good until it
    /// returns. Any number of samples. No heap, no lock.
    template <class Use>
    void push(std::span<const float> samples, Use&& use) noexcept;

    /// The recording is over: the windows that reach over its end, whose centres are within it. (None when snipped.)
    /// Then only `reset` may follow.
    template <class Use>
    void finish(Use&& use) noexcept;

    /// As new.
    void reset() noexcept;

    [[nodiscard]] std::size_t length() const noexcept { return design_.length; }
    [[nodiscard]] std::size_t hop() const noexcept { return design_.hop; }
    /// Windows handed out so far; the next one is number `windows()`.
    [[nodiscard]] std::uint64_t windows() const noexcept { return windows_; }
    /// Samples pushed so far.
    [[nodiscard]] std::uint64_t samples() const noexcept { return samples_; }
    /// Where window t begins, in samples since the first; negative where it begins before that.
    [[nodiscard]] std::int64_t first_sample(std::uint64_t t) const noexcept SIDETONE_REALTIME {
        return static_cast<std::int64_t>(t * design_.hop) - static_cast<std::int64_t>(before_);
    }

private:
    template <class Use>
    void hand_out(Use&& use) noexcept;
    void write(const float* samples, std::size_t count) noexcept SIDETONE_REALTIME;
    /// Makes up `count` samples after the end of a recording of `recorded` samples.
    void write_beyond(std::uint64_t recorded, std::size_t count) noexcept;
    void mirror_the_beginning() noexcept SIDETONE_REALTIME;
    [[nodiscard]] std::uint64_t windows_in_all() const noexcept;
    /// Position in the ring of sample n.
    [[nodiscard]] std::uint64_t position(std::uint64_t n) const noexcept { return n + before_; }
    /// Samples still needed for the next window.
    [[nodiscard]] std::size_t missing() const noexcept SIDETONE_REALTIME {
        return static_cast<std::size_t>(windows_ * design_.hop + design_.length - position(samples_));
    }

    Design design_;
    std::size_t before_;  // samples of the first window that are before sample 0
    rt::MirroredRing ring_;
    std::uint64_t samples_ = 0, windows_ = 0;
};

// ── definitions ─────────────────────────────────────────────────────────────────────────────────

template <class Use>
void SlidingWindow::push(std::span<const float> samples, Use&& use) noexcept {
    while (!samples.empty()) {
        const std::size_t count = std::min(samples.size(), missing());
        write(samples.data(), count);
        samples = samples.subspan(count);
        if (missing() == 0) hand_out(use);
    }
}

template <class Use>
void SlidingWindow::finish(Use&& use) noexcept {
    const std::uint64_t recorded = samples_;
    for (const std::uint64_t all = windows_in_all(); windows_ < all;) {
        write_beyond(recorded, missing());
        hand_out(use);
    }
}

template <class Use>
void SlidingWindow::hand_out(Use&& use) noexcept {
    if (windows_ == 0 && design_.edges == WindowEdges::mirrored) mirror_the_beginning();
    use(static_cast<const float*>(ring_.at(windows_ * design_.hop)));
    ++windows_;
}

}  // namespace sidetone::dsp
