// SPDX-License-Identifier: Apache-2.0
#include "dsp/compressor.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <complex>
#include <limits>
#include <vector>

#include "dsp/asymmetric_filter_bank.hpp"
#include "dsp/bank_response.hpp"
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
        auto settings = settings_with(kTwoToOne, 5);
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

TEST(Compressor, BankHasTheCurvesGainsAtTheCentres) {
    auto settings = settings_with(kTwoToOne, 5);
    settings.bands = bands_around({250, 500, 1000, 2000, 4000});
    for (std::size_t b = 0; b < 5; ++b) settings.ears[0][b].points = {{60, b % 2 == 0 ? 5.0 : 15.0}};
    Bench bench(settings);
    bench.run_hops(10);
    BankResponse response(kWindows, kRateHz, settings.bands.centres_hz);
    for (std::size_t b = 0; b < 5; ++b) {
        EXPECT_NEAR(20 * std::log10(std::abs(response.at(b, bench.gains_[0]))), b % 2 == 0 ? 5 : 15, 0.1) << b;
    }
}

/// Time in ms from a jump of a 1000 Hz tone's level until the gain of its band stays within `tolerance_db`. A frame
/// counts half its synthesis window before its end, where the output shows it most.
double settling_ms(const CompressorSettings& settings, AsymmetricWindows windows, double from_db_spl, double to_db_spl,
                   double tolerance_db, std::size_t jump) {
    constexpr std::size_t kBand = 1;
    AsymmetricFilterBank bank(windows);
    const CompressorPlan plan(settings, 1, {kRateHz, windows.hop, windows.synthesis, bank.analysis_window()});
    Compressor compressor(1, bank.bins());
    auto tone = test::sine(1000, kRateHz, 0, 144'000);
    for (std::size_t n = 0; n < tone.size(); ++n) {
        const double level = n < 96'000 + jump ? from_db_spl : to_db_spl;
        tone[n] *= static_cast<float>(std::sqrt(2.0) * std::pow(10.0, (level - kFullScaleDbSpl) / 20));
    }
    std::vector<float> gains(bank.bins());
    float* out = gains.data();
    std::vector<double> gain_db;
    for (std::size_t n = 0; n + windows.hop <= tone.size(); n += windows.hop) {
        std::fill(gains.begin(), gains.end(), 1.0F);
        const std::complex<float>* spectrum = bank.analyse(tone.data() + n).data();
        compressor.run(plan, &spectrum, &out);
        gain_db.push_back(compressor.gains_db(0)[kBand]);
    }
    std::size_t last_off = 0;
    for (std::size_t frame = 0; frame < gain_db.size(); ++frame) {
        if (std::fabs(gain_db[frame] - gain_db.back()) > tolerance_db) last_off = frame;
    }
    const double off_db = std::fabs(gain_db[last_off] - gain_db.back());
    const double within_db = std::fabs(gain_db[last_off + 1] - gain_db.back());
    const double frames = static_cast<double>(last_off) + 1 + (off_db - tolerance_db) / (off_db - within_db);
    const double samples = frames * static_cast<double>(windows.hop) - static_cast<double>(windows.synthesis) / 2;
    return (samples - 96'000 - static_cast<double>(jump)) / kRateHz * 1000;
}

TEST(Compressor, AttackAndReleaseTakeTheTimesThatWereSet) {
    for (const auto windows : {AsymmetricWindows{256, 128, 64}, AsymmetricWindows{1536, 192, 48}}) {
        // At 4 : 1 the level must be right within 4 dB, for which 32 ms of window alone take 5.7 ms.
        const double quick_ms = windows.analysis == 256 ? 5 : 8;
        for (const double ratio : {1.5, 2.0, 4.0}) {
            for (const double attack_ms : {quick_ms, 20.0}) {
                auto settings = settings_with({.points = {{40, 40}, {100, 40 - 60 * (1 - 1 / ratio)}}}, 3);
                settings.bands = bands_around({500, 1000, 2000});
                settings.attack_ms = attack_ms;
                settings.release_ms = 80;
                for (const std::size_t jump : {0U, 23U}) {
                    const auto what = testing::Message() << windows.analysis << ", " << ratio << " : 1, " << attack_ms;
                    EXPECT_NEAR(settling_ms(settings, windows, 55, 90, 3, jump), attack_ms, 0.1 * attack_ms) << what;
                    EXPECT_NEAR(settling_ms(settings, windows, 90, 55, 4, jump), 80, 8) << what;
                }
            }
        }
    }
}

TEST(Compressor, LinkedEarsHaveTheGainsOfTheLouder) {
    const auto settings = settings_with(kTwoToOne);
    Bench independent(settings, 2);
    auto linking = settings;
    linking.linked = true;
    Bench linked(linking, 2);
    for (auto* bench : {&independent, &linked}) {
        bench->set_white(0, 60);
        bench->set_white(1, 80);
        bench->run_hops(2000);
    }
    for (std::size_t b = 0; b < 10; ++b) {
        const float louder = independent.compressor_.gains_db(1)[b];
        EXPECT_GT(independent.compressor_.gains_db(0)[b], louder + 7);
        EXPECT_NEAR(linked.compressor_.gains_db(0)[b], louder, 1e-3F);
        EXPECT_NEAR(linked.compressor_.gains_db(1)[b], louder, 1e-3F);
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
        EXPECT_LE(now - before, 30 * kHopMs / 25) << "hop " << hop;
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
