// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <ostream>
#include <string>
#include <vector>

#include "nn/manifest.hpp"
#include "unit/nn/tiny_tflite.hpp"

namespace sidetone::nn::test {

using TfliteShape = TinyTflite::Shape;

/// A file with tensors "x" (the signal), perhaps "z", and outputs "y0", "y1", …
class TinyTfliteFile {
public:
    std::int32_t input(const TfliteShape& shape);
    std::int32_t output(const TfliteShape& shape);
    std::int32_t weights(const TfliteShape& shape);
    std::int32_t axes(const std::vector<std::int32_t>& values);

    [[nodiscard]] std::string contents();

    TinyTflite tflite;
    GraphSpec graph;

private:
    std::int32_t add(const std::string& name, const TfliteShape& shape, std::vector<TensorInfo>& tensors);

    TinyTflite::Tensors inputs_, outputs_;
    std::uint32_t seed_ = 100;
};

/// Options of an operator that has an activation fused.
[[nodiscard]] TfliteOptions fused_activation(std::uint8_t kind, std::int8_t activation);

struct TfliteOperatorRow {
    const char* name;
    std::function<void(TinyTfliteFile&)> make;
    bool is_positive = false;  // what it is fed with
};

inline void PrintTo(const TfliteOperatorRow& row, std::ostream* out) {
    *out << row.name;
}

/// Each operator that the native executor imports, with what its options may be.
[[nodiscard]] std::vector<TfliteOperatorRow> tflite_operator_rows();

}  // namespace sidetone::nn::test
