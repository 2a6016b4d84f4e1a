// SPDX-License-Identifier: Apache-2.0
#include "dsp/compressor.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <complex>
#include <limits>
#include <vector>

#include "dsp/asymmetric_filter_bank.hpp"
#include "rt/guard.hpp"
#include "unit/dsp/signals.hpp"

namespace sidetone::dsp {
namespace {

constexpr double kRateHz = 48'000;
constexpr AsymmetricWindows kWindows{256, 128, 64};
constexpr double kHopMs = 1000.0 * 64 / kRateHz;
constexpr double kFullScaleDbSpl = 120;

const GainCurve kTwoToOne{.points = {{40, 30}, {100, 0}}};

/// A compressor of its own, fed with spectra whose bins all have the same power.
class Bench {
public:
    explicit Bench(CompressorSettings settings, std::size_t ears = 1)
        : window_(asymmetric_analysis_window(kWindows)),
          plan_(settings, ears, {kRateHz, kWindows.hop, kWindows.synthesis, window_}),
          compressor_(ears, plan_.bins()),
          spectra_(ears, std::vector<std::complex<float>>(plan_.bins())),
          gains_(ears, std::vector<float>(plan_.bins())) {
        for (double sample : window_) window_energy_ += sample * sample;
    }

    /// All bins of `ear` as of white noise, so that the mean square over all frequencies is `level_db_spl`.
    void set_white(std::size_t ear, double level_db_spl) {
        const double mean_square = std::pow(10.0, (level_db_spl - kFullScaleDbSpl) / 10);
        const auto magnitude = static_cast<float>(std::sqrt(mean_square * window_energy_));
        std::fill(spectra_[ear].begin(), spectra_[ear].end(), std::complex<float>{magnitude, 0});
    }

    void run_hop(const CompressorPlan& plan) {
        for (auto& gain : gains_) std::fill(gain.begin(), gain.end(), 1.0F);
        std::vector<const std::complex<float>*> spectra;
        std::vector<float*> gains;
        for (auto& spectrum : spectra_) spectra.push_back(spectrum.data());
        for (auto& gain : gains_) gains.push_back(gain.data());
        compressor_.run(plan, spectra.data(), gains.data());
    }
    void run_hops(int count) {
        for (int hop = 0; hop < count; ++hop) run_hop(plan_);
    }

