// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstddef>

#include "rt/arena.hpp"
#include "rt/realtime.hpp"

namespace sidetone::rt {

/// The first bytes of a stretch that prefetching asks for: about as many lines as a core can have under way at once.
/// Where there are more, the processor itself follows the stretch once it is being read.
inline constexpr std::size_t kMostBytesPrefetched = 8 * kCacheLine;

/// Asks for the cache lines of memory that is soon to be read or written, and goes on. What another core wrote last
/// takes some 100 ns to come; asked for a few hundred instructions ahead, it is there. Hints: they never fault, and
/// change nothing but the time.
inline void prefetch_for_reading(const void* from, std::size_t bytes) noexcept SIDETONE_REALTIME {
    const auto* at = static_cast<const char*>(from);
    for (std::size_t i = 0; i < std::min(bytes, kMostBytesPrefetched); i += kCacheLine) __builtin_prefetch(at + i, 0);
}

inline void prefetch_for_writing(const void* from, std::size_t bytes) noexcept SIDETONE_REALTIME {
    const auto* at = static_cast<const char*>(from);
    for (std::size_t i = 0; i < std::min(bytes, kMostBytesPrefetched); i += kCacheLine) {
#if defined(__x86_64__)
        // The compiler's own says "for reading" unless built for newer processors; older ones do nothing here.
        asm volatile("prefetchw %0" : : "m"(at[i]));
#else
        __builtin_prefetch(at + i, 1);
#endif
    }
}

}  // namespace sidetone::rt
