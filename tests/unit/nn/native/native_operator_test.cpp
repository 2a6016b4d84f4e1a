// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>
#include <onnxruntime_cxx_api.h>

#include <cmath>
#include <cstring>
#include <unordered_set>

#include "dsp/aligned_vector.hpp"
#include "nn/manifest.hpp"
#include "nn/native/native_session.hpp"
#include "operator_case.hpp"
#include "rt/error.hpp"
#include "unit/nn/test_models.hpp"

namespace sidetone::nn {
namespace {

using Memory = dsp::AlignedVector<std::byte>;

/// What ONNX Runtime gives, without its optimisations: each operator by itself.
class Reference {
public:
    /// Fills in the shapes of `outputs`; throws Ort::Exception.
    std::vector<Memory> run(const std::string& file, const std::vector<test::OperatorCase::Input>& inputs,
                            std::vector<TensorInfo>& outputs) {
        Ort::SessionOptions options;
        options.SetIntraOpNumThreads(1);
        options.SetGraphOptimizationLevel(ORT_DISABLE_ALL);
        Ort::Session session{env_, file.data(), file.size(), options};
        std::vector<const char*> input_names;
        std::vector<const char*> output_names;
        std::vector<Ort::Value> values;
        for (const auto& input : inputs) {
            input_names.push_back(input.info.name.c_str());
            // The interface takes memory to be written for what it only reads.
            auto* data = const_cast<std::byte*>(input.data.data());
            values.push_back(Ort::Value::CreateTensor(memory_info_, data, input.data.size(), input.info.shape.data(),
                                                      input.info.shape.size(), type_of(input.info.type)));
        }
        for (const auto& output : outputs) output_names.push_back(output.name.c_str());
        auto results =
            session.Run({}, input_names.data(), values.data(), values.size(), output_names.data(), output_names.size());
        std::vector<Memory> contents;
        for (std::size_t i = 0; i < results.size(); ++i) {
            outputs[i].shape = results[i].GetTensorTypeAndShapeInfo().GetShape();
            const auto* data = static_cast<const std::byte*>(results[i].GetTensorRawData());
            contents.emplace_back(data, data + outputs[i].bytes());
        }
        return contents;
    }

private:
    static ONNXTensorElementDataType type_of(ElementType type) {
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

    Ort::Env env_{ORT_LOGGING_LEVEL_FATAL, "test"};
    Ort::MemoryInfo memory_info_ = Ort::MemoryInfo::CreateCpu(OrtDeviceAllocator, OrtMemTypeDefault);
};

std::vector<Memory> run_native(const std::filesystem::path& file, const test::OperatorCase& made,
                               const std::vector<TensorInfo>& outputs) {
    GraphSpec graph{.manifest = "case", .outputs = outputs};
    std::vector<Memory> in;
    for (const auto& input : made.inputs()) {
        graph.inputs.push_back(input.info);
        in.emplace_back(input.data.begin(), input.data.end());
        in.back().resize(std::max<std::size_t>(in.back().size(), 1));
    }
    std::vector<Memory> out;
    for (const auto& output : outputs) out.emplace_back(std::max<std::size_t>(output.bytes(), 1));
    std::vector<TensorMemory> in_places;
    std::vector<TensorMemory> out_places;
    for (auto& memory : in) in_places.push_back(memory.data());
    for (auto& memory : out) out_places.push_back(memory.data());
    const auto session = open_native_session(graph, file);
    const auto binding = session->bind(in_places, out_places);
    // Twice: nothing that the first run leaves behind may show.
    for (int run = 0; run < 2; ++run) {
        for (auto& memory : out) std::ranges::fill(memory, std::byte{0x55});
        EXPECT_TRUE(session->run(binding));
    }
    for (std::size_t i = 0; i < in.size(); ++i) {
        EXPECT_TRUE(std::equal(made.inputs()[i].data.begin(), made.inputs()[i].data.end(), in[i].begin()))
            << "input " << i << " was written";
    }
    for (std::size_t i = 0; i < out.size(); ++i) out[i].resize(outputs[i].bytes());
    return out;
}

/// Empty when equal within the tolerance, else the first place that is not.
std::string float_difference(const Memory& found, const Memory& expected, float tolerance, float range) {
    std::vector<float> a(found.size() / sizeof(float));
    std::vector<float> b(a.size());
    if (!a.empty()) {
        std::memcpy(a.data(), found.data(), found.size());
        std::memcpy(b.data(), expected.data(), found.size());
    }
    for (const auto value : b) {
        if (std::isfinite(value)) range = std::max(range, std::abs(value));
    }
    for (std::size_t i = 0; i < a.size(); ++i) {
        if (a[i] == b[i] || (std::isnan(a[i]) && std::isnan(b[i]))) continue;
        if (std::abs(a[i] - b[i]) <= tolerance * range) continue;
        return "element " + std::to_string(i) + ": found " + std::to_string(a[i]) + ", expected " +
               std::to_string(b[i]);
    }
    return {};
}

template <class T>
std::string integer_difference(const Memory& found, const Memory& expected, int steps) {
    for (std::size_t at = 0; at + sizeof(T) <= found.size(); at += sizeof(T)) {
        T a;
        T b;
        std::memcpy(&a, found.data() + at, sizeof a);
        std::memcpy(&b, expected.data() + at, sizeof b);
        if (std::abs(static_cast<std::int64_t>(a) - static_cast<std::int64_t>(b)) <= steps) continue;
        return "element " + std::to_string(at / sizeof(T)) + ": found " + std::to_string(a) + ", expected " +
               std::to_string(b);
    }
    return {};
}

std::string difference(ElementType type, const Memory& found, const Memory& expected, const test::OperatorCase& made) {
    switch (type) {
        case ElementType::f32:
            return float_difference(found, expected, made.tolerance, made.least_range);
        case ElementType::i64:
            return integer_difference<std::int64_t>(found, expected, made.steps);
        case ElementType::i32:
            return integer_difference<std::int32_t>(found, expected, made.steps);
        case ElementType::i8:
            return integer_difference<std::int8_t>(found, expected, made.steps);
        case ElementType::u8:
            return integer_difference<std::uint8_t>(found, expected, made.steps);
    }
    return "?";
}

void compare(Reference& reference, const std::filesystem::path& path, test::OperatorCase& made) try {
    const auto file = made.file();
    auto outputs = made.outputs();
    const auto expected = reference.run(file, made.inputs(), outputs);
    test::write(path, file);
    const auto found = run_native(path, made, outputs);
    for (std::size_t i = 0; i < outputs.size(); ++i) {
        EXPECT_EQ(difference(outputs[i].type, found[i], expected[i], made), "") << made.text() << ", output " << i;
    }
} catch (const Ort::Exception& error) {
    ADD_FAILURE() << made.text() << "\nONNX Runtime refuses it: " << error.what();
} catch (const InputError& error) {
    ADD_FAILURE() << made.text() << "\nthe native executor refuses it: " << error.what();
}

class NativeOperator : public testing::TestWithParam<test::OperatorRow> {};

TEST_P(NativeOperator, GivesWhatOnnxRuntimeGives) {
    const test::TemporaryFolder folder;
    Reference reference;
    const auto& row = GetParam();
    for (int i = 0; i < row.cases; ++i) {
        const auto seed = static_cast<std::uint32_t>(1000 + i);
        test::OperatorCase made{row.name, seed};
        made.opset = row.opsets[static_cast<std::size_t>(i) % row.opsets.size()];
        row.make(made);
        compare(reference, folder.path() / "case.onnx", made);
    }
}

std::string name_of_row(const testing::TestParamInfo<test::OperatorRow>& info) {
    return info.param.name + std::string{"_"} + std::to_string(info.index);
}

INSTANTIATE_TEST_SUITE_P(Elementwise, NativeOperator, testing::ValuesIn(test::elementwise_rows()), name_of_row);
INSTANTIATE_TEST_SUITE_P(Shape, NativeOperator, testing::ValuesIn(test::shape_rows()), name_of_row);
INSTANTIATE_TEST_SUITE_P(Layer, NativeOperator, testing::ValuesIn(test::layer_rows()), name_of_row);
INSTANTIATE_TEST_SUITE_P(Recurrent, NativeOperator, testing::ValuesIn(test::recurrent_rows()), name_of_row);
INSTANTIATE_TEST_SUITE_P(Quantized, NativeOperator, testing::ValuesIn(test::quantized_rows()), name_of_row);

// ONNX Runtime takes no layers whose batch comes first: they are held against those whose steps do.
class BatchFirst : public testing::TestWithParam<const char*> {
protected:
    static constexpr std::int64_t kSteps = 3, kBatch = 2, kInputs = 5, kHidden = 7;

