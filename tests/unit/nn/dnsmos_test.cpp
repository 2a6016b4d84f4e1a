// SPDX-License-Identifier: Apache-2.0
#include "nn/dnsmos.hpp"

#include <gtest/gtest.h>

#include <random>
#include <vector>

namespace sidetone::nn {
namespace {

TEST(Dnsmos, NoiseIsRatedLowAndARepetitionAsTheOriginal) {
    auto dnsmos = Dnsmos::open();
    if (!dnsmos) GTEST_SKIP() << "the model dnsmos is not here";
    std::mt19937 random{1};
    std::normal_distribution<float> normal{0, 0.1F};
    std::vector<float> noise(32'000);
    for (auto& sample : noise) sample = normal(random);
    const auto once = dnsmos->score(noise, 16'000);
    EXPECT_LT(once.overall, 1.6);
    EXPECT_GT(once.overall, 0.9);
    auto twice = noise;
    twice.insert(twice.end(), noise.begin(), noise.end());
    EXPECT_NEAR(dnsmos->score(twice, 16'000).overall, once.overall, 1e-6);
}

}  // namespace
}  // namespace sidetone::nn
