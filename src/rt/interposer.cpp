// SPDX-License-Identifier: Apache-2.0
//
// Takes the place of malloc and of the pthread calls that may block, for the whole process: a program's own symbols
// come before those of the C library for every shared library it loads. Each forwards, and is counted when the
// calling thread is inside a RealtimeScope. glibc only; sanitizers bring interposers of their own, so beneath
// one this file is empty.
#include "rt/interposer.hpp"

#include <cstdlib>

#if defined(__GLIBC__) && !defined(SIDETONE_SANITIZED)

#include <dlfcn.h>
#include <pthread.h>
#include <semaphore.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <bit>
#include <cerrno>
#include <cstring>
#include <string_view>

namespace sidetone::rt {
namespace {

struct Counters {
    std::atomic<std::uint64_t> heap_calls{0};
    std::atomic<std::uint64_t> locks{0};
};

constinit std::array<Counters, 3> counters{};
constinit std::atomic<bool> trap_is_set{false};
// Initial-exec: reading it must never allocate, for malloc itself reads it.
[[gnu::tls_model("initial-exec")]] constinit thread_local RealtimeKind current_kind = RealtimeKind::none;

[[gnu::cold]] void trap(std::string_view message) noexcept {
    current_kind = RealtimeKind::none;
    [[maybe_unused]] const auto written = write(STDERR_FILENO, message.data(), message.size());
    std::abort();
}

[[gnu::cold]] void count_in_scope(std::atomic<std::uint64_t> Counters::*which, std::string_view message) noexcept {
    const auto kind = current_kind;
    (counters[static_cast<std::size_t>(kind)].*which).fetch_add(1, std::memory_order_relaxed);
    if (kind == RealtimeKind::audio && trap_is_set.load(std::memory_order_relaxed)) trap(message);
}

inline void count_heap_call() noexcept {
    if (current_kind == RealtimeKind::none) [[likely]]
        return;
    count_in_scope(&Counters::heap_calls, "sidetone: heap call in an audio scope\n");
}

inline void count_lock() noexcept {
    if (current_kind == RealtimeKind::none) [[likely]]
        return;
    count_in_scope(&Counters::locks, "sidetone: lock in an audio scope\n");
}

RealtimeKind exchange_kind(RealtimeKind kind) noexcept {
    const auto outer = current_kind;
    current_kind = kind;
    return outer;
}

RealtimeCounts counts_of(RealtimeKind kind) noexcept {
    const auto& counter = counters[static_cast<std::size_t>(kind)];
    return {.heap_calls = counter.heap_calls.load(std::memory_order_relaxed),
            .locks = counter.locks.load(std::memory_order_relaxed)};
}

void reset_counts() noexcept {
    for (auto& counter : counters) {
        counter.heap_calls.store(0, std::memory_order_relaxed);
        counter.locks.store(0, std::memory_order_relaxed);
    }
}

void set_trap(bool on) noexcept {
    trap_is_set.store(on, std::memory_order_relaxed);
}

constexpr Interposer kInterposer{
    .exchange_kind = exchange_kind, .counts = counts_of, .reset_counts = reset_counts, .trap_on_violation = set_trap};

/// The C library's function behind one of ours, looked up at start or, for calls before that, at its first use (the
/// dynamic linker takes no lock through the symbols replaced here, so that does not recurse).
template <class Function>
class Forward {
public:
    explicit constexpr Forward(const char* name) noexcept : name_(name) {}

    void resolve() noexcept {
        // Condition variables exist twice on x86: a plain look-up may find the ones of before glibc 2.3.2.
        const bool is_versioned = std::string_view{name_}.starts_with("pthread_cond_");
        void* found = is_versioned ? dlvsym(RTLD_NEXT, name_, "GLIBC_2.3.2") : nullptr;
        if (found == nullptr) found = dlsym(RTLD_NEXT, name_);
        function_.store(std::bit_cast<Function*>(found), std::memory_order_relaxed);
    }

