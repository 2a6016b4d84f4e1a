// SPDX-License-Identifier: Apache-2.0
#include "dsp/asymmetric_filter_bank.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <complex>
#include <initializer_list>
#include <numbers>
#include <stdexcept>
#include <vector>

#include "dsp/alignment.hpp"
#include "rt/guard.hpp"
#include "unit/dsp/signals.hpp"

namespace sidetone::dsp {
namespace {

using Complex = std::complex<double>;

constexpr double kRateHz = 48'000;

/// `signal` hop by hop through `bank`; `factors` are its gains or its mask.
template <class Factor>
std::vector<float> through(AsymmetricFilterBank& bank, const std::vector<Factor>& factors,
                           const std::vector<float>& signal) {
    std::vector<float> out(signal.size() / bank.hop() * bank.hop());
    for (std::size_t n = 0; n < out.size(); n += bank.hop()) {
        bank.process(signal.data() + n, factors.data(), out.data() + n);
    }
    return out;
}

std::vector<float> unit_gains(const AsymmetricFilterBank& bank) {
    return std::vector<float>(bank.bins(), 1.0F);
}

double db_of_power(double power) {
    return 10 * std::log10(power);
}

Complex turned(double turns) {
    return std::polar(1.0, 2 * std::numbers::pi * turns);
}

class PerfectReconstruction : public ::testing::TestWithParam<AsymmetricWindows> {};
INSTANTIATE_TEST_SUITE_P(Windows, PerfectReconstruction,
                         ::testing::Values(AsymmetricWindows{1536, 96, 48}, AsymmetricWindows{1536, 192, 96},
                                           AsymmetricWindows{1536, 192, 48}, AsymmetricWindows{1536, 1536, 384},
                                           AsymmetricWindows{512, 64, 32}, AsymmetricWindows{256, 96, 48},
                                           AsymmetricWindows{192, 96, 32}, AsymmetricWindows{4096, 96, 16},
                                           AsymmetricWindows{64, 64, 32}, AsymmetricWindows{64, 2, 1}));

TEST_P(PerfectReconstruction, OfWhiteNoiseIsBelowMinus120Decibels) {
    AsymmetricFilterBank bank(GetParam());
    const auto noise = test::white_noise(9'600, 31);
    const auto out = through(bank, unit_gains(bank), noise);
    double error = 0;
    double power = 0;
    for (std::size_t n = bank.delay_frames(); n < out.size(); ++n) {
        const double expected = noise[n - bank.delay_frames()];
        error += std::pow(static_cast<double>(out[n]) - expected, 2);
        power += expected * expected;
    }
    EXPECT_LT(db_of_power(error / power), -120);
    for (std::size_t n = 0; n < bank.delay_frames(); ++n) ASSERT_NEAR(out[n], 0.0F, 1e-5);
}

TEST_P(PerfectReconstruction, DelayIsSynthesisLengthMinusHop) {
    AsymmetricFilterBank bank(GetParam());
    EXPECT_EQ(bank.delay_frames(), GetParam().synthesis - GetParam().hop);
    const auto noise = test::white_noise(24'000, 32);
    EXPECT_EQ(delay_by_cross_correlation(noise, through(bank, unit_gains(bank), noise), 2'000), bank.delay_frames());
}

/// What the bank computes, from its definition: direct sums in double precision over every frame.
std::vector<double> by_definition(AsymmetricWindows windows, const std::vector<std::complex<float>>& mask,
                                  const std::vector<float>& signal) {
    const auto analysis = asymmetric_analysis_window(windows);
    const auto synthesis = asymmetric_synthesis_window(windows);
    const std::size_t length = windows.analysis;
    std::vector<double> out(signal.size() + windows.synthesis);
    for (std::size_t end = windows.hop; end <= signal.size(); end += windows.hop) {
        std::vector<double> frame(length);
        for (std::size_t n = 0; n < length; ++n) {
            if (end + n >= length) frame[n] = static_cast<double>(analysis[n]) * signal[end + n - length];
        }
        std::vector<Complex> spectrum(length / 2 + 1);
        for (std::size_t k = 0; k < spectrum.size(); ++k) {
            for (std::size_t n = 0; n < length; ++n) {
                spectrum[k] += frame[n] * turned(-static_cast<double>(k * n) / static_cast<double>(length));
            }
            spectrum[k] *= Complex(mask[k]);
        }
        for (std::size_t n = 0; n < windows.synthesis; ++n) {
            const std::size_t place = length - windows.synthesis + n;
            double sum = 0;
            for (std::size_t k = 0; k < spectrum.size(); ++k) {
                const double sides = k == 0 || k == length / 2 ? 1 : 2;
                sum +=
                    sides * (spectrum[k] * turned(static_cast<double>(k * place) / static_cast<double>(length))).real();
            }
            out[end - windows.hop + n] += static_cast<double>(synthesis[n]) * sum / static_cast<double>(length);
        }
    }
    return out;
}

TEST(AsymmetricFilterBank, EqualsItsDefinitionForRandomMasks) {
    for (const auto windows : {AsymmetricWindows{192, 96, 48}, AsymmetricWindows{256, 96, 48}}) {
        AsymmetricFilterBank bank(windows);
        const auto signal = test::white_noise(20 * windows.hop, 33);
        const auto re = test::white_noise(bank.bins(), 34);
        const auto im = test::white_noise(bank.bins(), 35);
        std::vector<std::complex<float>> mask(bank.bins());
        for (std::size_t k = 0; k < mask.size(); ++k) mask[k] = {re[k], im[k]};

        const auto out = through(bank, mask, signal);
        const auto expected = by_definition(windows, mask, signal);
        for (std::size_t n = 0; n < out.size(); ++n) ASSERT_NEAR(out[n], expected[n], 2e-5) << "sample " << n;
    }
}

TEST(AsymmetricFilterBank, SiblingsKeepTheirSoundsApart) {
    for (const auto windows : {AsymmetricWindows{192, 96, 48}, AsymmetricWindows{256, 96, 48}}) {
        const auto left = test::white_noise(20 * windows.hop, 36);
        const auto right = test::white_noise(20 * windows.hop, 37);
        AsymmetricFilterBank alone_left(windows), alone_right(windows);
        const auto expected_left = through(alone_left, unit_gains(alone_left), left);
        const auto expected_right = through(alone_right, unit_gains(alone_right), right);

        AsymmetricFilterBank bank(windows);
        auto sibling = bank.sibling();
        std::vector<float> out_left(left.size()), out_right(right.size());
        for (std::size_t n = 0; n < left.size(); n += windows.hop) {
            (void)bank.analyse(left.data() + n);
            (void)sibling.analyse(right.data() + n);
            bank.synthesise(out_left.data() + n);
            sibling.synthesise(out_right.data() + n);
        }
        EXPECT_EQ(out_left, expected_left);
        EXPECT_EQ(out_right, expected_right);
    }
}

TEST(AsymmetricFilterBank, RealGainsAreMasksWithoutPhase) {
    AsymmetricFilterBank with_gains({1536, 96, 48});
    AsymmetricFilterBank with_mask({1536, 96, 48});
    const auto gains = test::white_noise(with_gains.bins(), 36);
    const std::vector<std::complex<float>> mask(gains.begin(), gains.end());
    const auto noise = test::white_noise(4'800, 37);
    EXPECT_EQ(through(with_gains, gains, noise), through(with_mask, mask, noise));
}

/// What a sine at the centre of `bin` is multiplied by, on average over the positions of the hop grid:
///
///     (1/RN) Σ_k g[k] · A(bin - k) · S(k - bin),    A(d) = Σ a[n] exp(2πi dn/N),    S(d) = Σ s[n] exp(2πi dn/N)
///
/// with the windows a and s, hop R, and k over all N bins, both sides. Delay is left out.
Complex response(AsymmetricWindows windows, const std::vector<float>& gains, std::size_t bin) {
    const auto analysis = asymmetric_analysis_window(windows);
    const auto synthesis = asymmetric_synthesis_window(windows);
    const std::size_t length = windows.analysis;
    std::vector<Complex> turn(length);
    for (std::size_t n = 0; n < length; ++n) turn[n] = turned(static_cast<double>(n) / static_cast<double>(length));
    const auto transform = [&](const std::vector<float>& window, std::size_t first, std::size_t bins_apart) {
        Complex sum = 0;
        for (std::size_t n = 0; n < window.size(); ++n) {
            sum += static_cast<double>(window[n]) * turn[bins_apart * (first + n) % length];
        }
        return sum;
    };
    Complex sum = 0;
    for (std::size_t k = 0; k < length; ++k) {
        const double gain = gains[std::min(k, length - k)];
        sum += gain * transform(analysis, 0, (bin + length - k) % length) *
               transform(synthesis, length - windows.synthesis, (k + length - bin) % length);
    }
    return sum / static_cast<double>(windows.hop * length);
}

struct SineResult {
    Complex factor;    ///< of the sine itself
    double others_db;  ///< power at all other frequencies, against the input's
};

/// A complex amplitude by projection, over a whole number of periods of bin `bin` and of the hop grid. Where
/// 2 · bin · hop / analysis is a whole number an image of the sine falls on the sine itself: not for such bins.
SineResult measure_sine(AsymmetricWindows windows, const std::vector<float>& gains, std::size_t bin) {
    AsymmetricFilterBank bank(windows);
    const std::size_t settle = 2 * windows.analysis;
    const std::size_t span = 2 * windows.analysis;
    const auto signal = test::sine(static_cast<double>(bin), static_cast<double>(windows.analysis), 0,
                                   settle + span + windows.analysis);
    const auto out = through(bank, gains, signal);
    const double turns = static_cast<double>(bin) / static_cast<double>(windows.analysis);
    Complex amplitude = 0;
    double power = 0;
    for (std::size_t n = settle; n < settle + span; ++n) {
        const double sample = out[n + bank.delay_frames()];
        amplitude += sample * turned(-turns * static_cast<double>(n)) * 2.0 / static_cast<double>(span);
        power += sample * sample / static_cast<double>(span);
    }
    const double sine_power = std::norm(amplitude) / 2;
    return {amplitude * Complex(0, 1), db_of_power(std::max(power - sine_power, 1e-12) / 0.5)};
}

TEST(AsymmetricFilterBank, ASineComesOutWithTheResponseInClosedForm) {
    for (const auto windows : {AsymmetricWindows{1536, 96, 48}, AsymmetricWindows{1536, 192, 96}}) {
        auto gains = test::white_noise(windows.analysis / 2 + 1, 38);
        for (auto& gain : gains) gain = std::abs(gain);
        for (const std::size_t bin : {11U, 65U, 307U, 701U}) {
            const auto measured = measure_sine(windows, gains, bin);
            EXPECT_LT(std::abs(measured.factor - response(windows, gains, bin)), 1e-5) << "bin " << bin;
        }
    }
}

/// 1 but for the bins of [low, high) hertz.
std::vector<float> band_gains(AsymmetricWindows windows, double low_hz, double high_hz, float gain) {
    std::vector<float> gains(windows.analysis / 2 + 1, 1.0F);
    for (std::size_t k = 0; k < gains.size(); ++k) {
        const double frequency_hz = static_cast<double>(k) * kRateHz / static_cast<double>(windows.analysis);
        if (frequency_hz >= low_hz && frequency_hz < high_hz) gains[k] = gain;
    }
    return gains;
}

TEST(AsymmetricFilterBank, AnOctaveBandHasItsGainAtItsCentreAndNoneAnOctaveAway) {
    for (const auto windows : {AsymmetricWindows{1536, 96, 48}, AsymmetricWindows{1536, 192, 96}}) {
        for (const double gain_db : {-20.0, 20.0}) {
            const auto gains = band_gains(windows, 2'000, 4'000, static_cast<float>(std::pow(10, gain_db / 20)));
            const auto at_db = [&](std::size_t bin) {
                return db_of_power(std::norm(measure_sine(windows, gains, bin).factor));
            };
            EXPECT_NEAR(at_db(97), gain_db, 0.2);  // 3031 Hz
            EXPECT_NEAR(at_db(33), 0, 0.1);        // 1031 Hz
            EXPECT_NEAR(at_db(257), 0, 0.1);       // 8031 Hz
        }
    }
}

// An octave band 20 dB down with vertical edges: the most that is heard at wrong frequencies, for any sine.
TEST(AsymmetricFilterBank, AliasingOfAbruptGainsIsAsStated) {
    struct Stated {
        AsymmetricWindows windows;
        double at_an_edge_db, elsewhere_db;
    };
    for (const auto& stated :
         {Stated{{1536, 96, 48}, -25, -29}, Stated{{1536, 192, 96}, -26, -41}, Stated{{1536, 192, 48}, -41, -50}}) {
        const auto gains = band_gains(stated.windows, 2'000, 4'000, 0.1F);
        const auto worst_of = [&](std::initializer_list<std::size_t> bins) {
            double worst_db = -200;
            for (const auto bin : bins)
                worst_db = std::max(worst_db, measure_sine(stated.windows, gains, bin).others_db);
            return worst_db;
        };
        const double edge_db = worst_of({60, 62, 63, 65, 66, 68, 124, 126, 127, 129, 130, 132});
        EXPECT_LT(edge_db, stated.at_an_edge_db);
        EXPECT_GT(edge_db, stated.at_an_edge_db - 3);
        EXPECT_LT(worst_of({5, 17, 33, 49, 79, 97, 113, 145, 161, 257, 321, 513}), stated.elsewhere_db);
    }
}

TEST(AsymmetricFilterBank, IsLinear) {
    const AsymmetricWindows windows{1536, 192, 96};
    const auto gains = band_gains(windows, 500, 3'000, 0.01F);
    const auto a = test::white_noise(9'600, 39);
    const auto b = test::white_noise(9'600, 40);
    std::vector<float> both(a.size());
    for (std::size_t n = 0; n < a.size(); ++n) both[n] = 3 * a[n] - b[n];

    AsymmetricFilterBank bank(windows);
    const auto of_both = through(bank, gains, both);
    bank.reset();
    const auto of_a = through(bank, gains, a);
    bank.reset();
    const auto of_b = through(bank, gains, b);
    for (std::size_t n = 0; n < a.size(); ++n) ASSERT_NEAR(of_both[n], 3 * of_a[n] - of_b[n], 2e-5);
}

TEST(AsymmetricFilterBank, ResetForgetsAllSound) {
    AsymmetricFilterBank bank({1536, 192, 48});
    (void)through(bank, unit_gains(bank), test::white_noise(4'800 + 48, 41));
    bank.reset();
    const std::vector<float> silence(4'800);
    EXPECT_EQ(through(bank, unit_gains(bank), silence), silence);
}

TEST(AsymmetricFilterBank, WorksInPlace) {
    AsymmetricFilterBank bank({1536, 96, 48});
    auto signal = test::white_noise(4'800, 42);
    const auto gains = unit_gains(bank);
    const auto expected = through(bank, gains, signal);
    bank.reset();
    for (std::size_t n = 0; n < signal.size(); n += bank.hop()) {
        bank.process(signal.data() + n, gains.data(), signal.data() + n);
    }
    EXPECT_EQ(signal, expected);
}

TEST(AsymmetricFilterBank, ProcessingMakesNoHeapCall) {
    if (!rt::interposer_is_present()) GTEST_SKIP() << "no interposer: nothing is counted";
    AsymmetricFilterBank bank({1536, 96, 48});
    const std::vector<float> in(48);
    std::vector<float> out(48);
    const auto gains = unit_gains(bank);
    const std::vector<std::complex<float>> mask(bank.bins());
    rt::reset_realtime_counts();
    {
        const rt::RealtimeScope scope{rt::RealtimeKind::audio};
        for (int k = 0; k < 100; ++k) {
            bank.process(in.data(), gains.data(), out.data());
            bank.process(in.data(), mask.data(), out.data());
            bank.reset();
        }
    }
    EXPECT_EQ(rt::realtime_counts(rt::RealtimeKind::audio).heap_calls, 0U);
    EXPECT_EQ(rt::realtime_counts(rt::RealtimeKind::audio).locks, 0U);
}

TEST(AsymmetricFilterBank, RefusesLengthsThatDoNotFitTogether) {
    for (const auto windows :
         {AsymmetricWindows{1000, 96, 48}, AsymmetricWindows{1536, 96, 0}, AsymmetricWindows{1536, 96, 96},
          AsymmetricWindows{1536, 96, 36}, AsymmetricWindows{1536, 99, 33}, AsymmetricWindows{64, 96, 48},
          AsymmetricWindows{1536, 0, 48}}) {
        EXPECT_THROW(AsymmetricFilterBank{windows}, std::invalid_argument)
            << windows.analysis << ' ' << windows.synthesis << ' ' << windows.hop;
    }
}

}  // namespace
}  // namespace sidetone::dsp
