// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <cassert>
#include <cstddef>
#include <memory>
#include <utility>
#include <vector>

#include "rt/arena.hpp"
#include "rt/realtime.hpp"

namespace sidetone::rt {

/// Immutable state that a control thread replaces while one audio thread uses it. The audio thread takes the newest by
/// one exchange and thereby says that it has left the one before; the control thread frees that, never the audio
/// thread. What the audio thread never took is freed as soon as there is something newer, so nothing piles up.
///
/// Exactly one control and one audio thread. The audio side is wait-free.
template <class T>
class Published {
    static_assert(std::atomic<const T*>::is_always_lock_free);

public:
    /// `first` is what the audio thread reads until something else is published. Not null.
    explicit Published(std::unique_ptr<const T> first);
    /// No thread may be reading.
    ~Published() = default;
    Published(const Published&) = delete;
    Published& operator=(const Published&) = delete;

    /// Control thread: the audio thread will find `next` (not null) from its next `read` on. Frees what it has left.
    void publish(std::unique_ptr<const T> next);

    /// Control thread: frees what the audio thread has left; returns how many older states it may still be using. The
    /// newest is not counted.
    std::size_t reclaim() noexcept;

    /// Control thread: the newest state.
    [[nodiscard]] const T& newest() const noexcept { return *states_.back(); }

    /// Audio thread, once a block: the newest state, valid until the next `read`.
    [[nodiscard]] const T& read() noexcept SIDETONE_REALTIME;

private:
    std::vector<std::unique_ptr<const T>> states_;  // control thread's; oldest first
    alignas(kCacheLine) std::atomic<const T*> offered_{nullptr};
    alignas(kCacheLine) std::atomic<const T*> in_use_;
    const T* taken_;  // audio thread's
};

// ── definitions ─────────────────────────────────────────────────────────────────────────────────

template <class T>
Published<T>::Published(std::unique_ptr<const T> first) : in_use_(first.get()), taken_(first.get()) {
    assert(first != nullptr);
    states_.push_back(std::move(first));
}

template <class T>
void Published<T>::publish(std::unique_ptr<const T> next) {
    assert(next != nullptr);
    states_.push_back(std::move(next));
    // Release: the state is whole when the audio thread takes it.
    const T* untaken = offered_.exchange(states_.back().get(), std::memory_order_acq_rel);
    if (untaken != nullptr) states_.erase(states_.end() - 2);  // it was the newest
    reclaim();
}

template <class T>
std::size_t Published<T>::reclaim() noexcept {
    // The audio thread uses what it has acknowledged or, between its exchange and its store below, something newer; it
    // never goes back. So all that is older than the acknowledged state is free. The acknowledged one stays in
    // `states_`, so no later state can get its address and be mistaken for it.
    const T* in_use = in_use_.load(std::memory_order_acquire);
    std::size_t left = 0;
    while (states_[left].get() != in_use) ++left;
    states_.erase(states_.begin(), states_.begin() + static_cast<std::ptrdiff_t>(left));
    return states_.size() - 1;
}

template <class T>
const T& Published<T>::read() noexcept {
    if (offered_.load(std::memory_order_relaxed) != nullptr) {
        taken_ = offered_.exchange(nullptr, std::memory_order_acquire);
        // Release: all use of the state before is over when the control thread sees that this one is in use.
        in_use_.store(taken_, std::memory_order_release);
    }
    return *taken_;
}

}  // namespace sidetone::rt
