// SPDX-License-Identifier: Apache-2.0
#include "stage/audiogram_file.hpp"

#include <gtest/gtest.h>

#include <filesystem>
#include <string>

#include "rt/error.hpp"
#include "unit/rt/temporary_folder.hpp"

namespace sidetone::stage {
namespace {

class AudiogramFile : public ::testing::Test {
protected:
    /// What is said about a file `name` with these contents, without the folder; empty when it is taken.
    [[nodiscard]] std::string message(const std::string& name, const std::string& contents) const {
        const auto file = folder_ / name;
        sidetone::test::write(file, contents);
        try {
            (void)read_audiogram(file);
        } catch (const InputError& error) {
            return std::string{error.what()}.substr(folder_.path().string().size() + 1);
        }
        return "";
    }

private:
    sidetone::test::TemporaryFolder folder_;
};

constexpr const char* kGoodEar = "250 = 20\n500 = 25\n1000 = 30\n2000 = 45\n4000 = 60\n8000 = 70\n";
constexpr const char* kGoodRows = "250,20\n500,25\n1000,30\n2000,45\n4000,60\n8000,70\n";

TEST_F(AudiogramFile, TomlAndCsvSayTheSame) {
    const std::filesystem::path folder = SIDETONE_SOURCE_DIR "/tests/data";
    const auto toml = read_audiogram(folder / "audiogram.toml");
    const auto csv = read_audiogram(folder / "audiogram.csv");
    ASSERT_TRUE(toml.left && toml.right && csv.left && csv.right);
    EXPECT_EQ(toml.name, "A sloping loss");
    EXPECT_EQ(csv.name, "");
    for (const auto ear : {&Audiogram::left, &Audiogram::right}) {
        EXPECT_EQ((toml.*ear)->threshold_db_hl, (csv.*ear)->threshold_db_hl);
        EXPECT_EQ((toml.*ear)->is_measured, (csv.*ear)->is_measured);
    }
    EXPECT_EQ(toml.left->threshold_db_hl[6], 55);
    EXPECT_TRUE(toml.left->is_measured[6]);
    EXPECT_FALSE(toml.right->is_measured[6]);
    EXPECT_NEAR(toml.right->threshold_db_hl[6], 63.774, 1e-3);
}

TEST_F(AudiogramFile, OneEarIsEnough) {
    EXPECT_EQ(message("a.toml", std::string{"[right]\n"} + kGoodEar), "");
    EXPECT_EQ(message("a.csv", std::string{"frequency_hz,left\n"} + kGoodRows), "");
    EXPECT_EQ(message("a.toml", "name = \"x\"\n"),
              "a.toml:1: key \"left\": found neither ear, expected a table [left], [right] or both");
}

TEST_F(AudiogramFile, MissingAndImpossibleValuesOfTomlAreNamed) {
    EXPECT_EQ(message("a.toml", "\n[left]\n250 = 20\n500 = 25\n1000 = 30\n2000 = 45\n8000 = 70\n"),
              "a.toml:2: key \"left.4000\": found nothing, expected a number from -10 to 120");
    EXPECT_EQ(message("a.toml", "[left]\n250 = 20\n500 = 250\n"),
              "a.toml:3: key \"left.500\": found 250, expected a number from -10 to 120");
    EXPECT_EQ(message("a.toml", "[left]\n250 = nan\n"),
              "a.toml:2: key \"left.250\": found nan, expected a number from -10 to 120");
    EXPECT_NE(message("a.toml", std::string{"[left]\n"} + kGoodEar + "5000 = 60\n").find("left.5000"),
              std::string::npos);
}

TEST_F(AudiogramFile, MissingAndImpossibleValuesOfCsvAreNamed) {
    const std::string header = "frequency_hz,left\n";
    EXPECT_EQ(message("a.csv", header + "250,20\n500,\n"),
              "a.csv:3: column \"left\": found nothing, expected a number from -10 to 120");
    EXPECT_EQ(message("a.csv", header + "250,20\n500,-11\n"),
              "a.csv:3: column \"left\": found \"-11\", expected a number from -10 to 120");
    EXPECT_EQ(message("a.csv", header + "250,nan\n"),
              "a.csv:2: column \"left\": found \"nan\", expected a number from -10 to 120");
    EXPECT_EQ(message("a.csv", header + "250,20dB\n"),
              "a.csv:2: column \"left\": found \"20dB\", expected a number from -10 to 120");
    EXPECT_EQ(message("a.csv", header + "250,20\n"),
              "a.csv: column \"left\": found no row for 500 Hz, expected a number from -10 to 120");
    EXPECT_EQ(message("a.csv", header + kGoodRows + "250,20\n"),
              "a.csv:8: column \"frequency_hz\": found \"250\" again, expected each frequency once");
    EXPECT_EQ(message("a.csv", header + "125,20\n"),
              "a.csv:2: column \"frequency_hz\": found \"125\", expected one of 250, 500, 750, 1000, 1500, 2000, 3000, "
              "4000, 6000, 8000");
}

TEST_F(AudiogramFile, CsvWithOtherColumnsIsRefused) {
    EXPECT_EQ(message("a.csv", ""), "a.csv:1: column \"1\": found an empty file, expected \"frequency_hz\"");
    EXPECT_EQ(message("a.csv", "250,20\n"), "a.csv:1: column \"1\": found \"250\", expected \"frequency_hz\"");
    EXPECT_EQ(message("a.csv", "frequency_hz,left,left\n"),
              "a.csv:1: column \"3\": found \"left\", expected \"left\" or \"right\", once each");
    EXPECT_EQ(message("a.csv", "frequency_hz,left\n250,20,30\n"),
              "a.csv:2: column \"left\": found 3 cells in the row, expected 2");
}

TEST_F(AudiogramFile, BlankLinesSpacesAndCarriageReturnsDoNotMatter) {
    EXPECT_EQ(message("a.csv", std::string{"\r\nfrequency_hz , left\r\n\n"} + kGoodRows), "");
}

TEST_F(AudiogramFile, ThatIsNotThereIsNamed) {
    EXPECT_THROW((void)read_audiogram("no/such.csv"), InputError);
    EXPECT_THROW((void)read_audiogram("no/such.toml"), InputError);
}

}  // namespace
}  // namespace sidetone::stage
