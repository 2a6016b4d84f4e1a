// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>
#include <tensorflow/lite/c/c_api.h>
#include <tensorflow/lite/c/common.h>

#include <algorithm>
#include <array>
#include <cstdarg>
#include <cstdio>
#include <fstream>

#include "nn/manifest.hpp"
#include "nn/session.hpp"
#include "nn/tensor_check.hpp"
#include "nn/tflite_contents.hpp"
#include "nn/tflite_kernels.hpp"
#include "rt/error.hpp"

namespace sidetone::nn {
namespace {

template <auto release>
struct Releaser {
    template <class T>
    void operator()(T* object) const noexcept {
        release(object);
    }
};
using ModelHandle = std::unique_ptr<TfLiteModel, Releaser<TfLiteModelDelete>>;
using OptionsHandle = std::unique_ptr<TfLiteInterpreterOptions, Releaser<TfLiteInterpreterOptionsDelete>>;
using InterpreterHandle = std::unique_ptr<TfLiteInterpreter, Releaser<TfLiteInterpreterDelete>>;

using ErrorText = std::array<char, 256>;

// Keeps what the interpreter reports instead of letting it print. May be called while it runs: no heap.
void keep_error(void* text, const char* format, va_list arguments) {
    auto& buffer = *static_cast<ErrorText*>(text);
    std::vsnprintf(buffer.data(), buffer.size(), format, arguments);
}

std::optional<ElementType> element_type(TfLiteType type) {
    switch (type) {
        case kTfLiteFloat32:
            return ElementType::f32;
        case kTfLiteInt64:
            return ElementType::i64;
        case kTfLiteInt32:
            return ElementType::i32;
        case kTfLiteInt8:
            return ElementType::i8;
        case kTfLiteUInt8:
            return ElementType::u8;
        default:
            return std::nullopt;
    }
}

std::vector<std::byte> contents_of(const std::filesystem::path& file) {
    std::ifstream stream{file, std::ios::binary | std::ios::ate};
    if (!stream || !std::filesystem::is_regular_file(file)) {
        throw InputError{fmt::format("{}: cannot be read", file.string())};
    }
    std::vector<std::byte> bytes(static_cast<std::size_t>(stream.tellg()));
    stream.seekg(0);
    stream.read(reinterpret_cast<char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
    if (!stream) throw InputError{fmt::format("{}: cannot be read to its end", file.string())};
    return bytes;
}

// The interpreter plans its inner tensors only; a graph's inputs and outputs are pointed at the caller's memory before
// each run. `TfLiteTensor` is a public struct and `kTfLiteCustom` the public mark of memory that is the user's, with
// its 64-byte alignment. The C API hands inputs and outputs out by pointer and they stay where they are.
class TfliteSession final : public Session {
public:
    TfliteSession(const GraphSpec& graph, const std::filesystem::path& file);

    [[nodiscard]] std::span<const TensorInfo> inputs() const noexcept override { return inputs_; }
    [[nodiscard]] std::span<const TensorInfo> outputs() const noexcept override { return outputs_; }
    [[nodiscard]] int bind(std::span<const TensorMemory> inputs, std::span<const TensorMemory> outputs) override;
    [[nodiscard]] bool run(int binding) noexcept override;
    [[nodiscard]] const char* last_error() const noexcept override { return last_error_.data(); }
    [[nodiscard]] const char* backend() const noexcept override { return "tflite"; }
    [[nodiscard]] bool is_realtime_safe() const noexcept override { return is_realtime_safe_; }

private:
    void load(const std::filesystem::path& file);
    [[nodiscard]] bool make_interpreter(bool with_our_kernels);
    void take_over(std::span<TfLiteTensor* const> tensors, const std::filesystem::path& file);

    std::vector<TensorInfo> inputs_, outputs_;
    ErrorText last_error_{};
    std::vector<std::byte> contents_;  // the interpreter reads the weights in place
    ModelHandle model_;
    InterpreterHandle interpreter_;
    std::vector<TfLiteTensor*> tensors_;  // inputs, then outputs, in the manifest's order
    std::vector<std::vector<TensorMemory>> bindings_;
    bool is_realtime_safe_ = false;
};

FileTensor described(const TfLiteTensor& tensor) {
    FileTensor description{.name = tensor.name, .type = element_type(tensor.type), .shape = {}};
    for (int d = 0; d < tensor.dims->size; ++d) description.shape.push_back(tensor.dims->data[d]);
    return description;
}

// The tensors that `declared` names, in that order.
std::vector<TfLiteTensor*> in_declared_order(std::span<const TensorInfo> declared,
                                             std::span<TfLiteTensor* const> in_file) {
    std::vector<TfLiteTensor*> tensors;
    for (const auto& tensor : declared) {
        tensors.push_back(
            *std::ranges::find(in_file, tensor.name, [](const TfLiteTensor* t) { return std::string{t->name}; }));
    }
    return tensors;
}

TfliteSession::TfliteSession(const GraphSpec& graph, const std::filesystem::path& file)
    : inputs_(graph.inputs), outputs_(graph.outputs) {
    load(file);
    std::vector<TfLiteTensor*> inputs, outputs;
    std::vector<FileTensor> described_inputs, described_outputs;
    for (int i = 0; i < TfLiteInterpreterGetInputTensorCount(interpreter_.get()); ++i) {
        inputs.push_back(TfLiteInterpreterGetInputTensor(interpreter_.get(), i));
        described_inputs.push_back(described(*inputs.back()));
    }
    for (int i = 0; i < TfLiteInterpreterGetOutputTensorCount(interpreter_.get()); ++i) {
        // Const only in that its shape and type are not the caller's to change; its memory is.
        outputs.push_back(const_cast<TfLiteTensor*>(TfLiteInterpreterGetOutputTensor(interpreter_.get(), i)));
        described_outputs.push_back(described(*outputs.back()));
    }
    check_tensors(graph, file, described_inputs, described_outputs);
    tensors_ = in_declared_order(inputs_, inputs);
    const auto declared_outputs = in_declared_order(outputs_, outputs);
    tensors_.insert(tensors_.end(), declared_outputs.begin(), declared_outputs.end());
    take_over(tensors_, file);
}

void TfliteSession::load(const std::filesystem::path& file) {
    contents_ = contents_of(file);
    const auto refuse = [&](const char* what) {
        throw InputError{fmt::format("{}: TensorFlow Lite cannot load it: {}{}{}", file.string(), what,
                                     last_error_[0] != 0 ? ": " : "", one_line(last_error_.data()))};
    };
    const auto contents = tflite_contents(contents_);
    if (!contents) refuse("it is not a TensorFlow Lite file, or a damaged one");
    model_.reset(TfLiteModelCreate(contents_.data(), contents_.size()));
    if (!model_) refuse("it is damaged");
    is_realtime_safe_ = sidetone::nn::is_realtime_safe(*contents) && make_interpreter(true);
    if (!is_realtime_safe_ && !make_interpreter(false)) refuse("its tensors cannot be planned");
}

// With our kernels when the graph can be real-time safe by them; they refuse what they do not cover.
bool TfliteSession::make_interpreter(bool with_our_kernels) {
    const OptionsHandle options{TfLiteInterpreterOptionsCreate()};
    TfLiteInterpreterOptionsSetNumThreads(options.get(), 1);
    TfLiteInterpreterOptionsSetErrorReporter(options.get(), keep_error, &last_error_);
    if (with_our_kernels) add_realtime_kernels(options.get());
    interpreter_.reset(TfLiteInterpreterCreate(model_.get(), options.get()));
    return interpreter_ && TfLiteInterpreterAllocateTensors(interpreter_.get()) == kTfLiteOk;
}

void TfliteSession::take_over(std::span<TfLiteTensor* const> tensors, const std::filesystem::path& file) {
    for (auto* tensor : tensors) {
        // A tensor of another kind is read-only, sized while running, or both an input and an output (taken over
        // already).
        if (tensor->allocation_type != kTfLiteArenaRw) {
            throw InputError{fmt::format("{}: tensor \"{}\" has no memory of its own that could be bound",
                                         file.string(), tensor->name)};
        }
        tensor->allocation_type = kTfLiteCustom;
    }
}

int TfliteSession::bind(std::span<const TensorMemory> inputs, std::span<const TensorMemory> outputs) {
    auto& binding = bindings_.emplace_back(inputs.begin(), inputs.end());
    binding.insert(binding.end(), outputs.begin(), outputs.end());
    return static_cast<int>(bindings_.size()) - 1;
}

bool TfliteSession::run(int binding) noexcept {
    const auto& memory = bindings_[static_cast<std::size_t>(binding)];
    for (std::size_t i = 0; i < tensors_.size(); ++i) tensors_[i]->data.data = memory[i];
    return TfLiteInterpreterInvoke(interpreter_.get()) == kTfLiteOk;
}

}  // namespace

std::unique_ptr<Session> open_tflite_session(const GraphSpec& graph, const std::filesystem::path& file) {
    return std::make_unique<TfliteSession>(graph, file);
}

}  // namespace sidetone::nn
