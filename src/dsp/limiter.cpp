// SPDX-License-Identifier: Apache-2.0
#include "dsp/limiter.hpp"

#include <algorithm>
#include <cmath>

#include "dsp/limiter_kernels.hpp"

namespace sidetone::dsp {

namespace {

constexpr std::size_t kPiece = 64;  // frames at a time
constexpr double kLookAheadSeconds = 0.001;
constexpr double kSmallestKneeDb = 0.01;
constexpr double kGlideSeconds = 0.005;  // time constant of a ceiling

/// Share of a difference that is left after each of `frames` frames per time constant.
double decay_of(double milliseconds, double rate_hz) {
    return std::exp(-1 / (milliseconds / 1000 * rate_hz));
}

float gain_of(double decibels) {
    return static_cast<float>(std::pow(10.0, decibels / 20));
}

float knee_of(double ceiling_db, double knee_db) {
    return gain_of(ceiling_db - std::max(knee_db, kSmallestKneeDb));
}

}  // namespace

LimiterCeiling::LimiterCeiling(double ceiling, double rate_hz) noexcept
    : glide_(ceiling, kGlideSeconds, rate_hz), bound_(static_cast<float>(ceiling)) {}

void LimiterCeiling::go_to(double ceiling) noexcept {
    bound_ = static_cast<float>(std::max(glide_.is_still() ? glide_.value() : static_cast<double>(bound_), ceiling));
    glide_.go_to(ceiling);
}

void LimiterCeiling::scale(float* peaks, std::size_t frames) noexcept {
    if (glide_.is_still()) return;
    for (std::size_t n = 0; n < frames; ++n) peaks[n] *= static_cast<float>(glide_.target() / glide_.next());
    if (glide_.is_still()) bound_ = target();
}

SoftLimiter::SoftLimiter(const LimiterSettings& settings, std::size_t channels, double rate_hz)
    : channels_(channels),
      rate_hz_(rate_hz),
      knee_db_(settings.knee_db),
      ceiling_(gain_of(settings.ceiling_db), rate_hz),
      knee_(knee_of(settings.ceiling_db, settings.knee_db)),
      decay_(static_cast<float>(decay_of(settings.release_ms, rate_hz))),
      peak_(kPiece) {}

void SoftLimiter::change(const LimiterSettings& settings) noexcept {
    ceiling_.go_to(gain_of(settings.ceiling_db));
    knee_ = knee_of(settings.ceiling_db, knee_db_);
    decay_ = static_cast<float>(decay_of(settings.release_ms, rate_hz_));
}

[[gnu::hot]] void SoftLimiter::process(const float* const* in, float* const* out, std::size_t frames) noexcept {
    for (std::size_t first = 0; first < frames; first += kPiece) {
        process_piece(in, out, first, std::min(kPiece, frames - first));
    }
}

[[gnu::hot]] void SoftLimiter::process_piece(const float* const* in, float* const* out, std::size_t first,
                                             std::size_t frames) noexcept {
    envelope_ = follow_peaks(in, channels_, first, decay_, envelope_, peak_.data(), frames);
    const float bound = ceiling_.bound();
    ceiling_.scale(peak_.data(), frames);
    limit_softly(in, channels_, first, peak_.data(), {.knee = knee_, .ceiling = ceiling_.target()}, bound, out, frames);
}

TruePeakLimiter::TruePeakLimiter(const LimiterSettings& settings, std::size_t channels, double rate_hz)
    : delay_(
          std::max<std::size_t>(static_cast<std::size_t>(std::lround(kLookAheadSeconds * rate_hz)), kInterpolatorTaps)),
      window_(delay_ - kInterpolatorTaps / 2 + 1),
      rate_hz_(rate_hz),
      ceiling_(gain_of(settings.ceiling_db), rate_hz),
      recovery_(static_cast<float>(1 - decay_of(settings.release_ms, rate_hz))),
      delayed_(channels, std::vector<float>(delay_ + kPiece)),
      peak_(kPiece),
      needed_(window_ + kPiece, 1.0F),
      minimum_(kPiece),
      smooth_(window_ + kPiece, 1.0F),
      mean_(kPiece),
      scratch_(window_ + kPiece) {}

void TruePeakLimiter::change(const LimiterSettings& settings) noexcept {
    ceiling_.go_to(gain_of(settings.ceiling_db));
    recovery_ = static_cast<float>(1 - decay_of(settings.release_ms, rate_hz_));
}

void TruePeakLimiter::process(const float* const* in, float* const* out, std::size_t frames) noexcept {
    for (std::size_t first = 0; first < frames; first += kPiece) {
        process_piece(in, out, first, std::min(kPiece, frames - first));
    }
}

void TruePeakLimiter::process_piece(const float* const* in, float* const* out, std::size_t first,
                                    std::size_t frames) noexcept {
    find_peaks(in, first, frames);
    const float bound = ceiling_.bound();
    ceiling_.scale(peak_.data(), frames);
    needed_gains(peak_.data(), ceiling_.target(), needed_.data() + window_, frames);
    slide_minimum(frames);
    for (std::size_t n = 0; n < frames; ++n) {
        released_ = std::min(minimum_[n], released_ + (1 - released_) * recovery_);
        smooth_[window_ + n] = released_;
    }
    slide_mean(frames);
    for (std::size_t c = 0; c < delayed_.size(); ++c) {
        auto& line = delayed_[c];
        multiply_and_bound(line.data(), mean_.data(), bound, out[c] + first, frames);
        std::copy(line.begin() + static_cast<std::ptrdiff_t>(frames),
                  line.begin() + static_cast<std::ptrdiff_t>(frames + delay_), line.begin());
    }
}

void TruePeakLimiter::find_peaks(const float* const* in, std::size_t first, std::size_t frames) noexcept {
    std::fill_n(peak_.data(), frames, 0.0F);
    for (std::size_t c = 0; c < delayed_.size(); ++c) {
        float* newest = delayed_[c].data() + delay_;
        copy_bounded(in[c] + first, newest, frames);
        raise_to_true_peaks(newest + 1 - kInterpolatorTaps, peak_.data(), frames);
    }
}

void TruePeakLimiter::slide_minimum(std::size_t frames) noexcept {
    sliding_minimum(needed_.data(), window_ + 1, scratch_.data(), minimum_.data(), frames);
    std::copy_n(needed_.data() + frames, window_, needed_.data());
}

void TruePeakLimiter::slide_mean(std::size_t frames) noexcept {
    sliding_mean(smooth_.data() + 1, window_, scratch_.data(), mean_.data(), frames);
    std::copy_n(smooth_.data() + frames, window_, smooth_.data());
}

}  // namespace sidetone::dsp
