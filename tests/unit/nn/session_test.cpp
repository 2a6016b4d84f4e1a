// SPDX-License-Identifier: Apache-2.0
#include "nn/session.hpp"

#include <gmock/gmock.h>
#include <onnxruntime_cxx_api.h>
#include <tensorflow/lite/c/c_api.h>

#include <cmath>
#include <cstring>
#include <map>

#include "nn/graph_runner.hpp"
#include "test_models.hpp"
#include "unit/dsp/signals.hpp"

namespace sidetone::nn {
namespace {

using testing::HasSubstr;

using Bytes = std::vector<char>;
using Tensors = std::map<std::string, Bytes>;

// The plain way: tensors made anew for each run, everything copied in and out. What the sessions are held against.
class CopyingModel {
public:
    explicit CopyingModel(const GraphSpec& graph) : graph_(graph) {
        for (const auto& tensor : graph.inputs) inputs_[tensor.name] = Bytes(tensor.bytes());
        for (const auto& constant : graph.constants) {
            const auto value = static_cast<std::int64_t>(constant.value);
            std::memcpy(inputs_[constant.input].data(), &value, sizeof value);
        }
    }
    virtual ~CopyingModel() = default;

    Bytes step(std::span<const float> signal) {
        std::memcpy(inputs_[graph_.input].data(), signal.data(), signal.size_bytes());
        auto outputs = run(inputs_);
        for (const auto& state : graph_.states) inputs_[state.input] = outputs[state.output];
        return outputs[graph_.output];
    }

protected:
    virtual Tensors run(const Tensors& inputs) = 0;
    GraphSpec graph_;

private:
    Tensors inputs_;
};

class CopyingOnnx final : public CopyingModel {
public:
    CopyingOnnx(const GraphSpec& graph, const std::filesystem::path& file)
        : CopyingModel(graph), session_(env_, file.c_str(), options()) {}

private:
    static Ort::SessionOptions options() {
        Ort::SessionOptions options;
        options.SetIntraOpNumThreads(1);
        return options;
    }

    Tensors run(const Tensors& inputs) override {
        const auto cpu = Ort::MemoryInfo::CreateCpu(OrtArenaAllocator, OrtMemTypeDefault);
        std::vector<const char*> input_names, output_names;
        std::vector<Ort::Value> values;
        for (const auto& tensor : graph_.inputs) {
            input_names.push_back(tensor.name.c_str());
            const auto type = tensor.type == ElementType::i64 ? ONNX_TENSOR_ELEMENT_DATA_TYPE_INT64
                                                              : ONNX_TENSOR_ELEMENT_DATA_TYPE_FLOAT;
            auto& bytes = const_cast<Bytes&>(inputs.at(tensor.name));
            values.push_back(Ort::Value::CreateTensor(cpu, bytes.data(), bytes.size(), tensor.shape.data(),
                                                      tensor.shape.size(), type));
        }
        for (const auto& tensor : graph_.outputs) output_names.push_back(tensor.name.c_str());
        const auto results = session_.Run(Ort::RunOptions{}, input_names.data(), values.data(), values.size(),
                                          output_names.data(), output_names.size());
        Tensors outputs;
        for (std::size_t i = 0; i < results.size(); ++i) {
            const auto* data = static_cast<const char*>(results[i].GetTensorRawData());
            outputs[graph_.outputs[i].name] = Bytes(data, data + graph_.outputs[i].bytes());
        }
        return outputs;
    }

    Ort::Env env_{ORT_LOGGING_LEVEL_ERROR};
    Ort::Session session_;
};

class CopyingTflite final : public CopyingModel {
public:
    CopyingTflite(const GraphSpec& graph, const std::filesystem::path& file)
        : CopyingModel(graph), model_(TfLiteModelCreateFromFile(file.c_str())) {
        auto* options = TfLiteInterpreterOptionsCreate();
        TfLiteInterpreterOptionsSetNumThreads(options, 1);
        interpreter_ = TfLiteInterpreterCreate(model_, options);
        TfLiteInterpreterOptionsDelete(options);
        TfLiteInterpreterAllocateTensors(interpreter_);
    }
    ~CopyingTflite() override {
        TfLiteInterpreterDelete(interpreter_);
        TfLiteModelDelete(model_);
    }

private:
    Tensors run(const Tensors& inputs) override {
        for (int i = 0; i < TfLiteInterpreterGetInputTensorCount(interpreter_); ++i) {
            auto* tensor = TfLiteInterpreterGetInputTensor(interpreter_, i);
            const auto& bytes = inputs.at(TfLiteTensorName(tensor));
            TfLiteTensorCopyFromBuffer(tensor, bytes.data(), bytes.size());
        }
        TfLiteInterpreterInvoke(interpreter_);
        Tensors outputs;
        for (int i = 0; i < TfLiteInterpreterGetOutputTensorCount(interpreter_); ++i) {
            const auto* tensor = TfLiteInterpreterGetOutputTensor(interpreter_, i);
            auto& bytes = outputs[TfLiteTensorName(tensor)];
            bytes.resize(TfLiteTensorByteSize(tensor));
            TfLiteTensorCopyToBuffer(tensor, bytes.data(), bytes.size());
        }
        return outputs;
    }

