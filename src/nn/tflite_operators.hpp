// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

namespace sidetone::nn {

/// The numbers of the built-in operators that a TensorFlow Lite file names (BuiltinOperator in TensorFlow's schema.fbs,
/// version 3); custom operators are -1. Empty when `file` is not such a file, or damaged where the list lies. Reads
/// nothing outside of `file`.
[[nodiscard]] std::optional<std::vector<std::int32_t>> tflite_operators(std::span<const std::byte> file);

/// True when, shapes being fixed, the kernel of `builtin` in the C library 2.9 makes no heap call, takes no lock and
/// makes no system call once it has run.
[[nodiscard]] bool is_realtime_safe_tflite_operator(std::int32_t builtin) noexcept;

}  // namespace sidetone::nn
