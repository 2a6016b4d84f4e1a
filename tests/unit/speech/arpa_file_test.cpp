// SPDX-License-Identifier: Apache-2.0
#include "speech/arpa_file.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <string>
#include <vector>

#include "unit/speech/written_file.hpp"

namespace sidetone::speech {
namespace {

using test::complaint_of;
using test::WrittenFile;
using testing::HasSubstr;

struct Line {
    std::string words;
    double log10_probability = 0, log10_back_off = 0;
    std::size_t order = 0;
};

std::vector<Line> lines_of(const std::string& text, std::size_t max_bytes = 4096) {
    const WrittenFile file{text, "words.arpa"};
    ArpaFile arpa{file.path(), max_bytes};
    std::vector<Line> lines;
    for (NGram found; arpa.next(found);) {
        Line line{.log10_probability = found.ln_probability / std::log(10),
                  .log10_back_off = found.ln_back_off / std::log(10),
                  .order = arpa.order()};
        for (const auto word : found.words) line.words += (line.words.empty() ? "" : " ") + std::string{word};
        lines.push_back(line);
    }
    return lines;
}

std::string complaint(const std::string& text) {
    return complaint_of([&] { (void)lines_of(text); });
}

TEST(ArpaFile, ReadsWordsLogarithmsAndBackOffs) {
    const auto lines = lines_of(
        "made by hand\n\\data\\\nngram 1=2\nngram 2=1\n\n\\1-grams:\n-1.5\tgo\t-0.25\n -2 Stop \n\n\\2-grams:\r\n"
        "-0.5 go Stop\r\n\n\\end\\\nwhat follows is not read\n");
    ASSERT_EQ(lines.size(), 3U);
    EXPECT_EQ(lines[0].words, "go");
    EXPECT_NEAR(lines[0].log10_probability, -1.5, 1e-12);
    EXPECT_NEAR(lines[0].log10_back_off, -0.25, 1e-12);
    EXPECT_EQ(lines[1].words, "Stop");
    EXPECT_EQ(lines[1].log10_back_off, 0);
    EXPECT_EQ(lines[2].words, "go Stop");
    EXPECT_EQ(lines[2].order, 2U);
}

TEST(ArpaFile, RefusesWhatIsNoneInOneLine) {
    const std::string head = "\\data\\\nngram 1=1\n\n\\1-grams:\n";
    EXPECT_THAT(complaint(""), HasSubstr("words.arpa:0: found \"\", expected \"\\1-grams:\""));
    EXPECT_THAT(complaint("go stop\n"), HasSubstr("expected \"\\1-grams:\""));
    EXPECT_THAT(complaint(head), HasSubstr("words.arpa:4: found the file's end, expected \"\\2-grams:\" or"));
    EXPECT_THAT(complaint(head + "much go\n"), HasSubstr("words.arpa:5: found \"much\", expected a logarithm"));
    EXPECT_THAT(complaint(head + "1 go\n"), HasSubstr("-1000 to 0"));
    EXPECT_THAT(complaint(head + "-inf go\n"), HasSubstr("expected a logarithm"));
    EXPECT_THAT(complaint(head + "-1\n"), HasSubstr("found 0 words, expected 1"));
    EXPECT_THAT(complaint(head + "-1 go -1 -1\n"), HasSubstr("another field"));
    EXPECT_THAT(complaint(head + "\\3-grams:\n"), HasSubstr("found \"\\3-grams:\", expected \"\\2-grams:\""));
    std::string endless = "\\data\\\n";
    for (int n = 1; n < 9; ++n) endless += "\\" + std::to_string(n) + "-grams:\n";
    EXPECT_THAT(complaint(endless), HasSubstr("found n-grams of 8 words, expected 7 at most"));
    EXPECT_THAT(complaint_of([&] { (void)lines_of(head + "-1 go\n\\end\\\n", 20); }), HasSubstr("more than 20 bytes"));
}

}  // namespace
}  // namespace sidetone::speech
