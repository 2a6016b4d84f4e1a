// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cmath>
#include <limits>
#include <string>
#include <type_traits>

#include "nn/native/dynamic_product.hpp"
#include "nn/native/elementwise_lowering.hpp"
#include "nn/native/loop_nest.hpp"
#include "nn/native/lowering.hpp"

namespace sidetone::nn::native {
namespace {

struct UnaryKernel {
    Unary f;
    float a, b;
    std::size_t count;

    [[nodiscard]] std::optional<Epilogue> epilogue() const {
        if (f == Unary::relu) return Epilogue{.slopes = {0.0F}};
        if (f == Unary::leaky_relu) return Epilogue{.slopes = {a}};
        return std::nullopt;
    }
    void operator()(void* const* p) const noexcept {
        apply_unary(f, a, b, static_cast<const float*>(p[0]), static_cast<float*>(p[1]), count);
    }
};

template <class T>
struct IntegerUnaryKernel {
    Unary f;
    std::size_t count;
    void operator()(void* const* p) const noexcept {
        const auto* x = static_cast<const T*>(p[0]);
        auto* out = static_cast<T*>(p[1]);
        for (std::size_t i = 0; i < count; ++i) {
            const auto negative =
                static_cast<T>(std::make_unsigned_t<T>{0} - static_cast<std::make_unsigned_t<T>>(x[i]));
            if (f == Unary::sign) {
                out[i] = static_cast<T>((x[i] > 0) - (x[i] < 0));
            } else {
                out[i] = f == Unary::negative || x[i] < 0 ? negative : x[i];
            }
        }
    }
};

// Signs are all that there is of integers.
template <class T>
ValueId emit_integer_unary(NodeLowering& node, Unary f, ValueId x) {
    if (f != Unary::sign && f != Unary::negative && f != Unary::absolute) node.require_type(x, DataType::f32);
    const auto out = node.add_value(node.type(x), node.shape(x));
    node.emit(IntegerUnaryKernel<T>{f, node.value(x).elements()}, {x}, {out});
    return out;
}

void lower_with(NodeLowering& node, Unary f, float a = 0, float b = 0) {
    node.set_output(0, emit_unary(node, f, node.input(0), a, b));
}

template <Unary kFunction>
void lower_unary(NodeLowering& node) {
    lower_with(node, kFunction);
}

void lower_leaky_relu(NodeLowering& node) {
    lower_with(node, Unary::leaky_relu, node.attribute_or("alpha", 0.01F));
}

void lower_elu(NodeLowering& node) {
    lower_with(node, Unary::elu, node.attribute_or("alpha", 1.0F), 1.0F);
}

void lower_selu(NodeLowering& node) {
    const auto gamma = node.attribute_or("gamma", 1.05070102214813232F);
    lower_with(node, Unary::elu, gamma * node.attribute_or("alpha", 1.67326319217681885F), gamma);
}

void lower_celu(NodeLowering& node) {
    const auto alpha = node.attribute_or("alpha", 1.0F);
    if (alpha == 0.0F) node.refuse("its alpha is 0");
    lower_with(node, Unary::celu, alpha);
}

void lower_threshold(NodeLowering& node) {
    lower_with(node, Unary::threshold, node.attribute_or("alpha", 1.0F));
}

void lower_shrink(NodeLowering& node) {
    lower_with(node, Unary::shrink, node.attribute_or("lambd", 0.5F), node.attribute_or("bias", 0.0F));
}

void lower_gelu(NodeLowering& node) {
    const auto approximation = node.attribute_or<std::string>("approximate", "none");
    if (approximation != "none" && approximation != "tanh") node.refuse("its approximation is none that is known");
    lower_with(node, approximation == "tanh" ? Unary::gelu_by_tanh : Unary::gelu);
}

void lower_hard_sigmoid(NodeLowering& node) {
    lower_with(node, Unary::hard_sigmoid, node.attribute_or("alpha", 0.2F), node.attribute_or("beta", 0.5F));
}

struct BinaryKernel {
    Binary f;
    LoopNest<3> nest;
    std::optional<Epilogue> as_epilogue;

