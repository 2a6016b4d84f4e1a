// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>

#include "dsp/sample_conversion.hpp"
#include "engine/chain.hpp"
#include "engine/chain_file.hpp"
#include "engine/ledger.hpp"
#include "engine/worker.hpp"
#include "rt/clock.hpp"
#include "rt/delay_locked_loop.hpp"
#include "rt/error.hpp"
#include "rt/guard.hpp"
#include "rt/thread.hpp"
#include "sidetone/chain.hpp"
#include "stage/stage.hpp"

namespace sidetone {
namespace {

constexpr int kWorkerPriority = 5;
constexpr double kLoopBandwidthHz = 1;
constexpr std::uint32_t kMostChannels = 16;

void expect_within(const char* name, std::uint32_t found, std::uint32_t low, std::uint32_t high) {
    if (found >= low && found <= high) return;
    throw InputError(fmt::format("chain format, {}: found {}, expected {} to {}", name, found, low, high));
}

device::CardFormat card_format(const ChainFormat& format) {
    expect_within("rate_hz", format.rate_hz, 8000, 192'000);
    expect_within("block_frames", format.block_frames, 1, 65536);
    expect_within("channels", format.channels, 1, kMostChannels);
    device::CardFormat card;
    card.rate_hz = format.rate_hz;
    card.block_frames = format.block_frames;
    card.max_block_frames = std::max(format.block_frames, format.max_block_frames);
    expect_within("max_block_frames", card.max_block_frames, 1, 65536);
    card.fixed_block = format.fixed_block;
    card.input_channels = card.output_channels = format.channels;
    return card;
}

}  // namespace

struct Chain::Parts {
    Parts(const std::filesystem::path& path, const ChainFormat& asked)
        : format(card_format(asked)),
          file(engine::read_chain(path, asked.channels)),
          chain(file, format, ledger, {.offline = asked.offline, .waiter = asked.offline ? nullptr : &worker.waiter()}),
          period_ns(1e9 * format.block_frames / format.rate_hz),
          loop(period_ns, std::min(kLoopBandwidthHz, 1e8 / period_ns)) {
        rt::calibrate_clock();
        worker.start(chain.work(), kWorkerPriority);
    }

    void process(const float* const* inputs, float* const* outputs, std::uint32_t first, std::uint32_t frames) noexcept;

    device::CardFormat format;
    engine::ChainFile file;
    engine::Ledger ledger;
    engine::Worker worker;
    engine::Chain chain;
    double period_ns;
    rt::DelayLockedLoop loop;
};

void Chain::Parts::process(const float* const* inputs, float* const* outputs, std::uint32_t first,
                           std::uint32_t frames) noexcept {
    const void* in[kMostChannels];
    void* out[kMostChannels];
    const auto channels = format.input_channels;
    for (std::uint32_t c = 0; c < channels; ++c) {
        in[c] = inputs[c] + first;
        out[c] = outputs[c] + first;
    }
    // The host tells no due time: the loop makes one of when it calls.
    const auto entered = rt::now_ns();
    const auto monotonic = rt::monotonic_ns();
    loop.update(monotonic);
    const auto due_monotonic = std::min(monotonic, static_cast<std::int64_t>(loop.current_ns()));
    chain.process({.input = {.data = in, .channels = channels},
                   .output = {.data = out, .channels = channels},
                   .frames = frames,
                   .due_ns = entered - (monotonic - due_monotonic),
                   .entered_ns = entered,
                   .due_monotonic_ns = due_monotonic,
                   .period_ns = loop.period_ns()});
}

Chain::Chain(const std::filesystem::path& chain_file, const ChainFormat& format)
    : parts_(std::make_unique<Parts>(chain_file, format)) {}
Chain::~Chain() {
    if (parts_) parts_->worker.stop();  // before the chain it works for
}
Chain::Chain(Chain&&) noexcept = default;
Chain& Chain::operator=(Chain&& other) noexcept {
    if (this != &other) {
        if (parts_) parts_->worker.stop();
        parts_ = std::move(other.parts_);
    }
    return *this;
}

void Chain::process(const float* const* inputs, float* const* outputs, std::uint32_t frames) noexcept {
    const rt::RealtimeScope scope{rt::RealtimeKind::audio};
    const rt::ScopedFlushDenormals flush;
    // A call that breaks the promise about its length is cut up rather than let run over the buffers.
    const auto longest = parts_->format.max_block_frames;
    for (std::uint32_t done = 0; done < frames; done += longest) {
        parts_->process(inputs, outputs, done, std::min(longest, frames - done));
    }
}

void Chain::change(std::span<const Change> changes) {
    parts_->file.settings.change(changes);
}

std::uint32_t Chain::delay_frames() const noexcept {
    return parts_->chain.delay_frames();
}

std::uint64_t Chain::misses() const noexcept {
    std::uint64_t misses = 0;
    for (const auto& link : parts_->file.stages) misses += link.stage->misses();
    return misses;
}

std::vector<ChainTiming> Chain::timings() const {
    std::vector<ChainTiming> result;
    const auto add = [&](const std::string& name, const rt::Distribution& us, double budget_us) {
        result.push_back({name, us.p50, us.p95, us.p99, us.p999, us.max, us.count, budget_us});
    };
    for (const auto& line : parts_->ledger.lines()) add(line.name, line.us, line.budget_us);
    for (const auto& link : parts_->file.stages) {
        for (const auto& part : link.stage->parts()) {
            add(link.name + ": " + part.name, part.histogram->distribution_us(), part.budget_us);
        }
    }
    return result;
}

}  // namespace sidetone
