// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "rt/thread.hpp"
#include "rt/waiter.hpp"
#include "stage/stage.hpp"

namespace sidetone::engine {

/// The chain's one worker: a real-time thread that does the pipelined stages' work in chain order, and waits for it
/// without costing the audio thread a system call (rt/waiter.hpp). Control thread, but for `waiter`.
class Worker {
public:
    Worker() = default;
    ~Worker() { stop(); }
    Worker(const Worker&) = delete;
    Worker& operator=(const Worker&) = delete;

    /// Runs until `stop`. `sources` must outlive that.
    void start(std::vector<stage::WorkSource*> sources, int priority);
    void stop() noexcept;

    [[nodiscard]] rt::PredictiveWaiter& waiter() noexcept { return *waiter_; }
    [[nodiscard]] int kernel_id() const noexcept { return thread_.kernel_id(); }
    [[nodiscard]] const std::string& warning() const noexcept { return thread_.warning(); }

private:
    void run() noexcept;
    /// All the work that is there; false when there was none.
    [[nodiscard]] bool work() noexcept;
    void rehearse(const rt::Rehearsal& rehearsal) noexcept;

    std::unique_ptr<rt::PredictiveWaiter> waiter_ = std::make_unique<rt::PredictiveWaiter>();
    std::vector<stage::WorkSource*> sources_;
    rt::RealtimeThread thread_;
};

}  // namespace sidetone::engine
