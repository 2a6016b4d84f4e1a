// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "nn/manifest.hpp"

namespace sidetone::nn {

/// A tensor as a model's file describes it. A dimension of -1 is open: the manifest binds it.
struct FileTensor {
    std::string name;
    std::optional<ElementType> type;  ///< empty: one that Sidetone does not carry
    std::vector<std::int64_t> shape;
};

/// "[1,257,1,2]".
[[nodiscard]] std::string shape_text(std::span<const std::int64_t> shape);
[[nodiscard]] const char* to_string(ElementType type) noexcept;

/// Throws InputError when the manifest's declaration and the file disagree: a declared tensor that the file lacks,
/// another type or shape, or an input of the file that is not declared and so would have no value.
void check_tensors(const GraphSpec& graph, const std::filesystem::path& file, std::span<const FileTensor> inputs,
                   std::span<const FileTensor> outputs);

/// `text` as part of a one-line message: line breaks become spaces, and it ends after 300 characters.
[[nodiscard]] std::string one_line(std::string_view text);

}  // namespace sidetone::nn
