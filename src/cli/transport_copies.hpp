// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>

namespace sidetone::cli::transport {

/// Samples moved from one memory to another without anything being computed.
struct CopyCount {
    std::uint64_t copies = 0;
    std::uint64_t bytes = 0;

    CopyCount& operator+=(const CopyCount& other) noexcept;
};

/// While alive, every call of memcpy and memmove that the program's own code makes on this thread is added to `count`:
/// what std::copy, the copying of a vector and the erasing of its beginning come down to. nullptr: they are not
/// counted, for work that is no transport. Scopes nest; the inner one counts.
///
/// The calls are caught by the linker (--wrap), so a copy counts whether or not whoever wrote it says so. What shared
/// libraries move inside themselves is not seen; moves so small that the compiler emits no call are not either.
class CopyScope {
public:
    explicit CopyScope(CopyCount* count) noexcept;
    ~CopyScope();
    CopyScope(const CopyScope&) = delete;
    CopyScope& operator=(const CopyScope&) = delete;

private:
    CopyCount* outer_;
};

/// For copies that no memcpy makes: sample by sample, or inside a shared library.
void count_copy(std::size_t bytes) noexcept;

/// False where the linker cannot catch the calls; the figures are then "not counted", never 0.
[[nodiscard]] bool copies_are_counted() noexcept;

}  // namespace sidetone::cli::transport