    TfLiteModel* model_;
    TfLiteInterpreter* interpreter_ = nullptr;
};

std::size_t elements_of(const std::string& name, const std::vector<TensorInfo>& tensors) {
    return std::ranges::find(tensors, name, &TensorInfo::name)->elements();
}

// Feeds 200 stretches of real speech to both and compares bit for bit; states run on, so that any slip would stay.
template <class Copying>
void expect_same_bits(const Manifest& model,
                      std::unique_ptr<Session> (*open)(const GraphSpec&, const std::filesystem::path&)) {
    const auto samples = test::speech();
    for (const auto& graph : model.graphs) {
        const auto file = weights_file(model, graph);
        Copying reference{graph, file};
        rt::Arena arena{GraphRunner::arena_bytes(graph)};
        GraphRunner runner{graph, open(graph, file), arena};
        const auto in = elements_of(graph.input, graph.inputs);
        const auto out = elements_of(graph.output, graph.outputs);
        for (std::size_t hop = 0; hop < 200; ++hop) {
            std::vector<float> signal(samples.begin() + static_cast<std::ptrdiff_t>(hop * 128),
                                      samples.begin() + static_cast<std::ptrdiff_t>(hop * 128 + in));
            if (graph.domain == Domain::magnitude_mask) {
                for (auto& value : signal) value = std::fabs(value);
            }
            const auto expected = reference.step(signal);
            std::ranges::copy(signal, runner.input());
            ASSERT_TRUE(runner.run()) << runner.session().last_error();
            ASSERT_EQ(std::memcmp(runner.output(), expected.data(), out * sizeof(float)), 0)
                << model.name << ", " << graph.file << ", hop " << hop;
        }
    }
}

class OnnxSession : public testing::TestWithParam<const char*> {};

TEST_P(OnnxSession, WithStatesInPingPongGivesTheBitsOfTheCopyingWay) {
    const test::PublishedWeights published;
    const auto model = find_model(GetParam());
    SIDETONE_REQUIRE_WEIGHTS(model);
    expect_same_bits<CopyingOnnx>(model, open_onnxruntime_session);
}

INSTANTIATE_TEST_SUITE_P(Models, OnnxSession, testing::Values("dtln-onnx", "gtcrn", "ul-unas", "silero-vad"),
                         test::name_of_case);

TEST(TfliteSession, WithTensorsPointedAtOurMemoryGivesTheBitsOfTheCopyingWay) {
    expect_same_bits<CopyingTflite>(find_model("dtln"), open_tflite_session);
}

TEST(SileroVad, TellsSpeechFromSilenceAndNoise) {
    const auto model = find_model("silero-vad");
    const auto& graph = model.graphs.front();
    rt::Arena arena{GraphRunner::arena_bytes(graph)};
    GraphRunner runner{graph, open_onnxruntime_session(graph, weights_file(model, graph)), arena};
    const auto highest = [&](const std::vector<float>& samples) {
        runner.reset();
        float best = 0;
        for (std::size_t at = 0; at + 576 <= samples.size(); at += 512) {
            std::copy_n(samples.data() + at, 576, runner.input());
            EXPECT_TRUE(runner.run());
            best = std::max(best, *runner.output());
        }
        return best;
    };
    EXPECT_GT(highest(test::speech()), 0.9F);
    EXPECT_LT(highest(std::vector<float>(32'000)), 0.3F);
    EXPECT_LT(highest(dsp::test::white_noise(32'000, 5, 0.05F)), 0.3F);
}

// Where manifest and file disagree.
class Disagreement : public testing::TestWithParam<const char*> {
protected:
    std::string open_error() {
        return test::error_of([&] {
            const auto file = weights_file(model_, model_.graphs[0]);
            auto* const open = file.extension() == ".onnx" ? &open_onnxruntime_session : &open_tflite_session;
            (void)open(graph_, file);
        });
    }
    Manifest model_ = find_model(GetParam());
    GraphSpec graph_ = model_.graphs[0];
};

TEST_P(Disagreement, NamesShapesDeclaredAndFound) {
    auto& state = *std::ranges::find(graph_.inputs, graph_.states[0].input, &TensorInfo::name);
    state.shape[0] = 7;
    EXPECT_THAT(open_error(),
                testing::MatchesRegex(".*model\\.toml: input \".*\" is declared \\[7,.*\\]; .* has \\[.*\\]"));
}

TEST_P(Disagreement, NamesTypesDeclaredAndFound) {
    graph_.inputs[0].type = ElementType::i32;
    EXPECT_THAT(open_error(), testing::MatchesRegex(".*model\\.toml: input \".*\" is declared i32; .* has f32"));
}

TEST_P(Disagreement, NamesTensorsThatTheFileLacks) {
    graph_.outputs[0].name = "nonesuch";
    EXPECT_THAT(
        open_error(),
        testing::MatchesRegex(".*model\\.toml: output \"nonesuch\" is declared; the outputs of .* are \".*\", \".*\""));
}

TEST_P(Disagreement, NamesInputsThatTheManifestLacks) {
    const auto name = graph_.inputs.back().name;
    graph_.inputs.pop_back();
    EXPECT_THAT(open_error(),
                testing::AllOf(HasSubstr("has an input \"" + name + "\""), HasSubstr("that is not declared")));
}

INSTANTIATE_TEST_SUITE_P(Backends, Disagreement, testing::Values("dtln", "silero-vad"), test::name_of_case);

TEST(OnnxRuntimeSession, ThatFailsSaysSoAndSaysWhy) {
    const auto model = find_model("silero-vad");
    auto graph = model.graphs.front();
    graph.outputs[1].shape = {2, 1, 64};  // the file leaves it open; the truth is 128
    const auto session = open_onnxruntime_session(graph, weights_file(model, graph));
    alignas(64) static std::array<float, 1024> memory[5];
    const TensorMemory inputs[] = {memory[0].data(), memory[1].data(), memory[2].data()};
    const TensorMemory outputs[] = {memory[3].data(), memory[4].data()};
    const int binding = session->bind(inputs, outputs);
    EXPECT_FALSE(session->run(binding));
    EXPECT_NE(std::string{session->last_error()}, "");
}

}  // namespace
}  // namespace sidetone::nn
