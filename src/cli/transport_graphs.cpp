// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>
#include <onnxruntime_cxx_api.h>
#include <tensorflow/lite/c/c_api.h>

#include <stdexcept>
#include <string>

#include "cli/transport_copies.hpp"
#include "cli/transport_model.hpp"
#include "nn/onnxruntime.hpp"
#include "rt/clock.hpp"
#include "rt/error.hpp"
#include "rt/thread.hpp"

namespace sidetone::cli::transport {
namespace {

void require_floats(const nn::GraphSpec& graph, const std::filesystem::path& file) {
    for (const auto* tensors : {&graph.inputs, &graph.outputs}) {
        for (const auto& tensor : *tensors) {
            if (tensor.type == nn::ElementType::f32) continue;
            throw InputError{
                fmt::format("{}: tensor \"{}\" is not of floats; bench transport takes a model of floats only",
                            file.string(), tensor.name)};
        }
    }
}

// ── ONNX Runtime ────────────────────────────────────────────────────────────────────────────────

// Session options as nn has them, so that the arithmetic is equal; what differs is how tensors come and go.
class AllocatingOnnxGraph final : public AllocatingGraph {
public:
    AllocatingOnnxGraph(const nn::GraphSpec& graph, const std::filesystem::path& file) : spec_(graph) {
        for (const auto& tensor : spec_.inputs) input_names_.push_back(tensor.name.c_str());
        for (const auto& tensor : spec_.outputs) output_names_.push_back(tensor.name.c_str());
        const rt::ScopedFlushDenormals flush;
        session_ = Ort::Session{environment_, file.c_str(), nn::onnxruntime_options()};
    }

    [[nodiscard]] std::vector<Tensor> run(const std::vector<Tensor>& inputs, std::int64_t& wrap_ns) override {
        const auto started = rt::now_ns();
        const auto memory = Ort::MemoryInfo::CreateCpu(OrtArenaAllocator, OrtMemTypeDefault);
        std::vector<Ort::Value> values;
        for (std::size_t i = 0; i < inputs.size(); ++i) {
            // The runtime asks for writable memory but only reads an input.
            values.push_back(Ort::Value::CreateTensor<float>(memory, const_cast<float*>(inputs[i].data()),
                                                             inputs[i].size(), spec_.inputs[i].shape.data(),
                                                             spec_.inputs[i].shape.size()));
        }
        wrap_ns += rt::now_ns() - started;
        const auto results = session_.Run(Ort::RunOptions{nullptr}, input_names_.data(), values.data(), values.size(),
                                          output_names_.data(), output_names_.size());
        const auto finished = rt::now_ns();
        std::vector<Tensor> outputs;
        for (std::size_t i = 0; i < results.size(); ++i) {
            const auto* samples = results[i].GetTensorData<float>();
            outputs.emplace_back(samples, samples + spec_.outputs[i].elements());
        }
        wrap_ns += rt::now_ns() - finished;
        return outputs;
    }

private:
    nn::GraphSpec spec_;
    std::vector<const char*> input_names_, output_names_;
    Ort::Env environment_{ORT_LOGGING_LEVEL_ERROR, "sidetone"};
    Ort::Session session_{nullptr};
};

// ── TensorFlow Lite ─────────────────────────────────────────────────────────────────────────────

class AllocatingTfliteGraph final : public AllocatingGraph {
public:
    AllocatingTfliteGraph(const nn::GraphSpec& graph, const std::filesystem::path& file) : spec_(graph) {
        model_.reset(TfLiteModelCreateFromFile(file.c_str()));
        if (!model_) throw InputError{fmt::format("{}: TensorFlow Lite cannot load it", file.string())};
        const std::unique_ptr<TfLiteInterpreterOptions, decltype(&TfLiteInterpreterOptionsDelete)> options{
            TfLiteInterpreterOptionsCreate(), TfLiteInterpreterOptionsDelete};
        TfLiteInterpreterOptionsSetNumThreads(options.get(), 1);
        interpreter_.reset(TfLiteInterpreterCreate(model_.get(), options.get()));
        if (!interpreter_ || TfLiteInterpreterAllocateTensors(interpreter_.get()) != kTfLiteOk) {
            throw InputError{fmt::format("{}: TensorFlow Lite cannot plan its tensors", file.string())};
        }
        for (const auto& tensor : spec_.inputs) inputs_.push_back(input_called(tensor.name, file));
        for (const auto& tensor : spec_.outputs) outputs_.push_back(output_called(tensor.name, file));
    }

