// SPDX-License-Identifier: Apache-2.0
#include "nn/hop_model.hpp"

#include <gmock/gmock.h>

#include <algorithm>
#include <atomic>
#include <cmath>
#include <cstdint>
#include <functional>
#include <limits>
#include <random>

#include "dsp/alignment.hpp"
#include "dsp/polyphase_resampler.hpp"
#include "dsp/real_fft.hpp"
#include "dsp/si_sdr.hpp"
#include "rt/clock.hpp"
#include "test_models.hpp"
#include "tiny_onnx.hpp"
#include "unit/dsp/signals.hpp"

namespace sidetone::nn {
namespace {

using testing::HasSubstr;

// The model's output for a signal that begins after silence; out[n] belongs to in[n - delay].
std::vector<float> processed(
    HopModel& model, const std::vector<float>& in, const std::function<void()>& before_each = [] {}) {
    std::vector<float> padded(model.delay());
    padded.insert(padded.end(), in.begin(), in.end());
    std::vector<float> out(in.size() / model.hop() * model.hop());
    for (std::size_t at = 0; at < out.size(); at += model.hop()) {
        before_each();
        EXPECT_TRUE(model.process(&padded[at], &out[at]));
    }
    return out;
}

std::vector<float> gains_of(
    HopModel& model, const std::vector<float>& in, const std::function<void()>& before_each = [] {}) {
    std::vector<float> all, newest(model.bins());
    for (std::size_t at = 0; at + model.length() <= in.size(); at += model.hop()) {
        before_each();
        EXPECT_TRUE(model.process_gains(&in[at], newest.data()));
        all.insert(all.end(), newest.begin(), newest.end());
    }
    return all;
}

std::vector<float> mixed(std::vector<float> speech, const std::vector<float>& noise) {
    for (std::size_t n = 0; n < speech.size(); ++n) speech[n] += noise[n];
    return speech;
}

float root_mean_square(const std::vector<float>& samples) {
    double sum = 0;
    for (const float sample : samples) sum += double{sample} * double{sample};
    return static_cast<float>(std::sqrt(sum / static_cast<double>(samples.size())));
}

// ── graphs that a few nodes make: the front end alone ───────────────────────────────────────────

// Graphs of one size chained in the order given, each of the domain and operation asked for.
class FrontEndOnly : public testing::Test {
protected:
    struct Link {
        Domain domain;
        const char* operation;
    };

    Manifest chain(FrontEnd front_end, const std::vector<Link>& links) {
        Manifest model;
        model.folder = folder_.path();
        model.name = model.weights_folder = "tiny";
        model.task = "denoise";
        model.sample_rate_hz = 16'000;
        model.front_end = front_end;
        for (const auto& link : links) model.graphs.push_back(graph(front_end.length, link));
        return model;
    }

    GraphSpec graph(std::uint32_t length, const Link& link) {
        const std::int64_t bins = length / 2 + 1;
        std::vector<std::int64_t> shape{1, length};
        if (link.domain == Domain::magnitude_mask) shape = {1, 1, bins};
        if (link.domain == Domain::complex_spectrum) shape = {1, bins, 1, 2};
        test::TinyOnnx file;
        file.node(link.operation, {"x"}, "y").input("x", shape).output("y", shape);
        return save(file, {.domain = link.domain,
                           .input = "x",
                           .output = "y",
                           .inputs = {{.name = "x", .shape = shape}},
                           .outputs = {{.name = "y", .shape = shape}}});
    }

    GraphSpec save(const test::TinyOnnx& onnx, GraphSpec graph) {
        graph.manifest = folder_.path() / "model.toml";
        graph.file = "tiny" + std::to_string(files_++) + ".onnx";
        const auto path = folder_.path() / graph.file;
        test::write(path, onnx.file());
        graph.bytes = std::filesystem::file_size(path);
        graph.sha256 = sha256_of(path);
        return graph;
    }

    // The model's output for noise against what `expected` says for each sample of the input, delayed.
    void expect_pointwise(const Manifest& manifest, const std::function<float(float)>& expected,
                          float tolerance = 2e-5F) {
        HopModel model{manifest, "auto"};
        const auto in = dsp::test::white_noise(8000, 1, 0.1F);
        const auto out = processed(model, in);
        // The first frame has had no earlier ones to overlap with.
        for (std::size_t n = 2 * model.length(); n < out.size(); ++n) {
            ASSERT_NEAR(out[n], expected(in[n - model.delay()]), tolerance) << "sample " << n;
        }
    }

