// SPDX-License-Identifier: Apache-2.0
#include "stage/sofa_reader.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "rt/error.hpp"
#include "stage/hrir_file.hpp"
#include "stage/sofa_message.hpp"
#include "unit/nn/test_models.hpp"

namespace sidetone::stage {
namespace {

using namespace std::chrono_literals;
using nn::test::error_of;
using testing::HasSubstr;

/// Readers that do what one might do that a file has taken over.
class SofaReader : public testing::Test {
protected:
    [[nodiscard]] std::filesystem::path script(const std::string& commands) const {
        const auto path = folder_.path() / "reader";
        nn::test::write(path, "#!/bin/sh\n" + commands + "\n");
        std::filesystem::permissions(path, std::filesystem::perms::owner_all);
        return path;
    }
    /// One that sends what is given.
    [[nodiscard]] std::filesystem::path sender(const SofaMessage& message, const std::string& then = {}) const {
        std::ofstream out{folder_.path() / "bytes", std::ios::binary};
        out.write(reinterpret_cast<const char*>(&message), sizeof message);
        out << then;
        return script("cat " + (folder_.path() / "bytes").string());
    }
    [[nodiscard]] static std::string refusal(const std::filesystem::path& reader,
                                             std::chrono::milliseconds patience = 20s) {
        return error_of([&] { (void)read_sofa_contents("a.sofa", reader, patience); });
    }

    nn::test::TemporaryFolder folder_;
};

TEST_F(SofaReader, ThatHangsIsEnded) {
    EXPECT_THAT(refusal(script("exec sleep 1000"), 50ms),
                HasSubstr("a.sofa: found contents that take longer than 0.05 s"));
}

TEST_F(SofaReader, ThatCrashesIsAFileThatCannotBeRead) {
    for (const auto* const commands : {"kill -s SEGV $$", "exit 0"}) {
        EXPECT_EQ(refusal(script(commands)), "a.sofa: found contents that cannot be read, expected a SOFA file");
    }
}

TEST_F(SofaReader, ThatSendsAnythingIsNotBelieved) {
    EXPECT_THAT(refusal(script("cat /dev/zero")), HasSubstr("a.sofa: found contents that cannot be read"));
    const SofaMessage good{.is_read = 1, .rate_hz = 48'000, .directions = 2, .frames = 3};
    auto message = good;
    message.directions = 0xffff'ffff;
    EXPECT_THAT(refusal(sender(message)), HasSubstr("found 4294967295 directions of 3 frames, expected at most"));
    message = good;
    message.frames = 0xffff'ffff;
    EXPECT_THAT(refusal(sender(message)), HasSubstr("found 2 directions of 4294967295 frames, expected at most"));
    message = good;
    message.frames = 96'001;
    EXPECT_THAT(refusal(sender(message)), HasSubstr("found responses of 2.0 s, expected up to 2 s"));
    message = good;
    message.directions = 0;
    EXPECT_THAT(refusal(sender(message)), HasSubstr("found 0 directions of 3 frames, expected at least one of each"));
    message = good;
    message.rate_hz = 1;
    EXPECT_THAT(refusal(sender(message)), HasSubstr("found a sampling rate of 1 Hz, expected 8000 to 192000"));
    EXPECT_THAT(refusal(sender(good, "too little")), HasSubstr("ends too early"));
    EXPECT_THAT(refusal(sender(good, std::string(80, '\xff'))), HasSubstr("values that are no numbers"));
    EXPECT_THAT(refusal(sender(good, std::string(80, '\x4f'))), HasSubstr("found a delay out of range"));
}

TEST_F(SofaReader, DelaysThatMakeResponsesTooLongAreRefused) {
    const SofaMessage message{.is_read = 1, .rate_hz = 192'000, .directions = 100'000, .frames = 1};
    const auto with_delay = [&](float frames) {
        std::vector<float> values(std::size_t{4} * message.directions);  // angles, then delays
        values.back() = frames;
        return refusal(sender(message, {reinterpret_cast<const char*>(values.data()), values.size() * sizeof(float)}));
    };
    EXPECT_THAT(with_delay(19'200), HasSubstr("a.sofa: found 100000 directions of 1 frames and delays up to 19200 "
                                              "frames, expected at most 134217728 samples"));
    // One that fits is read on.
    EXPECT_THAT(with_delay(600), HasSubstr("ends too early"));
}

TEST_F(SofaReader, ItsWordsAreOneLineThatATerminalObeysNothingOf) {
    EXPECT_EQ(refusal(sender({}, "found \x1b[2J\nexpected")), "a.sofa: found ?[2J?expected");
    EXPECT_EQ(refusal(sender({})), "a.sofa: found contents that cannot be read, expected a SOFA file");
    EXPECT_LT(refusal(sender({}, std::string(1'000'000, 'x'))).size(), 2'000U);
}

TEST_F(SofaReader, ThatDoesNotExistIsToldOf) {
    EXPECT_THAT(refusal(folder_.path() / "none"), HasSubstr("does not start"));
}

TEST_F(SofaReader, HandsOverWhatIsInTheFile) {
    const auto kemar = find_hrir("mit-kemar");
    if (!std::filesystem::exists(kemar)) GTEST_SKIP() << "there is no MIT KEMAR";
    const auto contents = read_sofa_contents(kemar, find_sofa_reader());
    EXPECT_EQ(contents.rate_hz, 44'100U);
    EXPECT_EQ(contents.directions, 710U);
    EXPECT_EQ(contents.frames, 512U);
    EXPECT_EQ(contents.taps.size(), 2U * 710 * 512);
    EXPECT_GT(*std::ranges::max_element(contents.taps), 0.1F);
    EXPECT_THAT(refusal(find_sofa_reader()), HasSubstr("a.sofa: found no HDF5 file"));
}

TEST_F(SofaReader, FilesThatAreNoneAreNotWaitedFor) {
    EXPECT_THAT(error_of([] { (void)read_hrir_file("/dev/zero"); }), HasSubstr("found no ordinary file"));
}

}  // namespace
}  // namespace sidetone::stage