    [[nodiscard]] const std::optional<Epilogue>& epilogue() const { return as_epilogue; }
    void operator()(void* const* p) const noexcept {
        const auto* x = static_cast<const float*>(p[0]);
        const auto* y = static_cast<const float*>(p[1]);
        auto* out = static_cast<float*>(p[2]);
        const auto [x_step, y_step, out_step] = nest.row_strides();
        const auto [x_stride, y_stride, out_stride] = nest.block_strides();
        nest.for_each_block([&, x_step = x_step, y_step = y_step, x_stride = x_stride, y_stride = y_stride,
                             out_stride = out_stride](const auto& at) {
            apply_binary_rows(f, {x + at[0], static_cast<std::size_t>(x_step), x_stride},
                              {y + at[1], static_cast<std::size_t>(y_step), y_stride}, out + at[2], out_stride,
                              nest.block_rows(), nest.row());
        });
    }
};

/// Slow and general: what folding needs of integers, and functions that have no vector kernel.
template <class T, class Function>
struct ScalarKernel {
    LoopNest<3> nest;
    Function function;
    void operator()(void* const* p) const noexcept {
        const auto* x = static_cast<const T*>(p[0]);
        const auto* y = static_cast<const T*>(p[1]);
        auto* out = static_cast<T*>(p[2]);
        const auto [x_step, y_step, out_step] = nest.row_strides();
        const auto count = static_cast<std::ptrdiff_t>(nest.row());
        nest.for_each_row([&, x_step = x_step, y_step = y_step, out_step = out_step](const auto& at) {
            for (std::ptrdiff_t i = 0; i < count; ++i) {
                out[at[2] + i * out_step] = function(x[at[0] + i * x_step], y[at[1] + i * y_step]);
            }
        });
    }
};

// A constant that is one number, or has one for each channel of `x`: on its second axis or on its last.
std::optional<Epilogue> channels_of(const NodeLowering& node, ValueId x, ValueId constant) {
    const auto& shape = node.shape(x);
    const auto& own = node.shape(constant);
    const auto elements = node.value(constant).elements();
    if (!node.is_constant(constant) || own.size() > shape.size() || elements == 0) return std::nullopt;
    if (elements == 1) return Epilogue{};
    const auto is_all_of = [&](std::size_t axis) {
        const auto skipped = shape.size() - own.size();
        return axis >= skipped && own[axis - skipped] == shape[axis] &&
               elements == static_cast<std::size_t>(shape[axis]);
    };
    if (is_all_of(shape.size() - 1)) return Epilogue{.channels = Epilogue::Channels::last_axis};
    if (shape.size() > 1 && is_all_of(1)) return Epilogue{.channels = Epilogue::Channels::second_axis};
    return std::nullopt;
}

std::optional<Epilogue> epilogue_of(const NodeLowering& node, Binary f, ValueId x, ValueId y) {
    const bool constant_first = f == Binary::add && node.is_constant(x);
    const auto input = constant_first ? y : x;
    const auto constant = constant_first ? x : y;
    if ((f != Binary::add && f != Binary::prelu) || node.is_constant(input)) return std::nullopt;
    auto epilogue = channels_of(node, input, constant);
    if (!epilogue) return std::nullopt;
    const auto values = node.floats(constant);
    (f == Binary::add ? epilogue->shift : epilogue->slopes).assign(values.begin(), values.end());
    epilogue->operand = constant_first ? 1 : 0;
    return epilogue;
}

LoopNest<3> nest_of(const NodeLowering& node, ValueId x, ValueId y, const Shape& shape) {
    return {
        shape,
        {broadcast_strides(node.shape(x), shape), broadcast_strides(node.shape(y), shape), contiguous_strides(shape)}};
}

template <class T>
T integer_result(Binary f, T x, T y) noexcept {
    using U = std::make_unsigned_t<T>;  // wraps where signed arithmetic would be undefined
    switch (f) {
        case Binary::add:
            return static_cast<T>(static_cast<U>(x) + static_cast<U>(y));
        case Binary::subtract:
            return static_cast<T>(static_cast<U>(x) - static_cast<U>(y));
        case Binary::multiply:
            return static_cast<T>(static_cast<U>(x) * static_cast<U>(y));
        case Binary::divide:
            if (y == 0) return 0;
            return y == T{-1} ? static_cast<T>(U{0} - static_cast<U>(x)) : static_cast<T>(x / y);
        case Binary::maximum:
            return std::max(x, y);
        case Binary::minimum:
            return std::min(x, y);
        case Binary::prelu:
            break;
    }
    return 0;
}

template <class T>
void emit_integers(NodeLowering& node, Binary f, ValueId x, ValueId y, ValueId out) {
    const auto function = [f](T a, T b) noexcept { return integer_result<T>(f, a, b); };
    node.emit(ScalarKernel<T, decltype(function)>{nest_of(node, x, y, node.shape(out)), function}, {x, y}, {out});
}

template <Binary kFunction>
void lower_binary(NodeLowering& node) {
    node.set_output(0, emit_binary(node, kFunction, node.input(0), node.input(1)));
}

void lower_multiply(NodeLowering& node) {
    if (const auto out = fused_dynamic_product(node)) return node.set_output(0, *out);
    lower_binary<Binary::multiply>(node);
}

// Limits that are known are part of the kernel.
void lower_clip(NodeLowering& node) {
    const auto x = node.input(0);
    const auto is_known = [&](std::size_t index) {
        return !node.has_input(index) ||
               (node.is_constant(node.input(index)) && node.value(node.input(index)).elements() == 1);
    };
    if (node.type(x) != DataType::f32 || !is_known(1) || !is_known(2)) {
        auto out = x;
        if (node.has_input(1)) out = emit_binary(node, Binary::maximum, out, node.input(1));
        if (node.has_input(2)) out = emit_binary(node, Binary::minimum, out, node.input(2));
        if (node.shape(out) != node.shape(x)) node.refuse("its limits are not single numbers");
        return node.set_output(0, out);
    }
    const auto limit = [&](std::size_t index, float otherwise) {
        return node.has_input(index) ? node.constant<float>(index)[0] : otherwise;
    };
    constexpr auto kMax = std::numeric_limits<float>::infinity();
    lower_with(node, Unary::clip, limit(1, -kMax), limit(2, kMax));
}

void lower_prelu(NodeLowering& node) {
    node.require_type(node.input(0), DataType::f32);
    lower_binary<Binary::prelu>(node);
}

// Min and Max take any number of inputs.
template <Binary kFunction>
void lower_many(NodeLowering& node) {
    auto out = node.input(0);
    for (std::size_t i = 1; i < node.input_count(); ++i) out = emit_binary(node, kFunction, out, node.input(i));
    node.set_output(0, out);
}

void lower_mean(NodeLowering& node) {
    auto sum = node.input(0);
    for (std::size_t i = 1; i < node.input_count(); ++i) sum = emit_binary(node, Binary::add, sum, node.input(i));
    node.require_type(sum, DataType::f32);
    const auto share = 1.0F / static_cast<float>(node.input_count());
    node.set_output(0, emit_binary(node, Binary::multiply, sum, node.add_constant<float>({}, std::span{&share, 1})));
}

template <class T, class Exponent>
struct PowerKernel {
    LoopNest<3> nest;
    void operator()(void* const* p) const noexcept {
        const auto* x = static_cast<const T*>(p[0]);
        const auto* y = static_cast<const Exponent*>(p[1]);
        auto* out = static_cast<T*>(p[2]);
        const auto [x_step, y_step, out_step] = nest.row_strides();
        const auto count = static_cast<std::ptrdiff_t>(nest.row());
        nest.for_each_row([&, x_step = x_step, y_step = y_step, out_step = out_step](const auto& at) {
            for (std::ptrdiff_t i = 0; i < count; ++i) {
                out[at[2] + i * out_step] = power(x[at[0] + i * x_step], y[at[1] + i * y_step]);
            }
        });
    }
    static T power(T x, Exponent y) noexcept {
        if constexpr (std::is_same_v<T, float>) {
            return std::pow(x, static_cast<float>(y));
        } else {
            const auto result = std::pow(static_cast<double>(x), static_cast<double>(y));
            constexpr double kLimit = sizeof(T) == 8 ? 9.2e18 : 2.1e9;
            return std::abs(result) < kLimit ? static_cast<T>(result) : T{};
        }
    }
};

template <class T>
void emit_power(NodeLowering& node, ValueId x, ValueId y, ValueId out) {
    const auto nest = nest_of(node, x, y, node.shape(out));
    switch (node.type(y)) {
        case DataType::f32:
            return node.emit(PowerKernel<T, float>{nest}, {x, y}, {out});
        case DataType::i64:
            return node.emit(PowerKernel<T, std::int64_t>{nest}, {x, y}, {out});
        case DataType::i32:
            return node.emit(PowerKernel<T, std::int32_t>{nest}, {x, y}, {out});
        default:
            node.refuse("this element type is not in the native executor");
    }
}

void lower_pow(NodeLowering& node) {
    const auto x = node.input(0);
    const auto y = node.input(1);
    if (node.type(x) == DataType::f32 && node.type(y) == DataType::f32 && node.is_constant(y) &&
        node.value(y).elements() == 1 && node.shape(y).size() <= node.shape(x).size()) {
        const float power = node.constant<float>(1)[0];
        if (power == 2.0F) return lower_with(node, Unary::square);
        if (power == 0.5F) return lower_with(node, Unary::square_root);
        if (power == -1.0F) return lower_with(node, Unary::reciprocal);
    }
    const auto out = node.add_value(node.type(x), node.broadcast(node.shape(x), node.shape(y)));
    switch (node.type(x)) {
        case DataType::f32:
            emit_power<float>(node, x, y, out);
            break;
        case DataType::i64:
            emit_power<std::int64_t>(node, x, y, out);
            break;
        case DataType::i32:
            emit_power<std::int32_t>(node, x, y, out);
            break;
        default:
            node.refuse("this element type is not in the native executor");
    }
    node.set_output(0, out);
}

template <class T>
T remainder(T x, T y, bool truncates) noexcept {
    if constexpr (std::is_same_v<T, float>) {
        return std::fmod(x, y);
    } else {
        if (y == 0 || y == T{-1}) return 0;
        const auto rest = static_cast<T>(x % y);
        return !truncates && rest != 0 && (rest < 0) != (y < 0) ? static_cast<T>(rest + y) : rest;
    }
}

template <class T>
void emit_remainder(NodeLowering& node, bool truncates) {
    const auto x = node.input(0);
    const auto y = node.input(1);
    node.require_type(y, node.type(x));
    const auto out = node.add_value(node.type(x), node.broadcast(node.shape(x), node.shape(y)));
    const auto function = [truncates](T a, T b) noexcept { return remainder<T>(a, b, truncates); };
    node.emit(ScalarKernel<T, decltype(function)>{nest_of(node, x, y, node.shape(out)), function}, {x, y}, {out});
    node.set_output(0, out);
}

void lower_mod(NodeLowering& node) {
    const bool truncates = node.attribute_or<std::int64_t>("fmod", 0) != 0;
    switch (node.type(node.input(0))) {
        case DataType::f32:
            if (!truncates) node.refuse("numbers that are not whole need fmod");
            return emit_remainder<float>(node, true);
        case DataType::i64:
            return emit_remainder<std::int64_t>(node, truncates);
        case DataType::i32:
            return emit_remainder<std::int32_t>(node, truncates);
        default:
            node.refuse("this element type is not in the native executor");
    }
}

struct ChannelAffineKernel {
    std::vector<float> scale, shift;
    std::size_t batch, row;

