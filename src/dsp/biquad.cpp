// SPDX-License-Identifier: Apache-2.0
#include "dsp/biquad.hpp"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "dsp/biquad_kernels.hpp"

namespace sidetone::dsp {

namespace {

constexpr double kGlideSeconds = 0.02;

Biquad normalised(double b0, double b1, double b2, double a0, double a1, double a2) noexcept {
    return {b0 / a0, b1 / a0, b2 / a0, a1 / a0, a2 / a0};
}

/// The cookbook's low shelf; `side` is 1, and -1 makes it the high one.
Biquad make_shelf(double a, double alpha, double cosine, double side) noexcept {
    const double root = 2 * std::sqrt(a) * alpha;
    const double more = a + 1;
    const double less = side * (a - 1) * cosine;
    const double b1 = side * 2 * a * (a - 1 - side * more * cosine);
    const double a1 = side * -2 * (a - 1 + side * more * cosine);
    return normalised(a * (more - less + root), b1, a * (more - less - root), more + less + root, a1,
                      more + less - root);
}

Biquad stepped_between(const Biquad& from, const Biquad& to, double steps) noexcept {
    return {(to.b0 - from.b0) / steps, (to.b1 - from.b1) / steps, (to.b2 - from.b2) / steps, (to.a1 - from.a1) / steps,
            (to.a2 - from.a2) / steps};
}

}  // namespace

Biquad make_biquad(const EqualiserFilter& filter, double rate_hz) noexcept {
    if (filter.frequency_hz >= rate_hz / 2) return {};
    const double turn = 2 * std::numbers::pi * filter.frequency_hz / rate_hz;
    const double cosine = std::cos(turn);
    const double alpha = std::sin(turn) / (2 * filter.q);
    const double a = std::pow(10.0, filter.gain_db / 40);
    switch (filter.shape) {
        case EqualiserFilter::Shape::peaking:
            return normalised(1 + alpha * a, -2 * cosine, 1 - alpha * a, 1 + alpha / a, -2 * cosine, 1 - alpha / a);
        case EqualiserFilter::Shape::low_shelf:
            return make_shelf(a, alpha, cosine, 1);
        case EqualiserFilter::Shape::high_shelf:
            return make_shelf(a, alpha, cosine, -1);
        case EqualiserFilter::Shape::low_pass:
            return normalised((1 - cosine) / 2, 1 - cosine, (1 - cosine) / 2, 1 + alpha, -2 * cosine, 1 - alpha);
        case EqualiserFilter::Shape::high_pass:
            return normalised((1 + cosine) / 2, -1 - cosine, (1 + cosine) / 2, 1 + alpha, -2 * cosine, 1 - alpha);
        case EqualiserFilter::Shape::notch:
            return normalised(1, -2 * cosine, 1, 1 + alpha, -2 * cosine, 1 - alpha);
    }
    return {};
}

std::complex<double> response(const Biquad& biquad, double frequency_hz, double rate_hz) noexcept {
    const auto z = std::polar(1.0, -2 * std::numbers::pi * frequency_hz / rate_hz);
    return (biquad.b0 + z * (biquad.b1 + z * biquad.b2)) / (1.0 + z * (biquad.a1 + z * biquad.a2));
}

BiquadCascade::BiquadCascade(std::size_t channels, double rate_hz)
    : channels_(channels),
      glide_frames_(static_cast<std::size_t>(kGlideSeconds * rate_hz)),
      memory_((channels + 1) / 2) {}

void BiquadCascade::set(std::span<const Biquad> biquads) noexcept {
    target_.fill({});
    std::copy(biquads.begin(), biquads.end(), target_.begin());
    target_count_ = biquads.size();
    if (!is_set_) {
        is_set_ = true;
        now_ = target_;
        count_ = target_count_;
        return;
    }
    count_ = std::max(count_, target_count_);
    frames_to_go_ = glide_frames_;
    for (std::size_t i = 0; i < kMost; ++i) {
        step_[i] = stepped_between(now_[i], target_[i], static_cast<double>(glide_frames_));
    }
}

[[gnu::hot]] void BiquadCascade::process(const float* const* in, float* const* out, std::size_t frames) noexcept {
    const std::size_t gliding = std::min(frames, frames_to_go_);
    if (gliding > 0) {
        run(in, out, 0, gliding, true);
        frames_to_go_ -= gliding;
        if (frames_to_go_ == 0) {
            now_ = target_;
            count_ = target_count_;
            for (auto& pair : memory_)
                std::fill(pair.begin() + static_cast<std::ptrdiff_t>(count_), pair.end(), Memory{});
        }
    }
    if (gliding < frames) run(in, out, gliding, frames - gliding, false);
}

[[gnu::hot]] void BiquadCascade::run(const float* const* in, float* const* out, std::size_t first, std::size_t frames,
                                     bool moving) noexcept {
    std::array<Biquad, kMost> reached = now_;
    for (std::size_t pair = 0; pair < memory_.size(); ++pair) {
        reached = now_;
        const std::size_t left = 2 * pair;
        const std::size_t right = std::min(left + 1, channels_ - 1);  // an odd one keeps itself company
        filter_pair({.channels = right - left + 1,
                     .count = count_,
                     .biquads = reached.data(),
                     .steps = moving ? step_.data() : nullptr,
                     .memory = memory_[pair].front().s1.data(),
                     .in = {in[left] + first, in[right] + first},
                     .out = {out[left] + first, out[right] + first},
                     .frames = frames});
    }
    now_ = reached;
}

void BiquadCascade::reset() noexcept {
    memory_.assign(memory_.size(), {});
    now_ = target_;
    count_ = target_count_;
    frames_to_go_ = 0;
}

}  // namespace sidetone::dsp
