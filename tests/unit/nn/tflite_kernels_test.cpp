// SPDX-License-Identifier: Apache-2.0
#include "nn/tflite_kernels.hpp"

#include <gmock/gmock.h>

#include <algorithm>
#include <cstring>
#include <deque>
#include <numeric>
#include <vector>

namespace sidetone::nn {
namespace {

constexpr int kSplit = 49;
constexpr int kPack = 83;
constexpr int kUnpack = 88;

using Shape = std::vector<int>;

struct StackParams {
    int count;
    int axis;
};

TfLiteIntArray* int_array(const Shape& values) {
    TfLiteIntArray* array = TfLiteIntArrayCreate(static_cast<int>(values.size()));
    std::ranges::copy(values, array->data);
    return array;
}

std::size_t elements(const Shape& shape) {
    return static_cast<std::size_t>(std::accumulate(shape.begin(), shape.end(), 1, std::multiplies{}));
}

// A graph of one node: what an interpreter would hand to a kernel.
class OneNode {
public:
    explicit OneNode(int builtin) {
        for (const auto& kernel : realtime_kernels()) {
            if (kernel.builtin_code == builtin) kernel_ = kernel;
        }
        context_.ResizeTensor = [](TfLiteContext*, TfLiteTensor* tensor, TfLiteIntArray* shape) {
            TfLiteIntArrayFree(tensor->dims);
            tensor->dims = shape;
            return kTfLiteOk;
        };
        node_.builtin_data = &params_;
    }
    ~OneNode() {
        for (auto& tensor : tensors_) TfLiteIntArrayFree(tensor.dims);
        TfLiteIntArrayFree(node_.inputs);
        TfLiteIntArrayFree(node_.outputs);
    }
    OneNode(const OneNode&) = delete;
    OneNode& operator=(const OneNode&) = delete;

    // Numbers its elements on from the last input's, so that each value tells where it came from.
    void input(const Shape& shape) {
        auto& values = add(shape, inputs_);
        std::iota(values.begin(), values.end(), next_value_);
        next_value_ += static_cast<float>(values.size());
    }
    void constant_input(int value) {
        add({1}, inputs_);
        std::memcpy(memory_.back().data(), &value, sizeof value);
        tensors_.back().type = kTfLiteInt32;
        tensors_.back().allocation_type = kTfLiteMmapRo;
        tensors_.back().bytes = sizeof value;
    }
    void outputs(std::size_t count) {
        for (std::size_t i = 0; i < count; ++i) add({}, outputs_);
    }
    void params(int count, int axis) { params_ = {count, axis}; }
    TfLiteTensor& tensor(std::size_t index) { return tensors_[index]; }

    TfLiteStatus prepare() {
        context_.tensors = tensors_.data();
        node_.inputs = int_array(inputs_);
        node_.outputs = int_array(outputs_);
        return kernel_.prepare(&context_, &node_);
    }

    // Prepares, allocates and runs; the outputs' shapes and values.
    std::vector<std::pair<Shape, std::vector<float>>> run() {
        EXPECT_EQ(prepare(), kTfLiteOk);
        for (const int index : outputs_) {
            auto& values = memory_[static_cast<std::size_t>(index)];
            values.assign(elements(shape_of(index)), -1.0F);
            tensors_[static_cast<std::size_t>(index)].data.f = values.data();
        }
        EXPECT_EQ(kernel_.invoke(&context_, &node_), kTfLiteOk);
        std::vector<std::pair<Shape, std::vector<float>>> results;
        for (const int index : outputs_)
            results.emplace_back(shape_of(index), memory_[static_cast<std::size_t>(index)]);
        return results;
    }

private:
    std::vector<float>& add(const Shape& shape, Shape& side) {
        auto& values = memory_.emplace_back(elements(shape));
        TfLiteTensor tensor{};
        tensor.type = kTfLiteFloat32;
        tensor.dims = int_array(shape);
        tensor.data.f = values.data();
        tensor.allocation_type = kTfLiteArenaRw;
        side.push_back(static_cast<int>(tensors_.size()));
        tensors_.push_back(tensor);
        return values;
    }
    [[nodiscard]] Shape shape_of(int index) const {
        const auto* dims = tensors_[static_cast<std::size_t>(index)].dims;
        return {dims->data, dims->data + dims->size};
    }

