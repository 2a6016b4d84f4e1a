// SPDX-License-Identifier: Apache-2.0
#include "device/cards.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "device/joined_card.hpp"
#include "unit/device/listening_user.hpp"
#include "unit/device/refusal.hpp"

namespace sidetone::device {
namespace {

using testing::AllOf;
using testing::HasSubstr;

TEST(Cards, AnUnknownNameIsRefusedWithAListOfThoseThereAre) {
    EXPECT_THAT(refusal([] { (void)open_card({.input = "gramophone", .output = {}}, {}); }),
                AllOf(HasSubstr("\"gramophone\""), HasSubstr("sim")));
    EXPECT_THAT(refusal([] { (void)open_card({.input = "sim", .output = "gramophone"}, {}); }),
                HasSubstr("\"gramophone\""));
}

TEST(Cards, TheRequestOverrulesTheSimulatedCardsSettings) {
    const auto card = open_card({.input = "sim",
                                 .output = {},
                                 .rate_hz = 96'000,
                                 .block_frames = 64,
                                 .input_channels = 3,
                                 .output_channels = 2},
                                {.pacing = {.rate_hz = 48'000, .block_frames = 128}});
    EXPECT_EQ(card->format().rate_hz, 96'000U);
    EXPECT_EQ(card->format().block_frames, 64U);
    EXPECT_EQ(card->format().input_channels, 3U);
    EXPECT_EQ(card->format().output_channels, 2U);
}

TEST(Cards, SimulatedCardIsAlwaysListed) {
    const auto cards = list_cards();
    EXPECT_TRUE(std::any_of(cards.begin(), cards.end(), [](const auto& card) { return card.name == "sim"; }));
}

TEST(Cards, TwoNamesAreJoined) {
    const auto card = open_card({.input = "sim", .output = "sim:other"}, {.seconds = 0.2});
    ASSERT_NE(dynamic_cast<JoinedCard*>(card.get()), nullptr);
    ListeningUser user;
    const StopAtEnd stop_at_end{*card};
    card->start(user);
    EXPECT_TRUE(user.wait_for(CardEvent::finished));
    card->stop();
    EXPECT_EQ(card->format().input_channels, 1U);
    EXPECT_EQ(card->format().output_channels, 1U);
}

}  // namespace
}  // namespace sidetone::device
