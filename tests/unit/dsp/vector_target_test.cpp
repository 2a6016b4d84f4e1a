// SPDX-License-Identifier: Apache-2.0
// The other tests run the kernels of this processor's best vectors; these run the kernels of all that it has.

#include "dsp/vector_target.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <complex>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <string>
#include <utility>
#include <vector>

#include "dsp/biquad.hpp"
#include "dsp/convolver.hpp"
#include "dsp/limiter.hpp"
#include "dsp/overlap_add.hpp"
#include "dsp/polyphase_resampler.hpp"
#include "dsp/real_fft.hpp"
#include "dsp/sample_conversion.hpp"
#include "dsp/sample_conversion_kernels.hpp"
#include "unit/dsp/signals.hpp"

namespace sidetone::dsp {
namespace {

void use_only(std::int64_t targets) {
    hwy::SetSupportedTargetsForTest(targets);
    hwy::GetChosenTarget().Update(hwy::SupportedTargets());
}

/// Runs `check` with every target that the processor supports, one without vectors among them; then all are back.
template <class Check>
void with_every_target(Check check) {
    const std::int64_t supported = hwy::SupportedTargets();
    for (std::int64_t rest = supported; rest != 0; rest &= rest - 1) {
        const std::int64_t target = rest & -rest;
        SCOPED_TRACE(hwy::TargetName(target));
        use_only(target);
        check();
    }
    use_only(0);
    ASSERT_EQ(hwy::SupportedTargets(), supported);
}

TEST(VectorTarget, IsChosenBeforeTheFirstCall) {
    EXPECT_TRUE(kVectorTargetChosen);
    EXPECT_TRUE(hwy::GetChosenTarget().IsInitialized());
}

TEST(VectorTarget, ConvolutionsAgree) {
    constexpr std::size_t kInputs = 6;
    constexpr std::size_t kFrames = 6000;
    std::vector<std::vector<float>> taps;
    std::vector<std::vector<float>> signals;
    ResponseMatrix matrix{.inputs = kInputs, .outputs = 3, .responses = {}};
    for (std::uint32_t i = 0; i < kInputs; ++i) signals.push_back(test::white_noise(kFrames, i));
    for (std::uint32_t r = 0; r < kInputs * 3; ++r) taps.push_back(test::white_noise(2500, 50 + r));
    for (std::size_t r = 0; r < taps.size(); ++r) matrix.responses.push_back({r / 3, r % 3, taps[r]});
    const auto convolved = [&] {
        Convolver convolver(matrix, 100);
        std::vector<std::vector<float>> out(3, std::vector<float>(kFrames));
        // Long and short blocks: by transforms, and in time.
        for (std::size_t first = 0, size = 0; first < kFrames; first += size) {
            size = std::min<std::size_t>(first % 7 == 0 ? 113 : 3, kFrames - first);
            std::vector<const float*> from;
            for (const auto& signal : signals) from.push_back(signal.data() + first);
            const std::array to{out[0].data() + first, out[1].data() + first, out[2].data() + first};
            convolver.process(from.data(), to.data(), size);
        }
        return out;
    };
    const auto expected = convolved();
    with_every_target([&] {
        const auto out = convolved();
        // Sums of 15 000 products of unit variance; their order differs.
        for (std::size_t o = 0; o < out.size(); ++o) {
            for (std::size_t n = 0; n < kFrames; ++n) ASSERT_NEAR(out[o][n], expected[o][n], 1e-3) << o << ", " << n;
        }
    });
}

TEST(VectorTarget, TransformsAgree) {
    for (const std::size_t size : {64U, 96U, 192U, 512U, 864U, 1536U, 2048U}) {
        const auto signal = test::white_noise(size, 71);
        RealFft fft(size);
        std::vector<std::complex<float>> expected(fft.bins());
        fft.forward(signal.data(), expected.data());
        with_every_target([&] {
            std::vector<std::complex<float>> spectrum(fft.bins());
            fft.forward(signal.data(), spectrum.data());
            std::vector<float> back(size);
            fft.inverse(spectrum.data(), back.data());
            const double tolerance = 2e-6 * std::sqrt(static_cast<double>(size));
            for (std::size_t k = 0; k < fft.bins(); ++k) ASSERT_NEAR(std::abs(spectrum[k] - expected[k]), 0, tolerance);
            for (std::size_t n = 0; n < size; ++n) ASSERT_NEAR(back[n], signal[n], 3e-6) << size;
        });
    }
}

// One ratio for each of the filters that a resampler chooses from when it is made.
TEST(VectorTarget, ResamplersAgreeAndStayExactInChunks) {
    constexpr std::size_t kCount = 500;
    struct Rates {
        std::uint32_t in_hz, out_hz;
    };
    const auto in = test::white_noise(2000, 72);
    for (const auto rates :
         {Rates{44'100, 16'000}, {24'000, 48'000}, {16'000, 48'000}, {12'000, 48'000}, {48'000, 16'000}}) {
        SCOPED_TRACE(std::to_string(rates.in_hz) + " Hz to " + std::to_string(rates.out_hz) + " Hz");
        // Made anew, with the filter of the vectors that may be used now; `chunk` outputs at a time.
        const auto resampled = [&](std::size_t chunk) {
            const PolyphaseResampler resampler(rates.in_hz, rates.out_hz);
            const std::int64_t begin = resampler.oldest_input(0);
            std::vector<float> out(kCount);
            for (std::size_t n = 0; n < kCount; n += chunk) {
                resampler.compute(in.data(), begin, static_cast<std::int64_t>(n), std::min(chunk, kCount - n),
                                  out.data() + n);
            }
            return out;
        };
        const auto expected = resampled(kCount);
        with_every_target([&] {
            const auto whole = resampled(kCount);
            for (std::size_t n = 0; n < kCount; ++n) ASSERT_NEAR(whole[n], expected[n], 2e-6) << n;
            // Of a multiple's inputs: too few for a vector, enough for a narrow one, for a wide one, for two.
            for (const std::size_t chunk : {5U, 13U, 18U, 43U}) ASSERT_EQ(resampled(chunk), whole) << chunk;
        });
    }
}

constexpr std::array kFormats{SampleFormat::s16, SampleFormat::s24, SampleFormat::s24in32, SampleFormat::s32,
                              SampleFormat::f32};

/// Samples within and beyond ±1, at ±1, and not finite.
std::vector<float> rough_signal(std::size_t count) {
    auto signal = test::white_noise(count, 73, 0.5F);
    for (std::size_t n = 5; n < count; n += 11) signal[n] = n % 2 == 0 ? 1.0F : -1.0F;
    for (std::size_t n = 6; n < count; n += 13) {
        signal[n] = n % 2 == 0 ? std::numeric_limits<float>::quiet_NaN() : -std::numeric_limits<float>::infinity();
    }
    return signal;
}

/// All that a conversion gives.
struct Converted {
    std::vector<std::byte> bytes;
    std::uint32_t not_finite, clipped;
    float peak;

