// SPDX-License-Identifier: Apache-2.0
#include "engine/chain_file.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>
#include <string>
#include <vector>

#include "unit/nn/test_models.hpp"

namespace sidetone::engine {
namespace {

using nn::test::error_of;
using nn::test::TemporaryFolder;
using testing::HasSubstr;

constexpr auto kGain = "[[stage]]\nkind = \"gain\"\n";

std::string refusal_of(std::string_view text, std::uint32_t channels = 1) {
    return error_of([&] { (void)read_chain_text(text, "some/chain.toml", channels); });
}

TEST(ChainFile, IsReadAsItIsWritten) {
    const auto chain = read_chain_text(
        "description = \"two\"\nchannels = 2\ncallback_budget_us = 250.5\n"
        "[[stage]]\nkind = \"gain\"\nname = \"down\"\nbudget_us = 5\ngain_db = -6\n"
        "[[stage]]\nkind = \"gain\"\n",
        "some/chain.toml", 2);
    EXPECT_EQ(chain.path, "some/chain.toml");
    EXPECT_EQ(chain.description, "two");
    EXPECT_EQ(chain.channels, 2U);
    EXPECT_EQ(chain.callback_budget_us, 250.5);
    ASSERT_EQ(chain.stages.size(), 2U);
    EXPECT_EQ(chain.stages[0].name, "down");
    EXPECT_EQ(chain.stages[0].budget_us, 5);
    EXPECT_STREQ(chain.stages[0].stage->kind(), "gain");
    EXPECT_EQ(chain.stages[1].name, "gain");
    EXPECT_EQ(chain.stages[1].budget_us, 0);
}

TEST(ChainFile, WithoutChannelsHasAsManyAsTheSound) {
    EXPECT_EQ(read_chain_text(kGain, "some/chain.toml", 7).channels, 7U);
}

// The ledger has a line for each name: two stages must never share one.
TEST(ChainFile, StagesOfEqualNameAreToldApart) {
    const auto named = [](const std::string& name) { return std::string(kGain) + "name = \"" + name + "\"\n"; };
    for (const auto& names : std::vector<std::vector<std::string>>{
             {"a", "a", "a", "a"}, {"a", "a-2", "a"}, {"a-2", "a", "a"}, {"a", "a", "a-2", "a-2", "a"}}) {
        std::string text;
        for (const auto& name : names) text += named(name);
        std::set<std::string> found;
        for (const auto& stage : read_chain_text(text, "some/chain.toml", 1).stages) found.insert(stage.name);
        EXPECT_EQ(found.size(), names.size())
            << testing::PrintToString(names) << " became " << testing::PrintToString(found);
    }
}

struct Refusal {
    const char* what;
    const char* text;
    std::vector<const char*> says;  ///< file and line, key, found, expected
    std::uint32_t channels = 1;
};

class ChainFileRefusal : public testing::TestWithParam<Refusal> {};

TEST_P(ChainFileRefusal, NamesFileLineKeyFoundAndExpected) {
    const auto message = refusal_of(GetParam().text, GetParam().channels);
    for (const auto* const part : GetParam().says) EXPECT_THAT(message, HasSubstr(part));
}

INSTANTIATE_TEST_SUITE_P(
    Kinds, ChainFileRefusal,
    testing::Values(
        Refusal{"NotToml", "description = \"a\"\nthis is no TOML\n", {"some/chain.toml:2:", "not valid TOML"}},
        Refusal{"CutShort", "[[stage]]\nkind = \"gain", {"some/chain.toml:2:", "not valid TOML"}},
        Refusal{"KeyTwice", "channels = 1\nchannels = 1\n", {"some/chain.toml:2:", "not valid TOML", "channels"}},
        Refusal{"Empty", "", {"some/chain.toml:", "found no [[stage]]", "expected at least one"}},
        Refusal{
            "NoStage", "description = \"a\"\n", {"some/chain.toml:", "found no [[stage]]", "expected at least one"}},
        Refusal{"StageIsNoTable",
                "channels = 1\nstage = 3\n",
                {"some/chain.toml:2:", "key \"stage\"", "found 3", "expected tables, each headed [[stage]]"}},
        Refusal{"StageIsOneTable",
                "[stage]\nkind = \"gain\"\n",
                {"some/chain.toml:1:", "key \"stage\"", "expected tables, each headed [[stage]]"}},
        Refusal{"StageIsAnArrayOfNumbers",
                "stage = [1, 2]\n",
                {"some/chain.toml:1:", "key \"stage\"", "found an array", "expected tables"}},
        Refusal{"UnknownKeyOfTheChain",
                "channels = 1\n\nvolume = 3\n[[stage]]\nkind = \"gain\"\n",
                {"some/chain.toml:3:", "key \"volume\"", "found an unknown key", "expected one of", "description"}},
        Refusal{"ChannelsMismatch",
                "channels = 2\n[[stage]]\nkind = \"gain\"\n",
                {"some/chain.toml:1:", "key \"channels\"", "found 2", "expected 1, as many as the sound has"}},
        Refusal{"ChannelsOutOfRange",
                "channels = 17\n[[stage]]\nkind = \"gain\"\n",
                {"some/chain.toml:1:", "key \"channels\"", "found 17", "expected an integer from 1 to 16"},
                16},
        Refusal{"ChannelsNone", "channels = 0\n", {"key \"channels\"", "found 0", "expected an integer from 1 to 16"}},
        Refusal{"ChannelsInQuotes",
                "channels = \"two\"\n",
                {"some/chain.toml:1:", "key \"channels\"", "found \"two\"", "expected an integer"}},
        Refusal{"BudgetNegative",
                "callback_budget_us = -1\n",
                {"some/chain.toml:1:", "key \"callback_budget_us\"", "found -1", "expected a number from 0 to"}},
        Refusal{"DescriptionIsANumber",
                "description = 4\n",
                {"some/chain.toml:1:", "key \"description\"", "found 4", "expected a text that is not empty"}},
        Refusal{"StageWithoutKind",
                "channels = 1\n[[stage]]\nname = \"a\"\n",
                {"some/chain.toml:2:", "key \"kind\"", "found nothing", "expected the kind of the stage"}},
        Refusal{
            "UnknownKindListsThoseThereAre",
            "[[stage]]\nkind = \"gain\"\n[[stage]]\n\nkind = \"reverb\"\n",
            {"some/chain.toml:5:", "stage \"reverb\"", "key \"kind\"", "found \"reverb\"", "\"denoise\"", "\"gain\""}},
        Refusal{"UnknownKeyOfAStage",
                "[[stage]]\nkind = \"gain\"\ngain = 3\n",
                {"some/chain.toml:3:", "stage \"gain\"", "key \"gain\"", "found an unknown key", "gain_db"}},
        Refusal{"ValueOutOfRange",
                "[[stage]]\nkind = \"gain\"\ngain_db = 41\n",
                {"some/chain.toml:3:", "stage \"gain\"", "key \"gain_db\"", "found 41",
                 "expected a number from -120 to 40"}},
        Refusal{"ValueNotANumber",
                "[[stage]]\nkind = \"gain\"\ngain_db = nan\n",
                {"some/chain.toml:3:", "key \"gain_db\"", "found nan", "expected a number from -120 to 40"}},
        Refusal{"ValueOfAnotherType",
                "[[stage]]\nkind = \"gain\"\ngain_db = true\n",
                {"some/chain.toml:3:", "key \"gain_db\"", "found true", "expected a number"}},
        Refusal{"StageBudgetTooLarge",
                "[[stage]]\nkind = \"gain\"\nbudget_us = 1e9\n",
                {"some/chain.toml:3:", "stage \"gain\"", "key \"budget_us\"", "expected a number from 0 to"}},
        Refusal{"NoneOfTheChoices",
                "[[stage]]\nkind = \"denoise\"\nmode = \"sideways\"\n",
                {"some/chain.toml:3:", "stage \"denoise\"", "key \"mode\"", "found \"sideways\"",
                 "expected one of \"auto\", \"direct\", \"pipelined\""}},
        Refusal{"ModelThatIsNotThere",
                "[[stage]]\nkind = \"denoise\"\nmodel = \"no-such-model\"\n",
                {"model \"no-such-model\"", "there are:", "dtln"}}),
    [](const auto& info) { return info.param.what; });

// An error is one line whatever stands in the file: error_of checks it.
TEST(ChainFile, ErrorIsOneLineWhateverTheFileHolds) {
    for (const auto* const text :
         {"[[stage]]\nkind = \"re\\nverb\"\n", "channels = \"\"\"\na\nb\n\"\"\"\n",
          "\"a\\nb\" = 1\n[[stage]]\nkind = \"gain\"\n", "[[stage]]\nkind = \"denoise\"\nmode = \"a\\r\\nb\"\n",
          "[[stage]]\nkind = \"denoise\"\nmodel = \"a\\nb\"\n"}) {
        EXPECT_FALSE(refusal_of(text).empty()) << text;
    }
}

TEST(ChainFile, BytesThatAreNoTextAreRefused) {
    EXPECT_THAT(refusal_of(std::string_view{"kind = \"\xff\xfe\"\n"}), HasSubstr("some/chain.toml:1: not valid TOML"));
    EXPECT_THAT(refusal_of(std::string_view{"\0\0\0\0", 4}), HasSubstr("some/chain.toml:1: not valid TOML"));
    EXPECT_THAT(refusal_of("a = " + std::string(5000, '[')), HasSubstr("some/chain.toml:1: not valid TOML"));
}

TEST(ChainFile, HasAtMost64Stages) {
    std::string text;
    for (int i = 0; i < 64; ++i) text += kGain;
    EXPECT_EQ(read_chain_text(text, "some/chain.toml", 1).stages.size(), 64U);
    EXPECT_THAT(refusal_of(text + kGain), HasSubstr("found 65 stages, expected at most 64"));
}

TEST(ChainFile, IsReadFromDisk) {
    const TemporaryFolder folder;
    nn::test::write(folder.path() / "a.toml", kGain);
    const auto chain = read_chain(folder.path() / "a.toml", 1);
    EXPECT_EQ(chain.stages.size(), 1U);
    EXPECT_EQ(chain.path, folder.path() / "a.toml");
}

TEST(ChainFile, MissingTooLargeOrNoFileIsRefusedByName) {
    const TemporaryFolder folder;
    const auto refusal = [&](const std::filesystem::path& path) {
        const auto message = error_of([&] { (void)read_chain(path, 1); });
        EXPECT_THAT(message, HasSubstr(path.string()));
        return message;
    };
    EXPECT_THAT(refusal(folder.path() / "missing.toml"), HasSubstr("cannot be read: No such file"));
    EXPECT_THAT(refusal(folder.path()), HasSubstr("cannot be read"));
    nn::test::write(folder.path() / "large.toml", std::string((1 << 20) + 1, '#'));
    EXPECT_THAT(refusal(folder.path() / "large.toml"),
                HasSubstr("found 1048577 bytes, expected a chain file of at most 1048576"));
    nn::test::write(folder.path() / "just-fits.toml", std::string(kGain) + std::string((1 << 20) - 25, '#'));
    EXPECT_EQ(read_chain(folder.path() / "just-fits.toml", 1).stages.size(), 1U);
}

TEST(ChainFile, IsFoundByItsPath) {
    const TemporaryFolder folder;
    nn::test::write(folder.path() / "a.toml", kGain);
    EXPECT_EQ(find_chain((folder.path() / "a.toml").string()), folder.path() / "a.toml");
    EXPECT_THAT(error_of([] { (void)find_chain("no-such-chain"); }),
                HasSubstr("chain \"no-such-chain\": found no such file"));
}

TEST(ChainFile, ReadyMadeChainsAreGood) {
    const nn::test::PublishedWeights published;
    for (const auto& entry : std::filesystem::directory_iterator{nn::test::kSource / "chains"}) {
        // The only one with a model that set-up does not bring.
        if (entry.path().stem() == "hearing-aid" && !nn::test::PublishedWeights::has(nn::find_model("gtcrn"))) continue;
        const auto chain = read_chain(entry.path(), 2);
        EXPECT_FALSE(chain.description.empty()) << entry.path();
        EXPECT_GT(chain.callback_budget_us, 0) << entry.path();
    }
}

}  // namespace
}  // namespace sidetone::engine
