// SPDX-License-Identifier: Apache-2.0
#include "dsp/intelligibility.hpp"

#include <gtest/gtest.h>
#include <sndfile.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <numbers>
#include <stdexcept>
#include <string>
#include <vector>

#include "unit/dsp/signals.hpp"

namespace sidetone::dsp {
namespace {

constexpr double kTwoPi = 2 * std::numbers::pi;

// ── the reference: the papers' equations in double precision, each sum as it is written there ───────────────────────

using Row = std::vector<double>;
using Matrix = std::vector<Row>;

/// From `rate_hz` to 10 kHz by the interpolation formula: a sinc under a Blackman window, 40 of its zeros a side.
Row at_10_khz(const std::vector<float>& in, double rate_hz) {
    if (rate_hz == 10'000) return {in.begin(), in.end()};
    const double cutoff = std::min(1.0, 10'000 / rate_hz);  // of the input's Nyquist frequency
    const double reach = 40 / cutoff;
    Row out(static_cast<std::size_t>(static_cast<double>(in.size()) * 10'000 / rate_hz));
    for (std::size_t m = 0; m < out.size(); ++m) {
        const double position = static_cast<double>(m) * rate_hz / 10'000;
        const auto first = static_cast<std::size_t>(std::max(0.0, std::ceil(position - reach)));
        for (std::size_t n = first; n < in.size() && static_cast<double>(n) <= position + reach; ++n) {
            const double t = position - static_cast<double>(n);
            const double x = std::numbers::pi * cutoff * t;
            const double edge = std::cos(std::numbers::pi * t / reach);
            const double blackman = 0.34 + 0.5 * edge + 0.16 * edge * edge;
            out[m] += cutoff * (x == 0 ? 1 : std::sin(x) / x) * blackman * static_cast<double>(in[n]);
        }
    }
    return out;
}

double hann(std::size_t n) {
    return 0.5 - 0.5 * std::cos(kTwoPi * static_cast<double>(n + 1) / 257);
}

Row windowed_frame(const Row& signal, std::size_t start) {
    Row frame(256);
    for (std::size_t n = 0; n < 256; ++n) frame[n] = hann(n) * signal[start + n];
    return frame;
}

double norm(const Row& values) {
    double sum = 0;
    for (const double value : values) sum += value * value;
    return std::sqrt(sum);
}

Row without_silence(const Row& clean, const Row& signal) {
    double loudest_db = -400;
    const auto level_db = [&](std::size_t start) {
        return 20 * std::log10(norm(windowed_frame(clean, start)) + 1e-16);
    };
    for (std::size_t start = 0; start + 256 < clean.size(); start += 128) {
        loudest_db = std::max(loudest_db, level_db(start));
    }
    Row out;
    for (std::size_t start = 0; start + 256 < clean.size(); start += 128) {
        if (level_db(start) <= loudest_db - 40) continue;
        const auto frame = windowed_frame(signal, start);
        const std::size_t at = out.empty() ? 0 : out.size() - 128;
        out.resize(at + 256);
        for (std::size_t n = 0; n < 256; ++n) out[at + n] += frame[n];
    }
    return out;
}

/// One row per band: square roots of the sums of |DFT|² between the bins nearest to the edges, bin by bin.
Matrix third_octaves(const Row& signal) {
    Matrix bands(15);
    Row cosine(512);
    Row sine(512);
    for (std::size_t n = 0; n < 512; ++n) {
        cosine[n] = std::cos(kTwoPi * static_cast<double>(n) / 512);
        sine[n] = std::sin(kTwoPi * static_cast<double>(n) / 512);
    }
    for (std::size_t start = 0; start + 256 < signal.size(); start += 128) {
        const auto frame = windowed_frame(signal, start);
        for (std::size_t j = 0; j < 15; ++j) {
            const double low_hz = 150 * std::pow(2.0, (2 * static_cast<double>(j) - 1) / 6);
            const double high_hz = 150 * std::pow(2.0, (2 * static_cast<double>(j) + 1) / 6);
            double power = 0;
            for (auto k = std::lround(low_hz * 512 / 10'000); k < std::lround(high_hz * 512 / 10'000); ++k) {
                double real = 0;
                double imaginary = 0;
                for (std::size_t n = 0; n < 256; ++n) {
                    real += frame[n] * cosine[n * static_cast<std::size_t>(k) % 512];
                    imaginary -= frame[n] * sine[n * static_cast<std::size_t>(k) % 512];
                }
                power += real * real + imaginary * imaginary;
            }
            bands[j].push_back(std::sqrt(power));
        }
    }
    return bands;
}

Row column(const Matrix& rows, std::size_t n) {
    Row out;
    for (const auto& row : rows) out.push_back(row[n]);
    return out;
}

Row centred(Row values) {
    double mean = 0;
    for (const double value : values) mean += value / static_cast<double>(values.size());
    for (double& value : values) value -= mean;
    return values;
}

double correlation(const Row& a, const Row& b) {
    const auto x = centred(a);
    const auto y = centred(b);
    double product = 0;
    for (std::size_t n = 0; n < x.size(); ++n) product += x[n] * y[n];
    return product / (norm(x) * norm(y));
}

Matrix window_of_30(const Matrix& bands, std::size_t first) {
    Matrix out;
    for (const auto& band : bands) {
        out.emplace_back(band.begin() + static_cast<std::ptrdiff_t>(first),
                         band.begin() + static_cast<std::ptrdiff_t>(first + 30));
    }
    return out;
}

/// Taal et al. 2011, equations 3 to 5.
double reference_stoi(const Matrix& x, const Matrix& y) {
    double sum = 0;
    for (std::size_t j = 0; j < 15; ++j) {
        const double alpha = norm(x[j]) / norm(y[j]);
        Row clipped(30);
        for (std::size_t n = 0; n < 30; ++n) {
            clipped[n] = std::min(alpha * y[j][n], x[j][n] + std::pow(10.0, 15.0 / 20) * x[j][n]);
        }
        sum += correlation(x[j], clipped) / 15;
    }
    return sum;
}

/// Jensen and Taal 2016: rows to zero mean and unit norm, then correlation of the columns.
double reference_estoi(Matrix x, Matrix y) {
    for (auto* rows : {&x, &y}) {
        for (auto& row : *rows) {
            row = centred(row);
            const double length = norm(row);
            for (double& value : row) value /= length;
        }
    }
    double sum = 0;
    for (std::size_t n = 0; n < 30; ++n) sum += correlation(column(x, n), column(y, n)) / 30;
    return sum;
}

Intelligibility reference(const std::vector<float>& clean, const std::vector<float>& processed, double rate_hz) {
    const auto clean_signal = at_10_khz(clean, rate_hz);
    const auto x = third_octaves(without_silence(clean_signal, clean_signal));
    const auto y = third_octaves(without_silence(clean_signal, at_10_khz(processed, rate_hz)));
    Intelligibility mean{.stoi = 0, .estoi = 0};
    const std::size_t count = x.front().size() - 29;
    for (std::size_t first = 0; first < count; ++first) {
        const auto x_segment = window_of_30(x, first);
        const auto y_segment = window_of_30(y, first);
        mean.stoi += reference_stoi(x_segment, y_segment) / static_cast<double>(count);
        mean.estoi += reference_estoi(x_segment, y_segment) / static_cast<double>(count);
    }
    return mean;
}

// ── signals ─────────────────────────────────────────────────────────────────────────────────────────────────────────

/// White, uniform in ±0.5, the same in any language: s ← 1664525 s + 1013904223 (mod 2³²), s / 2³² - 0.5.
std::vector<double> congruential_noise(std::size_t count, std::uint32_t seed) {
    std::vector<double> noise(count);
    for (auto& sample : noise) {
        seed = 1664525U * seed + 1013904223U;
        sample = static_cast<double>(seed) / 4294967296.0 - 0.5;
    }
    return noise;
}

/// Σ_{k=1…22} (0.5 + 0.5 sin(2π (1.7 + 0.37 k) t + k)) sin(2π 190 k t) / k, silent in the last half second of every
/// two.
std::vector<float> babble(std::size_t count, double rate_hz) {
    std::vector<float> signal(count);
    for (std::size_t n = 0; n < count; ++n) {
        const double t = static_cast<double>(n) / rate_hz;
        if (std::fmod(t, 2.0) >= 1.5) continue;
        double sum = 0;
        for (int k = 1; k <= 22; ++k) {
            const double swell = 0.5 + 0.5 * std::sin(kTwoPi * (1.7 + 0.37 * k) * t + k);
            sum += swell * std::sin(kTwoPi * 190 * k * t) / k;
        }
        signal[n] = static_cast<float>(sum);
    }
    return signal;
}

std::vector<float> with_noise(const std::vector<float>& clean, double gain, std::uint32_t seed) {
    const auto noise = congruential_noise(clean.size(), seed);
    auto noisy = clean;
    for (std::size_t n = 0; n < noisy.size(); ++n) noisy[n] += static_cast<float>(gain * noise[n]);
    return noisy;
}

/// With white noise `snr_db` below it.
std::vector<float> at_snr(const std::vector<float>& clean, double snr_db, std::uint32_t seed) {
    double power = 0;
    for (const float sample : clean) power += static_cast<double>(sample) * static_cast<double>(sample);
    // Uniform in ±0.5 has a variance of 1/12.
    const double gain = std::sqrt(12 * power / static_cast<double>(clean.size())) * std::pow(10.0, -snr_db / 20);
    return with_noise(clean, gain, seed);
}

/// Real speech at 16 kHz, as set-up brings it; empty without.
std::vector<float> speech(const std::string& name) {
    const auto file = std::filesystem::path{SIDETONE_SOURCE_DIR} / "deps" / "audio" / "speech" / (name + ".wav");
    SF_INFO info{};
    SNDFILE* sound = sf_open(file.c_str(), SFM_READ, &info);
    if (sound == nullptr) return {};
    std::vector<float> samples(static_cast<std::size_t>(info.frames));
    sf_readf_float(sound, samples.data(), info.frames);
    sf_close(sound);
    return samples;
}

constexpr double kAgreement = 1e-3;

// ── tests ───────────────────────────────────────────────────────────────────────────────────────────────────────────

TEST(Intelligibility, IsWhatTheEquationsSayAt10kHz) {
    const auto clean = babble(40'000, 10'000);
    for (const double snr_db : {-10.0, -5.0, 0.0, 5.0, 20.0}) {
        const auto noisy = at_snr(clean, snr_db, 71);
        const auto found = intelligibility(clean, noisy, 10'000);
        const auto expected = reference(clean, noisy, 10'000);
        EXPECT_NEAR(found.stoi, expected.stoi, 1e-5) << snr_db << " dB";
        EXPECT_NEAR(found.estoi, expected.estoi, 1e-5) << snr_db << " dB";
    }
}

TEST(Intelligibility, IsWhatTheEquationsSayOfRealSpeechInNoise) {
    const auto clean = speech("2830-3980-0043");
    if (clean.empty()) GTEST_SKIP() << "the speech is not in deps/audio/speech; run scripts/setup";
    for (const double snr_db : {-5.0, 10.0}) {
        const auto noisy = at_snr(clean, snr_db, 72);
        const auto found = intelligibility(clean, noisy, 16'000);
        const auto expected = reference(clean, noisy, 16'000);
        EXPECT_NEAR(found.stoi, expected.stoi, kAgreement) << snr_db << " dB";
        EXPECT_NEAR(found.estoi, expected.estoi, kAgreement) << snr_db << " dB";
    }
}

TEST(Intelligibility, IsWhatTheEquationsSayAtEveryUsualRate) {
    for (const std::uint32_t rate_hz : {8'000U, 44'100U, 96'000U}) {
        const auto clean = babble(rate_hz, rate_hz);
        const auto noisy = at_snr(clean, 3, 73);
        const auto found = intelligibility(clean, noisy, rate_hz);
        const auto expected = reference(clean, noisy, rate_hz);
        EXPECT_NEAR(found.stoi, expected.stoi, kAgreement) << rate_hz;
        EXPECT_NEAR(found.estoi, expected.estoi, kAgreement) << rate_hz;
    }
}

// Run with pystoi 0.4.1 (Manuel Pariente's port of the authors' program, which it is tested against) on the same
// samples; at 16 and 48 kHz with a windowed-sinc resampler of ours in the place of SciPy's.
struct Pystoi {
    std::uint32_t rate_hz;
    double noise_gain, stoi, estoi;
};
constexpr Pystoi kPystoi[] = {
    {10'000, 8.0, 0.344798, 0.148448}, {10'000, 2.0, 0.548244, 0.450638}, {10'000, 0.5, 0.825527, 0.796687},
    {16'000, 8.0, 0.366842, 0.183557}, {16'000, 2.0, 0.592395, 0.513585}, {16'000, 0.5, 0.862410, 0.845093},
    {48'000, 8.0, 0.425050, 0.296811}, {48'000, 2.0, 0.698887, 0.650634}, {48'000, 0.5, 0.925708, 0.915464},
};

TEST(Intelligibility, IsWhatPystoiFinds) {
    for (const auto& pystoi : kPystoi) {
        const auto clean = babble(4 * std::size_t{pystoi.rate_hz}, pystoi.rate_hz);
        const auto found = intelligibility(clean, with_noise(clean, pystoi.noise_gain, 7), pystoi.rate_hz);
        EXPECT_NEAR(found.stoi, pystoi.stoi, kAgreement) << pystoi.rate_hz << " Hz, " << pystoi.noise_gain;
        EXPECT_NEAR(found.estoi, pystoi.estoi, kAgreement) << pystoi.rate_hz << " Hz, " << pystoi.noise_gain;
    }
}

struct PystoiOfSpeech {
    const char* name;
    double snr_db, stoi, estoi;
};
constexpr PystoiOfSpeech kPystoiOfSpeech[] = {
    {"2830-3980-0043", -5, 0.526955, 0.189649},   {"2830-3980-0043", 5, 0.726537, 0.407063},
    {"2830-3980-0043", 15, 0.897876, 0.681711},   {"4507-16021-0012", -5, 0.590610, 0.334145},
    {"4507-16021-0012", 5, 0.749711, 0.553397},   {"4507-16021-0012", 15, 0.894889, 0.784394},
    {"8455-210777-0068", -5, 0.663339, 0.457530}, {"8455-210777-0068", 5, 0.859501, 0.709176},
    {"8455-210777-0068", 15, 0.970661, 0.895400},
};

TEST(Intelligibility, IsWhatPystoiFindsOfRealSpeechInNoise) {
    for (const auto& pystoi : kPystoiOfSpeech) {
        const auto clean = speech(pystoi.name);
        if (clean.empty()) GTEST_SKIP() << pystoi.name << ".wav is not in deps/audio/speech; run scripts/setup";
        const auto found = intelligibility(clean, at_snr(clean, pystoi.snr_db, 72), 16'000);
        EXPECT_NEAR(found.stoi, pystoi.stoi, kAgreement) << pystoi.name << " at " << pystoi.snr_db << " dB";
        EXPECT_NEAR(found.estoi, pystoi.estoi, kAgreement) << pystoi.name << " at " << pystoi.snr_db << " dB";
    }
}

TEST(Intelligibility, RisesWithTheSignalToNoiseRatio) {
    const auto clean = babble(96'000, 16'000);
    Intelligibility before{.stoi = 0, .estoi = 0};
    for (const double snr_db : {-15.0, -10.0, -5.0, 0.0, 5.0, 10.0, 20.0, 40.0}) {
        const auto found = intelligibility(clean, at_snr(clean, snr_db, 74), 16'000);
        EXPECT_GT(found.stoi, before.stoi) << snr_db << " dB";
        EXPECT_GT(found.estoi, before.estoi) << snr_db << " dB";
        before = found;
    }
    EXPECT_LT(before.stoi, 1);
    EXPECT_LT(before.estoi, 1);
}

TEST(Intelligibility, IsOneForTheCleanSignalAndNearNothingForAStranger) {
    const auto clean = test::white_noise(48'000, 75);
    const auto same = intelligibility(clean, clean, 16'000);
    EXPECT_NEAR(same.stoi, 1, 1e-9);
    EXPECT_NEAR(same.estoi, 1, 1e-9);
    const auto stranger = intelligibility(clean, test::white_noise(48'000, 76), 16'000);
    EXPECT_LT(std::fabs(stranger.stoi), 0.1);
    EXPECT_LT(std::fabs(stranger.estoi), 0.1);
}

TEST(Intelligibility, DoesNotDependOnLevelsOrPauses) {
    const auto clean = babble(60'000, 10'000);
    const auto noisy = at_snr(clean, 0, 77);
    auto quiet_clean = clean;
    auto loud_noisy = noisy;
    for (auto& sample : quiet_clean) sample *= 0.01F;
    for (auto& sample : loud_noisy) sample *= 30.0F;
    const auto found = intelligibility(clean, noisy, 10'000);
    const auto other = intelligibility(quiet_clean, loud_noisy, 10'000);
    EXPECT_NEAR(other.stoi, found.stoi, 1e-5);
    EXPECT_NEAR(other.estoi, found.estoi, 1e-5);

    // A whole number of hops of silence in front, in which the processed signal is loud.
    std::vector<float> late_clean(128 * 100);
    auto late_noisy = test::white_noise(late_clean.size(), 78);
    late_clean.insert(late_clean.end(), clean.begin(), clean.end());
    late_noisy.insert(late_noisy.end(), noisy.begin(), noisy.end());
    const auto late = intelligibility(late_clean, late_noisy, 10'000);
    EXPECT_NEAR(late.stoi, found.stoi, 5e-3);
    EXPECT_NEAR(late.estoi, found.estoi, 5e-3);
}

TEST(Intelligibility, OfSilentOutputIsNothing) {
    const auto clean = babble(40'000, 10'000);
    const auto found = intelligibility(clean, std::vector<float>(clean.size()), 10'000);
    EXPECT_EQ(found.stoi, 0);
    EXPECT_EQ(found.estoi, 0);
}

TEST(Intelligibility, NeedsThirtyOneAudibleFrames) {
    const auto clean = test::white_noise(256 + 30 * 128 + 1, 79);
    EXPECT_NEAR(intelligibility(clean, clean, 10'000).stoi, 1, 1e-9);
    const std::vector<float> shorter(clean.begin(), clean.end() - 1);
    EXPECT_TRUE(std::isnan(intelligibility(shorter, shorter, 10'000).stoi));
    EXPECT_TRUE(std::isnan(intelligibility(shorter, shorter, 10'000).estoi));
    const std::vector<float> silence(20'000);
    EXPECT_TRUE(std::isnan(intelligibility(silence, silence, 10'000).estoi));
    EXPECT_TRUE(std::isnan(intelligibility({}, {}, 16'000).stoi));
}

TEST(Intelligibility, RefusesDifferentLengthsAndRatesItCannotChange) {
    const std::vector<float> ten(10);
    EXPECT_THROW(static_cast<void>(intelligibility(ten, std::vector<float>(9), 16'000)), std::invalid_argument);
    EXPECT_THROW(static_cast<void>(intelligibility(ten, ten, 4000)), std::invalid_argument);
}

}  // namespace
}  // namespace sidetone::dsp
