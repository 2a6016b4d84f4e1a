// SPDX-License-Identifier: Apache-2.0
#include "dsp/band_bins.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

namespace sidetone::dsp {
namespace {

constexpr double kRateHz = 48'000;

TEST(BandBins, EachBandHoldsItsShareOfAFlatSpectrum) {
    for (const std::size_t count : {2U, 5U, 18U}) {
        for (const std::size_t size : {128U, 256U, 1536U}) {
            const auto bands = erb_bands(count, 100, 12'000);
            const BandBins map(bands, kRateHz, size);
            const std::vector<float> flat(map.bins(), 1.0F);
            std::vector<float> sums(count);
            map.sum(flat.data(), sums.data());
            for (std::size_t b = 0; b < count; ++b) {
                const double expected =
                    (bands.edges_hz[b + 1] - bands.edges_hz[b]) * static_cast<double>(size) / kRateHz;
                EXPECT_NEAR(sums[b], expected, 1e-3) << count << " bands, " << size << ", band " << b;
            }
        }
    }
}

TEST(BandBins, SpreadIsStraightBetweenCentresAndLevelOutside) {
    const auto bands = bands_around({1000, 3000, 9000});
    const BandBins map(bands, kRateHz, 256);
    const float values[] = {0, 10, 20};
    std::vector<float> out(map.bins());
    map.spread(values, out.data());
    for (std::size_t k = 0; k < out.size(); ++k) {
        const double erb = erb_number(static_cast<double>(k) * kRateHz / 256);
        const double share = erb < erb_number(3000)
                                 ? (erb - erb_number(1000)) / (erb_number(3000) - erb_number(1000))
                                 : 1 + (erb - erb_number(3000)) / (erb_number(9000) - erb_number(3000));
        EXPECT_NEAR(out[k], 10 * std::clamp(share, 0.0, 2.0), 1e-4) << "bin " << k;
    }
}

TEST(BandBins, BandsAboveHalfTheRateHoldNothing) {
    const auto bands = bands_around({1000, 3000, 9000});
    const BandBins map(bands, 8000, 256);
    const std::vector<float> flat(map.bins(), 1.0F);
    float sums[3];
    map.sum(flat.data(), sums);
    EXPECT_GT(sums[1], 0);
    EXPECT_EQ(sums[2], 0);
}

}  // namespace
}  // namespace sidetone::dsp
