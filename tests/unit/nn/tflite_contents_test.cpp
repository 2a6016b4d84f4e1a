// SPDX-License-Identifier: Apache-2.0
#include "nn/tflite_contents.hpp"

#include <gmock/gmock.h>

#include <random>

#include "test_models.hpp"

namespace sidetone::nn {
namespace {

TEST(TfliteContents, AreThoseOfDtln) {
    // By number: fully connected (9), unpack (88), strided slice (45),
    // add (0), split (49), logistic (14), multiply (18), tanh (28), reshape (22), pack (83).
    const auto file = test::contents_of(test::kSource / "deps/models/dtln/model_1.tflite");
    const auto contents = tflite_contents(std::as_bytes(std::span{file}));
    ASSERT_TRUE(contents);
    EXPECT_EQ(contents->subgraphs, 1U);
    EXPECT_TRUE(contents->plain_tensors);
    EXPECT_THAT(contents->operators, testing::UnorderedElementsAre(0, 9, 14, 18, 22, 28, 45, 49, 83, 88));
}

TEST(TfliteContents, AreRealTimeSafeOnlyWhenEverythingInThemIs) {
    TfliteContents contents{.operators = {0, 9, 83}, .subgraphs = 1, .plain_tensors = true};
    EXPECT_TRUE(is_realtime_safe(contents));
    contents.plain_tensors = false;
    EXPECT_FALSE(is_realtime_safe(contents));
    contents = {.operators = {0, 9, 83}, .subgraphs = 2, .plain_tensors = true};  // IF and WHILE run the others
    EXPECT_FALSE(is_realtime_safe(contents));
    for (const std::int32_t unproven : {-1, 2, 32, 127, 130}) {
        EXPECT_FALSE(is_realtime_safe({.operators = {0, unproven}, .subgraphs = 1, .plain_tensors = true})) << unproven;
    }
}

TEST(TfliteContents, AreNoneInAnythingElse) {
    for (const std::string text : {"", "TFL3", "xxxxTFL3",
                                   "\x7f\xff\xff\xff"
                                   "TFL3",
                                   "some text that is no model"}) {
        EXPECT_FALSE(tflite_contents(std::as_bytes(std::span{text}))) << text;
    }
}

TEST(TfliteContents, AreReadWithinTheFileWhateverItHolds) {
    const auto good = test::contents_of(test::kSource / "deps/models/dtln/model_1.tflite").substr(0, 4096);
    std::mt19937 random{11};
    for (int trial = 0; trial < 20'000; ++trial) {
        // Exactly as large as its contents, so that a sanitizer sees any read beyond.
        std::vector<char> damaged(good.begin(), good.begin() + static_cast<std::ptrdiff_t>(random() % good.size()));
        for (int byte = 0; byte < 8 && damaged.size() > 8; ++byte) {
            const auto at = random() % damaged.size();
            if (at < 4 || at >= 8) damaged[at] = static_cast<char>(random());
        }
        (void)tflite_contents(std::as_bytes(std::span{damaged}));
    }
}

}  // namespace
}  // namespace sidetone::nn
