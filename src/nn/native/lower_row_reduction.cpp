// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cmath>
#include <numeric>

#include "nn/native/lowering.hpp"
#include "nn/native/strided_part.hpp"

namespace sidetone::nn::native {
namespace {

enum class Row : std::uint8_t {
    sum,
    mean,
    maximum,
    minimum,
    product,
    magnitudes,
    norm,
    squares,
    logarithm,
    logarithm_of_exponentials
};

double add_to(Row kind, double sum, double value, double top) noexcept {
    switch (kind) {
        case Row::product:
            return sum * value;
        case Row::magnitudes:
            return sum + std::abs(value);
        case Row::norm:
        case Row::squares:
            return sum + value * value;
        case Row::logarithm_of_exponentials:
            return sum + std::exp(value - top);
        case Row::maximum:
            return std::max(sum, value);
        case Row::minimum:
            return std::min(sum, value);
        case Row::sum:
        case Row::mean:
        case Row::logarithm:
            break;
    }
    return sum + value;
}

float reduced(Row kind, const float* x, std::size_t count) noexcept {
    const bool has_top = kind == Row::logarithm_of_exponentials || kind == Row::maximum || kind == Row::minimum;
    const double top = has_top ? static_cast<double>(*std::max_element(x, x + count)) : 0.0;
    double sum = kind == Row::product                           ? 1.0
                 : kind == Row::maximum || kind == Row::minimum ? static_cast<double>(x[0])
                                                                : 0.0;
    for (std::size_t i = 0; i < count; ++i) sum = add_to(kind, sum, static_cast<double>(x[i]), top);
    if (kind == Row::norm) sum = std::sqrt(sum);
    if (kind == Row::mean) sum /= static_cast<double>(count);
    if (kind == Row::logarithm || kind == Row::logarithm_of_exponentials) sum = std::log(sum) + top;
    return static_cast<float>(sum);
}

// Wraps where signed arithmetic would be undefined.
template <class T>
T reduced(Row kind, const T* x, std::size_t count) noexcept {
    using U = std::make_unsigned_t<T>;
    T result = kind == Row::product ? T{1} : kind == Row::maximum || kind == Row::minimum ? x[0] : T{0};
    for (std::size_t i = 0; i < count; ++i) {
        if (kind == Row::maximum) {
            result = std::max(result, x[i]);
        } else if (kind == Row::minimum) {
            result = std::min(result, x[i]);
        } else if (kind == Row::product) {
            result = static_cast<T>(static_cast<U>(result) * static_cast<U>(x[i]));
        } else {
            const auto value =
                kind == Row::squares ? static_cast<U>(x[i]) * static_cast<U>(x[i]) : static_cast<U>(x[i]);
            result = static_cast<T>(static_cast<U>(result) + value);
        }
    }
    const auto divisor = static_cast<T>(count);  // rows without columns were refused
    return kind == Row::mean && divisor != 0 ? static_cast<T>(result / divisor) : result;
}

template <class T>
struct RowKernel {
    Row kind;
    std::size_t rows, columns;
    void operator()(void* const* p) const noexcept {
        const auto* x = static_cast<const T*>(p[0]);
        for (std::size_t r = 0; r < rows; ++r, x += columns) static_cast<T*>(p[1])[r] = reduced(kind, x, columns);
    }
};

// `x` with the axes that go as its last ones.
ValueId rows_of(NodeLowering& node, ValueId x, const std::vector<bool>& goes) {
    const auto& from = node.shape(x);
    const auto own = contiguous_strides(from);
    Shape shape;
    Strides strides;
    for (const bool side : {false, true}) {
        for (std::size_t i = 0; i < from.size(); ++i) {
            if (goes[i] != side) continue;
            shape.push_back(from[i]);
            strides.push_back(own[i]);
        }
    }
    return emit_part(node, x, shape, strides);
}

template <Row kKind>
void lower_rows(NodeLowering& node) {
    const auto x = node.input(0);
    const auto from = node.shape(x);
    const auto goes = node.reduced_axes(from.size());
    // Nothing to reduce: each element is a row of its own.
    const bool keeps = node.attribute_or<std::int64_t>("keepdims", 1) != 0;
    Shape shape;
    std::size_t rows = 1;
    std::size_t columns = 1;
    for (std::size_t i = 0; i < from.size(); ++i) {
        (goes[i] ? columns : rows) *= static_cast<std::size_t>(from[i]);
        if (!goes[i] || keeps) shape.push_back(goes[i] ? 1 : from[i]);
    }
    if (columns == 0) node.refuse("there is nothing to reduce");
    const auto out = node.add_value(node.type(x), shape);
    const auto whole = rows_of(node, x, goes);
    switch (node.type(x)) {
        case DataType::f32:
            node.emit(RowKernel<float>{kKind, rows, columns}, {whole}, {out});
            break;
        case DataType::i64:
            node.emit(RowKernel<std::int64_t>{kKind, rows, columns}, {whole}, {out});
            break;
        case DataType::i32:
            node.emit(RowKernel<std::int32_t>{kKind, rows, columns}, {whole}, {out});
            break;
        default:
            node.refuse("this element type is not in the native executor");
    }
    node.set_output(0, out);
}

struct PlaceKernel {
    bool is_minimum, takes_last;
    std::size_t rows, columns;
    void operator()(void* const* p) const noexcept {
        const auto* x = static_cast<const float*>(p[0]);
        for (std::size_t r = 0; r < rows; ++r, x += columns) {
            std::size_t best = 0;
            for (std::size_t i = 1; i < columns; ++i) {
                const bool is_better = is_minimum ? x[i] < x[best] : x[i] > x[best];
                if (is_better || (takes_last && x[i] == x[best])) best = i;
            }
            static_cast<std::int64_t*>(p[1])[r] = static_cast<std::int64_t>(best);
        }
    }
};

template <bool kIsMinimum>
void lower_place(NodeLowering& node) {
    const auto x = node.input(0);
    node.require_type(x, DataType::f32);
    auto shape = node.shape(x);
    const auto axis = node.axis_of(node.attribute_or<std::int64_t>("axis", 0), shape.size());
    std::vector<bool> goes(shape.size());
    goes[axis] = true;
    const auto columns = static_cast<std::size_t>(shape[axis]);
    if (columns == 0) node.refuse("there is nothing to choose from");
    shape[axis] = 1;
    const auto rows = elements_of(shape);
    if (node.attribute_or<std::int64_t>("keepdims", 1) == 0)
        shape.erase(shape.begin() + static_cast<std::ptrdiff_t>(axis));
    const auto out = node.add_value(DataType::i64, shape);
    const bool takes_last = node.attribute_or<std::int64_t>("select_last_index", 0) != 0;
    node.emit(PlaceKernel{kIsMinimum, takes_last, rows, columns}, {rows_of(node, x, goes)}, {out});
    node.set_output(0, out);
}

constexpr Operator kOperators[] = {
    {"ReduceProd", lower_rows<Row::product>},
    {"ReduceL1", lower_rows<Row::magnitudes>},
    {"ReduceL2", lower_rows<Row::norm>},
    {"ReduceSumSquare", lower_rows<Row::squares>},
    {"ReduceLogSum", lower_rows<Row::logarithm>},
    {"ReduceLogSumExp", lower_rows<Row::logarithm_of_exponentials>},
    {"ArgMax", lower_place<false>},
    {"ArgMin", lower_place<true>},
};

// What these take of floats is reduced by vectors.
constexpr Operator kIntegerOperators[] = {
    {"ReduceSum", lower_rows<Row::sum>},
    {"ReduceMean", lower_rows<Row::mean>},
    {"ReduceMax", lower_rows<Row::maximum>},
    {"ReduceMin", lower_rows<Row::minimum>},
};

}  // namespace

void lower_integer_reduction(NodeLowering& node) {
    for (const auto& entry : kIntegerOperators) {
        if (node.operation() == entry.name) return entry.lower(node);
    }
}

std::span<const Operator> row_reduction_operators() {
    return kOperators;
}

}  // namespace sidetone::nn::native
