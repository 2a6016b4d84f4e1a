// SPDX-License-Identifier: Apache-2.0
#include "device/sim_card.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <exception>

#include "device/clock_reading.hpp"
#include "rt/clock.hpp"
#include "rt/error.hpp"

namespace sidetone::device {

namespace {

constexpr std::uint32_t kUsualRateHz = 48'000, kUsualBlockFrames = 128;

void check(const SimSettings& settings) {
    const auto& pacing = settings.pacing;
    if (pacing.rate_hz < 8'000 || pacing.rate_hz > 192'000) {
        throw InputError(fmt::format("sim card: found a rate of {} Hz, expected 8000 to 192000", pacing.rate_hz));
    }
    auto blocks = pacing.block_pattern;
    blocks.push_back(pacing.block_frames);
    for (const auto frames : blocks) {
        if (frames < 1 || frames > 8192) {
            throw InputError(fmt::format("sim card: found a block of {} frames, expected 1 to 8192", frames));
        }
    }
    if (settings.input_channels > 64 || settings.output_channels > 64) {
        throw InputError(fmt::format("sim card: found {} inputs and {} outputs, expected at most 64 of each",
                                     settings.input_channels, settings.output_channels));
    }
}

}  // namespace

SimCard::SimCard(SimSettings settings) : settings_(std::move(settings)) {
    std::optional<Sound> sound;
    if (!settings_.input_file.empty()) sound = read_sound_file(settings_.input_file);
    settle_format(sound ? &*sound : nullptr);
    input_.emplace(sound ? &*sound : nullptr, settings_.generator, settings_.input_channels, settings_.format,
                   settings_.interleaved, format_.max_block_frames);
    if (sound && sound->not_finite > 0) {
        warnings_.push_back(
            fmt::format("{}: {} samples are NaN or infinite", settings_.input_file.string(), sound->not_finite));
    }
    settle_end();

    const std::size_t bytes = format_.max_block_frames * dsp::bytes_per_sample(settings_.format);
    output_planes_.assign(settings_.interleaved ? 1 : settings_.output_channels,
                          std::vector<std::byte>(settings_.interleaved ? bytes * settings_.output_channels : bytes));
    for (auto& plane : output_planes_) output_pointers_.push_back(plane.data());
}

SimCard::~SimCard() {
    stop();
    commit_recording();
}

void SimCard::settle_format(const Sound* sound) {
    auto& pacing = settings_.pacing;
    if (pacing.rate_hz == 0) pacing.rate_hz = sound != nullptr ? sound->rate_hz : kUsualRateHz;
    if (pacing.block_frames == 0) {
        pacing.block_frames = pacing.block_pattern.empty() ? kUsualBlockFrames : pacing.block_pattern.front();
    }
    check(settings_);
    if (sound != nullptr && sound->rate_hz != pacing.rate_hz) {
        throw InputError(
            fmt::format("{}: found {} Hz, the sim card runs at {} Hz; resample the file, or run the card at its rate",
                        settings_.input_file.string(), sound->rate_hz, pacing.rate_hz));
    }
    timeline_.emplace(pacing);
    format_ = {.rate_hz = pacing.rate_hz,
               .block_frames = pacing.block_frames,
               .max_block_frames = timeline_->longest_block(),
               .fixed_block = pacing.block_pattern.empty(),
               .input_channels = settings_.input_channels,
               .output_channels = settings_.output_channels,
               .format = settings_.format,
               .interleaved = settings_.interleaved,
               .capture_latency_frames = pacing.block_frames,
               .playback_latency_frames = pacing.block_frames};
}

void SimCard::settle_end() {
    end_frame_ = std::numeric_limits<std::uint64_t>::max();
    if (input_->recorded_frames() > 0) end_frame_ = input_->recorded_frames() + settings_.tail_frames;
    if (settings_.seconds > 0) {
        end_frame_ =
            std::min(end_frame_, static_cast<std::uint64_t>(std::llround(settings_.seconds * format_.rate_hz)));
    }
}

std::string SimCard::description() const {
    const char* const pace = settings_.virtual_time != nullptr ? ", virtual time"
                             : settings_.paced                 ? ""
                                                               : ", not paced";
    return fmt::format("simulated card, {} Hz, {} frames, {} in, {} out, {}{}", format_.rate_hz, format_.block_frames,
                       format_.input_channels, format_.output_channels, dsp::to_string(format_.format), pace);
}

std::vector<std::string> SimCard::warnings() const {
    auto all = warnings_;
    if (!thread_.warning().empty()) all.push_back(thread_.warning());
    if (recorder_ && recorder_->overflow_frames() > 0) {
        all.push_back(fmt::format("{}: the disk was too slow for {} frames, they are silent in the recording",
                                  settings_.output_file.string(), recorder_->overflow_frames()));
    }
    return all;
}

// ── starting and stopping ───────────────────────────────────────────────────────────────────────

double SimCard::clock_ns() const noexcept {
    return settings_.virtual_time != nullptr ? settings_.virtual_time->now_ns()
                                             : static_cast<double>(rt::monotonic_ns());
}

void SimCard::open_recorder() {
    if (settings_.output_file.empty() || recorder_) return;
    const bool in_time = settings_.paced && settings_.virtual_time == nullptr;
    recorder_ = std::make_unique<SimRecorder>(
        settings_.output_file, format_.rate_hz, settings_.output_channels, settings_.output_format,
        format_.max_block_frames, in_time ? SimRecorder::Drain::own_thread : SimRecorder::Drain::calling_thread);
}

void SimCard::resume_after_absence() {
    const bool in_hurry = !settings_.paced && settings_.virtual_time == nullptr;
    const double back_ns = vanished_at_ns_ + settings_.return_after_s * 1e9;
    const double now_ns = in_hurry ? back_ns : clock_ns() - start_ns_;
    if (settings_.return_after_s <= 0) throw InputError("sim card: is unplugged and does not come back");
    if (now_ns < back_ns) {
        throw InputError(fmt::format("sim card: is unplugged, it comes back in {:.1f} s", (back_ns - now_ns) * 1e-9));
    }
    const auto frames = timeline_->skip_until(now_ns);
    if (recorder_) recorder_->record_silence(frames);
    vanished_.store(false, std::memory_order_relaxed);
    vanished_at_ns_ = kNever;
    settings_.vanish_after_s = 0;
}

void SimCard::start(CardUser& user) {
    stop();
    rt::calibrate_clock();
    const bool resumes = vanished_.load(std::memory_order_relaxed);
    if (resumes) {
        resume_after_absence();
    } else {
        timeline_.emplace(settings_.pacing);
    }
    open_recorder();
    user.prepare(format_);

    user_ = &user;
    starts_anew_ = !resumes;
    first_block_ = true;
    stop_requested_.store(false, std::memory_order_relaxed);
    running_ = true;
    if (settings_.virtual_time != nullptr) {
        if (starts_anew_) start_ns_ = clock_ns();
        upcoming_ = timeline_->next();
        settings_.virtual_time->attach(*this);
        return;
    }
    const rt::ThreadSettings thread{
        .name = "sidetone-sim", .priority = settings_.paced ? settings_.priority : 0, .core = settings_.core};
    thread_ = rt::RealtimeThread(thread, [this] { run(); });
}

void SimCard::stop() noexcept {
    if (!running_) return;
    running_ = false;
    stop_requested_.store(true, std::memory_order_relaxed);
    if (thread_.joinable()) thread_.join();
    if (settings_.virtual_time != nullptr) settings_.virtual_time->detach(*this);
    upcoming_.reset();
    if (!vanished_.load(std::memory_order_relaxed)) commit_recording();
}

void SimCard::commit_recording() noexcept {
    if (!recorder_) return;
    try {
        recorder_->commit();
        if (recorder_->overflow_frames() > 0) warnings_ = warnings();
    } catch (const std::exception& error) {
        warnings_.emplace_back(error.what());
    }
    recorder_.reset();
}

// ── the card's thread ───────────────────────────────────────────────────────────────────────────

void SimCard::run() noexcept {
    // Here, not in `start`: making a thread takes longer than a short period.
    if (starts_anew_) start_ns_ = clock_ns();
    while (!stop_requested_.load(std::memory_order_relaxed)) {
        const SimTick tick = timeline_->next();
        if (ends_with(tick)) return;
        if (settings_.paced) {
            run_paced(tick);
        } else {
            const auto now_ns = rt::now_ns();
            deliver(tick, rt::monotonic_ns(), now_ns, now_ns);
        }
    }
}

void SimCard::run_paced(const SimTick& planned) noexcept {
    SimTick tick = planned;
    input_->capture(tick.first_frame, tick.frames);
    rt::sleep_until_monotonic(std::llround(start_ns_ + tick.fire_ns));
    timeline_->catch_up(tick, static_cast<double>(rt::monotonic_ns()) - start_ns_);
    input_->capture(tick.first_frame, tick.frames);  // anew where blocks were lost
    const auto due_monotonic_ns = std::llround(start_ns_ + tick.due_ns);
    const auto entered_ns = rt::now_ns();
    deliver(tick, due_monotonic_ns, read_clocks().to_stamp_ns(due_monotonic_ns), entered_ns);
}

bool SimCard::ends_with(const SimTick& tick) noexcept {
    if (settings_.vanish_after_s > 0 && tick.due_ns >= settings_.vanish_after_s * 1e9) {
        vanished_at_ns_ = tick.due_ns;
        vanished_.store(true, std::memory_order_relaxed);
        if (recorder_) recorder_->record_silence(tick.lost_frames + tick.frames);
        user_->on_event(CardEvent::lost);
        return true;
    }
    if (tick.first_frame >= end_frame_) {
        user_->on_event(CardEvent::finished);
        return true;
    }
    return false;
}

void SimCard::deliver(const SimTick& tick, std::int64_t due_monotonic_ns, std::int64_t due_ns,
                      std::int64_t entered_ns) noexcept {
    if (tick.lost_frames > 0) user_->on_event(CardEvent::xrun);
    const CardBlock block{.input = input_->block(tick.first_frame, tick.frames),
                          .output = {.data = output_pointers_.data(),
                                     .format = settings_.format,
                                     .interleaved = settings_.interleaved,
                                     .channels = settings_.output_channels},
                          .frames = tick.frames,
                          .due_ns = due_ns,
                          .entered_ns = entered_ns,
                          .due_monotonic_ns = due_monotonic_ns,
                          .period_ns = timeline_->period_ns(),
                          .lost_frames = first_block_ ? 0 : tick.lost_frames};
    user_->process(block);
    first_block_ = false;
    record(tick);
}

void SimCard::record(const SimTick& tick) noexcept {
    if (!recorder_) return;
    const auto before_end = [&](std::uint64_t first, std::uint64_t frames) {
        return std::min(frames, end_frame_ - std::min(end_frame_, first));
    };
    recorder_->record_silence(before_end(tick.first_frame - tick.lost_frames, tick.lost_frames));
    const auto left = before_end(tick.first_frame, tick.frames);
    recorder_->record({.data = output_pointers_.data(),
                       .format = settings_.format,
                       .interleaved = settings_.interleaved,
                       .channels = settings_.output_channels},
                      static_cast<std::uint32_t>(left));
}

// ── virtual time ────────────────────────────────────────────────────────────────────────────────

double SimCard::next_ns() const noexcept {
    return upcoming_ ? start_ns_ + upcoming_->fire_ns : kNever;
}

void SimCard::act() noexcept {
    SimTick tick = *upcoming_;
    timeline_->catch_up(tick, tick.fire_ns);
    upcoming_.reset();
    if (ends_with(tick)) return;
    deliver(tick, std::llround(start_ns_ + tick.due_ns), std::llround(start_ns_ + tick.due_ns),
            std::llround(start_ns_ + tick.fire_ns));
    if (running_) upcoming_ = timeline_->next();
}

}  // namespace sidetone::device
