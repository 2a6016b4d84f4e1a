// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "rt/guard.hpp"

namespace sidetone::rt {

/// What the interposer offers to the guard. A table of functions, because the one lives in the program and the other
/// may live in the shared library, which must load without it.
struct Interposer {
    /// Sets the calling thread's kind and returns the one before.
    RealtimeKind (*exchange_kind)(RealtimeKind kind) noexcept;
    RealtimeCounts (*counts)(RealtimeKind kind) noexcept;
    void (*reset_counts)() noexcept;
    void (*trap_on_violation)(bool on) noexcept;
};

}  // namespace sidetone::rt

/// Defined by rt/interposer.cpp in programs that link it; the guard refers to it weakly.
extern "C" [[gnu::visibility("default")]] const sidetone::rt::Interposer* sidetone_interposer() noexcept;
