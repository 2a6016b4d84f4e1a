// SPDX-License-Identifier: Apache-2.0
#include "engine/offline.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <limits>
#include <nlohmann/json.hpp>
#include <thread>

#include "device/sound_file.hpp"
#include "nn/model_store.hpp"
#include "rt/guard.hpp"
#include "unit/engine/hand_driven_card.hpp"
#include "unit/engine/sounds.hpp"
#include "unit/nn/tiny_onnx.hpp"

namespace sidetone::engine {
namespace {

namespace fs = std::filesystem;
using nn::test::contents_of;
using nn::test::error_of;
using test::Planes;
using testing::HasSubstr;

constexpr auto kGain = "[[stage]]\nkind = \"gain\"\n";
constexpr auto kDenoise = "[[stage]]\nkind = \"denoise\"\n";

class ProcessFile : public testing::Test {
protected:
    [[nodiscard]] fs::path at(const std::string& name) const { return folder_.path() / name; }

    void write_sound(const std::string& name, std::uint32_t rate_hz, Planes channels) const {
        device::write_sound_file(at(name), {.rate_hz = rate_hz, .channels = std::move(channels)});
    }
    [[nodiscard]] Report process(const char* chain, const std::string& in, const std::string& out,
                                 const OfflineOptions& options = {}) const {
        nn::test::write(at("chain.toml"), chain);
        return process_file(at("chain.toml"), at(in), at(out), options, {});
    }
    [[nodiscard]] Planes sound(const std::string& name) const { return device::read_sound_file(at(name)).channels; }

    nn::test::TemporaryFolder folder_;
};

// ── the result ──────────────────────────────────────────────────────────────────────────────────

// In different seconds: some file headers hold the time of day.
TEST_F(ProcessFile, GivesTheSameBytesTwice) {
    write_sound("in.wav", 48'000, {test::speech_at(48'000, 1)});
    (void)process(kDenoise, "in.wav", "first.wav");
    const auto second = [] {
        return std::chrono::time_point_cast<std::chrono::seconds>(std::chrono::system_clock::now());
    };
    for (const auto started = second(); second() == started;)
        std::this_thread::sleep_for(std::chrono::milliseconds{10});
    (void)process(kDenoise, "in.wav", "second.wav");
    EXPECT_TRUE(contents_of(at("first.wav")) == contents_of(at("second.wav")));
}

class ProcessFileAtRate : public ProcessFile, public testing::WithParamInterface<std::uint32_t> {};

TEST_P(ProcessFileAtRate, GivesTheSameSamplesForEveryBlockSize) {
    write_sound("in.wav", GetParam(), {test::speech_at(GetParam(), 1.3)});
    const auto reference = process(kDenoise, "in.wav", "reference.wav", {.block_frames = 128});
    const auto expected = sound("reference.wav");
    for (const auto block : {32U, 64U, 100U, 441U, 480U, 1024U, 1U << 16U}) {
        const auto report = process(kDenoise, "in.wav", "out.wav", {.block_frames = block});
        const auto output = sound("out.wav");
        EXPECT_EQ(report.delay_frames, reference.delay_frames) << block << " frames";
        EXPECT_EQ(output[0].size(), expected[0].size()) << block << " frames";
        EXPECT_LE(test::largest_difference(output[0], expected[0]), 1e-6F) << block << " frames";
    }
}

TEST_P(ProcessFileAtRate, ReportsTheDelayThatCrossCorrelationFinds) {
    const auto speech = test::speech_at(GetParam(), 2);
    write_sound("in.wav", GetParam(), {speech});
    const auto report = process(kDenoise, "in.wav", "out.wav");
    const auto output = sound("out.wav");
    EXPECT_GT(report.delay_frames, 0U);
    EXPECT_EQ(test::delay_found(speech, output[0]), report.delay_frames);
    EXPECT_EQ(output[0].size(), speech.size() + report.delay_frames) << "nothing is lost";
    EXPECT_NEAR(report.latency.chain_ms, 1000.0 * report.delay_frames / GetParam(), 1e-9);
}

TEST_P(ProcessFileAtRate, AlignedOutputLiesOnTheInput) {
    const auto speech = test::speech_at(GetParam(), 1.5);
    write_sound("in.wav", GetParam(), {speech});
    const auto report = process(kDenoise, "in.wav", "late.wav");
    (void)process(kDenoise, "in.wav", "aligned.wav", {.align = true});
    const auto late = sound("late.wav"), aligned = sound("aligned.wav");
    EXPECT_EQ(aligned[0].size(), speech.size());
    EXPECT_EQ(test::delay_found(speech, aligned[0]), 0);
    EXPECT_EQ(test::largest_difference(aligned[0], std::span(late[0]).subspan(report.delay_frames)), 0.0F);
}

