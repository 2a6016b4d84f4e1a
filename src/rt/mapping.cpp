// SPDX-License-Identifier: Apache-2.0
#include "rt/mapping.hpp"

#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <new>
#include <utility>

namespace sidetone::rt {
namespace {

std::byte* map(std::size_t bytes) {
    void* mapping = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (mapping == MAP_FAILED) throw std::bad_alloc{};
    return static_cast<std::byte*>(mapping);
}

std::byte* map_hugely(std::size_t bytes) {
    if (bytes > SIZE_MAX - kHugePage) throw std::bad_alloc{};
    std::byte* whole = map(bytes + kHugePage);
    const std::size_t before = (kHugePage - reinterpret_cast<std::uintptr_t>(whole) % kHugePage) % kHugePage;
    if (before > 0) munmap(whole, before);
    munmap(whole + before + bytes, kHugePage - before);
    madvise(whole + before, bytes, MADV_HUGEPAGE);
    return whole + before;
}

}  // namespace

Mapping::Mapping(std::size_t bytes) {
    const auto page = static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
    if (bytes > SIZE_MAX - page) throw std::bad_alloc{};
    bytes_ = (std::max<std::size_t>(bytes, 1) + page - 1) / page * page;
    data_ = bytes_ >= kHugePage ? map_hugely(bytes_) : map(bytes_);
}

Mapping::~Mapping() {
    if (data_ != nullptr) munmap(data_, bytes_);
}

Mapping::Mapping(Mapping&& other) noexcept
    : data_(std::exchange(other.data_, nullptr)), bytes_(std::exchange(other.bytes_, 0)) {}

Mapping& Mapping::operator=(Mapping&& other) noexcept {
    std::swap(data_, other.data_);
    std::swap(bytes_, other.bytes_);
    return *this;
}

}  // namespace sidetone::rt
