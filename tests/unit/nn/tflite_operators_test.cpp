// SPDX-License-Identifier: Apache-2.0
#include "nn/tflite_operators.hpp"

#include <gmock/gmock.h>

#include "test_models.hpp"

namespace sidetone::nn {
namespace {

TEST(TfliteOperators, AreThoseOfDtln) {
    // What TensorFlow's own analyzer lists for the first graph: fully connected (9), unpack (88), strided slice (45),
    // add (0), split (49), logistic (14), multiply (18), tanh (28), reshape (22), pack (83).
    const auto file = test::contents_of(test::kSource / "deps/models/dtln/model_1.tflite");
    const auto operators = tflite_operators(std::as_bytes(std::span{file}));
    ASSERT_TRUE(operators);
    EXPECT_THAT(*operators, testing::UnorderedElementsAre(0, 9, 14, 18, 22, 28, 45, 49, 83, 88));
}

TEST(TfliteOperators, AreNoneInAnythingElse) {
    for (const std::string text : {"", "TFL3", "xxxxTFL3",
                                   "\x7f\xff\xff\xff"
                                   "TFL3",
                                   "some text that is no model"}) {
        EXPECT_FALSE(tflite_operators(std::as_bytes(std::span{text}))) << text;
    }
}

TEST(TfliteOperators, AreReadWithinTheFileWhateverItHolds) {
    const auto good = test::contents_of(test::kSource / "deps/models/dtln/model_1.tflite").substr(0, 4096);
    std::mt19937 random{11};
    for (int trial = 0; trial < 20'000; ++trial) {
        // Exactly as large as its contents, so that a sanitizer sees any read beyond.
        std::vector<char> damaged(good.begin(), good.begin() + static_cast<std::ptrdiff_t>(random() % good.size()));
        for (int byte = 0; byte < 8 && damaged.size() > 8; ++byte) {
            const auto at = random() % damaged.size();
            if (at < 4 || at >= 8) damaged[at] = static_cast<char>(random());
        }
        (void)tflite_operators(std::as_bytes(std::span{damaged}));
    }
}

}  // namespace
}  // namespace sidetone::nn
