// SPDX-License-Identifier: Apache-2.0
#include "engine/chain.hpp"

#include <algorithm>

#include "rt/clock.hpp"
#include "stage/events.hpp"

namespace sidetone::engine {
namespace {

void raise(std::atomic<float>& peak, float value) noexcept {
    if (value > peak.load(std::memory_order_relaxed)) peak.store(value, std::memory_order_relaxed);
}

std::size_t arena_bytes(const ChainFile& file, const device::CardFormat& format) {
    const auto padding = 8 * rt::kCacheLine;
    const auto floats = std::size_t{file.channels} * (format.max_block_frames + 1) + format.output_channels;
    return floats * sizeof(float) + (file.stages.size() + file.channels) * sizeof(void*) + padding;
}

}  // namespace

Chain::Chain(ChainFile& file, const device::CardFormat& format, Ledger& ledger, const Options& options)
    : arena_(arena_bytes(file, format)),
      stages_(arena_.allocate<stage::Stage*>(file.stages.size(), alignof(stage::Stage*))),
      buffers_(arena_.allocate<float*>(file.channels, alignof(float*))),
      input_peaks_(arena_.allocate<std::atomic<float>>(file.channels, alignof(float))),
      output_peaks_(arena_.allocate<std::atomic<float>>(format.output_channels, alignof(float))),
      times_(make_lines(file, ledger)),
      events_(options.events),
      nominal_period_ns_(1e9 * format.block_frames / format.rate_hz),
      nominal_block_(format.block_frames),
      channels_(file.channels),
      buffer_(arena_.allocate<float>(std::size_t{file.channels} * format.max_block_frames)) {
    for (std::uint32_t c = 0; c < channels_; ++c)
        buffers_[c] = buffer_.data() + std::size_t{c} * format.max_block_frames;
    std::uint32_t index = 0;
    for (auto& link : file.stages) {
        link.stage->prepare({.rate_hz = format.rate_hz,
                             .block_frames = format.block_frames,
                             .max_block_frames = format.max_block_frames,
                             .fixed_block = format.fixed_block,
                             .channels = channels_,
                             .offline = options.offline,
                             .index = index,
                             .waiter = options.waiter,
                             .audio_events = options.events,
                             .calibration = file.calibration});
        stages_[index++] = link.stage.get();
        delay_frames_ += link.stage->delay_frames();
    }
}

// In the order of Column.
rt::HistogramRows& Chain::make_lines(const ChainFile& file, Ledger& ledger) const {
    std::vector<rt::Histogram*> lines;
    for (const auto* name : {"card lateness", "convert in", "convert out"}) lines.push_back(&ledger.line(name, 0));
    lines.push_back(&ledger.line("callback", file.callback_budget_us));
    lines.push_back(&ledger.line("due to done", 0));
    for (const auto& link : file.stages) lines.push_back(&ledger.line(link.name, link.budget_us));
    return ledger.rows(lines);
}

std::vector<float> Chain::take(Peaks peaks) {
    std::vector<float> taken;
    taken.reserve(peaks.size());
    for (auto& peak : peaks) taken.push_back(peak.exchange(0, std::memory_order_relaxed));
    return taken;
}

std::vector<stage::WorkSource*> Chain::work() const {
    std::vector<stage::WorkSource*> result;
    for (auto* each : stages_) {
        if (auto* source = each->work(); source != nullptr) result.push_back(source);
    }
    return result;
}

[[gnu::hot]] void Chain::process(const device::CardBlock& block) noexcept {
    const stage::BlockTime time{.due_ns = block.due_ns,
                                .due_monotonic_ns = block.due_monotonic_ns,
                                .entered_ns = block.entered_ns,
                                .period_ns = block.period_ns};
    times_.begin_row();
    const auto started = rt::now_ns();
    auto* const* claimed = stages_.front()->claim_input(block.frames);
    auto* const* input = claimed != nullptr ? claimed : buffers_.data();
    convert_in(block, input);
    auto stamp = rt::now_ns();
    times_.set(kConversionIn, stamp - started);

    for (std::size_t i = 0; i < stages_.size(); ++i) {
        // A stage writes where the next one wants its input, so that nothing lies between them.
        auto* const* wanted = i + 1 < stages_.size() ? stages_[i + 1]->claim_input(block.frames) : nullptr;
        auto* const* output = wanted != nullptr ? wanted : buffers_.data();
        stages_[i]->process(input, output, block.frames, time);
        const auto now = rt::now_ns();
        times_.set(kFirstStage + i, now - stamp);
        stamp = now;
        input = output;
    }
    for (auto* each : stages_) each->hear(buffers_.data(), block.frames);
    convert_out(block);
    const auto ended = rt::now_ns();
    times_.set(kConversionOut, ended - stamp);
    note_timing(block, ended);
}

[[gnu::hot]] void Chain::convert_in(const device::CardBlock& block, float* const* target) noexcept {
    std::uint32_t not_finite = 0;
    for (std::uint32_t c = 0; c < channels_; ++c) {
        if (block.input.channels == 0) {
            std::fill_n(target[c], block.frames, 0.0F);
        } else {  // a card with fewer channels than the chain feeds its last one to the rest
            const auto channel = std::min(c, block.input.channels - 1);
            const auto report = dsp::to_float(block.input, channel, 0, block.frames, target[c]);
            not_finite += report.not_finite;
            raise(input_peaks_[c], report.peak);
        }
    }
    if (not_finite != 0) [[unlikely]]
        note_not_finite(not_finite, false);
}

[[gnu::hot]] void Chain::convert_out(const device::CardBlock& block) noexcept {
    std::uint32_t not_finite = 0;
    for (std::uint32_t c = 0; c < block.output.channels; ++c) {
        const auto* source = buffers_[std::min(c, channels_ - 1)];
        const auto report = dsp::from_float(source, block.output, c, 0, block.frames);
        not_finite += report.not_finite;
        if (c < output_peaks_.size()) raise(output_peaks_[c], report.peak);
    }
    if (not_finite != 0) [[unlikely]]
        note_not_finite(not_finite, true);
}

[[gnu::cold]] void Chain::note_not_finite(std::uint64_t samples, bool at_output) noexcept {
    not_finite_.fetch_add(samples, std::memory_order_relaxed);
    if (events_ == nullptr) return;
    events_->record({.at_ns = rt::now_ns(),
                     .kind = static_cast<std::uint32_t>(stage::EventKind::not_finite),
                     .values = {static_cast<std::int64_t>(samples), at_output ? 1 : 0, 0}});
}

[[gnu::hot]] void Chain::note_timing(const device::CardBlock& block, std::int64_t ended_ns) noexcept {
    const auto late = block.entered_ns - block.due_ns;
    const auto took = ended_ns - block.entered_ns;
    times_.set(kLateness, late);
    times_.set(kCallback, took);
    times_.set(kTotal, ended_ns - block.due_ns);
    times_.finish_row();
    const auto period = static_cast<std::int64_t>(nominal_period_ns_ * block.frames / nominal_block_);
    if (block.lost_frames != 0 || late + took > period) [[unlikely]]
        note_trouble(block, ended_ns, period);
    previous_overran_ = took > period;
}

// Cold, so that what every block runs lies in fewer cache lines.
[[gnu::cold]] void Chain::note_trouble(const device::CardBlock& block, std::int64_t ended_ns,
                                       std::int64_t period_ns) noexcept {
    if (events_ == nullptr) return;
    const auto record = [&](stage::EventKind kind, std::int64_t a, std::int64_t b) noexcept {
        events_->record({.at_ns = ended_ns, .kind = static_cast<std::uint32_t>(kind), .values = {a, b, 0}});
    };
    if (block.lost_frames != 0) {
        record(stage::EventKind::frames_lost, static_cast<std::int64_t>(block.lost_frames), previous_overran_ ? 1 : 0);
    }
    if (ended_ns - block.due_ns > period_ns) {
        record(stage::EventKind::block_overrun, block.entered_ns - block.due_ns, ended_ns - block.entered_ns);
    }
}

}  // namespace sidetone::engine