    template <class... Arguments>
    int operator()(Arguments... arguments) noexcept(false) {
        auto* function = function_.load(std::memory_order_relaxed);
        if (function == nullptr) [[unlikely]] {
            resolve();
            function = function_.load(std::memory_order_relaxed);
            if (function == nullptr) return ENOSYS;
        }
        return function(arguments...);
    }

private:
    const char* name_;
    std::atomic<Function*> function_{nullptr};
};

using Mutex = pthread_mutex_t;
using ReadWriteLock = pthread_rwlock_t;
using Condition = pthread_cond_t;
using Time = const timespec;

constinit Forward<int(Mutex*)> mutex_lock{"pthread_mutex_lock"};
constinit Forward<int(Mutex*)> mutex_trylock{"pthread_mutex_trylock"};
constinit Forward<int(Mutex*, Time*)> mutex_timedlock{"pthread_mutex_timedlock"};
constinit Forward<int(Mutex*, clockid_t, Time*)> mutex_clocklock{"pthread_mutex_clocklock"};
constinit Forward<int(ReadWriteLock*)> rwlock_rdlock{"pthread_rwlock_rdlock"};
constinit Forward<int(ReadWriteLock*)> rwlock_tryrdlock{"pthread_rwlock_tryrdlock"};
constinit Forward<int(ReadWriteLock*, Time*)> rwlock_timedrdlock{"pthread_rwlock_timedrdlock"};
constinit Forward<int(ReadWriteLock*, clockid_t, Time*)> rwlock_clockrdlock{"pthread_rwlock_clockrdlock"};
constinit Forward<int(ReadWriteLock*)> rwlock_wrlock{"pthread_rwlock_wrlock"};
constinit Forward<int(ReadWriteLock*)> rwlock_trywrlock{"pthread_rwlock_trywrlock"};
constinit Forward<int(ReadWriteLock*, Time*)> rwlock_timedwrlock{"pthread_rwlock_timedwrlock"};
constinit Forward<int(ReadWriteLock*, clockid_t, Time*)> rwlock_clockwrlock{"pthread_rwlock_clockwrlock"};
constinit Forward<int(pthread_spinlock_t*)> spin_lock{"pthread_spin_lock"};
constinit Forward<int(pthread_spinlock_t*)> spin_trylock{"pthread_spin_trylock"};
constinit Forward<int(Condition*, Mutex*)> cond_wait{"pthread_cond_wait"};
constinit Forward<int(Condition*, Mutex*, Time*)> cond_timedwait{"pthread_cond_timedwait"};
constinit Forward<int(Condition*, Mutex*, clockid_t, Time*)> cond_clockwait{"pthread_cond_clockwait"};
constinit Forward<int(Condition*)> cond_signal{"pthread_cond_signal"};
constinit Forward<int(Condition*)> cond_broadcast{"pthread_cond_broadcast"};
constinit Forward<int(sem_t*)> semaphore_wait{"sem_wait"};
constinit Forward<int(sem_t*)> semaphore_trywait{"sem_trywait"};
constinit Forward<int(sem_t*, Time*)> semaphore_timedwait{"sem_timedwait"};
constinit Forward<int(sem_t*, clockid_t, Time*)> semaphore_clockwait{"sem_clockwait"};
constinit Forward<int(sem_t*)> semaphore_post{"sem_post"};

template <class... Forwards>
void resolve_all(Forwards&... forwards) noexcept {
    (forwards.resolve(), ...);
}

[[gnu::constructor(101)]] void start() noexcept {
    resolve_all(mutex_lock, mutex_trylock, mutex_timedlock, mutex_clocklock, rwlock_rdlock, rwlock_tryrdlock,
                rwlock_timedrdlock, rwlock_clockrdlock, rwlock_wrlock, rwlock_trywrlock, rwlock_timedwrlock,
                rwlock_clockwrlock, spin_lock, spin_trylock, cond_wait, cond_timedwait, cond_clockwait, cond_signal,
                cond_broadcast, semaphore_wait, semaphore_trywait, semaphore_timedwait, semaphore_clockwait,
                semaphore_post);
    const char* asked = std::getenv("SIDETONE_TRAP");
    set_trap(asked != nullptr && std::strcmp(asked, "1") == 0);
}

}  // namespace
}  // namespace sidetone::rt

