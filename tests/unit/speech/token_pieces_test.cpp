// SPDX-License-Identifier: Apache-2.0
#include "speech/token_pieces.hpp"

#include <gmock/gmock.h>

#include <cstdint>
#include <random>
#include <string>
#include <vector>

#include "unit/nn/test_models.hpp"

namespace sidetone::speech {
namespace {

const std::string kLines = "<unk>\n<s>\n</s>\n<0x41>\n<0xC3>\n<0xA9>\n\u2581Why\n\u2581should\nn't\n\u2581\n<0x0A>";

std::string text_of(const std::vector<std::int64_t>& tokens) {
    return TokenPieces::of_lines(kLines).text_of(tokens);
}

TEST(TokenPieces, BlanksBeginWordsButNotTheText) {
    EXPECT_EQ(text_of({6, 7, 8}), "Why shouldn't");
    EXPECT_EQ(text_of({9, 6}), " Why") << "one blank belongs to the first word, and no more";
    EXPECT_EQ(text_of({}), "");
}

TEST(TokenPieces, BytesMakeCharacters) {
    EXPECT_EQ(text_of({3, 4, 5}), "A\u00E9");
}

TEST(TokenPieces, WhatIsNoCharacterIsReplaced) {
    EXPECT_EQ(text_of({4, 3}), "\uFFFDA");
    EXPECT_EQ(text_of({5}), "\uFFFD");
    EXPECT_EQ(text_of({3, 10, 3}), "A A") << "control characters are blanks";
}

TEST(TokenPieces, TokensWithoutTextAddNone) {
    EXPECT_EQ(text_of({1, 6, 2, 0, 32'767, -1}), "Why");
}

TEST(TokenPieces, LinesAreFoundInAScriptToo) {
    const nn::test::TemporaryFolder folder;
    // base64 of the first six lines of kLines and "ab"
    nn::test::write(folder / "script.js", "var x=\"PHVuaz4KPHM+Cjwvcz4KPDB4NDE+CjwweEMzPgo8MHhBOT4KYWI=\",y=1");
    const TokenPieces pieces{folder / "script.js"};
    EXPECT_EQ(pieces.size(), 7U);
    EXPECT_EQ(pieces.text_of(std::vector<std::int64_t>{6, 3}), "abA");
}

TEST(TokenPieces, AFileWithoutPiecesIsRefused) {
    const nn::test::TemporaryFolder folder;
    nn::test::write(folder / "empty.js", "var x=1");
    EXPECT_THAT(nn::test::error_of([&] { (void)TokenPieces{folder / "empty.js"}; }), testing::HasSubstr("empty.js"));
    EXPECT_THAT(nn::test::error_of([&] { (void)TokenPieces{folder / "none"}; }), testing::HasSubstr("none"));
}

TEST(TokenPieces, AnyTokensMakeWellFormedText) {
    std::mt19937 random{7};
    for (int round = 0; round < 2000; ++round) {
        std::vector<std::int64_t> tokens(8);
        for (auto& token : tokens) token = static_cast<std::int64_t>(random() % 12);
        const auto text = text_of(tokens);
        for (std::size_t i = 0; i < text.size(); ++i) {
            const auto byte = static_cast<unsigned char>(text[i]);
            ASSERT_GE(byte, 0x20U);
            const bool goes_on = i + 1 < text.size() && (static_cast<unsigned char>(text[i + 1]) & 0xC0U) == 0x80U;
            ASSERT_TRUE(byte < 0xC0 || goes_on) << text;
        }
    }
}

}  // namespace
}  // namespace sidetone::speech
