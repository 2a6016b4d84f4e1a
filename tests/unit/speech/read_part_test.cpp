// SPDX-License-Identifier: Apache-2.0
#include "speech/read_part.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <vector>

namespace sidetone::speech {
namespace {

using testing::ElementsAre;

/// Three words of two phones each.
const Prompt kPrompt = {{"one", {{1, 2}}}, {"two", {{3, 4}}}, {"three", {{5, 6}, {5, 6, 7}}}};

AlignedPhone said(int word, int position, std::int64_t first_frame, std::int64_t end_frame) {
    AlignedPhone phone;
    phone.phone = kPrompt[static_cast<std::size_t>(word)].pronunciations[0][static_cast<std::size_t>(position)];
    phone.word = word;
    phone.position = position;
    phone.first_frame = first_frame;
    phone.end_frame = end_frame;
    return phone;
}

AlignedPhone something_else(std::int64_t first_frame, std::int64_t end_frame) {
    AlignedPhone phone;
    phone.first_frame = first_frame;
    phone.end_frame = end_frame;
    return phone;
}

TEST(PartRead, IsTheWordsThatWereSaidInTheUtterance) {
    const std::vector<AlignedPhone> way = {said(0, 0, 1, 2), said(0, 1, 2, 3), said(1, 0, 6, 7),
                                           said(1, 1, 7, 8), said(2, 0, 8, 9), said(2, 1, 9, 10)};
    const auto first = part_read(kPrompt, way, 0, 5);
    EXPECT_EQ(first.first_word, 0U);
    EXPECT_EQ(first.end_word, 1U);
    EXPECT_THAT(first.frames, ElementsAre(0, 1, 2, 3, 4));
    const auto second = part_read(kPrompt, way, 5, 12);
    EXPECT_EQ(second.first_word, 1U);
    EXPECT_EQ(second.end_word, 3U);
    EXPECT_THAT(second.frames, ElementsAre(5, 6, 7, 8, 9, 10, 11));
}

TEST(PartRead, LeavesOutWordsThatAnotherUtteranceBeganOrWentOnWith) {
    const std::vector<AlignedPhone> way = {said(0, 0, 1, 2), said(0, 1, 2, 3), said(1, 0, 3, 4),
                                           said(1, 1, 7, 8), said(2, 0, 8, 9), said(2, 1, 9, 10)};
    const auto first = part_read(kPrompt, way, 0, 6);
    EXPECT_EQ(first.end_word, 1U);
    EXPECT_THAT(first.frames, ElementsAre(0, 1, 2, 4, 5)) << "frame 3 is of a word that is not judged";
    const auto second = part_read(kPrompt, way, 6, 11);
    EXPECT_EQ(second.first_word, 2U);
    EXPECT_THAT(second.frames, ElementsAre(6, 8, 9, 10));
}

TEST(PartRead, OfWordsSaidAgainTheLastTimeCounts) {
    const std::vector<AlignedPhone> way = {said(0, 0, 0, 1), said(0, 1, 1, 2), said(1, 0, 2, 3), said(0, 0, 4, 5),
                                           said(0, 1, 5, 6), said(1, 0, 6, 7), said(1, 1, 7, 8)};
    const auto part = part_read(kPrompt, way, 0, 9);
    EXPECT_EQ(part.first_word, 0U);
    EXPECT_EQ(part.end_word, 2U);
    EXPECT_THAT(part.frames, ElementsAre(3, 4, 5, 6, 7, 8));
}

TEST(PartRead, LeavesOutWhatWasSaidBesideThePrompt) {
    const std::vector<AlignedPhone> way = {something_else(1, 4), said(0, 0, 4, 5), said(0, 1, 5, 6)};
    const auto part = part_read(kPrompt, way, 0, 7);
    EXPECT_EQ(part.end_word, 1U);
    EXPECT_THAT(part.frames, ElementsAre(0, 4, 5, 6));
}

TEST(PartRead, MayBeNoWord) {
    const std::vector<AlignedPhone> way = {said(0, 0, 1, 2)};
    const auto part = part_read(kPrompt, way, 0, 3);
    EXPECT_EQ(part.first_word, part.end_word);
    EXPECT_EQ(part_read(kPrompt, {}, 0, 3).end_word, 0U);
}

TEST(RowsOf, AreThoseOfTheFramesThatHaveOne) {
    std::vector<float> answers(3 * kPhoneClassCount);
    for (std::size_t i = 0; i < answers.size(); ++i) answers[i] = static_cast<float>(i / kPhoneClassCount);
    const std::vector<std::int64_t> frames = {9, 10, 12, 13};
    const auto rows = rows_of(answers, 10, frames);
    ASSERT_EQ(rows.size(), 2 * kPhoneClassCount);
    EXPECT_EQ(rows.front(), 0);
    EXPECT_EQ(rows.back(), 2);
}

}  // namespace
}  // namespace sidetone::speech
