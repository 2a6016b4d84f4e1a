// SPDX-License-Identifier: Apache-2.0
#include "nn/tensor_check.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "rt/error.hpp"

namespace sidetone::nn {
namespace {

std::string names_of(std::span<const FileTensor> tensors) {
    std::string names;
    for (const auto& tensor : tensors) names += fmt::format("{}\"{}\"", names.empty() ? "" : ", ", tensor.name);
    return names.empty() ? "none" : names;
}

bool is_bindable(std::span<const std::int64_t> declared, std::span<const std::int64_t> in_file) {
    return std::equal(declared.begin(), declared.end(), in_file.begin(), in_file.end(),
                      [](std::int64_t bound, std::int64_t open) { return open == -1 || open == bound; });
}

// `side`: "input" or "output".
void check_declared(const GraphSpec& graph, const std::filesystem::path& file, const char* side,
                    std::span<const TensorInfo> declared, std::span<const FileTensor> in_file) {
    for (const auto& tensor : declared) {
        const auto where = fmt::format("{}: {} \"{}\" is declared", graph.manifest.string(), side, tensor.name);
        const auto name = file.filename().string();
        const auto found = std::ranges::find(in_file, tensor.name, &FileTensor::name);
        if (found == in_file.end()) {
            throw InputError{fmt::format("{}; the {}s of {} are {}", where, side, name, names_of(in_file))};
        }
        if (found->type != tensor.type) {
            throw InputError{fmt::format("{} {}; {} has {}", where, to_string(tensor.type), name,
                                         found->type ? to_string(*found->type) : "an unsupported type")};
        }
        if (!is_bindable(tensor.shape, found->shape)) {
            throw InputError{
                fmt::format("{} {}; {} has {}", where, shape_text(tensor.shape), name, shape_text(found->shape))};
        }
    }
}

}  // namespace

std::string shape_text(std::span<const std::int64_t> shape) {
    return fmt::format("[{}]", fmt::join(shape, ","));
}

const char* to_string(ElementType type) noexcept {
    switch (type) {
        case ElementType::f32:
            return "f32";
        case ElementType::i64:
            return "i64";
        case ElementType::i32:
            return "i32";
        case ElementType::i8:
            return "i8";
        case ElementType::u8:
            return "u8";
    }
    return "?";
}

void check_tensors(const GraphSpec& graph, const std::filesystem::path& file, std::span<const FileTensor> inputs,
                   std::span<const FileTensor> outputs) {
    check_declared(graph, file, "input", graph.inputs, inputs);
    check_declared(graph, file, "output", graph.outputs, outputs);
    for (const auto& tensor : inputs) {
        if (std::ranges::find(graph.inputs, tensor.name, &TensorInfo::name) != graph.inputs.end()) continue;
        throw InputError{fmt::format("{}: {} has an input \"{}\" {} that is not declared", graph.manifest.string(),
                                     file.filename().string(), tensor.name, shape_text(tensor.shape))};
    }
}

std::string one_line(std::string_view text) {
    constexpr std::size_t kMaxLength = 300;
    std::string line{text.substr(0, kMaxLength)};
    std::ranges::replace_if(
        line, [](unsigned char c) { return c < ' '; }, ' ');
    if (text.size() > kMaxLength) line += " …";
    return line;
}

}  // namespace sidetone::nn
