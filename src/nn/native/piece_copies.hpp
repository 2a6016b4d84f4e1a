// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <vector>

namespace sidetone::nn::native {

/// Copies pieces of one tensor to places of another, all known at load. Neighbours that stay neighbours are one piece.
class PieceCopies {
public:
    explicit PieceCopies(std::size_t element_bytes) : element_(element_bytes) {}

    /// All in elements. Tensors are bounded so that their elements can be counted in 32 bits.
    void add(std::size_t from, std::size_t to, std::size_t count) {
        if (!pieces_.empty()) {
            auto& last = pieces_.back();
            if (last.from + last.count == from && last.to + last.count == to) {
                last.count += static_cast<std::uint32_t>(count);
                return;
            }
        }
        pieces_.push_back(
            {static_cast<std::uint32_t>(from), static_cast<std::uint32_t>(to), static_cast<std::uint32_t>(count)});
    }

    void operator()(const void* source, void* target) const noexcept {
        switch (element_) {
            case 1:
                return copy(static_cast<const std::uint8_t*>(source), static_cast<std::uint8_t*>(target));
            case 4:
                return copy(static_cast<const std::uint32_t*>(source), static_cast<std::uint32_t*>(target));
            default:
                return copy(static_cast<const std::uint64_t*>(source), static_cast<std::uint64_t*>(target));
        }
    }

private:
    struct Piece {
        std::uint32_t from, to, count;
    };

    template <class T>
    void copy(const T* source, T* target) const noexcept {
        for (const auto& piece : pieces_) {
            if (piece.count == 1) {
                target[piece.to] = source[piece.from];
            } else {
                std::memcpy(target + piece.to, source + piece.from, piece.count * sizeof(T));
            }
        }
    }

    std::vector<Piece> pieces_;
    std::size_t element_;
};

}  // namespace sidetone::nn::native