    static constexpr FrontEnd kHann{512, 256, dsp::WindowShape::sqrt_hann, dsp::WindowShape::sqrt_hann};
    static constexpr FrontEnd kRectangular{512, 128, dsp::WindowShape::rectangular, dsp::WindowShape::rectangular};
    test::TemporaryFolder folder_;
    int files_ = 0;
};

TEST_F(FrontEndOnly, ReconstructsPerfectlyThroughAnUnchangedSpectrum) {
    expect_pointwise(chain(kHann, {{Domain::complex_spectrum, "Identity"}}), [](float x) { return x; });
}

TEST_F(FrontEndOnly, SumsUnwindowedFramesAsOftenAsTheyOverlap) {
    expect_pointwise(chain(kRectangular, {{Domain::waveform, "Identity"}}), [](float x) { return 4 * x; });
    expect_pointwise(chain(kRectangular, {{Domain::complex_spectrum, "Neg"}}), [](float x) { return -4 * x; });
}

TEST_F(FrontEndOnly, WindowsAWaveform) {
    expect_pointwise(chain(kHann, {{Domain::waveform, "Neg"}}), [](float x) { return -x; });
}

TEST_F(FrontEndOnly, HandsFramesFromGraphToGraphInEveryOrder) {
    constexpr std::array kDomains{Domain::waveform, Domain::complex_spectrum};
    for (const auto first : kDomains) {
        for (const auto second : kDomains) {
            for (const auto third : kDomains) {
                for (const auto& front_end : {kHann, kRectangular}) {
                    const float gain = front_end.hop == 128 ? 4 : 1;
                    expect_pointwise(chain(front_end, {{first, "Neg"}, {second, "Identity"}, {third, "Neg"}}),
                                     [&](float x) { return gain * x; });
                }
            }
        }
    }
}

TEST_F(FrontEndOnly, MultipliesTheSpectrumByTheMask) {
    // The mask is the magnitude itself, so a frame becomes the inverse transform of |X| X.
    HopModel model{chain({512, 512, dsp::WindowShape::rectangular, dsp::WindowShape::rectangular},
                         {{Domain::magnitude_mask, "Identity"}}),
                   "auto"};
    const auto in = dsp::test::white_noise(512, 2, 0.1F);
    std::vector<float> out(512), expected(512);
    ASSERT_TRUE(model.process(in.data(), out.data()));
    dsp::RealFft transform{512};
    std::vector<std::complex<float>> spectrum(257);
    transform.forward(in.data(), spectrum.data());
    for (auto& bin : spectrum) bin *= std::abs(bin);
    transform.inverse(spectrum.data(), expected.data());
    EXPECT_THAT(out, testing::Pointwise(testing::FloatNear(1e-5F), expected));
}

TEST_F(FrontEndOnly, CarriesAStateFromHopToHop) {
    const std::vector<std::int64_t> shape{1, 64};
    test::TinyOnnx onnx;
    onnx.node("Add", {"x", "sum"}, "y").node("Identity", {"y"}, "next");
    onnx.input("x", shape).input("sum", shape).output("y", shape).output("next", shape);
    auto manifest = chain({64, 64, dsp::WindowShape::rectangular, dsp::WindowShape::rectangular}, {});
    manifest.graphs.push_back(save(onnx, {.input = "x",
                                          .output = "y",
                                          .inputs = {{.name = "x", .shape = shape}, {.name = "sum", .shape = shape}},
                                          .outputs = {{.name = "y", .shape = shape}, {.name = "next", .shape = shape}},
                                          .states = {{"sum", "next"}}}));
    HopModel model{manifest, "auto"};
    const std::vector<float> ones(64, 1.0F);
    std::vector<float> out(64);
    for (int round = 0; round < 2; ++round, model.reset()) {
        for (int hop = 1; hop <= 5; ++hop) {
            ASSERT_TRUE(model.process(ones.data(), out.data()));
            EXPECT_THAT(out, testing::Each(static_cast<float>(hop)));
        }
    }
}

// The gains after some frames of noise.
std::vector<float> gains_for_noise(const Manifest& manifest) {
    HopModel model{manifest, "auto"};
    const auto in = dsp::test::white_noise(8000, 1, 0.1F);
    std::vector<float> gains(model.bins());
    for (std::size_t at = 0; at + model.length() <= in.size(); at += model.hop()) {
        EXPECT_TRUE(model.process_gains(&in[at], gains.data()));
    }
    return gains;
}

TEST_F(FrontEndOnly, ScalesGainsByWhatLaterGraphsMakeOfTheirFrames) {
    // Frames that overlap four times without a window are each a quarter of what is heard.
    for (const auto& [front_end, factor] : {std::pair{kHann, 0.5}, std::pair{kRectangular, 0.125}}) {
        const std::vector<std::int64_t> shape{1, front_end.length};
        test::TinyOnnx onnx;
        onnx.node("Mul", {"x", "factor"}, "y").input("x", shape).input("factor", {1}).output("y", shape);
        auto manifest = chain(front_end, {{Domain::complex_spectrum, "Identity"}});
        manifest.graphs.push_back(
            save(onnx, {.input = "x",
                        .output = "y",
                        .inputs = {{.name = "x", .shape = shape}, {.name = "factor", .shape = {1}}},
                        .outputs = {{.name = "y", .shape = shape}},
                        .constants = {{"factor", factor}}}));
        EXPECT_THAT(gains_for_noise(manifest), testing::Each(testing::FloatNear(0.5F, 1e-4F)));
    }
    for (const auto second : {Domain::waveform, Domain::complex_spectrum}) {
        EXPECT_THAT(gains_for_noise(chain(kHann, {{Domain::complex_spectrum, "Identity"}, {second, "Neg"}})),
                    testing::Each(0.0F));
        EXPECT_THAT(
            gains_for_noise(chain(kRectangular, {{Domain::complex_spectrum, "Identity"}, {second, "Identity"}})),
            testing::Each(testing::FloatNear(1, 1e-4F)));
    }
}

TEST_F(FrontEndOnly, GivesNoGainsWhereALaterGraphsResultIsNotFinite) {
    // e to the power of quiet samples is finite, to the power of hundreds not.
    const auto manifest = chain(kHann, {{Domain::complex_spectrum, "Identity"}, {Domain::waveform, "Exp"}});
    HopModel model{manifest, "auto"}, fresh{manifest, "auto"};
    const auto loud = dsp::test::white_noise(model.length(), 1, 1000), quiet = dsp::test::white_noise(8000, 2, 0.1F);
    std::vector<float> gains(model.bins()), expected(model.bins());
    EXPECT_FALSE(model.process_gains(loud.data(), gains.data()));
    EXPECT_THAT(gains, testing::Each(1.0F));
    for (std::size_t at = 0; at + model.length() <= quiet.size(); at += model.hop()) {
        ASSERT_TRUE(model.process_gains(&quiet[at], gains.data()));
        ASSERT_TRUE(fresh.process_gains(&quiet[at], expected.data()));
        ASSERT_EQ(gains, expected) << "at sample " << at;
    }
}

TEST_F(FrontEndOnly, IsRefusedWhereItsResultsAreNotFinite) {
    const auto manifest = chain(kRectangular, {{Domain::waveform, "Log"}});  // of negative samples
    EXPECT_THAT(test::error_of([&] { HopModel(manifest, "auto"); }),
                HasSubstr("a trial run with native failed: its result is not finite"));
}

// ── real models on real speech ──────────────────────────────────────────────────────────────────

class Denoiser : public testing::TestWithParam<const char*> {
protected:
    test::PublishedWeights published_;
    Manifest manifest_ = find_model(GetParam());