    std::vector<float> window_;
    double window_energy_ = 0;
    CompressorPlan plan_;
    Compressor compressor_;
    std::vector<std::vector<std::complex<float>>> spectra_;
    std::vector<std::vector<float>> gains_;
};

CompressorSettings settings_with(const GainCurve& curve, std::size_t bands = 10) {
    CompressorSettings settings;
    settings.bands = erb_bands(bands, 200, 10'000);
    settings.ears = {std::vector<GainCurve>(bands, curve)};
    settings.full_scale_db_spl = kFullScaleDbSpl;
    return settings;
}

/// What a band holds of white noise of `level_db_spl`.
double band_level_db_spl(const FrequencyBands& bands, std::size_t b, double level_db_spl) {
    return level_db_spl + 10 * std::log10((bands.edges_hz[b + 1] - bands.edges_hz[b]) / (kRateHz / 2));
}

TEST(Compressor, BandsHoldTheirShareOfAWhiteSpectrum) {
    for (const std::size_t bands : {2U, 5U, 10U, 18U}) {
        const auto settings = settings_with(kTwoToOne, bands);
        Bench bench(settings);
        bench.set_white(0, 80);
        bench.run_hops(2000);
        for (std::size_t b = 0; b < bands; ++b) {
            EXPECT_NEAR(bench.compressor_.levels_db_spl(0)[b], band_level_db_spl(settings.bands, b, 80), 0.01)
                << bands << " bands, band " << b;
        }
    }
}

TEST(Compressor, LevelOfASineThroughTheFilterBankIsRight) {
    for (const auto windows : {AsymmetricWindows{1536, 192, 96}, AsymmetricWindows{256, 128, 64}}) {
        AsymmetricFilterBank bank(windows);
        auto settings = settings_with(kTwoToOne);
        settings.bands = bands_around({500, 1000, 2000, 4000, 8000});
        const CompressorPlan plan(settings, 1, {kRateHz, windows.hop, windows.synthesis, bank.analysis_window()});
        for (std::size_t b = 0; b < 5; ++b) {
            Compressor compressor(1, bank.bins());
            const auto tone = test::sine(settings.bands.centres_hz[b], kRateHz, 0, 48'000);
            std::vector<float> gains(bank.bins());
            float* out = gains.data();
            for (std::size_t n = 0; n + windows.hop <= tone.size(); n += windows.hop) {
                std::fill(gains.begin(), gains.end(), 1.0F);
                const std::complex<float>* spectrum = bank.analyse(tone.data() + n).data();
                compressor.run(plan, &spectrum, &out);
            }
            // What leaks into neighbours is missing: a narrow band and a short window lose most.
            const double expected = kFullScaleDbSpl - 10 * std::log10(2.0);
            EXPECT_NEAR(compressor.levels_db_spl(0)[b], expected, 1.0) << settings.bands.centres_hz[b] << " Hz";
        }
    }
}

TEST(Compressor, GainsAreTheCurvesAtTheCentresAndStraightBetween) {
    auto settings = settings_with(kTwoToOne, 3);
    settings.bands = bands_around({1000, 3000, 9000});
    for (std::size_t b = 0; b < 3; ++b) {
        settings.ears[0][b].points = {{60, 10.0 * static_cast<double>(b)}};
    }
    Bench bench(settings);
    bench.set_white(0, 80);
    bench.run_hops(10);
    const double bin_hz = kRateHz / kWindows.analysis;
    for (std::size_t k = 0; k < bench.plan_.bins(); ++k) {
        const double erb = erb_number(static_cast<double>(k) * bin_hz);
        const double share = erb < erb_number(3000)
                                 ? (erb - erb_number(1000)) / (erb_number(3000) - erb_number(1000))
                                 : 1 + (erb - erb_number(3000)) / (erb_number(9000) - erb_number(3000));
        EXPECT_NEAR(20 * std::log10(bench.gains_[0][k]), 10 * std::clamp(share, 0.0, 2.0), 1e-3) << "bin " << k;
    }
}

/// Time in ms from a jump of a white spectrum's level until the gain of band `b` stays within `tolerance_db`.
double settling_ms(Bench& bench, const CompressorSettings& settings, std::size_t b, double from, double to,
                   double tolerance_db) {
    const double share_db = band_level_db_spl(settings.bands, b, 0);
    bench.set_white(0, from - share_db);
    bench.run_hops(20'000);
    bench.set_white(0, to - share_db);
    const double settled_db = settings.ears[0][b].gain_db(to);
    int last_off = 0;
    for (int hop = 1; hop <= 20'000; ++hop) {
        bench.run_hops(1);
        if (std::fabs(bench.compressor_.gains_db(0)[b] - settled_db) > tolerance_db) last_off = hop;
    }
    return (last_off + 1) * kHopMs;
}

TEST(Compressor, AttackAndReleaseTakeTheTimesThatWereSet) {
    for (const double ratio : {1.5, 2.0, 4.0}) {
        auto settings = settings_with({.points = {{40, 40}, {100, 40 - 60 * (1 - 1 / ratio)}}});
        settings.attack_ms = 20;
        settings.release_ms = 150;
        Bench bench(settings);
        for (const std::size_t band : {0U, 4U, 9U}) {
            EXPECT_NEAR(settling_ms(bench, settings, band, 55, 90, 3), 20, 2) << ratio;
            EXPECT_NEAR(settling_ms(bench, settings, band, 90, 55, 4), 150, 15) << ratio;
        }
    }
}

TEST(Compressor, LinkedEarsHaveTheGainsOfTheLouder) {
    for (const bool linked : {false, true}) {
        auto settings = settings_with(kTwoToOne);
        settings.linked = linked;
        Bench bench(settings, 2);
        bench.set_white(0, 60);
        bench.set_white(1, 80);
        bench.run_hops(2000);
        for (std::size_t b = 0; b < 10; ++b) {
            const double quieter = kTwoToOne.gain_db(band_level_db_spl(settings.bands, b, linked ? 80 : 60));
            EXPECT_NEAR(bench.compressor_.gains_db(0)[b], quieter, 0.01);
            EXPECT_NEAR(bench.compressor_.gains_db(1)[b], kTwoToOne.gain_db(band_level_db_spl(settings.bands, b, 80)),
                        0.01);
        }
    }
}

TEST(Compressor, LevelsAndGainsGoOnFromTheGainsThatAreThere) {
    auto settings = settings_with(kTwoToOne, 2);
    Bench alone(settings);
    alone.set_white(0, 60);
    alone.run_hops(2000);
    Bench after(settings);
    after.set_white(0, 80);
    const std::complex<float>* spectrum = after.spectra_[0].data();
    float* gains = after.gains_[0].data();
    for (int hop = 0; hop < 2000; ++hop) {
        std::fill(after.gains_[0].begin(), after.gains_[0].end(), 0.1F);
        after.compressor_.run(after.plan_, &spectrum, &gains);
    }
    for (std::size_t k = 0; k < after.gains_[0].size(); ++k) {
        EXPECT_NEAR(after.gains_[0][k] / alone.gains_[0][k], 0.1F, 1e-5F) << "bin " << k;
    }
}

TEST(Compressor, EarsHaveCurvesOfTheirOwn) {
    auto settings = settings_with({.points = {{60, 7}}});
    settings.ears.emplace_back(10, GainCurve{.points = {{60, 13}}});
    Bench bench(settings, 2);
    bench.run_hops(5);
    EXPECT_NEAR(bench.compressor_.gains_db(0)[3], 7, 1e-4);
    EXPECT_NEAR(bench.compressor_.gains_db(1)[3], 13, 1e-4);
}

TEST(Compressor, AnotherPlanChangesGainsWithoutAJump) {
    Bench bench(settings_with({.points = {{60, 0}}}));
    const CompressorPlan louder(settings_with({.points = {{60, 30}}}), 1,
                                {kRateHz, kWindows.hop, kWindows.synthesis, bench.window_});
    bench.set_white(0, 70);
    bench.run_hops(50);
    float before = bench.compressor_.gains_db(0)[5];
    for (int hop = 0; hop < 60; ++hop) {
        bench.run_hop(louder);
        const float now = bench.compressor_.gains_db(0)[5];
        EXPECT_GE(now, before - 1e-4F);
        EXPECT_LE(now - before, 30 * kHopMs / 5) << "hop " << hop;
        before = now;
    }
    EXPECT_NEAR(before, 30, 0.01);
}

TEST(Compressor, ForgetsWhatIsNotFinite) {
    Bench bench(settings_with(kTwoToOne));
    for (const float bad : {std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity(), 1e30F}) {
        bench.set_white(0, 70);
        bench.run_hops(2000);
        const auto expected = bench.gains_[0];
        std::fill(bench.spectra_[0].begin(), bench.spectra_[0].end(), std::complex<float>{bad, bad});
        bench.run_hops(10);
        for (const float gain : bench.gains_[0]) ASSERT_TRUE(std::isfinite(gain));
        bench.set_white(0, 70);
        bench.run_hops(2000);
        for (std::size_t k = 0; k < expected.size(); ++k) ASSERT_NEAR(bench.gains_[0][k], expected[k], 1e-3F);
    }
}

TEST(Compressor, MakesNoHeapCallAndTakesNoLock) {
    if (!rt::interposer_is_present()) GTEST_SKIP() << "the interposer is not linked in";
    Bench bench(settings_with(kTwoToOne, 18), 2);
    const std::complex<float>* spectra[] = {bench.spectra_[0].data(), bench.spectra_[1].data()};
    float* gains[] = {bench.gains_[0].data(), bench.gains_[1].data()};
    rt::reset_realtime_counts();
    {
        const rt::RealtimeScope scope(rt::RealtimeKind::audio);
        for (int hop = 0; hop < 100; ++hop) bench.compressor_.run(bench.plan_, spectra, gains);
    }
    EXPECT_EQ(rt::realtime_counts(rt::RealtimeKind::audio).heap_calls, 0U);
    EXPECT_EQ(rt::realtime_counts(rt::RealtimeKind::audio).locks, 0U);
}

}  // namespace
}  // namespace sidetone::dsp
