// SPDX-License-Identifier: Apache-2.0
#include "cli/transport_sidetone.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <complex>
#include <nlohmann/json.hpp>
#include <string_view>
#include <vector>

#include "dsp/overlap_add.hpp"
#include "dsp/real_fft.hpp"
#include "rt/clock.hpp"

namespace sidetone::cli::transport {
namespace {

constexpr std::size_t kEvents = 4096;

engine::ChainFile chain_of(const std::string& model, const std::string& backend, stage::Mode mode) {
    // A JSON string is a TOML string, escapes and all.
    const auto text = fmt::format("[[stage]]\nkind = \"denoise\"\nmodel = {}\nbackend = {}\nmode = \"{}\"\n",
                                  nlohmann::json(model).dump(), nlohmann::json(backend).dump(), stage::to_string(mode));
    return engine::read_chain_text(text, "bench transport", 1);
}

/// What the transforms of one hop move inside themselves.
CopyCount copies_of_front_end(const nn::Manifest& manifest) {
    const std::size_t length = manifest.front_end.length;
    std::vector<float> frame(length), out(manifest.front_end.hop);
    dsp::OverlapAdd overlap{length, manifest.front_end.hop};
    CopyCount count;
    const CopyScope scope{&count};
    overlap.add(frame.data(), out.data());
    for (const auto& graph : manifest.graphs) {
        if (graph.domain == nn::Domain::waveform) continue;
        const CopyScope setting_up{nullptr};
        dsp::RealFft transform{length};
        std::vector<std::complex<float>> spectrum(transform.bins());
        const CopyScope transforming{&count};
        transform.forward(frame.data(), spectrum.data());
        transform.inverse(spectrum.data(), frame.data());
    }
    return count;
}

void take_off(CopyCount& count, const CopyCount& of_one, std::uint64_t times) noexcept {
    count.copies -= std::min(count.copies, of_one.copies * times);
    count.bytes -= std::min(count.bytes, of_one.bytes * times);
}

/// The ledger's histograms belong to objects of this process that are not const; only their owner's view of them is.
void begin_anew(const rt::Histogram* histogram) noexcept {
    const_cast<rt::Histogram*>(histogram)->reset();
}

}  // namespace

SidetonePipeline::SidetonePipeline(const nn::Manifest& manifest, const std::string& model, const std::string& backend,
                                   stage::Mode mode, std::uint32_t rate_hz)
    : mode_(mode),
      file_(chain_of(model, backend, mode)),
      probe_(manifest, backend),
      arithmetic_copies_(copies_of_front_end(manifest)),
      down_(rate_hz, manifest.sample_rate_hz),
      up_(manifest.sample_rate_hz, rate_hz),
      timeline_(down_, up_, manifest.front_end.hop, manifest.front_end.length - manifest.front_end.hop) {
    arithmetic_copies_ += probe_.copies_of_backend();
}

const rt::Histogram* SidetonePipeline::part(const char* name) const {
    const auto parts = file_.stages.front().stage->parts();
    const auto found = std::ranges::find(parts, std::string_view{name}, &stage::StagePart::name);
    return found == parts.end() ? nullptr : found->histogram;
}

// As engine::Engine prepares a chain, but for the look at the worker.
void SidetonePipeline::start(const device::CardFormat& format, Figures& figures) {
    stop();
    figures_ = &figures;
    counts_ = false;
    block_frames_ = format.block_frames;
    frames_in_ = next_hop_ = complete_hops_ = 0;
    hops_submitted_ = hops_done_ = 0;
    foresee_next_block();
    ledger_.emplace();
    events_.reset();
    arena_.emplace(kEvents * sizeof(rt::Event) + 4096);
    events_.emplace(*arena_, kEvents);
    chain_ = std::make_unique<engine::Chain>(file_, format, *ledger_,
                                             engine::Chain::Options{.waiter = &worker_.waiter(), .events = &*events_});
    hand_off_ = part("hand-off");
    inference_ = part("inference");
    std::vector<stage::WorkSource*> sources;
    work_.next_hop = 0;
    for (auto* source : chain_->work()) {
        work_.inner = source;
        sources.push_back(&work_);
    }
    worker_.start(sources, kWorkerPriority);
}

void SidetonePipeline::stop() noexcept {
    worker_.stop();
    if (!chain_) return;
    begin_times_anew();
    if (counts_) {
        ledger_->settle();
        figures_->input_copy.add(ledger_->line("convert in", 0));
        figures_->output_copy.add(ledger_->line("convert out", 0));
        figures_->hand_off.add(*hand_off_);
        figures_->inference.add(*inference_);
    }
    chain_.reset();
}

// ── audio thread ────────────────────────────────────────────────────────────────────────────────

void SidetonePipeline::before_block(const device::CardBlock& block) noexcept {
    for (auto hop = next_hop_; hop < complete_hops_; ++hop) due_of(hop).store(block.due_ns, std::memory_order_relaxed);
}

bool SidetonePipeline::process(const device::CardBlock& block) noexcept {
    chain_->process(block);
    return runs_model_now();
}

void SidetonePipeline::after_block() noexcept {
    if (runs_model_now()) {
        if (is_counting()) {
            figures_->total.record(rt::now_ns() - due_of(next_hop_).load(std::memory_order_relaxed));
            const auto hops = static_cast<std::uint64_t>(complete_hops_ - next_hop_);
            take_off(figures_->audio_copies, arithmetic_copies_, hops);
        }
        note_wrap();
    }
    next_hop_ = complete_hops_;
    hops_submitted_.store(next_hop_, std::memory_order_release);
    foresee_next_block();
}

// Now, so that the next block finds none of this code warm: the stage uses it too.
void SidetonePipeline::foresee_next_block() noexcept {
    frames_in_ += block_frames_;
    while (timeline_.frames_for_hop(complete_hops_) <= frames_in_) ++complete_hops_;
}

void SidetonePipeline::begin_counting() noexcept {
    counts_ = true;
    ledger_->settle();
    for (const auto* line : {"convert in", "convert out"}) ledger_->line(line, 0).reset();
    // Whoever runs the model records the stage's parts.
    wants_new_times_.store(true, std::memory_order_relaxed);
    if (mode_ == stage::Mode::direct) begin_times_anew();
}

// ── whoever runs the model ──────────────────────────────────────────────────────────────────────

void SidetonePipeline::begin_times_anew() noexcept {
    // Read first: a write at every look would take the line from other processors each time.
    if (!wants_new_times_.load(std::memory_order_relaxed)) return;
    wants_new_times_.store(false, std::memory_order_relaxed);
    begin_anew(hand_off_);
    begin_anew(inference_);
}

void SidetonePipeline::note_wrap() noexcept {
    // Runs that only look are processor time that no other pipeline has.
    if (hops_run_++ % kHopsPerWrap != 0) return;
    const auto took = probe_.measure_ns();
    if (is_counting()) figures_->wrap.record(took);
}

bool SidetonePipeline::WatchedWork::run_next() noexcept {
    // Read before looking for work: when there is none then, all of these hops have been taken, or given up as lost.
    const auto submitted = pipeline_.hops_submitted_.load(std::memory_order_acquire);
    pipeline_.begin_times_anew();
    CopyCount copies;
    bool worked = false;
    {
        const CopyScope scope{&copies};
        worked = inner->run_next();
    }
    if (!worked) {
        next_hop = std::max(next_hop, submitted);
        pipeline_.hops_done_.store(next_hop, std::memory_order_release);
        return false;
    }
    const auto due = pipeline_.due_of(next_hop++).load(std::memory_order_relaxed);
    if (pipeline_.is_counting()) {
        pipeline_.figures_->total.record(rt::now_ns() - due);
        take_off(copies, pipeline_.arithmetic_copies_, 1);
        pipeline_.figures_->worker_copies += copies;
    }
    pipeline_.note_wrap();
    pipeline_.hops_done_.store(next_hop, std::memory_order_release);
    return true;
}

void SidetonePipeline::wait_until_idle() noexcept {
    if (mode_ == stage::Mode::direct) return;
    while (hops_done_.load(std::memory_order_acquire) < hops_submitted_.load(std::memory_order_relaxed)) {
        rt::sleep_until_monotonic(rt::monotonic_ns() + 20'000);
    }
}

}  // namespace sidetone::cli::transport
