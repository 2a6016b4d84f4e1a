// SPDX-License-Identifier: Apache-2.0
#include "cli/transport_stream.hpp"

#include <algorithm>
#include <exception>

#include "rt/clock.hpp"

namespace sidetone::cli::transport {

void History::reset(std::uint32_t silence) {
    samples_.assign(silence, 0.0F);
    start_ = -static_cast<std::int64_t>(silence);
}

void History::append(const std::vector<float>& samples) {
    samples_.insert(samples_.end(), samples.begin(), samples.end());
}

void History::forget_before(std::int64_t position) {
    if (position <= start_) return;
    samples_.erase(samples_.begin(), samples_.begin() + (position - start_));
    start_ = position;
}

HopStream::HopStream(const nn::Manifest& manifest, std::uint32_t rate_hz)
    : model_(manifest),
      down_(rate_hz, manifest.sample_rate_hz),
      up_(manifest.sample_rate_hz, rate_hz),
      hop_(manifest.front_end.hop),
      window_(manifest.front_end.length),
      model_delay_(window_ - hop_),
      timeline_(down_, up_, manifest.front_end.hop, manifest.front_end.length - manifest.front_end.hop) {}

void HopStream::start(std::uint32_t block_frames, Figures& figures) {
    figures_ = &figures;
    block_frames_ = block_frames;
    delay_ = timeline_.delay_frames(block_frames, block_frames);
    model_.reset();
    card_.reset(2 * down_.half());
    input_.reset(static_cast<std::uint32_t>(model_delay_));
    finished_.reset(2 * up_.half());
    hops_done_ = frames_out_ = 0;
}

std::int64_t HopStream::completing_block(std::int64_t hop) const noexcept {
    return (timeline_.frames_for_hop(hop) - 1) / block_frames_;
}

void HopStream::push(const std::vector<float>& frames) {
    is_first_of_batch_ = true;
    card_.append(frames);
    const auto first = input_.end();
    std::vector<float> samples(static_cast<std::size_t>(down_.outputs_ready(card_.end()) - first));
    if (samples.empty()) return;
    down_.compute(card_.at(card_.start()), card_.start(), first, samples.size(), samples.data());
    input_.append(samples);
    card_.forget_before(down_.oldest_input(input_.end()));
}

bool HopStream::hop_is_ready() const noexcept {
    return input_.end() >= (hops_done_ + 1) * hop_;
}

std::vector<float> HopStream::run_hop(const BlockTimes& times) {
    const auto started = rt::now_ns();
    if (figures_->counting.load(std::memory_order_relaxed)) {
        const auto turned_to_ns = is_first_of_batch_ ? times.begun_ns : started;
        figures_->hand_off.record(turned_to_ns - std::max(times.queued_ns, predecessor_finished_ns_));
    }
    is_first_of_batch_ = false;
    due_ns_ = times.due_ns;
    finished_.append(run_model());
    predecessor_finished_ns_ = rt::now_ns();
    ++hops_done_;
    return take_output();
}

std::vector<float> HopStream::run_model() {
    const auto started = rt::now_ns();
    std::int64_t wrap_ns = 0;
    std::vector<float> result;
    const auto* newest = input_.at((hops_done_ + 1) * hop_ - window_);
    try {
        result = model_.process(std::vector<float>(newest, newest + window_), wrap_ns);
    } catch (const std::exception&) {
        model_.reset();
        result.assign(static_cast<std::size_t>(hop_), 0.0F);
    }
    if (figures_->counting.load(std::memory_order_relaxed)) {
        figures_->wrap.record(wrap_ns);
        figures_->inference.record(rt::now_ns() - started - wrap_ns);
    }
    return result;
}

std::vector<float> HopStream::take_output() {
    input_.forget_before((hops_done_ + 1) * hop_ - window_);
    // Sample q of `finished_` lies at q - model_delay_ on the input's time axis.
    const auto ready = up_.outputs_ready(std::max<std::int64_t>(0, finished_.end() - model_delay_));
    std::vector<float> frames(static_cast<std::size_t>(std::max<std::int64_t>(0, ready - frames_out_)));
    if (frames.empty()) return frames;
    up_.compute(finished_.at(finished_.start()), finished_.start() - model_delay_, frames_out_, frames.size(),
                frames.data());
    frames_out_ += static_cast<std::int64_t>(frames.size());
    finished_.forget_before(up_.oldest_input(frames_out_) + model_delay_);
    return frames;
}

void HopStream::note_delivered() noexcept {
    if (figures_->counting.load(std::memory_order_relaxed)) figures_->total.record(rt::now_ns() - due_ns_);
}

}  // namespace sidetone::cli::transport
