// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <cmath>
#include <complex>

#include "compared_session.hpp"
#include "dsp/real_fft.hpp"
#include "nn/native/native_session.hpp"
#include "rt/guard.hpp"
#include "unit/nn/test_models.hpp"

namespace sidetone::nn {
namespace {

constexpr float kMaxDifference = 1e-4F;  // of the output's range

TensorInfo tensor(const std::string& name, const std::vector<std::int64_t>& shape) {
    return {name, ElementType::f32, shape};
}

struct PublishedModel {
    const char* name;
    const char* folder;
    std::vector<GraphSpec> graphs;
    std::size_t runs;
};

/// DeepFilterNet3 in four graphs: convolutions see three frames, recurrent layers one.
std::vector<GraphSpec> deep_filter_net() {
    const GraphSpec convolutions{
        .file = "enc_conv_streaming.onnx",
        .input = "feat_erb",
        .output = "emb",
        .inputs = {tensor("feat_erb", {1, 1, 3, 32}), tensor("feat_spec", {1, 2, 3, 96})},
        .outputs = {tensor("e0", {1, 64, 1, 32}), tensor("e1", {1, 64, 1, 16}), tensor("e2", {1, 64, 1, 8}),
                    tensor("e3", {1, 64, 1, 8}), tensor("emb", {1, 1, 512}), tensor("c0", {1, 64, 1, 96})}};
    const GraphSpec embedding{
        .file = "enc_gru_streaming.onnx",
        .input = "emb",
        .output = "emb_out",
        .inputs = {tensor("emb", {1, 1, 512}), tensor("h0", {1, 1, 256})},
        .outputs = {tensor("emb_out", {1, 1, 512}), tensor("lsnr", {1, 1, 1}), tensor("h1", {1, 1, 256})},
        .states = {{"h0", "h1"}}};
    const GraphSpec gains{
        .file = "erb_dec_streaming.onnx",
        .input = "emb",
        .output = "m",
        .inputs = {tensor("emb", {1, 1, 512}), tensor("e3", {1, 64, 1, 8}), tensor("e2", {1, 64, 1, 8}),
                   tensor("e1", {1, 64, 1, 16}), tensor("e0", {1, 64, 1, 32}), tensor("erb_h0", {2, 1, 256})},
        .outputs = {tensor("m", {1, 1, 1, 32}), tensor("erb_h1", {2, 1, 256})},
        .states = {{"erb_h0", "erb_h1"}}};
    const GraphSpec filter{
        .file = "df_dec_streaming.onnx",
        .input = "emb",
        .output = "coefs",
        .inputs = {tensor("emb", {1, 1, 512}), tensor("c0", {1, 64, 1, 96}), tensor("df_h0", {2, 1, 256})},
        .outputs = {tensor("coefs", {1, 1, 96, 10}), tensor("df_h1", {2, 1, 256})},
        .states = {{"df_h0", "df_h1"}}};
    return {convolutions, embedding, gains, filter};
}

std::vector<GraphSpec> silero(const std::string& file, std::int64_t samples) {
    return {{.file = file,
             .input = "input",
             .output = "output",
             .inputs = {tensor("input", {1, samples}), tensor("state", {2, 1, 128}), {"sr", ElementType::i64, {}}},
             .outputs = {tensor("output", {1, 1}), tensor("stateN", {2, 1, 128})},
             .states = {{"state", "stateN"}},
             .constants = {{"sr", samples > 300 ? 16'000.0 : 8'000.0}}}};
}

/// A score of nine seconds of speech.
std::vector<GraphSpec> dnsmos() {
    return {{.file = "sig_bak_ovr.onnx",
             .input = "input_1",
             .output = "Identity:0",
             .inputs = {tensor("input_1", {1, 144'160})},
             .outputs = {tensor("Identity:0", {1, 3})}}};
}

/// The model as one step of a stream: graphs in turn, each fed with what those before it gave under the same name.
class Chain {
public:
    using Open = std::unique_ptr<Session> (*)(const GraphSpec& graph, const std::filesystem::path& file);
    Chain(const PublishedModel& model, Open open) {
        for (const auto& graph : model.graphs) {
            sessions_.emplace_back(graph, open(graph, test::published_weights() / model.folder / graph.file));
        }
    }
    test::ComparedSession& operator[](std::size_t at) { return sessions_[at]; }
    [[nodiscard]] std::size_t size() const { return sessions_.size(); }

    [[nodiscard]] bool run() {
        for (std::size_t at = 0; at < sessions_.size(); ++at) {
            for (std::size_t before = 0; before < at; ++before) feed(sessions_[before], sessions_[at]);
            if (!sessions_[at].run()) return false;
        }
        return true;
    }

private:
    // The embedding is called "emb" before its recurrent layer, and "emb_out" behind it.
    static void feed(const test::ComparedSession& from, test::ComparedSession& to) {
        for (std::size_t i = 0; i < from.graph().outputs.size(); ++i) {
            const auto& name = from.graph().outputs[i].name;
            const auto& wanted = name == "emb_out" ? "emb" : name;
            if (std::ranges::find(to.graph().inputs, wanted, &TensorInfo::name) == to.graph().inputs.end()) continue;
            std::ranges::copy(from.output(i), to.input(wanted).begin());
        }
    }

    std::vector<test::ComparedSession> sessions_;
};

/// Energies of 32 bands in tens of decibels, and the lowest 96 bins, of the last three frames of 20 ms.
void put_features(std::span<const float> samples, test::ComparedSession& session) {
    constexpr std::size_t kBins = 96;
    static dsp::RealFft fft{384};
    std::vector<std::complex<float>> spectrum(fft.bins());
    const auto bands = session.input("feat_erb");
    const auto bins = session.input("feat_spec");
    for (std::size_t frame = 0; frame < 3; ++frame) {
        fft.forward(samples.data() + frame * 160, spectrum.data());
        for (std::size_t band = 0; band < 32; ++band) {
            float energy = 1e-6F;
            for (std::size_t k = 0; k < 6; ++k) energy += std::norm(spectrum[6 * band + k]);
            bands[frame * 32 + band] = std::log10(energy);
        }
        for (std::size_t k = 0; k < kBins; ++k) {
            bins[frame * kBins + k] = spectrum[k].real();
            bins[(3 + frame) * kBins + k] = spectrum[k].imag();
        }
    }
}

void put_audio(std::span<const float> speech, std::size_t run, Chain& chain) {
    auto& first = chain[0];
    if (first.graph().input == "feat_erb") {
        put_features(speech.subspan(run * 160 % (speech.size() - 1000)), first);
        return;
    }
    const auto signal = first.signal();
    for (std::size_t i = 0; i < signal.size(); ++i) signal[i] = speech[(run * 512 + i) % speech.size()];
}

std::vector<PublishedModel> published_models() {
    return {{"DeepFilterNet3", "dfn3", deep_filter_net(), 1000},
            {"SileroV6", "silero", silero("silero_vad_v6.onnx", 576), 1000},
            {"SileroV6At8kHz", "silero", silero("silero_vad_v6.onnx", 288), 1000},
            {"SileroOpset15", "silero", silero("silero_vad_16k_op15.onnx", 576), 1000},
            {"SileroIfless", "silero", silero("silero_vad_op18_ifless.onnx", 576), 1000},
            {"Dnsmos", "dnsmos", dnsmos(), 1}};
}

class NativePublished : public testing::TestWithParam<PublishedModel> {
protected:
    void SetUp() override {
        for (const auto& graph : GetParam().graphs) {
            const auto file = test::published_weights() / GetParam().folder / graph.file;
            if (!std::filesystem::exists(file)) GTEST_SKIP() << file << " is not there (set SIDETONE_DATA)";
        }
    }
};

TEST_P(NativePublished, OutputsAndStatesAreThoseOfOnnxRuntime) {
    Chain native{GetParam(), open_native_session};
    Chain reference{GetParam(), open_onnxruntime_session};
    const auto speech = test::speech();
    std::vector<std::vector<test::Difference>> differences(native.size());
    for (std::size_t i = 0; i < native.size(); ++i) differences[i].resize(GetParam().graphs[i].outputs.size());
    for (std::size_t run = 0; run < GetParam().runs; ++run) {
        put_audio(speech, run, native);
        put_audio(speech, run, reference);
        ASSERT_TRUE(native.run());
        ASSERT_TRUE(reference.run());
        for (std::size_t i = 0; i < native.size(); ++i) {
            for (std::size_t k = 0; k < differences[i].size(); ++k) {
                differences[i][k].add(native[i].output(k), reference[i].output(k));
            }
        }
    }
    for (std::size_t i = 0; i < native.size(); ++i) {
        for (std::size_t k = 0; k < differences[i].size(); ++k) {
            const auto& name = native[i].graph().outputs[k].name;
            EXPECT_LE(differences[i][k].of_range(), kMaxDifference) << native[i].graph().file << " " << name;
            RecordProperty(native[i].graph().file + " " + name, std::to_string(differences[i][k].of_range()));
        }
    }
}

TEST_P(NativePublished, RunsMakeNoHeapCallAndNoLock) {
    if (!rt::interposer_is_present()) GTEST_SKIP() << "no interposer: nothing is counted";
    Chain native{GetParam(), open_native_session};
    put_audio(test::speech(), 0, native);
    rt::reset_realtime_counts();
    {
        const rt::RealtimeScope scope{rt::RealtimeKind::worker};
        for (std::size_t run = 0; run < std::min<std::size_t>(GetParam().runs, 100); ++run) (void)native.run();
    }
    const auto counts = rt::realtime_counts(rt::RealtimeKind::worker);
    EXPECT_EQ(counts.heap_calls, 0U);
    EXPECT_EQ(counts.locks, 0U);
}

INSTANTIATE_TEST_SUITE_P(Models, NativePublished, testing::ValuesIn(published_models()),
                         [](const auto& info) { return std::string{info.param.name}; });

}  // namespace
}  // namespace sidetone::nn
