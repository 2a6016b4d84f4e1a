// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstddef>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>

#include "speech/text_file.hpp"

namespace sidetone::speech {

/// A line of a language model: some words in a row, and how probable the last is after the others.
struct NGram {
    std::span<const std::string_view> words;
    double ln_probability = 0;
    double ln_back_off = 0;  ///< for what is not listed after these words; 0 where the file has none
};

/// Reads n-grams from a file in ARPA's form, which a stranger may have written: short ones first. Control thread only.
class ArpaFile {
public:
    static constexpr std::size_t kMostOrder = 7;

    /// Throws InputError where the file cannot be read, is longer than `max_bytes`, or does not begin with
    /// single words.
    ArpaFile(const std::filesystem::path& file, std::size_t max_bytes);

    /// The next line's n-gram into `found`, good until the next call. False behind the last. Throws InputError that
    /// names file and line.
    [[nodiscard]] bool next(NGram& found);

    /// Words in the n-grams of the section that is being read.
    [[nodiscard]] std::size_t order() const noexcept { return order_; }

    /// Throws InputError: file, line and `what`.
    [[noreturn]] void refuse(const std::string& what) const { text_.refuse(what); }

private:
    [[nodiscard]] bool find_line();
    [[nodiscard]] bool find_entry();
    void begin_section();
    [[nodiscard]] double logarithm(std::string_view field, double most) const;

    TextFile text_;
    std::size_t order_ = 0;
    std::array<std::string_view, kMostOrder> words_;
};

}  // namespace sidetone::speech
