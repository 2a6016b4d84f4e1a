// SPDX-License-Identifier: Apache-2.0
#include "rt/guard.hpp"

#include "rt/interposer.hpp"

#if defined(__ELF__)
// NOLINTNEXTLINE(readability-redundant-declaration): here, and only here, the reference is weak
extern "C" [[gnu::weak]] const sidetone::rt::Interposer* sidetone_interposer() noexcept;
#endif

namespace sidetone::rt {
namespace {

const Interposer* interposer() noexcept {
#if defined(__ELF__)
    return sidetone_interposer != nullptr ? sidetone_interposer() : nullptr;
#else
    return nullptr;
#endif
}

}  // namespace

[[gnu::hot]] RealtimeScope::RealtimeScope(RealtimeKind kind) noexcept : outer_(RealtimeKind::none) {
    if (const auto* present = interposer()) outer_ = present->exchange_kind(kind);
}

[[gnu::hot]] RealtimeScope::~RealtimeScope() {
    if (const auto* present = interposer()) present->exchange_kind(outer_);
}

bool interposer_is_present() noexcept {
    return interposer() != nullptr;
}

RealtimeCounts realtime_counts(RealtimeKind kind) noexcept {
    const auto* present = interposer();
    return present != nullptr ? present->counts(kind) : RealtimeCounts{};
}

void reset_realtime_counts() noexcept {
    if (const auto* present = interposer()) present->reset_counts();
}

void trap_on_violation(bool on) noexcept {
    if (const auto* present = interposer()) present->trap_on_violation(on);
}

}  // namespace sidetone::rt