#pragma GCC visibility push(default)
extern "C" {

const sidetone::rt::Interposer* sidetone_interposer() noexcept {
    return &sidetone::rt::kInterposer;
}

// ── heap ────────────────────────────────────────────────────────────────────────────────────────

void* __libc_malloc(std::size_t bytes) noexcept;
void* __libc_calloc(std::size_t count, std::size_t bytes) noexcept;
void* __libc_realloc(void* piece, std::size_t bytes) noexcept;
void* __libc_memalign(std::size_t alignment, std::size_t bytes) noexcept;
void* __libc_valloc(std::size_t bytes) noexcept;
void* __libc_pvalloc(std::size_t bytes) noexcept;
void __libc_free(void* piece) noexcept;

void* malloc(std::size_t bytes) noexcept {
    sidetone::rt::count_heap_call();
    return __libc_malloc(bytes);
}

void* calloc(std::size_t count, std::size_t bytes) noexcept {
    sidetone::rt::count_heap_call();
    return __libc_calloc(count, bytes);
}

void* realloc(void* piece, std::size_t bytes) noexcept {
    sidetone::rt::count_heap_call();
    return __libc_realloc(piece, bytes);
}

void free(void* piece) noexcept {
    sidetone::rt::count_heap_call();
    __libc_free(piece);
}

void* memalign(std::size_t alignment, std::size_t bytes) noexcept {
    sidetone::rt::count_heap_call();
    return __libc_memalign(alignment, bytes);
}

void* aligned_alloc(std::size_t alignment, std::size_t bytes) noexcept {
    sidetone::rt::count_heap_call();
    return __libc_memalign(alignment, bytes);
}

int posix_memalign(void** piece, std::size_t alignment, std::size_t bytes) noexcept {
    sidetone::rt::count_heap_call();
    if (!std::has_single_bit(alignment) || alignment % sizeof(void*) != 0) return EINVAL;
    void* made = __libc_memalign(alignment, bytes);
    if (made == nullptr) return ENOMEM;
    *piece = made;
    return 0;
}

void* valloc(std::size_t bytes) noexcept {
    sidetone::rt::count_heap_call();
    return __libc_valloc(bytes);
}

void* pvalloc(std::size_t bytes) noexcept {
    sidetone::rt::count_heap_call();
    return __libc_pvalloc(bytes);
}

// ── locks ───────────────────────────────────────────────────────────────────────────────────────

int pthread_mutex_lock(pthread_mutex_t* mutex) noexcept {
    sidetone::rt::count_lock();
    return sidetone::rt::mutex_lock(mutex);
}

int pthread_mutex_trylock(pthread_mutex_t* mutex) noexcept {
    sidetone::rt::count_lock();
    return sidetone::rt::mutex_trylock(mutex);
}

int pthread_mutex_timedlock(pthread_mutex_t* mutex, const timespec* until) noexcept {
    sidetone::rt::count_lock();
    return sidetone::rt::mutex_timedlock(mutex, until);
}

int pthread_mutex_clocklock(pthread_mutex_t* mutex, clockid_t clock, const timespec* until) noexcept {
    sidetone::rt::count_lock();
    return sidetone::rt::mutex_clocklock(mutex, clock, until);
}

int pthread_rwlock_rdlock(pthread_rwlock_t* lock) noexcept {
    sidetone::rt::count_lock();
    return sidetone::rt::rwlock_rdlock(lock);
}

int pthread_rwlock_tryrdlock(pthread_rwlock_t* lock) noexcept {
    sidetone::rt::count_lock();
    return sidetone::rt::rwlock_tryrdlock(lock);
}

int pthread_rwlock_timedrdlock(pthread_rwlock_t* lock, const timespec* until) noexcept {
    sidetone::rt::count_lock();
    return sidetone::rt::rwlock_timedrdlock(lock, until);
}

int pthread_rwlock_clockrdlock(pthread_rwlock_t* lock, clockid_t clock, const timespec* until) noexcept {
    sidetone::rt::count_lock();
    return sidetone::rt::rwlock_clockrdlock(lock, clock, until);
}

int pthread_rwlock_wrlock(pthread_rwlock_t* lock) noexcept {
    sidetone::rt::count_lock();
    return sidetone::rt::rwlock_wrlock(lock);
}

int pthread_rwlock_trywrlock(pthread_rwlock_t* lock) noexcept {
    sidetone::rt::count_lock();
    return sidetone::rt::rwlock_trywrlock(lock);
}

int pthread_rwlock_timedwrlock(pthread_rwlock_t* lock, const timespec* until) noexcept {
    sidetone::rt::count_lock();
    return sidetone::rt::rwlock_timedwrlock(lock, until);
}

int pthread_rwlock_clockwrlock(pthread_rwlock_t* lock, clockid_t clock, const timespec* until) noexcept {
    sidetone::rt::count_lock();
    return sidetone::rt::rwlock_clockwrlock(lock, clock, until);
}

int pthread_spin_lock(pthread_spinlock_t* lock) noexcept {
    sidetone::rt::count_lock();
    return sidetone::rt::spin_lock(lock);
}

int pthread_spin_trylock(pthread_spinlock_t* lock) noexcept {
    sidetone::rt::count_lock();
    return sidetone::rt::spin_trylock(lock);
}

// ── waits: cancellation points, through which an unwinding thread passes, so not noexcept ─────────

int pthread_cond_wait(pthread_cond_t* condition, pthread_mutex_t* mutex) {
    sidetone::rt::count_lock();
    return sidetone::rt::cond_wait(condition, mutex);
}

int pthread_cond_timedwait(pthread_cond_t* condition, pthread_mutex_t* mutex, const timespec* until) {
    sidetone::rt::count_lock();
    return sidetone::rt::cond_timedwait(condition, mutex, until);
}

int pthread_cond_clockwait(pthread_cond_t* condition, pthread_mutex_t* mutex, clockid_t clock, const timespec* until) {
    sidetone::rt::count_lock();
    return sidetone::rt::cond_clockwait(condition, mutex, clock, until);
}

int pthread_cond_signal(pthread_cond_t* condition) noexcept {
    sidetone::rt::count_lock();
    return sidetone::rt::cond_signal(condition);
}

int pthread_cond_broadcast(pthread_cond_t* condition) noexcept {
    sidetone::rt::count_lock();
    return sidetone::rt::cond_broadcast(condition);
}

int sem_wait(sem_t* semaphore) {
    sidetone::rt::count_lock();
    return sidetone::rt::semaphore_wait(semaphore);
}

int sem_trywait(sem_t* semaphore) noexcept {
    sidetone::rt::count_lock();
    return sidetone::rt::semaphore_trywait(semaphore);
}

int sem_timedwait(sem_t* semaphore, const timespec* until) {
    sidetone::rt::count_lock();
    return sidetone::rt::semaphore_timedwait(semaphore, until);
}

int sem_clockwait(sem_t* semaphore, clockid_t clock, const timespec* until) {
    sidetone::rt::count_lock();
    return sidetone::rt::semaphore_clockwait(semaphore, clock, until);
}

int sem_post(sem_t* semaphore) noexcept {
    sidetone::rt::count_lock();
    return sidetone::rt::semaphore_post(semaphore);
}

}  // extern "C"
#pragma GCC visibility pop

#endif
