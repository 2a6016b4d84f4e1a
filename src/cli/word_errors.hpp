// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace sidetone::cli {

/// How many words of a text were heard otherwise, left out or put in, at least.
struct WordErrors {
    std::size_t errors = 0, words = 0;  ///< words: of what was said
};

/// Words in lower case, without punctuation. Figures become words: "126" is one hundred twenty six, or one two six.
[[nodiscard]] std::vector<std::string> plain_words(std::string_view text, bool digit_by_digit);

/// Levenshtein's distance. Figures in `heard` are taken in whichever of the two ways has fewer errors.
[[nodiscard]] WordErrors word_errors(std::string_view said, std::string_view heard);

}  // namespace sidetone::cli
