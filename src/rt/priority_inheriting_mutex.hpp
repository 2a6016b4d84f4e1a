// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <pthread.h>

namespace sidetone::rt {

/// For data that threads of different priorities share, none of them the audio thread: whoever holds it runs at the
/// highest priority of those that wait for it, so that an ordinary thread that was put aside does not keep a real-time
/// one waiting. A plain mutex where the system knows no such thing. For std::lock_guard and the like.
class PriorityInheritingMutex {
public:
    PriorityInheritingMutex() noexcept {
        pthread_mutexattr_t attributes;
        pthread_mutexattr_init(&attributes);
        pthread_mutexattr_setprotocol(&attributes, PTHREAD_PRIO_INHERIT);
        if (pthread_mutex_init(&mutex_, &attributes) != 0) pthread_mutex_init(&mutex_, nullptr);
        pthread_mutexattr_destroy(&attributes);
    }
    ~PriorityInheritingMutex() { pthread_mutex_destroy(&mutex_); }
    PriorityInheritingMutex(const PriorityInheritingMutex&) = delete;
    PriorityInheritingMutex& operator=(const PriorityInheritingMutex&) = delete;

    void lock() noexcept { pthread_mutex_lock(&mutex_); }
    void unlock() noexcept { pthread_mutex_unlock(&mutex_); }

private:
    pthread_mutex_t mutex_{};
};

}  // namespace sidetone::rt