    [[nodiscard]] Epilogue epilogue() const { return {.scale = scale, .shift = shift, .slopes = {}}; }
    void operator()(void* const* p) const noexcept {
        const auto* x = static_cast<const float*>(p[0]);
        auto* out = static_cast<float*>(p[1]);
        for (std::size_t b = 0; b < batch; ++b) {
            for (std::size_t c = 0; c < scale.size(); ++c, x += row, out += row) {
                scale_and_shift(scale[c], shift[c], x, out, row);
            }
        }
    }
};

void lower_batch_normalization(NodeLowering& node) {
    if (node.attribute_or<std::int64_t>("training_mode", 0) != 0) node.refuse("training is not in the native executor");
    const auto x = node.input(0);
    node.require_type(x, DataType::f32);
    const auto& shape = node.shape(x);
    if (shape.size() < 2) node.refuse("its input has no channels");
    const auto channels = static_cast<std::size_t>(shape[1]);
    const auto scale = node.constant<float>(1);
    const auto bias = node.constant<float>(2);
    const auto mean = node.constant<float>(3);
    const auto variance = node.constant<float>(4);
    for (const auto values : {scale, bias, mean, variance}) {
        if (values.size() != channels) node.refuse("its parameters are not one per channel");
    }
    ChannelAffineKernel kernel{.scale = std::vector<float>(channels),
                               .shift = std::vector<float>(channels),
                               .batch = static_cast<std::size_t>(shape[0]),
                               .row = 1};
    for (std::size_t i = 2; i < shape.size(); ++i) kernel.row *= static_cast<std::size_t>(shape[i]);
    const auto epsilon = node.attribute_or("epsilon", 1e-5F);
    for (std::size_t c = 0; c < channels; ++c) {
        kernel.scale[c] = scale[c] / std::sqrt(variance[c] + epsilon);
        kernel.shift[c] = bias[c] - mean[c] * kernel.scale[c];
    }
    const auto out = node.add_value(DataType::f32, shape);
    node.emit(std::move(kernel), {x}, {out});
    node.set_output(0, out);
}

constexpr Operator kOperators[] = {
    {"Abs", lower_unary<Unary::absolute>},
    {"Neg", lower_unary<Unary::negative>},
    {"Reciprocal", lower_unary<Unary::reciprocal>},
    {"Sqrt", lower_unary<Unary::square_root>},
    {"Exp", lower_unary<Unary::exponential>},
    {"Log", lower_unary<Unary::logarithm>},
    {"Sigmoid", lower_unary<Unary::sigmoid>},
    {"Tanh", lower_unary<Unary::tanh>},
    {"Relu", lower_unary<Unary::relu>},
    {"Softplus", lower_unary<Unary::softplus>},
    {"HardSwish", lower_unary<Unary::hard_swish>},
    {"Softsign", lower_unary<Unary::softsign>},
    {"Mish", lower_unary<Unary::mish>},
    {"Erf", lower_unary<Unary::error_function>},
    {"Gelu", lower_gelu},
    {"Sign", lower_unary<Unary::sign>},
    {"Sin", lower_unary<Unary::sine>},
    {"Cos", lower_unary<Unary::cosine>},
    {"Floor", lower_unary<Unary::floor>},
    {"Ceil", lower_unary<Unary::ceil>},
    {"Round", lower_unary<Unary::round>},
    {"LeakyRelu", lower_leaky_relu},
    {"Elu", lower_elu},
    {"Selu", lower_selu},
    {"Celu", lower_celu},
    {"ThresholdedRelu", lower_threshold},
    {"Shrink", lower_shrink},
    {"HardSigmoid", lower_hard_sigmoid},
    {"Clip", lower_clip},
    {"Add", lower_binary<Binary::add>},
    {"Sub", lower_binary<Binary::subtract>},
    {"Mul", lower_multiply},
    {"Div", lower_binary<Binary::divide>},
    {"PRelu", lower_prelu},
    {"Max", lower_many<Binary::maximum>},
    {"Min", lower_many<Binary::minimum>},
    {"Sum", lower_many<Binary::add>},
    {"Mean", lower_mean},
    {"Pow", lower_pow},
    {"Mod", lower_mod},
    {"BatchNormalization", lower_batch_normalization},
};

}  // namespace

ValueId emit_unary(NodeLowering& node, Unary f, ValueId x, float a, float b) {
    if (node.type(x) == DataType::i64) return emit_integer_unary<std::int64_t>(node, f, x);
    if (node.type(x) == DataType::i32) return emit_integer_unary<std::int32_t>(node, f, x);
    node.require_type(x, DataType::f32);
    const auto out = node.add_value(DataType::f32, node.shape(x));
    node.emit(UnaryKernel{f, a, b, node.value(x).elements()}, {x}, {out});
    return out;
}

ValueId emit_binary(NodeLowering& node, Binary f, ValueId x, ValueId y) {
    const auto type = node.type(x);
    node.require_type(y, type);
    const auto out = node.add_value(type, node.broadcast(node.shape(x), node.shape(y)));
    if (type == DataType::f32) {
        node.emit(BinaryKernel{f, nest_of(node, x, y, node.shape(out)), epilogue_of(node, f, x, y)}, {x, y}, {out});
    } else if (type == DataType::i64) {
        emit_integers<std::int64_t>(node, f, x, y, out);
    } else if (type == DataType::i32) {
        emit_integers<std::int32_t>(node, f, x, y, out);
    } else {
        node.refuse("this element type is not in the native executor");
    }
    return out;
}

std::span<const Operator> arithmetic_operators() {
    return kOperators;
}

}  // namespace sidetone::nn::native
