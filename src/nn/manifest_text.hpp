// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <string_view>

namespace sidetone::nn {

inline constexpr auto kPlainName = "a plain name of letters, digits, '-', '_' and '.'";
inline constexpr auto kSha256Digits = "64 lower-case hexadecimal digits";

/// A name that is safe as one step of a path.
[[nodiscard]] inline bool is_plain_name(std::string_view name) {
    const auto is_good = [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_' ||
               c == '.';
    };
    return name.size() <= 128 && !name.starts_with('.') && std::ranges::all_of(name, is_good);
}

[[nodiscard]] inline bool is_sha256(std::string_view text) {
    return text.size() == 64 && text.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

}  // namespace sidetone::nn
