// SPDX-License-Identifier: Apache-2.0
#include "speech/phone_language_model.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <map>
#include <random>
#include <string>
#include <vector>

#include "unit/speech/written_file.hpp"

namespace sidetone::speech {
namespace {

using test::complaint_of;
using test::WrittenFile;
using testing::HasSubstr;

constexpr PhoneLanguageModel::Settings kPlain{.weight = 1, .bonus = 0};

Phone phone(std::string_view name) {
    return *phone_named(name);
}

/// Every phone alone with the probability 1/39, then `more`.
std::string arpa(const std::string& more, const std::string& first = "-0.3\tAA\t-0.5") {
    std::string text = "\\data\\\nngram 1=40\n\n\\1-grams:\n-99\t<s>\t-0.25\n" + first + "\n";
    for (int p = 2; p <= kPhoneCount; ++p) text += "-1.6\t" + std::string{phone_name(static_cast<Phone>(p))} + "\n";
    return text + more;
}

const std::string kTrigrams =
    "\n\\2-grams:\n-0.1\t<s> AA\t-0.125\n-0.2\tAA AE\t-0.75\n-0.4\tAE B\n\n\\3-grams:\n-0.05\t<s> AA AE\n-0.6\tAA AE "
    "K\n\n\\end\\\n";

double score_of(const PhoneLanguageModel& model, const std::vector<std::string>& phones) {
    const auto external = model.external();
    auto state = external.start_state;
    double sum = 0;
    for (const auto& name : phones) {
        std::uint32_t next = 0;
        sum += static_cast<double>(external.score(external.model, state, phone(name), next));
        state = next;
    }
    return sum / std::log(10);
}

TEST(PhoneLanguageModel, BacksOffAsArpaFilesMean) {
    const WrittenFile file{arpa(kTrigrams), "phones.arpa"};
    const PhoneLanguageModel model{file.path(), kPlain};
    EXPECT_EQ(model.order(), 3U);
    EXPECT_NEAR(score_of(model, {"AA"}), -0.1, 1e-6);                           // listed after <s>
    EXPECT_NEAR(score_of(model, {"B"}), -0.25 - 1.6, 1e-6);                     // not: <s> gives way
    EXPECT_NEAR(score_of(model, {"AA", "AE"}), -0.1 - 0.05, 1e-6);              // three listed
    EXPECT_NEAR(score_of(model, {"AA", "AE", "K"}), -0.15 - 0.6, 1e-6);         // the history shortens
    EXPECT_NEAR(score_of(model, {"AA", "AE", "B"}), -0.15 - 0.75 - 0.4, 1e-6);  // AA AE B is not listed, AE B is
    EXPECT_NEAR(score_of(model, {"AA", "B"}), -0.1 - 0.125 - 0.5 - 1.6, 1e-6);  // gives way twice
    EXPECT_NEAR(score_of(model, {"B", "AA", "AE"}), -1.85 - 0.3 - 0.2, 1e-6);
}

TEST(PhoneLanguageModel, WeighsAndRewards) {
    const WrittenFile file{arpa(kTrigrams), "phones.arpa"};
    const PhoneLanguageModel model{file.path(), {.weight = 0.5F, .bonus = 2}};
    EXPECT_NEAR(score_of(model, {"AA", "B"}), 0.5 * (-0.1 - 0.125 - 0.5 - 1.6) + 2 * 2 / std::log(10), 1e-6);
}

TEST(PhoneLanguageModel, SidetonesOwnGivesProbabilitiesThatAddUpToOne) {
    const PhoneLanguageModel model{default_phone_language_model_file(), kPlain};
    const auto external = model.external();
    std::mt19937 random{1};
    auto state = external.start_state;
    for (int step = 0; step < 500; ++step) {
        double sum = 0;
        std::vector<double> probabilities;
        std::vector<std::uint32_t> nexts(kPhoneClassCount);
        for (Phone p = 1; p < kPhoneClassCount; ++p) {
            probabilities.push_back(std::exp(static_cast<double>(external.score(external.model, state, p, nexts[p]))));
            sum += probabilities.back();
        }
        ASSERT_NEAR(sum, 1, 2e-3) << "step " << step;  // the file has four digits
        std::discrete_distribution<std::size_t> drawn{probabilities.begin(), probabilities.end()};
        state = nexts[drawn(random) + 1];
    }
}

TEST(PhoneLanguageModel, RefusesWhatIsNoModel) {
    const auto complaint = [](const std::string& contents) {
        const WrittenFile file{contents, "phones.arpa"};
        return complaint_of([&] { (void)PhoneLanguageModel{file.path()}; });
    };
    EXPECT_THAT(complaint(""), HasSubstr("expected \"\\1-grams:\""));
    EXPECT_THAT(complaint("\\data\\\nngram 1=1\n\\1-grams:\n-1 AA\n\\end\\\n"), HasSubstr("for the phone AE"));
    EXPECT_THAT(complaint(arpa("")), HasSubstr("expected \"\\2-grams:\" or \"\\end\\\""));
    EXPECT_THAT(complaint(arpa("\\end\\\n", "nan\tAA")), HasSubstr("phones.arpa:6: found \"nan\""));
    EXPECT_THAT(complaint(arpa("\\end\\\n", "0.5\tAA")), HasSubstr("-1000 to 0"));
    EXPECT_THAT(complaint(arpa("\\2-grams:\n-1\tAA\n\\end\\\n")), HasSubstr("found 1 words, expected 2"));
    EXPECT_THAT(complaint(arpa("\\end\\\n", "-1\tAA\t-1\t-1")), HasSubstr("another field"));
    EXPECT_THAT(complaint(arpa("\\3-grams:\n\\end\\\n")), HasSubstr("expected \"\\2-grams:\""));
}

TEST(PhoneLanguageModel, PassesOverWordsThatAreNoPhones) {
    const WrittenFile file{arpa("-2\tSIL\n\\2-grams:\n-1\tSIL AA\n-1\tAA </s>\n\\end\\\n"), "phones.arpa"};
    const PhoneLanguageModel model{file.path(), kPlain};
    EXPECT_NEAR(score_of(model, {"AA", "AA"}), -0.25 - 0.3 - 0.5 - 0.3, 1e-6);
}

}  // namespace
}  // namespace sidetone::speech