INSTANTIATE_TEST_SUITE_P(Rates, ProcessFileAtRate, testing::Values(16'000U, 44'100U, 48'000U, 96'000U),
                         [](const auto& info) { return std::to_string(info.param) + "Hz"; });

TEST_F(ProcessFile, TakesEveryChannelByItself) {
    const auto speech = test::speech_at(48'000, 1);
    write_sound("mono.wav", 48'000, {speech});
    write_sound("stereo.wav", 48'000, {std::vector<float>(speech.size()), speech});
    (void)process(kDenoise, "mono.wav", "mono-out.wav");
    const auto report = process(kDenoise, "stereo.wav", "stereo-out.wav");
    const auto mono = sound("mono-out.wav"), stereo = sound("stereo-out.wav");
    EXPECT_EQ(report.channels, 2U);
    ASSERT_EQ(stereo.size(), 2U);
    EXPECT_EQ(test::largest_difference(stereo[1], mono[0]), 0.0F);
    EXPECT_LT(test::peak_of(stereo[0]), 1e-4F);
}

TEST_F(ProcessFile, TakesTheNoiseOut) {
    // 16 kHz: noise alone, loud enough for the model to see.
    write_sound("in.wav", 16'000, {dsp::test::white_noise(32'000, 5, 0.05F)});
    (void)process(kDenoise, "in.wav", "out.wav");
    const auto output = sound("out.wav");
    EXPECT_LT(test::peak_of(std::span(output[0]).subspan(16'000)), 0.02F);
}

TEST_F(ProcessFile, TakesAFileShorterThanABlock) {
    write_sound("in.wav", 48'000, {std::vector<float>(1, 0.5F)});
    const auto report = process(kDenoise, "in.wav", "out.wav", {.block_frames = 1024});
    EXPECT_EQ(sound("out.wav")[0].size(), 1 + report.delay_frames);
}

TEST_F(ProcessFile, ReplacesWhatIsNotFiniteAndCountsIt) {
    auto speech = test::speech_at(48'000, 0.5);
    speech[100] = std::numeric_limits<float>::quiet_NaN();
    speech[20'000] = std::numeric_limits<float>::infinity();
    {
        // The writer replaces such samples, so they are put into the bytes of the file.
        write_sound("in.wav", 48'000, {test::speech_at(48'000, 0.5)});
        auto bytes = contents_of(at("in.wav"));
        const auto data = bytes.find("data") + 8;
        std::memcpy(bytes.data() + data, speech.data(), speech.size() * sizeof(float));
        nn::test::write(at("in.wav"), bytes);
    }
    for (const auto* const chain : {kGain, kDenoise}) {
        const auto report = process(chain, "in.wav", "out.wav");
        EXPECT_EQ(report.not_finite, 2U);
        EXPECT_EQ(report.misses, 0U);
        EXPECT_TRUE(test::all_finite(sound("out.wav")[0]));
    }
}

// ── the report ──────────────────────────────────────────────────────────────────────────────────

TEST_F(ProcessFile, ReportTellsWhatRanAndForHowLong) {
    write_sound("in.wav", 16'000, {test::speech_at(16'000, 1)});
    const auto report = process(kDenoise, "in.wav", "out.wav", {.block_frames = 160});
    EXPECT_EQ(report.chain, at("chain.toml").string());
    EXPECT_EQ(report.rate_hz, 16'000U);
    EXPECT_EQ(report.block_frames, 160U);
    EXPECT_EQ(report.seconds, 1.0);
    EXPECT_EQ(report.blocks, (16'000 + report.delay_frames + 159) / 160);
    EXPECT_EQ(report.misses, 0U);
    EXPECT_GT(report.cpu_share, 0);
    EXPECT_EQ(report.heap_calls.has_value(), rt::interposer_is_present());
    ASSERT_EQ(report.decisions.size(), 1U);
    EXPECT_THAT(report.decisions[0], HasSubstr("runs direct: no card waits for it"));
    const auto json = to_json(report);
    for (const auto* const key :
         {"blocks", "misses", "misses_external", "heap_calls", "locks", "latency_ms", "stages"}) {
        EXPECT_TRUE(json.contains(key)) << key;
    }
    EXPECT_EQ(json["delay_frames"], report.delay_frames);
}

// An executor that does the same work in each run has no use for random numbers; ONNX Runtime takes them.
TEST_F(ProcessFile, ReportNamesTheOperatorThatTheNativeExecutorRefused) {
    nn::test::TinyOnnx onnx;
    const auto contents = onnx.node("RandomUniformLike", {"x"}, "y").input("x", {1, 64}).output("y", {1, 64}).file();
    nn::test::write(at("tiny/tiny.onnx"), contents);
    nn::test::write(
        at("tiny/model.toml"),
        "name = \"tiny\"\ndescription = \"t\"\nlicence = \"t\"\nsource = \"t\"\ntask = \"denoise\"\n"
        "sample_rate_hz = 16000\n[front_end]\nlength = 64\nhop = 64\n"
        "analysis_window = \"rectangular\"\nsynthesis_window = \"rectangular\"\n"
        "[[graph]]\nfile = \"tiny.onnx\"\nbytes = " +
            std::to_string(contents.size()) + "\nsha256 = \"" + nn::sha256_of(at("tiny/tiny.onnx")) +
            "\"\ndomain = \"waveform\"\ninput = \"x\"\noutput = \"y\"\n"
            "inputs = [{ name = \"x\", shape = [1, 64] }]\noutputs = [{ name = \"y\", shape = [1, 64] }]\n");
    write_sound("in.wav", 16'000, {test::speech_at(16'000, 1)});
    const auto report =
        process((std::string{kDenoise} + "model = \"" + at("tiny").string() + "\"\n").c_str(), "in.wav", "out.wav");
    ASSERT_EQ(report.decisions.size(), 1U);
    EXPECT_THAT(report.decisions[0], testing::AllOf(HasSubstr("(onnxruntime; native refused it: "),
                                                    HasSubstr("operator \"RandomUniformLike\" (node \"\", opset 13)"),
                                                    HasSubstr("runs direct: no card waits for it")));
    EXPECT_EQ(report.decisions[0].find('\n'), std::string::npos);
}

TEST_F(ProcessFile, TellsItsProgress) {
    write_sound("in.wav", 48'000, {test::speech_at(48'000, 1)});
    nn::test::write(at("chain.toml"), kGain);
    std::vector<double> told;
    (void)process_file(at("chain.toml"), at("in.wav"), at("out.wav"), {}, [&](double share) { told.push_back(share); });
    ASSERT_GT(told.size(), 3U);
    EXPECT_TRUE(std::ranges::is_sorted(told));
    EXPECT_EQ(told.back(), 1.0);
}

// ── refusals ────────────────────────────────────────────────────────────────────────────────────

TEST_F(ProcessFile, RefusalLeavesNothingBehind) {
    write_sound("in.wav", 48'000, {test::speech_at(48'000, 0.2)});
    nn::test::write(at("text.wav"), "this is no sound");
    const auto refuse = [&](const char* chain, const std::string& in, const std::string& out, const std::string& says) {
        EXPECT_THAT(error_of([&] { (void)process(chain, in, out); }), HasSubstr(says));
        EXPECT_FALSE(fs::exists(at("out.wav")));
        EXPECT_FALSE(fs::exists(at("out.wav.part")));
    };
    refuse(kGain, "missing.wav", "out.wav", "missing.wav: no such file");
    refuse(kGain, "text.wav", "out.wav", "text.wav: ");
    refuse(kGain, "in.wav", "no-folder/out.wav", "there is no folder");
    refuse(kGain, "in.wav", "out.flac", "expected .wav");
    refuse("[[stage]]\nkind = \"reverb\"\n", "in.wav", "out.wav", "chain.toml:2:");
}

