// SPDX-License-Identifier: Apache-2.0
#include "device/clock_bridge.hpp"

#include <samplerate.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <numbers>
#include <stdexcept>

namespace sidetone::device {

namespace {

constexpr std::uint32_t kFadeFrames = 64;
/// No two crystals differ by more; a larger correction is a fault upstream and would be heard.
constexpr double kMostCorrection = 2e-3;
/// The loop starts this much faster, to find the clocks' ratio in seconds, and slows down over this time.
constexpr double kStartBandwidthHz = 0.5, kSlowDownSeconds = 2;
constexpr double kLeastRecentreFrames = 64;

int converter(BridgeQuality quality) {
    return quality == BridgeQuality::fastest ? SRC_SINC_FASTEST : SRC_SINC_MEDIUM_QUALITY;
}

/// Half the filter's span in input frames at equal rates, as libsamplerate 0.2's tables give it: (length + 2) /
/// increment, rounded, plus one. It grows with the rate ratio when the rate falls.
double half_span(const BridgeSettings& settings, double step) {
    const double span = settings.quality == BridgeQuality::fastest ? 2464.0 / 128 : 22438.0 / 491;
    return std::ceil(span * std::max(1.0, step * (1 + kMostCorrection))) + 1;
}

double longer_block(const BridgeSettings& settings, double step) {
    return std::max<double>(settings.input_block_frames, settings.output_block_frames * step);
}

std::size_t ring_frames(const BridgeSettings& settings, double target, double most_error) {
    // libsamplerate draws up to 4096 frames ahead into its own buffer, but never more than have come in.
    return static_cast<std::size_t>(2 * (target + most_error) + 4.0 * settings.input_block_frames) + 4096;
}

SRC_STATE* src(void* state) {
    return static_cast<SRC_STATE*>(state);
}

}  // namespace

void ClockBridge::Resampler::operator()(void* state) const noexcept {
    src_delete(src(state));
}

ClockBridge::ClockBridge(const BridgeSettings& settings)
    : settings_(settings),
      step_(static_cast<double>(settings.input_rate_hz) / settings.output_rate_hz),
      look_ahead_(half_span(settings, step_)),
      target_((2 + settings.spare_blocks) * longer_block(settings, step_) + look_ahead_),
      most_error_(std::max(kLeastRecentreFrames, longer_block(settings, step_))),
      ring_(ring_frames(settings, target_, most_error_) * settings.channels, settings.channels),
      ring_frames_(ring_.capacity() / settings.channels),
      channel_(settings.input_block_frames),
      produced_(std::size_t{settings.output_block_frames} * settings.channels),
      last_(settings.channels) {
    int error = 0;
    resampler_.reset(src_new(converter(settings.quality), static_cast<int>(settings.channels), &error));
    if (!resampler_) throw std::invalid_argument(src_strerror(error));
}

// ── writing ─────────────────────────────────────────────────────────────────────────────────────

std::uint64_t ClockBridge::room() const noexcept {
    return ring_frames_ - (written_.load(std::memory_order_relaxed) - fetched_.load(std::memory_order_acquire));
}

void ClockBridge::store(const dsp::SampleSource& input, std::uint32_t frames) noexcept {
    const auto written = written_.load(std::memory_order_relaxed);
    float* const to = ring_.at(written * settings_.channels);
    std::uint64_t not_finite = 0;
    for (std::uint32_t c = 0; c < settings_.channels; ++c) {
        float* const plane = settings_.channels == 1 ? to : channel_.data();
        not_finite += dsp::to_float(input, c, 0, frames, plane).not_finite;
        if (settings_.channels == 1) continue;
        for (std::uint32_t i = 0; i < frames; ++i) to[std::size_t{i} * settings_.channels + c] = plane[i];
    }
    if (not_finite > 0) not_finite_.fetch_add(not_finite, std::memory_order_relaxed);
    written_.store(written + frames, std::memory_order_release);
}

void ClockBridge::store_silence(std::uint64_t frames) noexcept {
    const auto fits = std::min(frames, room());
    const auto written = written_.load(std::memory_order_relaxed);
    std::fill_n(ring_.at(written * settings_.channels), fits * settings_.channels, 0.0F);
    written_.store(written + fits, std::memory_order_release);
}

void ClockBridge::write(const dsp::SampleSource& input, std::uint32_t frames, std::uint64_t lost_frames,
                        std::int64_t due_ns) noexcept {
    if (lost_frames > 0) store_silence(lost_frames);
    if (frames <= room() && frames <= channel_.size()) {
        store(input, frames);
    } else {
        dropped_frames_.fetch_add(frames, std::memory_order_relaxed);
    }
    publish({.written = written_.load(std::memory_order_relaxed), .due_ns = due_ns});
}

void ClockBridge::publish(InputClock clock) noexcept {
    // Odd while the two belong to different moments (a sequence lock: Hans Boehm, 2012).
    const auto sequence = clock_sequence_.load(std::memory_order_relaxed);
    clock_sequence_.store(sequence + 1, std::memory_order_relaxed);
    clock_written_.store(clock.written, std::memory_order_release);
    clock_due_ns_.store(clock.due_ns, std::memory_order_release);
    clock_sequence_.store(sequence + 2, std::memory_order_release);
}

bool ClockBridge::observe(InputClock& clock) const noexcept {
    constexpr int kTries = 4;
    for (int i = 0; i < kTries; ++i) {
        const auto before = clock_sequence_.load(std::memory_order_acquire);
        if (before == 0) return false;
        clock.written = clock_written_.load(std::memory_order_acquire);
        clock.due_ns = clock_due_ns_.load(std::memory_order_acquire);
        if ((before & 1) == 0 && clock_sequence_.load(std::memory_order_relaxed) == before) return true;
    }
    return false;
}

// ── reading ─────────────────────────────────────────────────────────────────────────────────────

bool ClockBridge::start_at(double position, std::uint32_t frames) noexcept {
    const auto written = written_.load(std::memory_order_acquire);
    const double needed = position + frames * step_ + look_ahead_;
    if (position < 0 || needed > static_cast<double>(written)) return false;
    const auto first = static_cast<std::uint64_t>(position);
    if (first < fetched_.load(std::memory_order_relaxed)) return false;  // already given back to the writer
    src_reset(src(resampler_.get()));
    fetched_.store(first, std::memory_order_release);
    position_ = static_cast<double>(first);
    running_s_ = 0;
    return running_ = fading_in_ = true;
}

void ClockBridge::follow(double error, std::uint32_t frames) noexcept {
    const double elapsed_s = static_cast<double>(frames) / settings_.output_rate_hz;
    running_s_ += elapsed_s;
    const double bandwidth_hz =
        std::max(settings_.bandwidth_hz, kStartBandwidthHz / (1 + running_s_ / kSlowDownSeconds));
    const double omega = 2 * std::numbers::pi * bandwidth_hz;
    // d(delay)/dt = rate · (skew - correction): critically damped with these two gains.
    const double proportional = 2 * omega / settings_.input_rate_hz * error;
    integral_ = std::clamp(integral_ + omega * omega / settings_.input_rate_hz * error * elapsed_s, -kMostCorrection,
                           kMostCorrection);
    correction_.store(std::clamp(proportional + integral_, -kMostCorrection, kMostCorrection),
                      std::memory_order_relaxed);
}

std::size_t ClockBridge::resample(std::uint32_t frames) noexcept {
    const double step = step_ * (1 + correction_.load(std::memory_order_relaxed));
    const auto fetched = fetched_.load(std::memory_order_relaxed);
    SRC_DATA data{};
    data.data_in = ring_.at(fetched * settings_.channels);
    data.input_frames = static_cast<long>(written_.load(std::memory_order_acquire) - fetched);
    data.data_out = produced_.data();
    data.output_frames = static_cast<long>(frames);
    data.src_ratio = 1 / step;
    // One ratio for the whole block: so the position after n frames is exactly n steps on, and no error adds up.
    src_set_ratio(src(resampler_.get()), data.src_ratio);
    if (src_process(src(resampler_.get()), &data) != 0) return 0;
    fetched_.store(fetched + static_cast<std::uint64_t>(data.input_frames_used), std::memory_order_release);
    position_ += static_cast<double>(data.output_frames_gen) * step;
    return static_cast<std::size_t>(data.output_frames_gen);
}

void ClockBridge::fade_in(std::size_t produced) noexcept {
    const auto length = std::min<std::size_t>(produced, kFadeFrames);
    for (std::size_t i = 0; i < length; ++i) {
        const float gain = static_cast<float>(i) / static_cast<float>(length);
        for (std::uint32_t c = 0; c < settings_.channels; ++c) produced_[i * settings_.channels + c] *= gain;
    }
    fading_in_ = false;
}

void ClockBridge::fade_out_whole(std::size_t produced) noexcept {
    for (std::size_t i = 0; i < produced; ++i) {
        const float gain = 1 - static_cast<float>(i + 1) / static_cast<float>(produced);
        for (std::uint32_t c = 0; c < settings_.channels; ++c) produced_[i * settings_.channels + c] *= gain;
    }
}

void ClockBridge::run_out(std::size_t produced, std::uint32_t frames) noexcept {
    const auto channels = settings_.channels;
    if (produced > 0) std::copy_n(produced_.data() + (produced - 1) * channels, channels, last_.begin());
    for (std::size_t i = produced; i < frames; ++i) {
        const float gain = std::max(0.0F, 1 - static_cast<float>(i - produced + 1) / static_cast<float>(kFadeFrames));
        for (std::uint32_t c = 0; c < channels; ++c) produced_[i * channels + c] = last_[c] * gain;
    }
}

void ClockBridge::hand_out(std::span<float* const> output, std::uint32_t frames) noexcept {
    const auto channels = settings_.channels;
    for (std::uint32_t c = 0; c < channels; ++c) {
        for (std::uint32_t i = 0; i < frames; ++i) output[c][i] = produced_[std::size_t{i} * channels + c];
        last_[c] = produced_[std::size_t{frames - 1} * channels + c];
    }
}

void ClockBridge::read(std::span<float* const> output, std::uint32_t frames, std::uint64_t lost_frames,
                       std::int64_t due_ns) noexcept {
    InputClock clock;
    const bool known = observe(clock);
    const double now = static_cast<double>(clock.written) +
                       static_cast<double>(due_ns - clock.due_ns) * 1e-9 * settings_.input_rate_hz;
    const bool was_running = running_;
    bool leaving = false;
    if (running_ && lost_frames > 0) {
        running_ = false;
        recentres_.fetch_add(1, std::memory_order_relaxed);
    }
    if (!running_ && known) (void)start_at(now - target_, frames);
    if (running_ && known) {
        const double error = now - position_ - target_;
        delay_.store(now - position_, std::memory_order_relaxed);
        leaving = std::abs(error) > most_error_;
        if (!leaving) follow(error, frames);
    }

    const std::size_t produced = running_ ? resample(frames) : 0;
    if (running_ && fading_in_) fade_in(produced);
    if (leaving) {
        fade_out_whole(produced);
        recentres_.fetch_add(1, std::memory_order_relaxed);
        running_ = false;
    }
    if (produced < frames) {
        if (running_) under_runs_.fetch_add(1, std::memory_order_relaxed);
        if (!was_running && produced == 0) std::fill(last_.begin(), last_.end(), 0.0F);
        run_out(produced, frames);
        running_ = false;
    }
    hand_out(output, frames);
}

}  // namespace sidetone::device
