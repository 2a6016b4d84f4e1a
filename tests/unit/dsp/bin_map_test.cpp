// SPDX-License-Identifier: Apache-2.0
#include "dsp/bin_map.hpp"

#include <gtest/gtest.h>

#include <vector>

namespace sidetone::dsp {
namespace {

// Gains that rise linearly with frequency, 1 at `full_hz`.
std::vector<float> slope(BinMap::Axis axis, double full_hz) {
    std::vector<float> gains(axis.bins);
    for (std::size_t k = 0; k < axis.bins; ++k) {
        const auto hz = static_cast<double>(k) * axis.rate_hz / 2 / static_cast<double>(axis.bins - 1);
        gains[k] = static_cast<float>(hz / full_hz);
    }
    return gains;
}

TEST(BinMap, ASlopeStaysThatSlopeWithinTheBand) {
    const BinMap::Axis from{.bins = 257, .rate_hz = 16'000};
    for (const auto& to : {BinMap::Axis{769, 48'000}, BinMap::Axis{769, 44'100}, BinMap::Axis{257, 16'000},
                           BinMap::Axis{129, 8'000}, BinMap::Axis{2049, 192'000}}) {
        const BinMap map{from, to, 6800, 1000};
        std::vector<float> out(to.bins);
        map.apply(slope(from, 8000).data(), out.data());
        const auto wanted = slope(to, 8000);
        for (std::size_t k = 0; k < to.bins; ++k) {
            const auto hz = static_cast<double>(wanted[k]) * 8000;
            if (hz <= 6800) {
                EXPECT_NEAR(out[k], wanted[k], 1e-6) << to.rate_hz << " " << hz;
            } else {  // the mean of 5.8 to 6.8 kHz
                EXPECT_NEAR(out[k], 6300.0 / 8000, 3e-3) << to.rate_hz << " " << hz;
            }
        }
    }
}

TEST(BinMap, EqualAxesAreTheIdentityWhenTheWholeBandIsBelieved) {
    const BinMap::Axis axis{.bins = 65, .rate_hz = 8'000};
    const BinMap map{axis, axis, 4000, 500};
    const auto in = slope(axis, 1000);
    std::vector<float> out(axis.bins);
    map.apply(in.data(), out.data());
    for (std::size_t k = 0; k < axis.bins; ++k) EXPECT_FLOAT_EQ(out[k], in[k]);
}

}  // namespace
}  // namespace sidetone::dsp