    std::vector<float> run(bool is_batch_first) {
        const std::string operation = GetParam();
        const std::int64_t gates = operation == "RNN" ? 1 : operation == "GRU" ? 3 : 4;
        test::OperatorCase made{operation, 5};
        made.dynamic_floats({kSteps, kBatch, kInputs});
        if (is_batch_first) {
            made.computed(made.node("Transpose", {made.take_input()})[0]);
            made.node_attribute("perm", std::vector<std::int64_t>{1, 0, 2}).attribute("layout", std::int64_t{1});
        }
        made.constant_floats({2, gates * kHidden, kInputs}, -1, 1)
            .constant_floats({2, gates * kHidden, kHidden}, -1, 1);
        made.attribute("direction", std::string{"bidirectional"}).attribute("hidden_size", kHidden);
        std::vector<TensorInfo> outputs{{"y0", ElementType::f32, {kSteps, 2, kBatch, kHidden}}};
        if (is_batch_first) outputs[0].shape = {kBatch, kSteps, 2, kHidden};
        const auto path = folder_.path() / "case.onnx";
        test::write(path, made.file());
        const auto found = run_native(path, made, outputs);
        std::vector<float> values(found[0].size() / sizeof(float));
        std::memcpy(values.data(), found[0].data(), found[0].size());
        return values;
    }

    test::TemporaryFolder folder_;
};

TEST_P(BatchFirst, GivesWhatStepsFirstGives) {
    const auto expected = run(false);
    const auto found = run(true);
    for (std::int64_t t = 0; t < kSteps; ++t) {
        for (std::int64_t d = 0; d < 2; ++d) {
            for (std::int64_t b = 0; b < kBatch; ++b) {
                for (std::int64_t j = 0; j < kHidden; ++j) {
                    const auto there = ((t * 2 + d) * kBatch + b) * kHidden + j;
                    const auto here = ((b * kSteps + t) * 2 + d) * kHidden + j;
                    ASSERT_NEAR(found[static_cast<std::size_t>(here)], expected[static_cast<std::size_t>(there)], 1e-5);
                }
            }
        }
    }
}

INSTANTIATE_TEST_SUITE_P(Cells, BatchFirst, testing::Values("RNN", "GRU", "LSTM"),
                         [](const auto& info) { return std::string{info.param}; });

}  // namespace
}  // namespace sidetone::nn
