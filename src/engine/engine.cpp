// SPDX-License-Identifier: Apache-2.0
#include "engine/engine.hpp"

#include "rt/clock.hpp"
#include "rt/guard.hpp"
#include "rt/thread.hpp"

namespace sidetone::engine {
namespace {

constexpr std::size_t kEvents = 4096;
// Below every card's own thread (JACK's default is 10), above everything that is not real-time.
constexpr int kWorkerPriority = 5;

}  // namespace

Engine::Engine(ChainFile file)
    : file_(std::move(file)), arena_(kEvents * sizeof(rt::Event) + 4096), events_(arena_, kEvents) {
    rt::calibrate_clock();
}

Engine::~Engine() {
    worker_.stop();
}

void Engine::prepare(const device::CardFormat& format) {
    const auto started = rt::monotonic_ns();
    const std::lock_guard lock{mutex_};
    worker_.stop();
    if (chain_ != nullptr) changes_.fetch_add(1, std::memory_order_relaxed);
    chain_.reset();
    format_ = format;
    chain_ = std::make_unique<Chain>(file_, format, ledger_,
                                     Chain::Options{.waiter = &worker_.waiter(), .events = &events_});
    delay_frames_.store(chain_->delay_frames(), std::memory_order_relaxed);
    worker_.start(chain_->work(), kWorkerPriority);
    prepare_ns_.store(rt::monotonic_ns() - started, std::memory_order_relaxed);
}

[[gnu::hot]] void Engine::process(const device::CardBlock& block) noexcept {
    const rt::RealtimeScope scope{rt::RealtimeKind::audio};
    chain_->process(block);
    blocks_.store(blocks_.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
}

void Engine::on_event(device::CardEvent event) noexcept {
    switch (event) {
        case device::CardEvent::xrun:
            xruns_.fetch_add(1, std::memory_order_relaxed);
            return;
        case device::CardEvent::lost:
            lost_.store(true);
            return;
        case device::CardEvent::finished:
            finished_.store(true);
            return;
    }
}

void Engine::change(std::span<const Change> changes) {
    const std::lock_guard lock{mutex_};
    file_.settings.change(changes);
}

void Engine::restore(std::span<const Change> changes) {
    const std::lock_guard lock{mutex_};
    file_.settings.restore(changes);
}

std::vector<float> Engine::take_input_peaks() {
    const std::lock_guard lock{mutex_};
    return chain_ ? chain_->take_input_peaks() : std::vector<float>{};
}

std::vector<float> Engine::take_output_peaks() {
    const std::lock_guard lock{mutex_};
    return chain_ ? chain_->take_output_peaks() : std::vector<float>{};
}

int Engine::worker_id() const {
    const std::lock_guard lock{mutex_};
    return worker_.kernel_id();
}

device::CardFormat Engine::format() const {
    const std::lock_guard lock{mutex_};
    return format_;
}

std::vector<LedgerLine> Engine::ledger() const {
    const std::lock_guard lock{mutex_};
    auto lines = ledger_.lines();
    for (const auto& link : file_.stages) {
        for (const auto& part : link.stage->parts()) {
            lines.push_back({link.name + ": " + part.name, part.histogram->distribution_us(), part.budget_us});
        }
    }
    return lines;
}

std::vector<std::string> Engine::decisions() const {
    const std::lock_guard lock{mutex_};
    std::vector<std::string> result;
    for (const auto& link : file_.stages) {
        if (auto text = link.stage->decision(); !text.empty()) result.push_back(std::move(text));
    }
    return result;
}

std::vector<std::string> Engine::warnings() const {
    const std::lock_guard lock{mutex_};
    std::vector<std::string> result;
    if (!worker_.warning().empty()) result.push_back(worker_.warning());
    if (!arena_.lock_warning().empty()) result.push_back(arena_.lock_warning());
    if (chain_ != nullptr && !chain_->lock_warning().empty()) result.push_back(chain_->lock_warning());
    return result;
}

}  // namespace sidetone::engine
