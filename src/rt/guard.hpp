// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include "rt/realtime.hpp"

namespace sidetone::rt {

/// Which kind of real-time code a thread is in. Counts are kept apart, for the worker may run a backend that
/// allocates while the audio thread never may.
enum class RealtimeKind : std::uint8_t { none, audio, worker };

/// What the interposer saw inside real-time scopes of one kind, over the whole process, since `reset`.
struct RealtimeCounts {
    std::uint64_t heap_calls = 0;  ///< malloc, calloc, realloc, free, aligned variants, new, delete
    std::uint64_t locks = 0;       ///< mutex, read-write lock, spin lock, semaphore and condition-variable calls
};

/// While alive, this thread is inside real-time code of `kind`. Scopes nest; the inner one counts.
///
/// The counting itself is done by the interposer (rt/interposer.cpp), linked into programs, not into the library:
/// it replaces malloc and the pthread lock calls of the whole process. Without it nothing is counted, and
/// `interposer_is_present` says so: a program must then print "not counted", never 0.
class RealtimeScope {
public:
    explicit RealtimeScope(RealtimeKind kind) noexcept SIDETONE_REALTIME;
    ~RealtimeScope();
    RealtimeScope(const RealtimeScope&) = delete;
    RealtimeScope& operator=(const RealtimeScope&) = delete;

private:
    RealtimeKind outer_;
};

[[nodiscard]] bool interposer_is_present() noexcept;
[[nodiscard]] RealtimeCounts realtime_counts(RealtimeKind kind) noexcept;
void reset_realtime_counts() noexcept;

/// When set, the first heap call or lock in an audio scope writes a backtrace-free line to standard error and aborts.
/// For tests and debugging (environment variable SIDETONE_TRAP=1).
void trap_on_violation(bool on) noexcept;

}  // namespace sidetone::rt
