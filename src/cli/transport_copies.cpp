// SPDX-License-Identifier: Apache-2.0
#include "cli/transport_copies.hpp"

#include <utility>

namespace sidetone::cli::transport {
namespace {

constinit thread_local CopyCount* current_count = nullptr;

}  // namespace

CopyCount& CopyCount::operator+=(const CopyCount& other) noexcept {
    copies += other.copies;
    bytes += other.bytes;
    return *this;
}

CopyScope::CopyScope(CopyCount* count) noexcept : outer_(std::exchange(current_count, count)) {}

CopyScope::~CopyScope() {
    current_count = outer_;
}

void count_copy(std::size_t bytes) noexcept {
    if (current_count == nullptr) return;
    ++current_count->copies;
    current_count->bytes += bytes;
}

bool copies_are_counted() noexcept {
#if defined(SIDETONE_COUNTS_COPIES)
    return true;
#else
    return false;
#endif
}

}  // namespace sidetone::cli::transport

#if defined(SIDETONE_COUNTS_COPIES)

// The names are the linker's: --wrap=f sends calls of f to __wrap_f, and __real_f is f itself. The _chk forms are what
// a compiler with _FORTIFY_SOURCE calls.
// NOLINTBEGIN(bugprone-reserved-identifier,readability-identifier-naming)
extern "C" {
void* __real_memcpy(void* to, const void* from, std::size_t bytes);
void* __real_memmove(void* to, const void* from, std::size_t bytes);
void* __real___memcpy_chk(void* to, const void* from, std::size_t bytes, std::size_t room);
void* __real___memmove_chk(void* to, const void* from, std::size_t bytes, std::size_t room);

void* __wrap_memcpy(void* to, const void* from, std::size_t bytes) {
    sidetone::cli::transport::count_copy(bytes);
    return __real_memcpy(to, from, bytes);
}

void* __wrap_memmove(void* to, const void* from, std::size_t bytes) {
    sidetone::cli::transport::count_copy(bytes);
    return __real_memmove(to, from, bytes);
}

void* __wrap___memcpy_chk(void* to, const void* from, std::size_t bytes, std::size_t room) {
    sidetone::cli::transport::count_copy(bytes);
    return __real___memcpy_chk(to, from, bytes, room);
}

void* __wrap___memmove_chk(void* to, const void* from, std::size_t bytes, std::size_t room) {
    sidetone::cli::transport::count_copy(bytes);
    return __real___memmove_chk(to, from, bytes, room);
}
}
// NOLINTEND(bugprone-reserved-identifier,readability-identifier-naming)

#endif
