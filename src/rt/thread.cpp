// SPDX-License-Identifier: Apache-2.0
#include "rt/thread.hpp"

#include <pthread.h>
#include <sched.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <future>
#include <memory>
#include <utility>

#if defined(__linux__)
#include <sys/prctl.h>
#include <sys/syscall.h>
#endif
#if defined(__x86_64__) || defined(__i386__)
#include <xmmintrin.h>
#endif

namespace sidetone::rt {
namespace {

struct SetUp {
    int kernel_id = 0;
    int priority = 0;  // granted; 0: ordinary scheduling
    std::string warning;
};

constexpr int kMostRealtimePriority = 99;

bool set_fifo(int priority) noexcept {
    sched_param parameters{};
    parameters.sched_priority = priority;
    return pthread_setschedparam(pthread_self(), SCHED_FIFO, &parameters) == 0;
}

/// Highest priority the user may set, found in the limits; no more than 99.
int priority_limit() noexcept {
#if defined(RLIMIT_RTPRIO)
    rlimit limit{};
    if (getrlimit(RLIMIT_RTPRIO, &limit) != 0) return 0;
    return static_cast<int>(std::min<rlim_t>(limit.rlim_cur, kMostRealtimePriority));
#else
    return kMostRealtimePriority;
#endif
}

void add_warning(SetUp& done, const std::string& warning) {
    if (!done.warning.empty()) done.warning += "; ";
    done.warning += warning;
}

void schedule(SetUp& done, int priority) {
    if (priority <= 0) {
        // A thread inherits its maker's policy, which may be real-time.
        const sched_param ordinary{};
        pthread_setschedparam(pthread_self(), SCHED_OTHER, &ordinary);
        return;
    }
    priority = std::min(priority, kMostRealtimePriority);
    if (set_fifo(priority)) {
        done.priority = priority;
        return;
    }
    const int limit = priority_limit();
    if (limit > 0 && set_fifo(std::min(limit, priority))) done.priority = std::min(limit, priority);
#if defined(__linux__)
    // Ordinary threads are woken up to 50 us late to save power, unless they ask not to be.
    if (done.priority == 0) prctl(PR_SET_TIMERSLACK, 1UL);
#endif
    const std::string refused = "cannot use real-time priority " + std::to_string(priority) + " (limit " +
                                std::to_string(limit) + "): blocks may come late under load; raise it with: ";
    const bool limit_is_the_cause = limit < priority;
    add_warning(done, refused +
                          (limit_is_the_cause ? "sudo prlimit --pid $$ --rtprio=95"
                                              : "sudo sysctl kernel.sched_rt_runtime_us=950000") +
                          " (see `sidetone doctor`)");
}

void pin(SetUp& done, int core) {
#if defined(__linux__)
    const auto cores = std::max<long>(sysconf(_SC_NPROCESSORS_CONF), 1);
    bool is_pinned = false;
    if (core >= 0 && core < CPU_SETSIZE) {
        cpu_set_t set;
        CPU_ZERO(&set);
        CPU_SET(static_cast<unsigned>(core), &set);
        is_pinned = pthread_setaffinity_np(pthread_self(), sizeof set, &set) == 0;
    }
    if (!is_pinned) {
        add_warning(done, "cannot pin to core " + std::to_string(core) + ": found cores 0 to " +
                              std::to_string(cores - 1) + "; the kernel chooses one (see: taskset -cp $$)");
    }
#else
    add_warning(done, "cannot pin to core " + std::to_string(core) + ": this system does not offer it");
#endif
}

/// Writes to each page of the next `bytes` of stack. The array's address goes where the compiler cannot follow, before
/// and after the inner call, so it must lie on the stack whole and the recursion stays one.
[[gnu::noinline]] void touch_stack(std::size_t bytes) noexcept {
    constexpr std::size_t kChunk = 16 * 1024;
    constexpr std::size_t kPage = 4 * 1024;
    unsigned char chunk[kChunk];
    for (std::size_t at = 0; at < kChunk; at += kPage) chunk[at] = 1;
    asm volatile("" : : "r"(chunk) : "memory");
    if (bytes > kChunk) touch_stack(bytes - kChunk);
    asm volatile("" : : "r"(chunk) : "memory");
}

/// No more than half of the stack, whatever was asked.
std::size_t stack_to_touch(std::size_t asked) noexcept {
    std::size_t stack = 0;
#if defined(__linux__)
    pthread_attr_t attributes;
    if (pthread_getattr_np(pthread_self(), &attributes) != 0) return 0;
    pthread_attr_getstacksize(&attributes, &stack);
    pthread_attr_destroy(&attributes);
#elif defined(__APPLE__)
    stack = pthread_get_stacksize_np(pthread_self());
#endif
    return std::min(asked, stack / 2);
}

void name_thread(const std::string& name) noexcept {
#if defined(__APPLE__)
    pthread_setname_np(name.c_str());
#else
    pthread_setname_np(pthread_self(), name.substr(0, 15).c_str());
#endif
}

SetUp set_up_this_thread(const ThreadSettings& settings) {
    SetUp done;
    done.kernel_id = this_thread_kernel_id();
    name_thread(settings.name);
    if (settings.core) pin(done, *settings.core);
    schedule(done, settings.priority);
    if (const auto bytes = stack_to_touch(settings.stack_prefault); bytes > 0) touch_stack(bytes);
    return done;
}

#if defined(__x86_64__) || defined(__i386__)
constexpr std::uint64_t kFlushBits = 1U << 15 | 1U << 6;  // MXCSR flush-to-zero, denormals-are-zero
std::uint64_t float_control() noexcept {
    return _mm_getcsr();
}
void set_float_control(std::uint64_t value) noexcept {
    _mm_setcsr(static_cast<unsigned>(value));
}
#elif defined(__aarch64__)
constexpr std::uint64_t kFlushBits = 1U << 24;  // FPCR flush-to-zero: inputs and results
std::uint64_t float_control() noexcept {
    std::uint64_t value;
    asm volatile("mrs %0, fpcr" : "=r"(value));
    return value;
}
void set_float_control(std::uint64_t value) noexcept {
    asm volatile("msr fpcr, %0" : : "r"(value) : "memory");
}
#else
constexpr std::uint64_t kFlushBits = 0;
std::uint64_t float_control() noexcept {
    return 0;
}
void set_float_control(std::uint64_t) noexcept {}
#endif

}  // namespace

RealtimeThread::RealtimeThread(const ThreadSettings& settings, std::function<void()> body) {
    std::promise<SetUp> promise;
    auto set_up = promise.get_future();
    thread_ = std::thread([settings, body = std::move(body), promise = std::move(promise)]() mutable {
        promise.set_value(set_up_this_thread(settings));
        const ScopedFlushDenormals flush;
        body();
    });
    auto done = set_up.get();
    kernel_id_ = done.kernel_id;
    priority_ = done.priority;
    warning_ = std::move(done.warning);
}

RealtimeThread::~RealtimeThread() {
    join();
}

RealtimeThread& RealtimeThread::operator=(RealtimeThread&& other) noexcept {
    join();
    thread_ = std::move(other.thread_);
    kernel_id_ = other.kernel_id_;
    priority_ = other.priority_;
    warning_ = std::move(other.warning_);
    return *this;
}

void RealtimeThread::join() {
    if (thread_.joinable()) thread_.join();
}

std::vector<int> allowed_cores() {
    std::vector<int> cores;
#if defined(__linux__)
    cpu_set_t allowed;
    CPU_ZERO(&allowed);
    if (sched_getaffinity(0, sizeof allowed, &allowed) != 0) return cores;
    for (int core = 0; core < CPU_SETSIZE; ++core) {
        if (CPU_ISSET(core, &allowed)) cores.push_back(core);
    }
#endif
    return cores;
}

int this_thread_kernel_id() noexcept {
#if defined(__linux__)
    return static_cast<int>(syscall(SYS_gettid));
#else
    return 0;
#endif
}

void run_below_others() noexcept {
#if defined(__linux__)
    constexpr int kNice = 10;
    setpriority(PRIO_PROCESS, static_cast<id_t>(this_thread_kernel_id()), kNice);
#endif
}

bool may_use_realtime_priority() noexcept {
    try {
        return RealtimeThread({.name = "sidetone-try", .priority = 1, .core = {}, .stack_prefault = 0}, [] {})
            .is_realtime();
    } catch (...) {
        return false;
    }
}

ScopedFlushDenormals::ScopedFlushDenormals() noexcept : outer_(float_control()) {
    set_float_control(outer_ | kFlushBits);
}

ScopedFlushDenormals::~ScopedFlushDenormals() {
    set_float_control(outer_);
}

}  // namespace sidetone::rt
