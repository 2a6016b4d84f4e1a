// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace sidetone::speech {

/// Turns tokens of a language model into text: each stands for a piece of words, and "▁" in one for a blank
/// (SentencePiece); a token "<0x41>" stands for a byte, and several of them for a character that has no token.
/// Control thread only.
class TokenPieces {
public:
    /// `file` has a piece on each line, in the order of the tokens, or is a script that has these lines in base64.
    /// Throws InputError: it cannot be read, or does not hold them.
    explicit TokenPieces(const std::filesystem::path& file);

    /// Of lines. The first three are what stands for the unknown, a text's begin and its end.
    static TokenPieces of_lines(std::string_view lines);

    /// The text of `tokens`, without the blank that begins the first word. Tokens that stand for no text (begin, end,
    /// and those beyond the pieces) add none; bytes that are no UTF-8, and control characters, become U+FFFD and
    /// blanks.
    [[nodiscard]] std::string text_of(std::span<const std::int64_t> tokens) const;

    [[nodiscard]] std::size_t size() const noexcept { return pieces_.size(); }

private:
    TokenPieces() = default;
    void take_lines(std::string_view lines);

    std::vector<std::string> pieces_;  // as bytes
};

}  // namespace sidetone::speech
