// SPDX-License-Identifier: Apache-2.0
#include "rt/mirrored_ring.hpp"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cstring>
#include <limits>
#include <new>
#include <numeric>
#include <string>
#include <utility>

namespace sidetone::rt {
namespace {

/// A file without a name that holds `bytes` of memory, or -1.
int open_anonymous_memory(std::size_t bytes) noexcept {
#if defined(__linux__)
    const int file = memfd_create("sidetone-ring", MFD_CLOEXEC);
#else
    static std::atomic<unsigned> serial{0};
    const std::string name = "/sidetone-" + std::to_string(getpid()) + "-" + std::to_string(serial.fetch_add(1));
    const int file = shm_open(name.c_str(), O_RDWR | O_CREAT | O_EXCL, 0600);
    if (file >= 0) shm_unlink(name.c_str());
#endif
    if (file >= 0 && ftruncate(file, static_cast<off_t>(bytes)) != 0) {
        close(file);
        return -1;
    }
    return file;
}

/// The first `bytes` of `file` mapped twice in a row, or nullptr.
void* map_twice(int file, std::size_t bytes) noexcept {
    // Reserving the whole stretch first keeps other threads' mappings out of the second half.
    void* reserved = mmap(nullptr, 2 * bytes, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (reserved == MAP_FAILED) return nullptr;
    auto* first = static_cast<std::byte*>(reserved);
    for (std::byte* half : {first, first + bytes}) {
        if (mmap(half, bytes, PROT_READ | PROT_WRITE, MAP_FIXED | MAP_SHARED, file, 0) == MAP_FAILED) {
            munmap(reserved, 2 * bytes);
            return nullptr;
        }
    }
    return reserved;
}

std::size_t round_up(std::size_t value, std::size_t step) {
    constexpr auto kLimit = std::numeric_limits<std::size_t>::max() / (4 * sizeof(float));
    if (step == 0 || value > kLimit || step > kLimit) throw std::bad_alloc{};
    return (value + step - 1) / step * step;
}

}  // namespace

MirroredRing::MirroredRing(std::size_t capacity, std::size_t multiple_of) {
    const std::size_t page = static_cast<std::size_t>(sysconf(_SC_PAGESIZE)) / sizeof(float);
    const std::size_t step = std::lcm(page, std::max<std::size_t>(multiple_of, 1));
    capacity_ = round_up(std::max<std::size_t>(capacity, 1), step);
    const std::size_t bytes = capacity_ * sizeof(float);
    const int file = open_anonymous_memory(bytes);
    if (file < 0) throw std::bad_alloc{};
    base_ = static_cast<float*>(map_twice(file, bytes));
    close(file);
    if (base_ == nullptr) throw std::bad_alloc{};
    // Best effort: the arena, which is larger, is where a missing right is told.
    static_cast<void>(mlock(base_, 2 * bytes));
    // Both halves are touched: each has page-table entries of its own.
    std::memset(base_, 0, 2 * bytes);
}

MirroredRing::~MirroredRing() {
    if (base_ != nullptr) munmap(base_, 2 * capacity_ * sizeof(float));
}

MirroredRing::MirroredRing(MirroredRing&& other) noexcept
    : base_(std::exchange(other.base_, nullptr)), capacity_(std::exchange(other.capacity_, 0)) {}

MirroredRing& MirroredRing::operator=(MirroredRing&& other) noexcept {
    std::swap(base_, other.base_);
    std::swap(capacity_, other.capacity_);
    return *this;
}

void MirroredRing::clear() noexcept {
    std::memset(base_, 0, capacity_ * sizeof(float));
}

}  // namespace sidetone::rt
