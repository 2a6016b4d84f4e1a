// SPDX-License-Identifier: Apache-2.0
#include <cmath>
#include <functional>
#include <optional>

#include "nn/native/elementwise_lowering.hpp"
#include "nn/native/loop_nest.hpp"
#include "nn/native/lowering.hpp"

namespace sidetone::nn::native {
namespace {

template <class T, class Out, class Function>
struct CompareKernel {
    LoopNest<3> nest;
    void operator()(void* const* p) const noexcept {
        const auto [x_step, y_step, out_step] = nest.row_strides();
        const auto count = static_cast<std::ptrdiff_t>(nest.row());
        nest.for_each_row([&, x_step = x_step, y_step = y_step, out_step = out_step](const auto& at) {
            const auto* x = static_cast<const T*>(p[0]) + at[0];
            const auto* y = static_cast<const T*>(p[1]) + at[1];
            auto* out = static_cast<Out*>(p[2]) + at[2];
            for (std::ptrdiff_t i = 0; i < count; ++i) out[i * out_step] = Function{}(x[i * x_step], y[i * y_step]);
        });
    }
};

template <class Function>
void lower_logic(NodeLowering& node) {
    const auto x = node.input(0);
    const auto y = node.input(1);
    node.require_type(x, DataType::boolean);
    node.require_type(y, DataType::boolean);
    const auto shape = node.broadcast(node.shape(x), node.shape(y));
    const auto out = node.add_value(DataType::boolean, shape);
    const LoopNest<3> nest{
        shape,
        {broadcast_strides(node.shape(x), shape), broadcast_strides(node.shape(y), shape), contiguous_strides(shape)}};
    node.emit(CompareKernel<bool, bool, Function>{nest}, {x, y}, {out});
    node.set_output(0, out);
}

template <template <class> class Function>
void lower_compare(NodeLowering& node) {
    const auto x = node.input(0);
    const auto y = node.input(1);
    node.require_type(y, node.type(x));
    const auto shape = node.broadcast(node.shape(x), node.shape(y));
    const auto out = node.add_value(DataType::boolean, shape);
    const LoopNest<3> nest{
        shape,
        {broadcast_strides(node.shape(x), shape), broadcast_strides(node.shape(y), shape), contiguous_strides(shape)}};
    switch (node.type(x)) {
        case DataType::f32:
            node.emit(CompareKernel<float, bool, Function<float>>{nest}, {x, y}, {out});
            break;
        case DataType::i64:
            node.emit(CompareKernel<std::int64_t, bool, Function<std::int64_t>>{nest}, {x, y}, {out});
            break;
        case DataType::i32:
            node.emit(CompareKernel<std::int32_t, bool, Function<std::int32_t>>{nest}, {x, y}, {out});
            break;
        case DataType::boolean:
            node.emit(CompareKernel<bool, bool, Function<bool>>{nest}, {x, y}, {out});
            break;
        default:
            node.refuse("this element type is not in the native executor");
    }
    node.set_output(0, out);
}

template <class T>
struct WhereKernel {
    LoopNest<4> nest;
    void operator()(void* const* p) const noexcept {
        const auto steps = nest.row_strides();
        const auto count = static_cast<std::ptrdiff_t>(nest.row());
        nest.for_each_row([&](const auto& at) {
            const auto* c = static_cast<const bool*>(p[0]) + at[0];
            const auto* x = static_cast<const T*>(p[1]) + at[1];
            const auto* y = static_cast<const T*>(p[2]) + at[2];
            auto* out = static_cast<T*>(p[3]) + at[3];
            for (std::ptrdiff_t i = 0; i < count; ++i) {
                // Without a branch: a run takes the same time whatever the sound.
                const auto takes_x = static_cast<T>(T{0} - static_cast<T>(c[i * steps[0]]));
                out[i * steps[3]] = static_cast<T>((x[i * steps[1]] & takes_x) | (y[i * steps[2]] & ~takes_x));
            }
        });
    }
};

// The slopes s where `c`, `x` and `y` are x > 0, x and s·x: PReLU, made of its parts.
std::optional<ValueId> prelu_slopes(const NodeLowering& node, ValueId c, ValueId x, ValueId y) {
    const auto* compared = node.producer(c, "Greater");
    const auto* product = node.producer(y, "Mul");
    if (compared == nullptr || product == nullptr || node.type(x) != DataType::f32) return std::nullopt;
    if (compared->operands[0] != x || !node.is_number(compared->operands[1], 0.0F)) return std::nullopt;
    const auto first = product->operands[0];
    const auto second = product->operands[1];
    // A slope may be broadcast to x, not x to the slopes.
    if (node.shape(y) != node.shape(x) || node.shape(c) != node.shape(x)) return std::nullopt;
    if (first == x && node.is_constant(second)) return second;
    if (second == x && node.is_constant(first)) return first;
    return std::nullopt;
}

void lower_where(NodeLowering& node) {
    const auto c = node.input(0);
    const auto x = node.input(1);
    const auto y = node.input(2);
    node.require_type(c, DataType::boolean);
    node.require_type(y, node.type(x));
    if (const auto slopes = prelu_slopes(node, c, x, y)) {
        return node.set_output(0, emit_binary(node, Binary::prelu, x, *slopes));
    }
    const auto shape = node.broadcast(node.broadcast(node.shape(c), node.shape(x)), node.shape(y));
    const auto out = node.add_value(node.type(x), shape);
    const LoopNest<4> nest{shape,
                           {broadcast_strides(node.shape(c), shape), broadcast_strides(node.shape(x), shape),
                            broadcast_strides(node.shape(y), shape), contiguous_strides(shape)}};
    switch (bytes_of(node.type(x))) {
        case 1:
            node.emit(WhereKernel<std::uint8_t>{nest}, {c, x, y}, {out});
            break;
        case 4:
            node.emit(WhereKernel<std::uint32_t>{nest}, {c, x, y}, {out});
            break;
        default:
            node.emit(WhereKernel<std::uint64_t>{nest}, {c, x, y}, {out});
    }
    node.set_output(0, out);
}

template <class From, class To>
struct CastKernel {
    std::size_t count;
    void operator()(void* const* p) const noexcept {
        const auto* x = static_cast<const From*>(p[0]);
        auto* out = static_cast<To*>(p[1]);
        for (std::size_t i = 0; i < count; ++i) {
            if constexpr (std::is_same_v<To, bool>) {
                out[i] = x[i] != From{};
            } else if constexpr (std::is_same_v<From, float> && !std::is_same_v<To, float>) {
                // The conversion of a float that does not fit is undefined.
                constexpr float kLimit = sizeof(To) == 8 ? 9.2e18F : 2.1e9F;
                using Wide = std::conditional_t<sizeof(To) == 8, std::int64_t, std::int32_t>;
                out[i] = x[i] > -kLimit && x[i] < kLimit ? static_cast<To>(static_cast<Wide>(x[i])) : To{};
            } else {
                out[i] =
                    static_cast<To>(x[i]);  // NOLINT(bugprone-signed-char-misuse): the number is meant, not its bits
            }
        }
    }
};

template <class From>
void emit_cast(NodeLowering& node, ValueId x, ValueId out) {
    const auto count = node.value(x).elements();
    switch (node.type(out)) {
        case DataType::f32:
            return node.emit(CastKernel<From, float>{count}, {x}, {out});
        case DataType::i64:
            return node.emit(CastKernel<From, std::int64_t>{count}, {x}, {out});
        case DataType::i32:
            return node.emit(CastKernel<From, std::int32_t>{count}, {x}, {out});
        case DataType::i8:
            return node.emit(CastKernel<From, std::int8_t>{count}, {x}, {out});
        case DataType::u8:
            return node.emit(CastKernel<From, std::uint8_t>{count}, {x}, {out});
        case DataType::boolean:
            return node.emit(CastKernel<From, bool>{count}, {x}, {out});
    }
}

DataType cast_target(const NodeLowering& node) {
    switch (node.attribute_or<std::int64_t>("to", 0)) {  // numbers of onnx.proto's DataType
        case 1:
            return DataType::f32;
        case 2:
            return DataType::u8;
        case 3:
            return DataType::i8;
        case 6:
            return DataType::i32;
        case 7:
            return DataType::i64;
        case 9:
            return DataType::boolean;
        default:
            node.refuse("this element type is not in the native executor");
    }
}

void lower_cast(NodeLowering& node) {
    const auto x = node.input(0);
    const auto to = cast_target(node);
    if (to == node.type(x)) return node.set_output(0, x);
    const auto out = node.add_value(to, node.shape(x));
    switch (node.type(x)) {
        case DataType::f32:
            emit_cast<float>(node, x, out);
            break;
        case DataType::i64:
            emit_cast<std::int64_t>(node, x, out);
            break;
        case DataType::i32:
            emit_cast<std::int32_t>(node, x, out);
            break;
        case DataType::i8:
            emit_cast<std::int8_t>(node, x, out);
            break;
        case DataType::u8:
            emit_cast<std::uint8_t>(node, x, out);
            break;
        case DataType::boolean:
            emit_cast<bool>(node, x, out);
            break;
    }
    node.set_output(0, out);
}

/// Which numbers are none, or infinite.
struct OddKernel {
    std::size_t count;
    bool asks_infinity, takes_positive, takes_negative;
    void operator()(void* const* p) const noexcept {
        const auto* x = static_cast<const float*>(p[0]);
        auto* out = static_cast<bool*>(p[1]);
        for (std::size_t i = 0; i < count; ++i) {
            const bool is_infinite = std::isinf(x[i]) && (x[i] > 0 ? takes_positive : takes_negative);
            out[i] = asks_infinity ? is_infinite : std::isnan(x[i]);
        }
    }
};

template <bool kAsksInfinity>
void lower_odd(NodeLowering& node) {
    const auto x = node.input(0);
    node.require_type(x, DataType::f32);
    const auto out = node.add_value(DataType::boolean, node.shape(x));
    node.emit(
        OddKernel{node.value(x).elements(), kAsksInfinity, node.attribute_or<std::int64_t>("detect_positive", 1) != 0,
                  node.attribute_or<std::int64_t>("detect_negative", 1) != 0},
        {x}, {out});
    node.set_output(0, out);
}

struct NotKernel {
    std::size_t count;
    void operator()(void* const* p) const noexcept {
        for (std::size_t i = 0; i < count; ++i) static_cast<bool*>(p[1])[i] = !static_cast<const bool*>(p[0])[i];
    }
};

void lower_not(NodeLowering& node) {
    const auto x = node.input(0);
    node.require_type(x, DataType::boolean);
    const auto out = node.add_value(DataType::boolean, node.shape(x));
    node.emit(NotKernel{node.value(x).elements()}, {x}, {out});
    node.set_output(0, out);
}

constexpr Operator kOperators[] = {
    {"Equal", lower_compare<std::equal_to>},
    {"Greater", lower_compare<std::greater>},
    {"GreaterOrEqual", lower_compare<std::greater_equal>},
    {"Less", lower_compare<std::less>},
    {"LessOrEqual", lower_compare<std::less_equal>},
    {"Where", lower_where},
    {"Cast", lower_cast},
    {"And", lower_logic<std::logical_and<>>},
    {"Or", lower_logic<std::logical_or<>>},
    {"Xor", lower_logic<std::not_equal_to<>>},
    {"IsNaN", lower_odd<false>},
    {"IsInf", lower_odd<true>},
    {"Not", lower_not},
};

}  // namespace

std::span<const Operator> comparison_operators() {
    return kOperators;
}

}  // namespace sidetone::nn::native
