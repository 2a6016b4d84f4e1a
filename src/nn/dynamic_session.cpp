// SPDX-License-Identifier: Apache-2.0
#include "nn/dynamic_session.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <stdexcept>
#include <utility>

#include "nn/onnxruntime.hpp"
#include "nn/tensor_check.hpp"
#include "rt/error.hpp"
#include "rt/thread.hpp"

namespace sidetone::nn {
namespace {

const Ort::MemoryInfo& processor_memory() {
    static const Ort::MemoryInfo info = Ort::MemoryInfo::CreateCpu(OrtDeviceAllocator, OrtMemTypeDefault);
    return info;
}

// What a caller hears of the backend's failures.
template <class Act>
auto told_as_runtime_error(Act&& act) {
    try {
        return act();
    } catch (const Ort::Exception& error) {
        throw std::runtime_error{one_line(error.what())};
    }
}

template <class T>
Ort::Value value_over(std::span<const T> values, std::span<const std::int64_t> shape) {
    // The library takes no const memory; inputs are only read.
    auto* data = const_cast<T*>(values.data());  // NOLINT
    return told_as_runtime_error([&] {
        return Ort::Value::CreateTensor<T>(processor_memory(), data, values.size(), shape.data(), shape.size());
    });
}

}  // namespace

struct Tensor::Value {
    Ort::Value of{nullptr};
};

struct DynamicSession::Parts {
    Ort::Session session{nullptr};
    Ort::RunOptions run_options;
};

Tensor Tensor::view(std::span<const float> values, std::span<const std::int64_t> shape) {
    Tensor tensor;
    tensor.value_ = std::make_shared<Value>(Value{value_over(values, shape)});
    return tensor;
}

Tensor Tensor::view(std::span<const std::int64_t> values, std::span<const std::int64_t> shape) {
    Tensor tensor;
    tensor.value_ = std::make_shared<Value>(Value{value_over(values, shape)});
    return tensor;
}

Tensor Tensor::flag(bool value) {
    constexpr std::int64_t kOne = 1;
    Ort::AllocatorWithDefaultOptions allocator;
    Tensor tensor;
    tensor.value_ = std::make_shared<Value>(
        Value{told_as_runtime_error([&] { return Ort::Value::CreateTensor<bool>(allocator, &kOne, 1); })});
    *tensor.value_->of.GetTensorMutableData<bool>() = value;
    return tensor;
}

std::span<const float> Tensor::values() const {
    return told_as_runtime_error([this] {
        const auto info = value_->of.GetTensorTypeAndShapeInfo();
        if (info.GetElementType() != ONNX_TENSOR_ELEMENT_DATA_TYPE_FLOAT) {
            throw std::runtime_error{"found a tensor of other values, expected floats"};
        }
        return std::span{value_->of.GetTensorData<float>(), info.GetElementCount()};
    });
}

std::vector<std::int64_t> Tensor::shape() const {
    return told_as_runtime_error([this] { return value_->of.GetTensorTypeAndShapeInfo().GetShape(); });
}

DynamicSession::DynamicSession(const std::filesystem::path& file) : file_(file), parts_(std::make_unique<Parts>()) {
    try {
        // Denormals-as-zero is switched on for the thread that makes the session, too; this one gets its own mode back.
        const rt::ScopedFlushDenormals flush;
        parts_->session = Ort::Session{onnxruntime_environment(), file.c_str(), onnxruntime_options()};
        Ort::AllocatorWithDefaultOptions allocator;
        for (std::size_t i = 0; i < parts_->session.GetInputCount(); ++i) {
            inputs_.emplace_back(parts_->session.GetInputNameAllocated(i, allocator).get());
        }
        for (std::size_t i = 0; i < parts_->session.GetOutputCount(); ++i) {
            outputs_.emplace_back(parts_->session.GetOutputNameAllocated(i, allocator).get());
        }
    } catch (const Ort::Exception& error) {
        throw InputError{fmt::format("{}: ONNX Runtime cannot load it: {}", file.string(), one_line(error.what()))};
    }
}

DynamicSession::~DynamicSession() = default;
DynamicSession::DynamicSession(DynamicSession&&) noexcept = default;
DynamicSession& DynamicSession::operator=(DynamicSession&&) noexcept = default;

DeclaredTensor DynamicSession::input(const std::string& name) const {
    return declared(name, true);
}

DeclaredTensor DynamicSession::output(const std::string& name) const {
    return declared(name, false);
}

DeclaredTensor DynamicSession::declared(const std::string& name, bool is_input) const {
    const auto& names = is_input ? inputs_ : outputs_;
    const auto found = std::ranges::find(names, name);
    if (found == names.end()) {
        throw InputError{fmt::format("{}: found no {} \"{}\"", file_.string(), is_input ? "input" : "output", name)};
    }
    const auto number = static_cast<std::size_t>(found - names.begin());
    return told_as_runtime_error([&]() -> DeclaredTensor {
        const auto info =
            is_input ? parts_->session.GetInputTypeInfo(number) : parts_->session.GetOutputTypeInfo(number);
        if (info.GetONNXType() != ONNX_TYPE_TENSOR) return {};
        const auto tensor = info.GetTensorTypeAndShapeInfo();
        return {.has_floats = tensor.GetElementType() == ONNX_TENSOR_ELEMENT_DATA_TYPE_FLOAT,
                .shape = tensor.GetShape()};
    });
}

std::vector<Tensor> DynamicSession::run(std::span<const Tensor> inputs, std::span<const std::string> wanted) {
    const auto name_of = [](const std::string& name) { return name.c_str(); };
    std::vector<const char*> input_names(inputs_.size()), output_names(wanted.size());
    std::ranges::transform(inputs_, input_names.begin(), name_of);
    std::ranges::transform(wanted, output_names.begin(), name_of);
    std::vector<const OrtValue*> values(inputs.size());
    std::ranges::transform(inputs, values.begin(),
                           [](const Tensor& tensor) -> const OrtValue* { return tensor.value_->of; });
    if (values.size() != inputs_.size()) throw std::runtime_error{"as many tensors as the graph has inputs"};

    std::vector<OrtValue*> made(wanted.size(), nullptr);
    OrtStatus* status = Ort::GetApi().Run(parts_->session, parts_->run_options, input_names.data(), values.data(),
                                          values.size(), output_names.data(), output_names.size(), made.data());
    std::vector<Tensor> outputs(wanted.size());
    for (std::size_t i = 0; i < made.size(); ++i) {
        outputs[i].value_ = std::make_shared<Tensor::Value>(Tensor::Value{Ort::Value{made[i]}});
    }
    if (status == nullptr) return outputs;
    const std::string what = one_line(Ort::GetApi().GetErrorMessage(status));
    Ort::GetApi().ReleaseStatus(status);
    throw std::runtime_error{fmt::format("{}: {}", file_.string(), what)};
}

}  // namespace sidetone::nn