    TfLiteRegistration kernel_{};
    TfLiteContext context_{};
    TfLiteNode node_{};
    StackParams params_{};
    std::vector<TfLiteTensor> tensors_;
    std::deque<std::vector<float>> memory_;
    Shape inputs_, outputs_;
    float next_value_ = 0;
};

// Element `index` of a tensor of `shape` whose elements are 0, 1, 2 … in row-major order.
float at(const Shape& shape, const Shape& index) {
    int position = 0;
    for (std::size_t d = 0; d < shape.size(); ++d) position = position * shape[d] + index[d];
    return static_cast<float>(position);
}

// Calls `visit` with every index into `shape`, in row-major order.
template <class Visit>
void for_each_index(const Shape& shape, Visit&& visit) {
    Shape index(shape.size());
    for (std::size_t n = 0; n < elements(shape); ++n) {
        auto rest = static_cast<int>(n);
        for (std::size_t d = shape.size(); d-- > 0; rest /= shape[d]) index[d] = rest % shape[d];
        visit(index);
    }
}

const std::vector<Shape> kShapes{{4}, {2, 6}, {3, 4, 2}, {2, 4, 6, 3}};

TEST(TfliteKernels, PackPutsPartsAlongANewAxis) {
    for (const auto& shape : kShapes) {
        const int rank = static_cast<int>(shape.size()) + 1;
        for (int axis = -rank; axis < rank; ++axis) {
            constexpr int kParts = 3;
            OneNode node{kPack};
            for (int p = 0; p < kParts; ++p) node.input(shape);
            node.outputs(1);
            node.params(kParts, axis);
            const auto [out_shape, values] = node.run().front();
            const auto where = (axis + rank) % rank;
            auto expected_shape = shape;
            expected_shape.insert(expected_shape.begin() + where, kParts);
            ASSERT_EQ(out_shape, expected_shape);
            std::vector<float> expected;
            for_each_index(expected_shape, [&](Shape index) {
                const auto part = static_cast<std::size_t>(index[static_cast<std::size_t>(where)]);
                index.erase(index.begin() + where);
                expected.push_back(at(shape, index) + static_cast<float>(part * elements(shape)));
            });
            EXPECT_EQ(values, expected);
        }
    }
}

TEST(TfliteKernels, UnpackTakesAnAxisApart) {
    for (const auto& shape : kShapes) {
        const int rank = static_cast<int>(shape.size());
        for (int axis = -rank; axis < rank; ++axis) {
            const auto where = (axis + rank) % rank;
            OneNode node{kUnpack};
            node.input(shape);
            const int parts = shape[static_cast<std::size_t>(where)];
            node.outputs(static_cast<std::size_t>(parts));
            node.params(parts, axis);
            auto part_shape = shape;
            part_shape.erase(part_shape.begin() + where);
            int part = 0;
            for (const auto& [out_shape, values] : node.run()) {
                ASSERT_EQ(out_shape, part_shape);
                std::vector<float> expected;
                for_each_index(part_shape, [&](Shape index) {
                    index.insert(index.begin() + where, part);
                    expected.push_back(at(shape, index));
                });
                EXPECT_EQ(values, expected);
                ++part;
            }
        }
    }
}

TEST(TfliteKernels, SplitCutsAnAxisIntoEqualStretches) {
    for (const auto& shape : kShapes) {
        const int rank = static_cast<int>(shape.size());
        for (int axis = -rank; axis < rank; ++axis) {
            const auto where = static_cast<std::size_t>((axis + rank) % rank);
            if (shape[where] % 2 != 0) continue;
            OneNode node{kSplit};
            node.constant_input(axis);
            node.input(shape);
            node.outputs(2);
            auto part_shape = shape;
            part_shape[where] /= 2;
            int part = 0;
            for (const auto& [out_shape, values] : node.run()) {
                ASSERT_EQ(out_shape, part_shape);
                std::vector<float> expected;
                for_each_index(part_shape, [&](Shape index) {
                    index[where] += part * part_shape[where];
                    expected.push_back(at(shape, index));
                });
                EXPECT_EQ(values, expected);
                ++part;
            }
        }
    }
}

TEST(TfliteKernels, RefuseWhatTheyDoNotCover) {
    const auto refused = [](int builtin, auto&& arrange) {
        OneNode node{builtin};
        arrange(node);
        EXPECT_NE(node.prepare(), kTfLiteOk) << builtin;
    };
    refused(kPack, [](OneNode& node) { node.outputs(1); });  // no input
    refused(kPack, [](OneNode& node) {                       // shapes differ
        node.input({2, 3});
        node.input({3, 2});
        node.outputs(1);
    });
    refused(kPack, [](OneNode& node) {  // no such axis
        node.input({2, 3});
        node.outputs(1);
        node.params(1, 4);
    });
    refused(kUnpack, [](OneNode& node) {  // three parts into two outputs
        node.input({3, 2});
        node.outputs(2);
    });
    refused(kUnpack, [](OneNode& node) {  // another type
        node.input({2, 2});
        node.tensor(0).type = kTfLiteInt8;
        node.outputs(2);
    });
    refused(kSplit, [](OneNode& node) {  // not divisible
        node.constant_input(0);
        node.input({3});
        node.outputs(2);
    });
    refused(kSplit, [](OneNode& node) {  // the axis comes only while running
        node.constant_input(0);
        node.tensor(0).allocation_type = kTfLiteArenaRw;
        node.input({4});
        node.outputs(2);
    });
}

}  // namespace
}  // namespace sidetone::nn
