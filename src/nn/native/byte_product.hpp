// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <limits>
#include <optional>
#include <span>
#include <string_view>
#include <type_traits>
#include <utility>

#include "nn/native/epilogue.hpp"
#include "nn/native/packed_bytes.hpp"
#include "nn/native/program_memory.hpp"
#include "nn/native/quantize_kernels.hpp"

namespace sidetone::nn::native {

/// Floats that become bytes of a range of their own in each run, as DynamicQuantizeLinear makes them.
struct FloatSource {
    [[nodiscard]] static constexpr std::size_t reads() noexcept { return 1; }
    [[nodiscard]] static Quantization quantization(void* const* p, std::size_t count) noexcept {
        return quantization_of(static_cast<const float*>(p[0]), count);
    }
    static void load(const void* x, std::size_t first, std::size_t count, Quantization q, std::uint8_t* to) noexcept {
        quantize(static_cast<const float*>(x) + first, count, q, to);
    }
};

/// Bytes, with or without a sign, which are given one for the product by moving them and their zero point.
template <class T>
struct ByteSource {
    std::int32_t zero_point = 0;
    bool reads_zero_point = false;  ///< which is operand 1 then
    static constexpr std::int32_t kShift = std::is_signed_v<T> ? 128 : 0;

    [[nodiscard]] std::size_t reads() const noexcept { return reads_zero_point ? 2 : 1; }
    [[nodiscard]] Quantization quantization(void* const* p, std::size_t /*count*/) const noexcept {
        return {1.0F, kShift + (reads_zero_point ? std::int32_t{*static_cast<const T*>(p[1])} : zero_point)};
    }
    static void load(const void* x, std::size_t first, std::size_t count, Quantization /*q*/,
                     std::uint8_t* to) noexcept {
        const auto* from = static_cast<const std::uint8_t*>(x) + first;
        if constexpr (std::is_signed_v<T>) {
            for (std::size_t i = 0; i < count; ++i) to[i] = from[i] ^ std::uint8_t{0x80};
        } else {
            std::memcpy(to, from, count);
        }
    }
};

/// Sums as they are.
struct IntegerResult {
    using Out = std::int32_t;
    static void store(std::int32_t* sums, std::size_t /*first*/, std::size_t rows, float /*scale*/, Out* out,
                      std::size_t step) noexcept {
        for (std::size_t row = 0; row < rows; ++row) out[row * step] = sums[row];
    }
};

/// sum·scale of the input·scale of the row + shift of the row, and no less than `lower_bound`.
struct FloatResult {
    using Out = float;
    ProgramVector<float> scales, shifts;
    float lower_bound = -std::numeric_limits<float>::infinity();

    /// Does what the step behind would: adds to each of the rows, which are channels along `axis`, or cuts at 0. False,
    /// with nothing done, where it is neither.
    [[nodiscard]] bool absorb(const Epilogue& epilogue, Epilogue::Channels axis) {
        if (lower_bound == 0.0F) return false;
        if (epilogue.is_rectifier()) {
            lower_bound = 0.0F;
            return true;
        }
        if (!epilogue.is_bias_of(axis, shifts.size())) return false;
        const auto& more = epilogue.shift;
        for (std::size_t i = 0; i < shifts.size(); ++i) shifts[i] += more[more.size() == 1 ? 0 : i];
        return true;
    }
    void store(std::int32_t* sums, std::size_t first, std::size_t rows, float scale, Out* out,
               std::size_t step) const noexcept {
        if (step == 1) return scale_sums(sums, rows, &scales[first], scale, &shifts[first], lower_bound, out);
        auto* scaled = reinterpret_cast<float*>(sums);
        scale_sums(sums, rows, &scales[first], scale, &shifts[first], lower_bound, scaled);
        for (std::size_t row = 0; row < rows; ++row) out[row * step] = scaled[row];
    }
};

/// sum·scale of the row, to the nearest whole number, plus the zero point; clipped.
template <class T>
struct ByteResult {
    using Out = T;
    ProgramVector<float> scales, no_shifts;
    std::int32_t zero_point = 0;

    void store(std::int32_t* sums, std::size_t first, std::size_t rows, float /*scale*/, Out* out,
               std::size_t step) const noexcept {
        auto* scaled = reinterpret_cast<float*>(sums);
        scale_sums(sums, rows, &scales[first], 1.0F, &no_shifts[first], -std::numeric_limits<float>::infinity(),
                   scaled);
        if (step == 1) return quantize(scaled, rows, {1.0F, zero_point}, out);
        std::array<T, 64> part{};
        for (std::size_t at = 0; at < rows; at += part.size()) {
            const auto count = std::min(part.size(), rows - at);
            quantize(scaled + at, count, {1.0F, zero_point}, part.data());
            for (std::size_t i = 0; i < count; ++i) out[(at + i) * step] = part[i];
        }
    }
};

/// `kernel` with an epilogue, where its result can do it; looks before it copies the weights.
template <class Kernel>
std::optional<Kernel> absorbing(const Kernel& kernel, const Epilogue& epilogue, Epilogue::Channels axis) {
    if constexpr (std::is_same_v<decltype(kernel.result), FloatResult>) {
        auto result = kernel.result;
        if (!result.absorb(epilogue, axis)) return std::nullopt;
        auto made = kernel;
        made.result = std::move(result);
        return made;
    } else {
        return std::nullopt;
    }
}

/// Products of a constant matrix of bytes with `count` vectors that lie one behind the other. Operands: what the source
/// reads; then the output, and scratch for the vectors' bytes and for the sums.
template <class Source, class Result>
struct ByteProductKernel {
    Source source;
    Result result;
    PackedBytes weights;
    std::size_t count = 1;

    [[nodiscard]] std::uint64_t multiply_adds() const noexcept { return count * weights.rows() * weights.inner(); }
    [[nodiscard]] std::size_t weight_bytes() const noexcept { return weights.bytes(); }
    [[nodiscard]] static std::string_view weight_type() noexcept { return "int8"; }
    [[nodiscard]] std::optional<ByteProductKernel> with(const Epilogue& epilogue) const {
        return absorbing(*this, epilogue, Epilogue::Channels::last_axis);
    }
    void operator()(void* const* p) const noexcept {
        const auto inner = weights.inner();
        const auto rows = weights.rows();
        const auto stride = weights.padded_inner();
        auto* const* writes = p + source.reads();
        auto* out = static_cast<typename Result::Out*>(writes[0]);
        auto* bytes = static_cast<std::uint8_t*>(writes[1]);
        auto* sums = static_cast<std::int32_t*>(writes[2]);
        const auto q = source.quantization(p, count * inner);
        for (std::size_t v = 0; v < count; ++v) source.load(p[0], v * inner, inner, q, bytes + v * stride);
        weights.multiply({bytes, stride, count, q.zero_point}, sums);
        for (std::size_t v = 0; v < count; ++v) {
            result.store(sums + v * weights.padded_rows(), 0, rows, q.scale, out + v * rows, 1);
        }
    }
};

}  // namespace sidetone::nn::native
