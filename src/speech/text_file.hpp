// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <filesystem>
#include <string>
#include <string_view>

namespace sidetone::speech {

/// A file of lines and fields that a stranger may have written, read whole before anything is believed.
/// Control thread only.
class TextFile {
public:
    /// Throws InputError where the file cannot be read or is longer than `max_bytes`.
    TextFile(std::filesystem::path file, std::size_t max_bytes);

    /// Goes to the next line; false behind the last. Line ends are LF or CR LF.
    [[nodiscard]] bool next_line() noexcept;
    [[nodiscard]] std::string_view line() const noexcept { return line_; }
    [[nodiscard]] std::size_t line_number() const noexcept { return line_number_; }

    /// The next field of the line; blanks and tabs separate. Empty at the line's end.
    [[nodiscard]] std::string_view next_field() noexcept;

    /// Throws InputError: "FILE:LINE: " and `what`.
    [[noreturn]] void refuse(const std::string& what) const;

private:
    std::filesystem::path file_;
    std::string text_;
    std::string_view rest_, line_, line_rest_;
    std::size_t line_number_ = 0;
};

/// Of ASCII letters; every other byte stays.
[[nodiscard]] std::string lower_case(std::string_view text);
[[nodiscard]] std::string upper_case(std::string_view text);

/// At most 40 bytes of `text`, for messages.
[[nodiscard]] std::string shown(std::string_view text);

}  // namespace sidetone::speech
