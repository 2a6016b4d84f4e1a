// SPDX-License-Identifier: Apache-2.0
#include "dsp/sliding_window.hpp"

#include <stdexcept>
#include <string>

namespace sidetone::dsp {
namespace {

const SlidingWindow::Design& checked(const SlidingWindow::Design& design) {
    if (design.hop < 1 || design.hop > design.length) {
        throw std::invalid_argument("sliding window: found a hop of " + std::to_string(design.hop) +
                                    " samples, expected 1 to the window's " + std::to_string(design.length));
    }
    return design;
}

std::size_t samples_before(const SlidingWindow::Design& design) {
    switch (design.edges) {
        case WindowEdges::snipped:
            return 0;
        case WindowEdges::mirrored:
            return design.length / 2 - design.hop / 2;
        case WindowEdges::silent:
            break;
    }
    return design.length / 2;
}

/// Of a recording of `recorded` samples, mirrored at both ends for ever, the sample that stands at n >= 0.
std::uint64_t mirrored_index(std::uint64_t n, std::uint64_t recorded) {
    n %= 2 * recorded;
    return n < recorded ? n : 2 * recorded - 1 - n;
}

}  // namespace

// The end of a recording is mirrored from what the ring still holds: half a window at most.
SlidingWindow::SlidingWindow(const Design& design)
    : design_(checked(design)), before_(samples_before(design)), ring_(3 * design.length) {}

void SlidingWindow::write(const float* samples, std::size_t count) noexcept {
    std::copy_n(samples, count, ring_.at(position(samples_)));
    samples_ += count;
}

void SlidingWindow::mirror_the_beginning() noexcept {
    const float* first = ring_.at(before_);
    float* before = ring_.at(0);
    for (std::size_t n = 0; n < before_; ++n) before[before_ - 1 - n] = first[n];
}

void SlidingWindow::write_beyond(std::uint64_t recorded, std::size_t count) noexcept {
    for (; count > 0; --count) {
        const bool mirrored = design_.edges == WindowEdges::mirrored;
        const float value = mirrored ? *ring_.at(position(mirrored_index(samples_, recorded))) : 0.0F;
        write(&value, 1);
    }
}

std::uint64_t SlidingWindow::windows_in_all() const noexcept {
    if (design_.edges == WindowEdges::snipped || samples_ == 0) return windows_;
    if (design_.edges == WindowEdges::mirrored) return (samples_ + design_.hop / 2) / design_.hop;
    return 1 + samples_ / design_.hop;
}

void SlidingWindow::reset() noexcept {
    ring_.clear();
    samples_ = 0;
    windows_ = 0;
}

}  // namespace sidetone::dsp
