// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>

namespace sidetone::nn::native {

/// Functions of one float. `a` and `b` are the function's parameters where it has any.
///
/// Exponentials are within 1 unit in the last place, logarithms within 4 (Highway's own tests), tanh within 3e-7 of
/// its value.
enum class Unary : std::uint8_t {
    absolute,
    negative,
    reciprocal,
    square,
    square_root,
    exponential,
    logarithm,
    sigmoid,
    tanh,
    relu,
    leaky_relu,    ///< x or a·x
    clip,          ///< to a … b
    elu,           ///< b·x or a·(e^x − 1)
    celu,          ///< x or a·(e^(x/a) − 1)
    hard_sigmoid,  ///< a·x + b, clipped to 0 … 1
    hard_swish,
    softplus,
    softsign,
    mish,
    error_function,  ///< within 4e-7
    gelu,
    gelu_by_tanh,  ///< its usual approximation
    threshold,     ///< x above a, else 0
    shrink,        ///< moved by b towards 0 outside of ±a, else 0
    sign,
    floor,
    ceil,
    round,
    sine,
    cosine,
    identity,
};

enum class Binary : std::uint8_t { add, subtract, multiply, divide, maximum, minimum, prelu };

/// out[i] = f(x[i]); in place is fine.
void apply_unary(Unary f, float a, float b, const float* x, float* out, std::size_t count) noexcept;

/// Rows of an operand: from one element to the next (0 or 1), and from one row to the next.
struct OperandRows {
    const float* data;
    std::size_t step;
    std::ptrdiff_t row_stride;
};

/// out[r, i] = f(x[r, i], y[r, i]) for `rows` rows of `count` elements, those of `out` `out_stride` apart. prelu: x
/// where it is not below zero, else x·y.
void apply_binary_rows(Binary f, OperandRows x, OperandRows y, float* out, std::ptrdiff_t out_stride, std::size_t rows,
                       std::size_t count) noexcept;

/// One row.
inline void apply_binary(Binary f, const float* x, std::size_t x_step, const float* y, std::size_t y_step, float* out,
                         std::size_t count) noexcept {
    apply_binary_rows(f, {x, x_step, 0}, {y, y_step, 0}, out, 0, 1, count);
}

/// out[i] = scale·x[i] + shift.
void scale_and_shift(float scale, float shift, const float* x, float* out, std::size_t count) noexcept;

}  // namespace sidetone::nn::native
