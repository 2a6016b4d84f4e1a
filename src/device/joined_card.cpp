// SPDX-License-Identifier: Apache-2.0
#include "device/joined_card.hpp"

#include <fmt/format.h>

#include <cmath>
#include <utility>

#include "device/silence.hpp"

namespace sidetone::device {

JoinedCard::JoinedCard(std::unique_ptr<Card> input, std::unique_ptr<Card> output, JoinSettings settings)
    : input_(std::move(input)), output_(std::move(output)), settings_(settings) {}

JoinedCard::~JoinedCard() {
    stop();
}

void JoinedCard::start(CardUser& user) {
    stop();
    user_ = &user;
    capturing_.known = playing_.known = false;
    input_finished_.store(false, std::memory_order_relaxed);
    frames_since_finish_ = 0;
    ended_.store(false, std::memory_order_relaxed);
    input_->start(capturing_);
    try {
        output_->start(playing_);
    } catch (...) {
        input_->stop();
        throw;
    }
}

void JoinedCard::stop() noexcept {
    output_->stop();
    input_->stop();
    capturing_.gate.close();
    playing_.gate.close();
}

std::string JoinedCard::description() const {
    return fmt::format("{} joined to {}", input_->description(), output_->description());
}

std::vector<std::string> JoinedCard::warnings() const {
    auto all = input_->warnings();
    for (auto& line : output_->warnings()) all.push_back(std::move(line));
    return all;
}

std::optional<JoinedClocks> JoinedCard::clocks() const {
    const std::lock_guard lock(settling_);
    if (!bridge_) return std::nullopt;
    return JoinedClocks{.correction_ppm = bridge_->correction_ppm(),
                        .delay_frames = bridge_->delay_frames(),
                        .target_delay_frames = bridge_->target_delay_frames(),
                        .under_runs = before_.under_runs + bridge_->under_runs(),
                        .recentres = before_.recentres + bridge_->recentres(),
                        .dropped_frames = before_.dropped_frames + bridge_->dropped_frames()};
}

void JoinedCard::settle() {
    capturing_.gate.close();
    playing_.gate.close();
    if (!capturing_.known || !playing_.known) return;
    const auto& in = capturing_.format;
    const auto& out = playing_.format;
    if (bridge_) {
        before_.under_runs += bridge_->under_runs();
        before_.recentres += bridge_->recentres();
        before_.dropped_frames += bridge_->dropped_frames();
    }
    bridge_ = std::make_unique<ClockBridge>(BridgeSettings{.channels = in.input_channels,
                                                           .input_rate_hz = in.rate_hz,
                                                           .output_rate_hz = out.rate_hz,
                                                           .input_block_frames = in.max_block_frames,
                                                           .output_block_frames = out.max_block_frames,
                                                           .quality = settings_.quality,
                                                           .bandwidth_hz = settings_.bandwidth_hz,
                                                           .spare_blocks = settings_.spare_blocks});
    planes_.assign(in.input_channels, std::vector<float>(out.max_block_frames));
    plane_pointers_.clear();
    for (auto& plane : planes_) plane_pointers_.push_back(plane.data());
    source_pointers_.assign(plane_pointers_.begin(), plane_pointers_.end());

    // What the input card itself adds beyond its block, which the bridge's delay counts already.
    const double beyond_block = static_cast<double>(in.capture_latency_frames) - in.block_frames;
    const double to_output = static_cast<double>(out.rate_hz) / in.rate_hz;
    format_ = out;
    format_.input_channels = in.input_channels;
    format_.capture_latency_frames = static_cast<std::uint32_t>(
        std::max(0L, std::lround(bridge_->target_delay_frames() + beyond_block * to_output)));
    user_->prepare(format_);
    playing_.gate.open();
    capturing_.gate.open();
}

// ── the two cards' threads ──────────────────────────────────────────────────────────────────────

void JoinedCard::Side::prepare(const CardFormat& prepared) {
    const std::lock_guard lock(owner_.settling_);
    format = prepared;
    known = true;
    owner_.settle();
}

void JoinedCard::Side::process(const CardBlock& block) noexcept {
    if (!gate.try_enter()) {
        fill_with_silence(block.output, block.frames);
        return;
    }
    if (is_input_) {
        owner_.capture(block);
    } else {
        owner_.play(block);
    }
    gate.leave();
}

void JoinedCard::Side::on_event(CardEvent event) noexcept {
    if (event == CardEvent::xrun) {
        owner_.user_->on_event(event);
    } else if (event == CardEvent::finished && is_input_) {
        owner_.input_finished_.store(true, std::memory_order_release);
    } else {
        owner_.report_once(event);
    }
}

std::uint32_t JoinedCard::Side::delay_frames() const noexcept {
    return owner_.user_->delay_frames();
}

void JoinedCard::report_once(CardEvent event) noexcept {
    if (!ended_.exchange(true, std::memory_order_acq_rel)) user_->on_event(event);
}

void JoinedCard::capture(const CardBlock& block) noexcept {
    bridge_->write(block.input, block.frames, block.lost_frames, block.due_monotonic_ns);
}

void JoinedCard::play(const CardBlock& block) noexcept {
    bridge_->read(plane_pointers_, block.frames, block.lost_frames, block.due_monotonic_ns);
    CardBlock joined = block;
    joined.input = {.data = source_pointers_.data(),
                    .format = dsp::SampleFormat::f32,
                    .interleaved = false,
                    .channels = static_cast<std::uint32_t>(source_pointers_.size())};
    user_->process(joined);
    finish_when_drained(block.frames);
}

void JoinedCard::finish_when_drained(std::uint32_t frames) noexcept {
    if (!input_finished_.load(std::memory_order_acquire)) return;
    frames_since_finish_ += frames;
    if (static_cast<double>(frames_since_finish_) >= bridge_->target_delay_frames()) report_once(CardEvent::finished);
}

}  // namespace sidetone::device
