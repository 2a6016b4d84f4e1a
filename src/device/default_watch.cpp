// SPDX-License-Identifier: Apache-2.0
#include "device/default_watch.hpp"

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <thread>
#include <utility>

namespace sidetone::device {

struct DefaultWatch::Shared {
    std::mutex guard;
    std::condition_variable changed;
    bool ends = false;
    std::atomic<bool> moved{false};

    /// False once it is to end.
    bool nap() {
        std::unique_lock lock(guard);
        return !changed.wait_for(lock, std::chrono::seconds{1}, [this] { return ends; });
    }
};

DefaultWatch::DefaultWatch(std::function<bool()> has_moved) : shared_(std::make_shared<Shared>()) {
    std::thread([shared = shared_, has_moved = std::move(has_moved)] {
        while (!shared->moved.load(std::memory_order_relaxed) && shared->nap()) shared->moved = has_moved();
    }).detach();
}

DefaultWatch::~DefaultWatch() {
    {
        const std::lock_guard lock(shared_->guard);
        shared_->ends = true;
    }
    shared_->changed.notify_all();
}

bool DefaultWatch::has_moved() const noexcept {
    return shared_->moved.load(std::memory_order_relaxed);
}

}  // namespace sidetone::device
