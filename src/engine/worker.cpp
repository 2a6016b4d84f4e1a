// SPDX-License-Identifier: Apache-2.0
#include "engine/worker.hpp"

#include "rt/guard.hpp"

#include <functional>

namespace sidetone::engine {
namespace {

constexpr std::int64_t kSpinNs = 200'000;        // a bounded share of any hop; the kernel throttles endless spinning
constexpr std::int64_t kTimeoutNs = 50'000'000;  // to look around even when nothing comes

}  // namespace

void Worker::start(std::vector<stage::WorkSource*> sources, int priority) {
    stop();
    sources_ = std::move(sources);
    if (sources_.empty()) return;
    rt::ThreadSettings settings;
    settings.name = "st-worker";
    settings.priority = priority;
    thread_ = rt::RealtimeThread{settings, [this] { run(); }};
}

void Worker::stop() noexcept {
    if (!thread_.joinable()) return;
    waiter_->stop();
    thread_.join();
    waiter_ = std::make_unique<rt::PredictiveWaiter>();
}

[[gnu::hot]] void Worker::run() noexcept {
    const std::function<void(const rt::Rehearsal&)> go_through_it = [this](const rt::Rehearsal& rehearsal) {
        rehearse(rehearsal);
    };
    while (!waiter_->stopped()) {
        if (!work()) waiter_->wait(kTimeoutNs, kSpinNs, go_through_it);
    }
}

[[gnu::hot]] bool Worker::work() noexcept {
    const rt::RealtimeScope scope{rt::RealtimeKind::worker};
    bool worked = false;
    for (auto* source : sources_) {
        while (source->run_next()) worked = true;
    }
    return worked;
}

// Work that is looked for in vain just before it is due is then found, and done, with warm caches.
[[gnu::hot]] void Worker::rehearse(const rt::Rehearsal& rehearsal) noexcept {
    {
        const rt::RealtimeScope scope{rt::RealtimeKind::worker};
        for (auto* source : sources_) source->rehearse(rehearsal);
    }
    (void)work();
}

}  // namespace sidetone::engine
