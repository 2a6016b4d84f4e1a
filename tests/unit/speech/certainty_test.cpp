// SPDX-License-Identifier: Apache-2.0
#include "speech/certainty.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <string>

#include "speech/weights_file.hpp"
#include "unit/speech/written_file.hpp"

namespace sidetone::speech {
namespace {

using test::complaint_of;
using test::WrittenFile;
using testing::HasSubstr;

TEST(Certainty, IsALogisticCurve) {
    const Certainty certainty{.offset = -6, .slope = 4};
    EXPECT_FLOAT_EQ(certainty.fine_probability(1.5F), 0.5F);
    EXPECT_NEAR(certainty.fine_probability(1), 1 / (1 + std::exp(2.0)), 1e-6);
    EXPECT_NEAR(certainty.fine_probability(2), 1 / (1 + std::exp(-2.0)), 1e-6);
}

TEST(Certainty, SaysNothingBetweenTheTwoVerdicts) {
    EXPECT_EQ(verdict_of(0.81F), Verdict::fine);
    EXPECT_EQ(verdict_of(0.79F), Verdict::not_sure);
    EXPECT_EQ(verdict_of(0.21F), Verdict::not_sure);
    EXPECT_EQ(verdict_of(0.19F), Verdict::otherwise);
    EXPECT_EQ(name_of(Verdict::not_sure), "not sure");
}

TEST(Certainty, IsReadByName) {
    const WrittenFile file{"# what it is\none -1.5 2\nother 3e0 0.5\n"};
    const auto certainty = read_certainty(file.path(), "other");
    EXPECT_EQ(certainty.offset, 3);
    EXPECT_EQ(certainty.slope, 0.5);
}

TEST(Certainty, RefusesFilesThatHaveNone) {
    const auto complaint = [](const std::string& text) {
        const WrittenFile file{text};
        return complaint_of([&] { (void)read_certainty(file.path(), "one"); });
    };
    EXPECT_THAT(complaint("# nothing\n"), HasSubstr("found no line \"one\""));
    EXPECT_THAT(complaint("one\n"), HasSubstr(":1: offset: found \"\", expected a number"));
    EXPECT_THAT(complaint("one 1 2x\n"), HasSubstr("slope: found \"2x\""));
    EXPECT_THAT(complaint("one inf 2\n"), HasSubstr("expected a number"));
    EXPECT_THAT(complaint("one 1 -2\n"), HasSubstr("more than 0"));
    EXPECT_THAT(complaint("one 1 2 3\n"), HasSubstr(":1: found \"3\" after the slope"));
    EXPECT_THAT(complaint("one 1 2\none 3 4\n"), HasSubstr(":2: found a second line \"one\""));
}

TEST(Certainty, OfThisProjectKnowsGoodFromBad) {
    for (const auto* name : {"streaming", "full", "both"}) {
        const auto certainty = read_certainty(find_weights("phone-scorer", "certainty.txt"), name);
        EXPECT_EQ(verdict_of(certainty.fine_probability(1.9F)), Verdict::fine) << name;
        EXPECT_EQ(verdict_of(certainty.fine_probability(1.3F)), Verdict::not_sure) << name;
        EXPECT_EQ(verdict_of(certainty.fine_probability(0.5F)), Verdict::otherwise) << name;
    }
}

}  // namespace
}  // namespace sidetone::speech