    // At the model's rate.
    [[nodiscard]] std::vector<float> speech() const {
        auto recorded = test::speech();
        if (manifest_.sample_rate_hz == 16'000) return recorded;
        return dsp::resampled(recorded, dsp::PolyphaseResampler{16'000, manifest_.sample_rate_hz});
    }
    // Of the length of 16 384 samples at 16 kHz.
    [[nodiscard]] std::vector<float> a_second() const {
        auto samples = speech();
        samples.resize(std::size_t{16'384} * (manifest_.sample_rate_hz / 16'000));
        return samples;
    }
};

TEST_P(Denoiser, DelaysByItsLengthMinusItsHop) {
    SIDETONE_REQUIRE_WEIGHTS(manifest_);
    HopModel model{manifest_, "auto"};
    const auto sound = speech();
    EXPECT_EQ(model.delay(), model.length() - model.hop());
    EXPECT_EQ(dsp::delay_by_cross_correlation(sound, processed(model, sound), 2000), model.delay());
}

TEST_P(Denoiser, TakesNoiseOutOfSpeech) {
    SIDETONE_REQUIRE_WEIGHTS(manifest_);
    HopModel model{manifest_, "auto"};
    const auto sound = speech();
    const auto noisy = mixed(sound, dsp::test::white_noise(sound.size(), 3, root_mean_square(sound)));  // 0 dB
    const auto out = processed(model, noisy);
    const std::span clean{sound};
    const auto delay = model.delay();
    const auto after = dsp::si_sdr_db(clean.first(out.size() - delay), std::span{out}.subspan(delay));
    const auto before = dsp::si_sdr_db(clean, noisy);
    EXPECT_NEAR(before, 0, 0.5);
    EXPECT_GE(after - before, 6) << "from " << before << " to " << after << " dB";
    RecordProperty("si_sdr_gain_db", std::to_string(after - before));
}

TEST_P(Denoiser, GivesTheSameBitsAfterAReset) {
    SIDETONE_REQUIRE_WEIGHTS(manifest_);
    HopModel model{manifest_, "auto"};
    const auto sound = speech();
    const auto first = processed(model, sound);
    model.reset();
    EXPECT_EQ(first, processed(model, sound));
    HopModel another{manifest_, "auto"};
    EXPECT_EQ(first, processed(another, sound));
}

TEST_P(Denoiser, GivesTheSameGainsAfterAReset) {
    SIDETONE_REQUIRE_WEIGHTS(manifest_);
    HopModel model{manifest_, "auto"};
    const auto sound = a_second();
    const auto first = gains_of(model, sound);
    EXPECT_GT(*std::max_element(first.begin(), first.end()), 0.5F);
    model.reset();
    EXPECT_EQ(first, gains_of(model, sound));
}

TEST_P(Denoiser, GivesTheSameBitsHoweverItIsRehearsed) {
    SIDETONE_REQUIRE_WEIGHTS(manifest_);
    HopModel model{manifest_, "auto"};
    const auto sound = a_second();
    const auto expected_gains = gains_of(model, sound);
    model.reset();
    const auto expected = processed(model, sound);
    model.reset();
    std::mt19937 random(11);
    // Not at all, wholly, twice, or until time is up somewhere in the network.
    const std::atomic<std::uint32_t> notified{0};
    const auto rehearse = [&] {
        const rt::Rehearsal whole{notified, 0, std::numeric_limits<std::int64_t>::max()};
        for (auto times = random() % 3; times > 0; --times) model.rehearse(whole);
        if (random() % 2 == 0) return;
        model.rehearse({notified, 0, rt::monotonic_ns() + static_cast<std::int64_t>(random() % 100'000)});
    };
    EXPECT_EQ(processed(model, sound, rehearse), expected);
    model.reset();
    EXPECT_EQ(gains_of(model, sound, rehearse), expected_gains);
}

TEST_P(Denoiser, FallsSilentOnBadSamplesAndComesBackAsNew) {
    SIDETONE_REQUIRE_WEIGHTS(manifest_);
    constexpr float kInfinity = std::numeric_limits<float>::infinity();
    for (const float bad : {std::numeric_limits<float>::quiet_NaN(), kInfinity, -kInfinity, 3e38F, 1e30F}) {
        HopModel model{manifest_, "auto"};
        auto samples = a_second();
        samples[5000] = bad;
        std::vector<float> out(model.hop(), 1.0F), expected(model.hop());
        std::size_t failures = 0;
        std::optional<HopModel> fresh;
        for (std::size_t at = 0; at + model.length() <= samples.size(); at += model.hop()) {
            const bool good = model.process(&samples[at], out.data());
            for (const float sample : out) ASSERT_TRUE(std::isfinite(sample));
            if (!good) {
                ++failures;
                EXPECT_THAT(out, testing::Each(0.0F));
            } else if (failures > 0) {
                if (!fresh) fresh.emplace(manifest_, "auto");
                ASSERT_TRUE(fresh->process(&samples[at], expected.data()));
                ASSERT_EQ(out, expected) << bad;
            }
        }
        EXPECT_GE(failures, 1U) << bad;
        EXPECT_LE(failures, model.length() / model.hop()) << bad;
    }
}

TEST_P(Denoiser, GivesNoGainsForSamplesBeyondItsRangeAndComesBackAsNew) {
    SIDETONE_REQUIRE_WEIGHTS(manifest_);
    for (const float level : {1e30F, 3e38F}) {  // finite, but not their squares, nor the spectrum of the latter
        HopModel model{manifest_, "auto"}, fresh{manifest_, "auto"};
        const auto sound = a_second(), loud = dsp::test::white_noise(model.length(), 5, level);
        std::vector<float> gains(model.bins()), expected(model.bins());
        ASSERT_TRUE(model.process_gains(&sound[8000], gains.data()));
        EXPECT_FALSE(model.process_gains(loud.data(), gains.data())) << level;
        EXPECT_THAT(gains, testing::Each(1.0F));
        for (std::size_t at = 0; at + model.length() <= sound.size(); at += model.hop()) {
            ASSERT_TRUE(model.process_gains(&sound[at], gains.data())) << level;
            ASSERT_TRUE(fresh.process_gains(&sound[at], expected.data()));
            ASSERT_EQ(gains, expected) << level << " at sample " << at;
        }
    }
}

INSTANTIATE_TEST_SUITE_P(Models, Denoiser, testing::Values("dtln", "dtln-onnx", "gtcrn", "ul-unas", "deepfilternet3"),
                         test::name_of_case);

TEST(Dtln, SoundsTheSameFromTheNativeExecutorAndFromTflite) {
    const auto manifest = find_model("dtln");
    HopModel native{manifest, "native"}, reference{manifest, "tflite"};
    const auto speech = test::speech();
    const auto noisy = mixed(speech, dsp::test::white_noise(speech.size(), 4, 0.02F));
    EXPECT_THAT(processed(native, noisy), testing::Pointwise(testing::FloatNear(1e-5F), processed(reference, noisy)));
}

TEST(Dtln, SoundsTheSameFromTfliteAndFromOnnx) {
    const test::PublishedWeights published;
    const auto onnx_manifest = find_model("dtln-onnx");
    SIDETONE_REQUIRE_WEIGHTS(onnx_manifest);
    HopModel onnx{onnx_manifest, "onnxruntime"}, tflite{find_model("dtln"), "tflite"};
    const auto speech = test::speech();
    const auto noisy = mixed(speech, dsp::test::white_noise(speech.size(), 4, 0.02F));
    EXPECT_THAT(processed(tflite, noisy), testing::Pointwise(testing::FloatNear(1e-3F), processed(onnx, noisy)));
}

// ── which backend ───────────────────────────────────────────────────────────────────────────────

TEST(DeepFilterNet, SoundsTheSameFromTheNativeExecutorAndFromOnnxRuntime) {
    const test::PublishedWeights published;
    const auto manifest = find_model("deepfilternet3");
    SIDETONE_REQUIRE_WEIGHTS(manifest);
    HopModel native{manifest, "native"}, reference{manifest, "onnxruntime"};
    auto noisy = dsp::resampled(test::speech(), dsp::PolyphaseResampler{16'000, 48'000});
    noisy = mixed(noisy, dsp::test::white_noise(noisy.size(), 7, 0.3F * root_mean_square(noisy)));
    const auto expected = processed(reference, noisy), found = processed(native, noisy);
    EXPECT_GT(root_mean_square(expected), 0.5F * root_mean_square(noisy));
    for (std::size_t n = 0; n < expected.size(); ++n) ASSERT_NEAR(found[n], expected[n], 1e-5) << n;
}

// The error that gains for the newest frame leave, over that of doing nothing, with what frames hold 2.5 ms later.
double error_left_by_gains(HopModel& model, const std::vector<float>& clean, const std::vector<float>& noisy) {
    constexpr std::size_t kLater = 120, kHighest = 96;
    const std::size_t frame = 960;
    dsp::RealFft transform{frame};
    const auto window = dsp::make_window(dsp::WindowShape::vorbis, frame);
    std::vector<float> gains(model.bins()), seen(frame);
    std::vector<std::complex<float>> wanted(transform.bins()), heard(transform.bins());
    const auto see = [&](const float* samples, std::vector<std::complex<float>>& spectrum) {
        for (std::size_t n = 0; n < frame; ++n) seen[n] = samples[n] * window[n];
        transform.forward(seen.data(), spectrum.data());
    };
    double left = 0, noise = 0;
    for (auto end = std::size_t{model.length()}; end + kLater <= noisy.size(); end += model.hop()) {
        EXPECT_TRUE(model.process_gains(&noisy[end - model.length()], gains.data()));
        see(&clean[end + kLater - frame], wanted);
        see(&noisy[end + kLater - frame], heard);
        for (std::size_t k = 0; k < kHighest; ++k) {
            left += std::norm(wanted[k] - gains[k] * heard[k]);
            noise += std::norm(wanted[k] - heard[k]);
        }
    }
    return left / noise;
}

TEST(DeepFilterNet, HasAGraphForTheNewestFrameThatLeavesLessNoiseThanOldGainsDo) {
    const test::PublishedWeights published;
    const auto manifest = find_model("deepfilternet3");
    SIDETONE_REQUIRE_WEIGHTS(manifest);
    auto without = manifest;
    without.graphs.pop_back();
    without.deep_filter.evidence = without.deep_filter.fresh_gains = "";
    const auto clean = dsp::resampled(test::speech(), dsp::PolyphaseResampler{16'000, 48'000});
    const auto noisy = mixed(clean, dsp::test::white_noise(clean.size(), 7, root_mean_square(clean)));
    HopModel native{manifest, "native"}, reference{manifest, "onnxruntime"}, old{without, "native"};
    const auto left = error_left_by_gains(native, clean, noisy);
    EXPECT_NEAR(left, error_left_by_gains(reference, clean, noisy), 1e-3);
    EXPECT_LT(left, 0.9 * error_left_by_gains(old, clean, noisy));
}

TEST(Backend, IsChosenByTheFilesAndSaysWhy) {
    const HopModel model{find_model("dtln"), "auto"};
    EXPECT_STREQ(model.backend(), "native");
    EXPECT_EQ(model.backend_reason(), "native runs .onnx and .tflite files, which this model consists of");
    EXPECT_EQ((HopModel{find_model("dtln"), "tflite"}.backend_reason()), "tflite was asked for");
}

TEST(Backend, OfTheManifestIsTakenForAuto) {
    auto manifest = find_model("dtln");
    manifest.backend = "tflite";
    EXPECT_THAT((HopModel{manifest, "auto"}.backend_reason()), HasSubstr("model.toml asks for tflite"));
    manifest.backend = "onnxruntime";
    EXPECT_THAT(test::error_of([&] { HopModel(manifest, "auto"); }),
                HasSubstr("backend \"onnxruntime\" runs .onnx files; this model has model_1.tflite"));
}

TEST(Backend, ThatThereIsNotIsAnErrorThatNamesThoseThereAre) {
    for (const std::string name : {"tensorrt", ""}) {
        EXPECT_THAT(test::error_of([&] { HopModel(find_model("dtln"), name); }),
                    HasSubstr("backend: found \"" + name +
                              "\", expected one of \"auto\", \"native\", \"tflite\", \"onnxruntime\""));
    }
}

TEST(HopModel, RefusesAModelThatIsNoDenoiser) {
    EXPECT_THAT(test::error_of([] { HopModel(find_model("silero-vad"), "auto"); }),
                HasSubstr("key \"task\": found \"vad\", expected \"denoise\""));
}

TEST(HopModel, RefusesWeightsOfAnotherHash) {
    auto manifest = find_model("dtln");
    manifest.graphs[1].sha256.replace(0, 4, "0000");
    EXPECT_THAT(test::error_of([&] { HopModel(manifest, "auto"); }),
                testing::AllOf(HasSubstr("model_2.tflite: found SHA-256"), HasSubstr("expected 0000")));
}

}  // namespace
}  // namespace sidetone::nn
