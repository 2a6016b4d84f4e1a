// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>
#include <onnxruntime_cxx_api.h>

#include <algorithm>
#include <array>

#include "nn/manifest.hpp"
#include "nn/onnxruntime.hpp"
#include "nn/session.hpp"
#include "nn/tensor_check.hpp"
#include "rt/error.hpp"
#include "rt/thread.hpp"

namespace sidetone::nn {
namespace {

std::optional<ElementType> element_type(ONNXTensorElementDataType type) {
    switch (type) {
        case ONNX_TENSOR_ELEMENT_DATA_TYPE_FLOAT:
            return ElementType::f32;
        case ONNX_TENSOR_ELEMENT_DATA_TYPE_INT64:
            return ElementType::i64;
        case ONNX_TENSOR_ELEMENT_DATA_TYPE_INT32:
            return ElementType::i32;
        case ONNX_TENSOR_ELEMENT_DATA_TYPE_INT8:
            return ElementType::i8;
        case ONNX_TENSOR_ELEMENT_DATA_TYPE_UINT8:
            return ElementType::u8;
        default:
            return std::nullopt;
    }
}

ONNXTensorElementDataType onnx_type(ElementType type) {
    switch (type) {
        case ElementType::f32:
            return ONNX_TENSOR_ELEMENT_DATA_TYPE_FLOAT;
        case ElementType::i64:
            return ONNX_TENSOR_ELEMENT_DATA_TYPE_INT64;
        case ElementType::i32:
            return ONNX_TENSOR_ELEMENT_DATA_TYPE_INT32;
        case ElementType::i8:
            return ONNX_TENSOR_ELEMENT_DATA_TYPE_INT8;
        case ElementType::u8:
            return ONNX_TENSOR_ELEMENT_DATA_TYPE_UINT8;
    }
    return ONNX_TENSOR_ELEMENT_DATA_TYPE_UNDEFINED;
}

class OnnxRuntimeSession final : public Session {
public:
    OnnxRuntimeSession(const GraphSpec& graph, const std::filesystem::path& file);

    [[nodiscard]] std::span<const TensorInfo> inputs() const noexcept override { return inputs_; }
    [[nodiscard]] std::span<const TensorInfo> outputs() const noexcept override { return outputs_; }
    [[nodiscard]] int bind(std::span<const TensorMemory> inputs, std::span<const TensorMemory> outputs) override;
    [[nodiscard]] bool run(int binding) noexcept override;
    [[nodiscard]] const char* last_error() const noexcept override { return last_error_.data(); }
    [[nodiscard]] const char* backend() const noexcept override { return "onnxruntime"; }
    // Every Run allocates: frames, feeds, fetches and intermediate tensors.
    [[nodiscard]] bool is_realtime_safe() const noexcept override { return false; }

private:
    [[nodiscard]] std::vector<FileTensor> tensors_of_file(bool inputs) const;
    [[nodiscard]] Ort::Value value_over(const TensorInfo& tensor, TensorMemory memory) const;

    std::vector<TensorInfo> inputs_, outputs_;
    Ort::Session session_{nullptr};
    Ort::RunOptions run_options_;
    Ort::MemoryInfo memory_info_ = Ort::MemoryInfo::CreateCpu(OrtDeviceAllocator, OrtMemTypeDefault);
    std::vector<Ort::IoBinding> bindings_;
    std::array<char, 256> last_error_{};
};

OnnxRuntimeSession::OnnxRuntimeSession(const GraphSpec& graph, const std::filesystem::path& file)
    : inputs_(graph.inputs), outputs_(graph.outputs) {
    {
        // Denormals-as-zero is switched on for the thread that makes the session, too; this one gets its own mode back.
        const rt::ScopedFlushDenormals flush;
        session_ = Ort::Session{onnxruntime_environment(), file.c_str(), onnxruntime_options()};
    }
    check_tensors(graph, file, tensors_of_file(true), tensors_of_file(false));
}

std::vector<FileTensor> OnnxRuntimeSession::tensors_of_file(bool inputs) const {
    Ort::AllocatorWithDefaultOptions allocator;
    std::vector<FileTensor> tensors;
    const auto count = inputs ? session_.GetInputCount() : session_.GetOutputCount();
    for (std::size_t i = 0; i < count; ++i) {
        const auto name =
            inputs ? session_.GetInputNameAllocated(i, allocator) : session_.GetOutputNameAllocated(i, allocator);
        const auto info = inputs ? session_.GetInputTypeInfo(i) : session_.GetOutputTypeInfo(i);
        FileTensor tensor{.name = name.get(), .type = std::nullopt, .shape = {}};
        if (info.GetONNXType() == ONNX_TYPE_TENSOR) {
            const auto shaped = info.GetTensorTypeAndShapeInfo();
            tensor.type = element_type(shaped.GetElementType());
            tensor.shape = shaped.GetShape();
        }
        tensors.push_back(std::move(tensor));
    }
    return tensors;
}

Ort::Value OnnxRuntimeSession::value_over(const TensorInfo& tensor, TensorMemory memory) const {
    return Ort::Value::CreateTensor(memory_info_, memory, tensor.bytes(), tensor.shape.data(), tensor.shape.size(),
                                    onnx_type(tensor.type));
}

int OnnxRuntimeSession::bind(std::span<const TensorMemory> inputs, std::span<const TensorMemory> outputs) {
    Ort::IoBinding binding{session_};
    for (std::size_t i = 0; i < inputs_.size(); ++i) {
        binding.BindInput(inputs_[i].name.c_str(), value_over(inputs_[i], inputs[i]));
    }
    for (std::size_t i = 0; i < outputs_.size(); ++i) {
        binding.BindOutput(outputs_[i].name.c_str(), value_over(outputs_[i], outputs[i]));
    }
    bindings_.push_back(std::move(binding));
    return static_cast<int>(bindings_.size()) - 1;
}

bool OnnxRuntimeSession::run(int binding) noexcept {
    // The C function reports by status where the C++ wrapper would throw.
    auto& io = bindings_[static_cast<std::size_t>(binding)];
    OrtStatus* status = Ort::GetApi().RunWithBinding(session_, run_options_, io);
    if (status == nullptr) [[likely]]
        return true;
    std::snprintf(last_error_.data(), last_error_.size(), "%s", Ort::GetApi().GetErrorMessage(status));
    Ort::GetApi().ReleaseStatus(status);
    return false;
}

}  // namespace

std::unique_ptr<Session> open_onnxruntime_session(const GraphSpec& graph, const std::filesystem::path& file) {
    try {
        return std::make_unique<OnnxRuntimeSession>(graph, file);
    } catch (const Ort::Exception& error) {
        throw InputError{fmt::format("{}: ONNX Runtime cannot load it: {}", file.string(), one_line(error.what()))};
    }
}

}  // namespace sidetone::nn
