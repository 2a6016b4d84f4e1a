// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <type_traits>
#include <vector>

#include "dsp/aligned_vector.hpp"
#include "rt/mapping.hpp"

namespace sidetone::nn::native {

/// What a run of a program reads, its weights above all, in one piece and in the order of the steps: a network that
/// runs some times a second finds caches and page tables cold, and walks through its weights at the speed of far
/// memory. Pieces are handed out and taken back as a whole. Control thread only.
class ProgramMemory {
public:
    /// `expected_bytes` will be asked for, more or less. Throws std::bad_alloc, as `allocate` does.
    explicit ProgramMemory(std::size_t expected_bytes);
    ~ProgramMemory();
    ProgramMemory(const ProgramMemory&) = delete;
    ProgramMemory& operator=(const ProgramMemory&) = delete;

    /// Starts on a cache line.
    [[nodiscard]] void* allocate(std::size_t bytes);

    /// While one lives, copies of `ProgramVector`s made by its thread lie in `memory`; they must not outlive that.
    class Scope {
    public:
        explicit Scope(ProgramMemory& memory) noexcept;
        ~Scope();
        Scope(const Scope&) = delete;
        Scope& operator=(const Scope&) = delete;

    private:
        ProgramMemory* before_;
    };
    /// Null outside of scopes.
    [[nodiscard]] static ProgramMemory* current() noexcept;

private:
    void add_piece(std::size_t bytes);

    std::vector<rt::Mapping> pieces_;
    std::size_t used_ = 0;  ///< of the last piece
};

/// Gives memory that starts on a cache line: a program's, or the heap's where it has none.
template <class T>
struct ProgramAllocator {
    using value_type = T;
    // NOLINTNEXTLINE(readability-identifier-naming): the name that containers look for
    using propagate_on_container_move_assignment = std::true_type;

    ProgramMemory* memory = nullptr;

    ProgramAllocator() = default;
    explicit ProgramAllocator(ProgramMemory* from) noexcept : memory(from) {}
    template <class U>
    // NOLINTNEXTLINE(google-explicit-constructor): allocators convert
    ProgramAllocator(const ProgramAllocator<U>& other) noexcept : memory(other.memory) {}

    [[nodiscard]] T* allocate(std::size_t count) {
        return memory == nullptr ? dsp::CacheLineAllocator<T>{}.allocate(count)
                                 : static_cast<T*>(memory->allocate(count * sizeof(T)));
    }
    void deallocate(T* at, std::size_t count) noexcept {
        if (memory == nullptr) dsp::CacheLineAllocator<T>{}.deallocate(at, count);
    }
    [[nodiscard]] ProgramAllocator select_on_container_copy_construction() const {
        return ProgramAllocator{ProgramMemory::current()};
    }

    friend bool operator==(const ProgramAllocator& a, const ProgramAllocator& b) noexcept = default;
};

template <class T>
using ProgramVector = std::vector<T, ProgramAllocator<T>>;

}  // namespace sidetone::nn::native
