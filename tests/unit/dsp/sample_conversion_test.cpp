// SPDX-License-Identifier: Apache-2.0
#include "dsp/sample_conversion.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <limits>
#include <string>
#include <vector>

#include "unit/dsp/signals.hpp"

namespace sidetone::dsp {
namespace {

constexpr std::array kFormats{SampleFormat::s16, SampleFormat::s24, SampleFormat::s24in32, SampleFormat::s32,
                              SampleFormat::f32};
constexpr float kInfinity = std::numeric_limits<float>::infinity();
constexpr float kNaN = std::numeric_limits<float>::quiet_NaN();

/// The memory of one block in any layout, filled with a pattern so that strays are seen.
class CardBuffer {
public:
    CardBuffer(SampleFormat format, bool interleaved, std::uint32_t channels, std::size_t frames)
        : format_(format), interleaved_(interleaved), channels_(channels) {
        const std::size_t buffers = interleaved ? 1 : channels;
        const std::size_t samples = frames * (interleaved ? channels : 1);
        bytes_.assign(buffers, std::vector<std::byte>(samples * bytes_per_sample(format), std::byte{0x5A}));
        for (auto& buffer : bytes_) {
            const_data_.push_back(buffer.data());
            data_.push_back(buffer.data());
        }
    }

    [[nodiscard]] SampleSource source() const { return {const_data_.data(), format_, interleaved_, channels_}; }
    [[nodiscard]] SampleSink sink() { return {data_.data(), format_, interleaved_, channels_}; }
    [[nodiscard]] std::byte* at(std::uint32_t channel, std::size_t frame) {
        const std::size_t sample = interleaved_ ? frame * channels_ + channel : frame;
        return bytes_[interleaved_ ? 0 : channel].data() + sample * bytes_per_sample(format_);
    }
    [[nodiscard]] bool untouched(std::uint32_t channel, std::size_t frame) {
        const std::byte* sample = at(channel, frame);
        return std::all_of(sample, sample + bytes_per_sample(format_),
                           [](std::byte b) { return b == std::byte{0x5A}; });
    }

private:
    SampleFormat format_;
    bool interleaved_;
    std::uint32_t channels_;
    std::vector<std::vector<std::byte>> bytes_;
    std::vector<const void*> const_data_;
    std::vector<void*> data_;
};

int bits_of(SampleFormat format) {
    switch (format) {
        case SampleFormat::s16:
            return 16;
        case SampleFormat::s24:
        case SampleFormat::s24in32:
            return 24;
        default:
            return 32;
    }
}

/// What the header promises, one sample at a time, in double precision.
std::int64_t expected_integer(float sample, SampleFormat format) {
    const double scale = std::ldexp(1.0, bits_of(format) - 1);
    const double finite = std::isfinite(sample) ? static_cast<double>(sample) : 0.0;
    return static_cast<std::int64_t>(std::nearbyint(std::clamp(finite * scale, -scale, scale - 1)));
}

std::int64_t read_integer(const std::byte* at, SampleFormat format) {
    std::uint32_t raw = 0;
    std::memcpy(&raw, at, bytes_per_sample(format));
    const int unused = 32 - bits_of(format);
    return static_cast<std::int32_t>(raw << unused) >> unused;
}

void write_integer(std::byte* at, std::int64_t value, SampleFormat format) {
    const auto raw = static_cast<std::uint32_t>(value);
    std::memcpy(at, &raw, bytes_per_sample(format));
}

struct Layout {
    SampleFormat format;
    bool interleaved;
    std::uint32_t channels;
};

std::vector<Layout> all_layouts() {
    std::vector<Layout> layouts;
    for (const auto format : kFormats) {
        for (const std::uint32_t channels : {1U, 2U, 3U, 8U}) {
            layouts.push_back({format, true, channels});
            layouts.push_back({format, false, channels});
        }
    }
    return layouts;
}

std::string name_of(const ::testing::TestParamInfo<Layout>& info) {
    return std::string(to_string(info.param.format)) + (info.param.interleaved ? "_interleaved_" : "_planar_") +
           std::to_string(info.param.channels);
}

/// 0 where there is nothing finite.
float largest_magnitude(const std::vector<float>& samples) {
    float peak = 0;
    for (const float sample : samples) {
        if (std::isfinite(sample)) peak = std::max(peak, std::fabs(sample));
    }
    return peak;
}

class EveryLayout : public ::testing::TestWithParam<Layout> {};
INSTANTIATE_TEST_SUITE_P(Layouts, EveryLayout, ::testing::ValuesIn(all_layouts()), name_of);

TEST_P(EveryLayout, ReadsEachChannelAsTheScalarDefinitionDoes) {
    const auto [format, interleaved, channels] = GetParam();
    for (const std::size_t frames : {0U, 1U, 2U, 3U, 5U, 15U, 16U, 17U, 31U, 33U, 64U, 100U, 131U}) {
        for (const std::size_t first : {0U, 1U, 7U}) {
            CardBuffer buffer(format, interleaved, channels, first + frames);
            std::vector<std::vector<float>> expected(channels);
            for (std::uint32_t channel = 0; channel < channels; ++channel) {
                const auto noise = test::white_noise(first + frames, 40 + channel, 0.3F);
                for (std::size_t n = 0; n < noise.size(); ++n) {
                    float sample = noise[n];
                    if (format == SampleFormat::f32) {
                        std::memcpy(buffer.at(channel, n), &sample, 4);
                    } else {
                        const auto integer = expected_integer(sample, format);
                        write_integer(buffer.at(channel, n), integer, format);
                        sample = static_cast<float>(std::ldexp(static_cast<double>(integer), 1 - bits_of(format)));
                    }
                    if (n >= first) expected[channel].push_back(sample);
                }
            }
            for (std::uint32_t channel = 0; channel < channels; ++channel) {
                std::vector<float> out(frames + 1, 9.0F);
                const auto report = to_float(buffer.source(), channel, first, frames, out.data());
                EXPECT_EQ(report.not_finite, 0U);
                EXPECT_EQ(report.clipped, 0U);
                EXPECT_EQ(report.peak, largest_magnitude(expected[channel]));
                expected[channel].push_back(9.0F);
                ASSERT_EQ(out, expected[channel]) << frames << " frames from " << first << ", channel " << channel;
            }
        }
    }
}

TEST_P(EveryLayout, WritesItsChannelAsTheScalarDefinitionDoesAndNothingElse) {
    const auto [format, interleaved, channels] = GetParam();
    for (const std::size_t frames : {0U, 1U, 2U, 3U, 5U, 15U, 16U, 17U, 31U, 33U, 64U, 100U, 131U}) {
        for (const std::size_t first : {0U, 3U}) {
            const std::uint32_t channel = channels - 1;
            CardBuffer buffer(format, interleaved, channels, first + frames + 2);
            const auto noise = test::white_noise(frames, 50, 0.7F);
            const auto report = from_float(noise.data(), buffer.sink(), channel, first, frames);
            std::uint32_t clipped = 0;
            for (std::size_t n = 0; n < first + frames + 2; ++n) {
                for (std::uint32_t other = 0; other < channel; ++other) ASSERT_TRUE(buffer.untouched(other, n));
                if (n < first || n >= first + frames) {
                    ASSERT_TRUE(buffer.untouched(channel, n)) << "frame " << n;
                    continue;
                }
                const float sample = noise[n - first];
                if (format == SampleFormat::f32) {
                    ASSERT_EQ(std::memcmp(buffer.at(channel, n), &sample, 4), 0);
                } else {
                    clipped += std::fabs(sample) > 1.0F ? 1 : 0;
                    ASSERT_EQ(read_integer(buffer.at(channel, n), format), expected_integer(sample, format)) << sample;
                }
            }
            EXPECT_EQ(report.clipped, clipped);
            EXPECT_EQ(report.peak, largest_magnitude(noise));
            EXPECT_EQ(report.not_finite, 0U);
        }
    }
}

TEST_P(EveryLayout, ReplacesAndCountsWhatIsNotFinite) {
    const auto [format, interleaved, channels] = GetParam();
    CardBuffer buffer(format, interleaved, channels, 75);
    auto signal = test::white_noise(75, 51, 0.1F);
    for (const std::size_t n : {0U, 17U, 18U, 40U, 73U, 74U}) signal[n] = n % 2 == 0 ? kNaN : -kInfinity;
    signal[33] = kInfinity;
    const auto written = from_float(signal.data(), buffer.sink(), 0, 0, 75);
    EXPECT_EQ(written.not_finite, 7U);
    EXPECT_EQ(written.clipped, 0U);

    // What was written is finite; so a float buffer is spoilt by hand before it is read.
    if (format == SampleFormat::f32) {
        for (std::size_t n = 0; n < 75; ++n) std::memcpy(buffer.at(0, n), &signal[n], 4);
    }
    std::vector<float> out(75);
    const auto read = to_float(buffer.source(), 0, 0, 75, out.data());
    EXPECT_EQ(read.not_finite, format == SampleFormat::f32 ? 7U : 0U);
    EXPECT_EQ(written.peak, largest_magnitude(signal));
    EXPECT_EQ(read.peak, largest_magnitude(out));
    for (std::size_t n = 0; n < 75; ++n) {
        ASSERT_NEAR(out[n], std::isfinite(signal[n]) ? signal[n] : 0.0F, 1e-4F) << n;
    }
}

class EveryIntegerFormat : public ::testing::TestWithParam<SampleFormat> {};
INSTANTIATE_TEST_SUITE_P(Formats, EveryIntegerFormat,
                         ::testing::Values(SampleFormat::s16, SampleFormat::s24, SampleFormat::s24in32),
                         [](const auto& info) { return std::string(to_string(info.param)); });

TEST_P(EveryIntegerFormat, EveryValueSurvivesTheRoundTrip) {
    const auto format = GetParam();
    const std::int64_t full_scale = std::int64_t{1} << (bits_of(format) - 1);
    constexpr std::size_t kBlock = 4096;
    CardBuffer in(format, true, 1, kBlock);
    CardBuffer out(format, true, 1, kBlock);
    std::vector<float> samples(kBlock);
    for (std::int64_t first = -full_scale; first < full_scale; first += kBlock) {
        for (std::size_t n = 0; n < kBlock; ++n)
            write_integer(in.at(0, n), first + static_cast<std::int64_t>(n), format);
        to_float(in.source(), 0, 0, kBlock, samples.data());
        ASSERT_EQ(samples[0], static_cast<float>(std::ldexp(static_cast<double>(first), 1 - bits_of(format))));
        const auto report = from_float(samples.data(), out.sink(), 0, 0, kBlock);
        ASSERT_EQ(report.clipped, 0U);
        ASSERT_EQ(std::memcmp(in.at(0, 0), out.at(0, 0), kBlock * bytes_per_sample(format)), 0) << first;
    }
}

TEST(SampleConversion, ClampsAtFullScaleWithoutOverflow) {
    const std::vector<float> edges{1.0F,    -1.0F,    1.5F,   -1.5F, 1e30F, -1e30F, std::numeric_limits<float>::max(),
                                   0.9999F, -0.9999F, 1e-40F, -0.0F, 0.0F,  2.0F,   -2.0F,
                                   1e9F,    -1e9F,    0.5F};
    for (const auto format : kFormats) {
        if (format == SampleFormat::f32) continue;
        CardBuffer buffer(format, true, 1, edges.size());
        const auto report = from_float(edges.data(), buffer.sink(), 0, 0, edges.size());
        for (std::size_t n = 0; n < edges.size(); ++n) {
            EXPECT_EQ(read_integer(buffer.at(0, n), format), expected_integer(edges[n], format))
                << to_string(format) << " " << edges[n];
        }
        EXPECT_EQ(report.clipped, 9U) << to_string(format);
        EXPECT_EQ(report.not_finite, 0U);
    }
}

TEST(SampleConversion, RoundsToNearestEven) {
    std::vector<float> halves;
    for (int n = -20; n <= 20; ++n) halves.push_back((static_cast<float>(n) + 0.5F) / 32768.0F);
    CardBuffer buffer(SampleFormat::s16, true, 1, halves.size());
    from_float(halves.data(), buffer.sink(), 0, 0, halves.size());
    for (std::size_t n = 0; n < halves.size(); ++n) {
        const auto integer = read_integer(buffer.at(0, n), SampleFormat::s16);
        EXPECT_EQ(integer % 2, 0) << halves[n] * 32768.0F;
        EXPECT_NEAR(static_cast<double>(integer), static_cast<double>(halves[n]) * 32768.0, 0.5);
    }
}

TEST(SampleConversion, IgnoresTheUnusedByteOf24In32) {
    CardBuffer buffer(SampleFormat::s24in32, true, 1, 40);
    for (std::size_t n = 0; n < 40; ++n) {
        const std::uint32_t raw = 0xAB400000U + static_cast<std::uint32_t>(n);
        std::memcpy(buffer.at(0, n), &raw, 4);
    }
    std::vector<float> out(40);
    to_float(buffer.source(), 0, 0, 40, out.data());
    for (std::size_t n = 0; n < 40; ++n) EXPECT_EQ(out[n], 0.5F + static_cast<float>(n) / 8388608.0F);
}

}  // namespace
}  // namespace sidetone::dsp
