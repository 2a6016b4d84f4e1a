// SPDX-License-Identifier: Apache-2.0
#include "tflite_operator_rows.hpp"

#include "unit/dsp/signals.hpp"

namespace sidetone::nn::test {
namespace {

using tflite::Builtin;
using Shape = TfliteShape;
using Tensors = TinyTflite::Tensors;
using Options = TfliteOptions;

std::size_t elements(const Shape& shape) {
    std::size_t count = 1;
    for (const auto size : shape) count *= static_cast<std::size_t>(size);
    return count;
}

TfliteOperatorRow unary(const char* name, Builtin builtin, std::uint8_t options = 0, bool is_positive = false) {
    return {name,
            [=](TinyTfliteFile& file) {
                const Shape shape{2, 3, 7};
                file.tflite.operation(builtin, {file.input(shape)}, {file.output(shape)}, {options, {}});
            },
            is_positive};
}

TfliteOperatorRow binary(const char* name, Builtin builtin, std::uint8_t options, std::int8_t fused, const Shape& b) {
    return {name, [=](TinyTfliteFile& file) {
                const Shape shape{2, 3, 7};
                file.tflite.operation(builtin, {file.input(shape), file.input(b)}, {file.output(shape)},
                                      fused_activation(options, fused));
            }};
}

struct Layer {
    Shape from, weights, to;
    std::int8_t fused = 0;
    bool has_bias = true, keeps_dimensions = false;
};

TfliteOperatorRow fully_connected(const char* name, const Layer& layer) {
    return {name, [=](TinyTfliteFile& file) {
                Tensors inputs{file.input(layer.from), file.weights(layer.weights)};
                inputs.push_back(layer.has_bias ? file.weights({layer.weights[0]}) : -1);
                auto options = fused_activation(8, layer.fused);
                options.table.number(2, static_cast<std::uint8_t>(layer.keeps_dimensions));
                file.tflite.operation(Builtin::fully_connected, inputs, {file.output(layer.to)}, options);
            }};
}

struct Window {
    Shape from, weights, to;
    std::int8_t padding = 0;  // 0: same, 1: valid
    std::int32_t stride_w = 1, stride_h = 1, dilation_w = 1, dilation_h = 1;
    std::int8_t fused = 0;
};

TfliteOperatorRow convolution(const char* name, const Window& window) {
    return {name, [=](TinyTfliteFile& file) {
                const Tensors inputs{file.input(window.from), file.weights(window.weights),
                                     file.weights({window.weights[0]})};
                Options options{1, FlatTable{}};
                options.table.number(0, window.padding).number(1, window.stride_w).number(2, window.stride_h);
                options.table.number(3, window.fused).number(4, window.dilation_w).number(5, window.dilation_h);
                file.tflite.operation(Builtin::conv_2d, inputs, {file.output(window.to)}, options);
            }};
}

TfliteOperatorRow rearranged(const char* name, Builtin builtin, std::uint8_t options, const Shape& from,
                             const std::vector<std::int32_t>& numbers, const Shape& to) {
    return {name, [=](TinyTfliteFile& file) {
                const Tensors inputs{file.input(from), file.axes(numbers)};
                file.tflite.operation(builtin, inputs, {file.output(to)}, {options, {}});
            }};
}

TfliteOperatorRow reduction(const char* name, Builtin builtin, const std::vector<std::int32_t>& axes, bool keeps,
                            const Shape& to) {
    return {name, [=](TinyTfliteFile& file) {
                const Tensors inputs{file.input({2, 3, 5, 4}), file.axes(axes)};
                file.tflite.operation(builtin, inputs, {file.output(to)},
                                      {27, FlatTable{}.number(0, static_cast<std::uint8_t>(keeps))});
            }};
}

struct Slice {
    std::vector<std::int32_t> begins, ends, strides;
    Shape to;
    std::int32_t begin_mask = 0, end_mask = 0, shrink_mask = 0;
};

TfliteOperatorRow strided_slice(const char* name, const Slice& slice) {
    return {name, [=](TinyTfliteFile& file) {
                const Tensors inputs{file.input({3, 4, 6}), file.axes(slice.begins), file.axes(slice.ends),
                                     file.axes(slice.strides)};
                Options options{32, FlatTable{}};
                options.table.number(0, slice.begin_mask).number(1, slice.end_mask).number(4, slice.shrink_mask);
                file.tflite.operation(Builtin::strided_slice, inputs, {file.output(slice.to)}, options);
            }};
}

TfliteOperatorRow split(const char* name, std::int32_t axis, std::int32_t parts, const Shape& part) {
    return {name, [=](TinyTfliteFile& file) {
                const auto at = file.tflite.integers("axis", {axis}, true);
                Tensors outputs;
                const auto from = file.input({2, 6, 4});
                for (std::int32_t i = 0; i < parts; ++i) outputs.push_back(file.output(part));
                file.tflite.operation(Builtin::split, {at, from}, outputs, {35, FlatTable{}.number(0, parts)});
            }};
}

Options stack_options(std::uint8_t kind, std::int32_t count, std::int32_t axis) {
    return {kind, FlatTable{}.number(0, count).number(1, axis)};
}

TfliteOperatorRow pack(const char* name, std::int32_t axis, const Shape& to) {
    return {name, [=](TinyTfliteFile& file) {
                const Tensors parts{file.input({3, 4}), file.input({3, 4})};
                file.tflite.operation(Builtin::pack, parts, {file.output(to)}, stack_options(59, 2, axis));
            }};
}

TfliteOperatorRow unpack(const char* name, std::int32_t axis, std::int32_t count, const Shape& part) {
    return {name, [=](TinyTfliteFile& file) {
                const auto whole = file.input({2, 3, 4});
                Tensors parts;
                for (std::int32_t i = 0; i < count; ++i) parts.push_back(file.output(part));
                file.tflite.operation(Builtin::unpack, {whole}, parts, stack_options(64, count, axis));
            }};
}

TfliteOperatorRow concatenation(const char* name, std::int32_t axis, const Shape& other, const Shape& to) {
    return {
        name, [=](TinyTfliteFile& file) {
            const Tensors parts{file.input({2, 3, 4}), file.input(other)};
            file.tflite.operation(Builtin::concatenation, parts, {file.output(to)}, {10, FlatTable{}.number(0, axis)});
        }};
}

}  // namespace

std::int32_t TinyTfliteFile::input(const Shape& shape) {
    inputs_.push_back(add(inputs_.empty() ? "x" : "z", shape, graph.inputs));
    return inputs_.back();
}

std::int32_t TinyTfliteFile::output(const Shape& shape) {
    outputs_.push_back(add("y" + std::to_string(outputs_.size()), shape, graph.outputs));
    return outputs_.back();
}

std::int32_t TinyTfliteFile::weights(const Shape& shape) {
    return tflite.constant("weights", shape, dsp::test::white_noise(elements(shape), ++seed_, 1.0F));
}

std::int32_t TinyTfliteFile::axes(const std::vector<std::int32_t>& values) {
    return tflite.integers("axes", values);
}

std::string TinyTfliteFile::contents() {
    tflite.boundary(inputs_, outputs_);
    graph.input = "x";
    graph.output = "y0";
    return tflite.file();
}

std::int32_t TinyTfliteFile::add(const std::string& name, const Shape& shape, std::vector<TensorInfo>& tensors) {
    tensors.push_back({name, ElementType::f32, {shape.begin(), shape.end()}});
    return tflite.tensor(name, shape);
}

TfliteOptions fused_activation(std::uint8_t kind, std::int8_t activation) {
    return {kind, FlatTable{}.number(0, activation)};
}

std::vector<TfliteOperatorRow> tflite_operator_rows() {
    return {
        binary("Add", Builtin::add, 11, 0, {2, 3, 7}),
        binary("AddOfARow", Builtin::add, 11, 0, {7}),
        binary("AddRelu", Builtin::add, 11, 1, {2, 3, 7}),
        binary("Sub", Builtin::sub, 28, 0, {1}),
        binary("SubRelu1", Builtin::sub, 28, 2, {2, 1, 7}),
        binary("Mul", Builtin::mul, 21, 0, {2, 3, 7}),
        binary("MulRelu6", Builtin::mul, 21, 3, {3, 1}),
        binary("Div", Builtin::div, 29, 0, {2, 3, 7}),
        binary("Maximum", Builtin::maximum, 39, 0, {2, 3, 7}),
        binary("Minimum", Builtin::minimum, 39, 0, {7}),
        binary("SquaredDifference", Builtin::squared_difference, 66, 0, {2, 3, 1}),
        unary("Logistic", Builtin::logistic),
        unary("Tanh", Builtin::tanh),
        unary("Relu", Builtin::relu),
        unary("Relu6", Builtin::relu6),
        unary("Exp", Builtin::exp, 33),
        unary("Log", Builtin::log, 0, true),
        unary("Neg", Builtin::neg, 42),
        unary("Abs", Builtin::abs, 78),
        unary("Sqrt", Builtin::sqrt, 0, true),
        unary("Rsqrt", Builtin::rsqrt, 0, true),
        {"Softmax",
         [](TinyTfliteFile& file) {
             file.tflite.operation(Builtin::softmax, {file.input({2, 3, 7})}, {file.output({2, 3, 7})},
                                   {9, FlatTable{}.number(0, 1.0F)});
         }},
        fully_connected("FullyConnected", {{3, 16}, {5, 16}, {3, 5}}),
        fully_connected("FullyConnectedWithoutBias", {{1, 64}, {40, 64}, {1, 40}, 0, false}),
        fully_connected("FullyConnectedRelu", {{3, 16}, {5, 16}, {3, 5}, 1}),
        fully_connected("FullyConnectedOfAnImage", {{2, 3, 8}, {4, 24}, {2, 4}}),
        fully_connected("FullyConnectedThatFlattens", {{2, 3, 8}, {4, 8}, {6, 4}}),
        fully_connected("FullyConnectedThatKeepsDimensions", {{2, 3, 8}, {4, 8}, {2, 3, 4}, 0, true, true}),
        convolution("Convolution1x1", {{1, 1, 1, 24}, {8, 1, 1, 24}, {1, 1, 1, 8}}),
        convolution("ConvolutionSame", {{1, 9, 7, 3}, {4, 3, 3, 3}, {1, 9, 7, 4}}),
        convolution("ConvolutionValid", {{2, 9, 7, 3}, {4, 3, 2, 3}, {2, 7, 6, 4}, 1}),
        convolution("ConvolutionInStrides", {{1, 9, 8, 3}, {4, 3, 3, 3}, {1, 5, 3, 4}, 0, 3, 2}),
        convolution("ConvolutionRelu", {{1, 5, 7, 3}, {4, 1, 1, 3}, {1, 5, 7, 4}, 0, 1, 1, 1, 1, 1}),
        convolution("ConvolutionDilated", {{1, 9, 12, 3}, {4, 2, 3, 3}, {1, 7, 6, 4}, 1, 1, 1, 3, 2, 1}),
        rearranged("Reshape", Builtin::reshape, 17, {2, 3, 4}, {4, 6}, {4, 6}),
        rearranged("ExpandDims", Builtin::expand_dims, 52, {2, 3, 4}, {1}, {2, 1, 3, 4}),
        rearranged("Transpose", Builtin::transpose, 26, {2, 3, 4}, {2, 0, 1}, {4, 2, 3}),
        {"ReshapeToWhatIsLeft",
         [](TinyTfliteFile& file) {
             const Tensors inputs{file.input({2, 3, 4}), file.axes({-1, 6})};
             file.tflite.operation(Builtin::reshape, inputs, {file.output({4, 6})}, {17, {}});
         }},
        {"SqueezeOfAll",
         [](TinyTfliteFile& file) {
             file.tflite.operation(Builtin::squeeze, {file.input({2, 1, 4, 1})}, {file.output({2, 4})}, {30, {}});
         }},
        // What is computed on the way is no output.
        {"Chain",
         [](TinyTfliteFile& file) {
             const auto x = file.input({2, 6}), sum = file.tflite.tensor("sum", {2, 6});
             const auto shaped = file.tflite.tensor("shaped", {3, 4}), y = file.output({3, 1});
             file.tflite.operation(Builtin::add, {x, file.weights({6})}, {sum}, fused_activation(11, 1));
             file.tflite.operation(Builtin::reshape, {sum, file.axes({3, 4})}, {shaped}, {17, {}});
             file.tflite.operation(Builtin::mean, {shaped, file.axes({-1})}, {y},
                                   {27, FlatTable{}.number(0, std::uint8_t{1})});
         }},
        {"Squeeze",
         [](TinyTfliteFile& file) {
             file.tflite.operation(Builtin::squeeze, {file.input({2, 1, 4})}, {file.output({2, 4})},
                                   {30, FlatTable{}.vector(0, std::vector<std::int32_t>{1})});
         }},
        reduction("Mean", Builtin::mean, {3}, true, {2, 3, 5, 1}),
        reduction("MeanOfTwoAxes", Builtin::mean, {1, -1}, false, {2, 5}),
        reduction("Sum", Builtin::sum, {0, 2}, true, {1, 3, 1, 4}),
        strided_slice("StridedSlice", {{0, 1, 2}, {2, 4, 6}, {1, 1, 1}, {2, 3, 4}}),
        strided_slice("StridedSliceInSteps", {{0, 1, 0}, {3, 4, 6}, {2, 1, 3}, {2, 3, 2}}),
        strided_slice("StridedSliceBackwards", {{2, 3, 5}, {0, 0, 1}, {-1, -2, -1}, {2, 2, 4}}),
        strided_slice("StridedSliceFromTheEnd", {{-2, -3, 1}, {3, -1, -1}, {1, 1, 1}, {2, 2, 4}}),
        strided_slice("StridedSliceWithMasks", {{1, 2, 3}, {2, 3, 4}, {1, 1, 1}, {2, 4, 3}, 0b011, 0b110}),
        strided_slice("StridedSliceBackwardsWithMasks", {{1, 2, 3}, {1, 0, 1}, {-1, -1, -1}, {2, 4, 6}, 0b110, 0b111}),
        strided_slice("StridedSliceOfTheFirstAxis", {{1}, {3}, {1}, {2, 4, 6}}),
        strided_slice("StridedSliceThatShrinksFromItsBegin", {{2, 1, 3}, {3, 4, 4}, {1, 1, 1}, {3}, 0b101, 0, 0b101}),
        strided_slice("StridedSliceThatShrinks", {{1, 0, -1}, {2, 4, 0}, {1, 2, 1}, {2}, 0, 0, 0b101}),
        split("Split", 1, 3, {2, 2, 4}),
        split("SplitFromTheEnd", -1, 2, {2, 6, 2}),
        pack("Pack", 0, {2, 3, 4}),
        pack("PackInside", 1, {3, 2, 4}),
        pack("PackAtTheEnd", -1, {3, 4, 2}),
        unpack("Unpack", 0, 2, {3, 4}),
        unpack("UnpackAtTheEnd", -1, 4, {2, 3}),
        concatenation("Concatenation", 1, {2, 5, 4}, {2, 8, 4}),
        concatenation("ConcatenationAtTheEnd", -1, {2, 3, 1}, {2, 3, 5}),
    };
}

}  // namespace sidetone::nn::test