TEST_F(ProcessFile, RefusesToOverwriteItsInput) {
    write_sound("in.wav", 48'000, {test::speech_at(48'000, 0.2)});
    fs::create_symlink(at("in.wav"), at("link.wav"));
    const auto before = contents_of(at("in.wav"));
    for (const auto* const out : {"in.wav", "link.wav", "./in.wav"}) {
        EXPECT_THAT(error_of([&] { (void)process(kGain, "in.wav", out); }), HasSubstr("is the input as well"));
    }
    EXPECT_EQ(contents_of(at("in.wav")), before);
}

// A model that is at fault in the middle of a file: what was there before stays, nothing half-written is left.
TEST_F(ProcessFile, FailureInTheMiddleLeavesTheOldOutput) {
    write_sound("in.wav", 48'000, {test::speech_at(48'000, 1)});
    nn::test::write(at("out.wav"), "the old one");
    nn::test::write(at("chain.toml"), kGain);
    const auto interrupt = [](double share) {
        if (share > 0.3) throw InputError("interrupted");
    };
    EXPECT_EQ(error_of([&] { (void)process_file(at("chain.toml"), at("in.wav"), at("out.wav"), {}, interrupt); }),
              "interrupted");
    EXPECT_EQ(contents_of(at("out.wav")), "the old one");
    EXPECT_FALSE(fs::exists(at("out.wav.part")));
}

}  // namespace
}  // namespace sidetone::engine