    bool operator==(const Converted&) const = default;
};

/// `convert` is handed a pattern to write over, so that strays are seen.
template <class Convert>
Converted converted(std::size_t bytes, Convert convert) {
    std::vector<std::byte> out(bytes, std::byte{0x5A});
    const ConversionReport report = convert(out.data());
    return {std::move(out), report.not_finite, report.clipped, report.peak};
}

Converted to_card(const PackedConversion& conversion, const float* in, std::size_t count) {
    // No format takes more than four bytes: what is left over stays as it was.
    return converted(4 * count + 16, [&](std::byte* out) { return conversion.from_float(in, count, out); });
}

Converted from_card(const PackedConversion& conversion, const std::byte* in, std::size_t count) {
    return converted(sizeof(float) * (count + 16),
                     [&](std::byte* out) { return conversion.to_float(in, count, reinterpret_cast<float*>(out)); });
}

// kPackedConversions stay those of the best vectors.
TEST(VectorTarget, PackedConversionsGiveTheSameBytesForEveryNumberOfSamples) {
    const auto signal = rough_signal(131);
    // A card may hold any bytes: as floats, these are not all finite.
    const auto* const card = reinterpret_cast<const std::byte*>(signal.data());
    with_every_target([&] {
        const auto conversions = choose_packed_conversions();
        for (const auto format : kFormats) {
            const auto& best = packed_conversion(format);
            const auto& here = conversions[static_cast<std::size_t>(format)];
            for (std::size_t count = 0; count <= signal.size(); ++count) {
                ASSERT_EQ(to_card(here, signal.data(), count), to_card(best, signal.data(), count))
                    << to_string(format) << ", " << count << " samples";
                ASSERT_EQ(from_card(here, card, count), from_card(best, card, count))
                    << to_string(format) << ", " << count << " samples";
            }
        }
    });
}

// What whole vectors leave over of a stereo card is left to kPackedConversions.
TEST(VectorTarget, StereoConversionsGiveTheSameBytes) {
    constexpr std::size_t kFrames = 131;
    const auto signal = rough_signal(2 * kFrames);
    for (const auto format : kFormats) {
        for (const std::uint32_t channel : {0U, 1U}) {
            SCOPED_TRACE(std::string(to_string(format)) + ", channel " + std::to_string(channel));
            const auto write = [&] {
                return converted(2 * kFrames * bytes_per_sample(format), [&](std::byte* out) {
                    const std::array<void*, 1> data{out};
                    return from_float(signal.data(), {data.data(), format, true, 2}, channel, 0, kFrames);
                });
            };
            const auto read = [&] {
                return converted(sizeof(float) * kFrames, [&](std::byte* out) {
                    const std::array<const void*, 1> data{signal.data()};
                    return to_float({data.data(), format, true, 2}, channel, 0, kFrames, reinterpret_cast<float*>(out));
                });
            };
            const auto written = write();
            const auto samples = read();
            with_every_target([&] {
                ASSERT_EQ(write(), written);
                ASSERT_EQ(read(), samples);
            });
        }
    }
}

TEST(VectorTarget, ProductsAgree) {
    const auto a = test::white_noise(77, 74);
    const auto b = test::white_noise(77, 75);
    with_every_target([&] {
        std::vector<float> sum(77, 1.0F);
        multiply_add(a.data(), b.data(), sum.data(), 77);
        std::vector<std::complex<float>> spectrum(77, {3.0F, 4.0F});
        apply_gains(a.data(), spectrum.data(), 77);
        std::vector<float> magnitudes(77);
        magnitude(spectrum.data(), magnitudes.data(), 77);
        for (std::size_t n = 0; n < 77; ++n) {
            ASSERT_NEAR(sum[n], 1.0F + a[n] * b[n], 1e-6);
            ASSERT_NEAR(magnitudes[n], 5.0F * std::fabs(a[n]), 2e-6);
        }
    });
}

/// One channel through transposed biquads, one after the other.
std::vector<float> through_biquads(const std::vector<Biquad>& biquads, const std::vector<float>& in) {
    std::vector<double> signal(in.begin(), in.end());
    for (const auto& c : biquads) {
        double s1 = 0, s2 = 0;
        for (auto& x : signal) {
            const double y = c.b0 * x + s1;
            s1 = c.b1 * x - c.a1 * y + s2;
            s2 = c.b2 * x - c.a2 * y;
            x = y;
        }
    }
    return {signal.begin(), signal.end()};
}

TEST(VectorTarget, BiquadsAgreeForEveryNumberOfThemAndOfFrames) {
    const auto left = test::white_noise(300, 76);
    const auto right = test::white_noise(300, 77);
    std::vector<Biquad> biquads;
    for (std::size_t count = 1; count <= BiquadCascade::kMost; ++count) {
        const auto turn = static_cast<double>(count);
        biquads.push_back(make_biquad({EqualiserFilter::Shape::peaking, 200 * turn * turn, turn - 5, 1.1}, 48'000));
        const auto expected_left = through_biquads(biquads, left);
        const auto expected_right = through_biquads(biquads, right);
        with_every_target([&] {
            BiquadCascade cascade(2, 48'000);
            cascade.set(biquads);
            auto out_left = left;
            auto out_right = right;
            for (std::size_t first = 0, size = 1; first < 300; first += size, ++size) {
                const std::array channels{out_left.data() + first, out_right.data() + first};
                cascade.process(channels.data(), channels.data(), std::min(size, 300 - first));
            }
            for (std::size_t n = 0; n < 300; ++n) {
                ASSERT_NEAR(out_left[n], expected_left[n], 1e-6) << count << " biquads, frame " << n;
                ASSERT_NEAR(out_right[n], expected_right[n], 1e-6) << count << " biquads, frame " << n;
            }
        });
    }
}

TEST(VectorTarget, SoftLimitersAgree) {
    constexpr double kKnee = 0.25, kCeiling = 0.5;  // 12.04 and 6.02 dB below full scale
    const double decay = std::exp(-1 / (0.05 * 48'000));
    const auto left = test::white_noise(301, 78, 0.4F);
    auto right = test::white_noise(301, 79, 0.1F);
    right[100] = 3;
    std::vector<double> gains;
    double envelope = 0;
    for (std::size_t n = 0; n < 301; ++n) {
        envelope = std::max<double>(std::max(std::fabs(left[n]), std::fabs(right[n])), envelope * decay);
        const double u = (envelope - kKnee) / (kCeiling - kKnee);
        const double bent = kKnee + (kCeiling - kKnee) * u / std::sqrt(1 + u * u);
        gains.push_back(envelope > kKnee ? bent / envelope : 1);
    }
    with_every_target([&] {
        SoftLimiter limiter(
            {.ceiling_db = 20 * std::log10(kCeiling), .knee_db = 20 * std::log10(2.0), .release_ms = 50}, 2, 48'000);
        auto out_left = left;
        auto out_right = right;
        for (std::size_t first = 0, size = 1; first < 301; first += size, size = size * 2 + 1) {
            const std::array channels{out_left.data() + first, out_right.data() + first};
            limiter.process(channels.data(), channels.data(), std::min(size, 301 - first));
        }
        for (std::size_t n = 0; n < 301; ++n) {
            ASSERT_NEAR(out_left[n], left[n] * gains[n], 1e-6) << "frame " << n;
            ASSERT_NEAR(out_right[n], right[n] * gains[n], 1e-6) << "frame " << n;
        }
    });
}

}  // namespace
}  // namespace sidetone::dsp