    [[nodiscard]] std::vector<Tensor> run(const std::vector<Tensor>& inputs, std::int64_t& wrap_ns) override {
        const auto started = rt::now_ns();
        for (std::size_t i = 0; i < inputs.size(); ++i) {
            const auto bytes = inputs[i].size() * sizeof(float);
            count_copy(bytes);
            require_ok(TfLiteTensorCopyFromBuffer(inputs_[i], inputs[i].data(), bytes));
        }
        wrap_ns += rt::now_ns() - started;
        require_ok(TfLiteInterpreterInvoke(interpreter_.get()));
        const auto finished = rt::now_ns();
        std::vector<Tensor> outputs;
        for (std::size_t i = 0; i < outputs_.size(); ++i) {
            auto& output = outputs.emplace_back(spec_.outputs[i].elements());
            const auto bytes = output.size() * sizeof(float);
            count_copy(bytes);
            require_ok(TfLiteTensorCopyToBuffer(outputs_[i], output.data(), bytes));
        }
        wrap_ns += rt::now_ns() - finished;
        return outputs;
    }

private:
    static void require_ok(TfLiteStatus status) {
        if (status != kTfLiteOk) throw std::runtime_error{"TensorFlow Lite failed"};
    }

    [[noreturn]] static void fail_to_find(const std::string& name, const std::filesystem::path& file) {
        throw InputError{fmt::format("{}: has no tensor \"{}\"", file.string(), name)};
    }

    [[nodiscard]] TfLiteTensor* input_called(const std::string& name, const std::filesystem::path& file) const {
        for (int i = 0; i < TfLiteInterpreterGetInputTensorCount(interpreter_.get()); ++i) {
            auto* tensor = TfLiteInterpreterGetInputTensor(interpreter_.get(), i);
            if (name == TfLiteTensorName(tensor)) return tensor;
        }
        fail_to_find(name, file);
    }

    [[nodiscard]] const TfLiteTensor* output_called(const std::string& name, const std::filesystem::path& file) const {
        for (int i = 0; i < TfLiteInterpreterGetOutputTensorCount(interpreter_.get()); ++i) {
            const auto* tensor = TfLiteInterpreterGetOutputTensor(interpreter_.get(), i);
            if (name == TfLiteTensorName(tensor)) return tensor;
        }
        fail_to_find(name, file);
    }

    nn::GraphSpec spec_;
    std::unique_ptr<TfLiteModel, decltype(&TfLiteModelDelete)> model_{nullptr, TfLiteModelDelete};
    std::unique_ptr<TfLiteInterpreter, decltype(&TfLiteInterpreterDelete)> interpreter_{nullptr,
                                                                                        TfLiteInterpreterDelete};
    std::vector<TfLiteTensor*> inputs_;
    std::vector<const TfLiteTensor*> outputs_;
};

}  // namespace

std::unique_ptr<AllocatingGraph> open_allocating_onnxruntime(const nn::GraphSpec& graph,
                                                             const std::filesystem::path& file) {
    require_floats(graph, file);
    try {
        return std::make_unique<AllocatingOnnxGraph>(graph, file);
    } catch (const Ort::Exception& error) {
        throw InputError{fmt::format("{}: ONNX Runtime cannot load it: {}", file.string(), error.what())};
    }
}

std::unique_ptr<AllocatingGraph> open_allocating_tflite(const nn::GraphSpec& graph, const std::filesystem::path& file) {
    require_floats(graph, file);
    return std::make_unique<AllocatingTfliteGraph>(graph, file);
}

}  // namespace sidetone::cli::transport
