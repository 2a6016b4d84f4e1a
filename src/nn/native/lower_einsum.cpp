// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <map>
#include <string>

#include "nn/native/gemm.hpp"
#include "nn/native/lowering.hpp"
#include "nn/native/strided_part.hpp"

namespace sidetone::nn::native {
namespace {

/// One letter for every dimension. Those that "..." stands for have the digits 0 to 7, the last one 7.
using Labels = std::string;

struct Operand {
    ValueId value;
    Labels labels;
};

struct Equation {
    std::vector<Labels> inputs;
    Labels output;
};

Labels read_labels(const NodeLowering& node, std::string_view text, std::size_t hidden) {
    Labels labels;
    for (std::size_t i = 0; i < text.size(); ++i) {
        const auto c = text[i];
        if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z')) {
            labels += c;
        } else if (c == '.' && text.substr(i, 3) == "..." && labels.find('7') == Labels::npos && hidden <= kMaxRank) {
            for (std::size_t k = kMaxRank - hidden; k < kMaxRank; ++k) labels += static_cast<char>('0' + k);
            i += 2;
        } else if (c != ' ') {
            node.refuse("its equation is none");
        }
    }
    return labels;
}

std::vector<std::string> split(const std::string& text) {
    std::vector<std::string> parts(1);
    for (const char c : text) {
        if (c == ',') {
            parts.emplace_back();
        } else {
            parts.back() += c;
        }
    }
    return parts;
}

// Without "->": what "..." stands for, then the letters that are there once, in the order of the alphabet.
Labels implied_output(const std::vector<Labels>& inputs) {
    std::map<char, int> counts;
    for (const auto& labels : inputs) {
        for (const char label : labels) counts[label] += 1;
    }
    Labels output;
    for (const auto& [label, count] : counts) {
        if (count == 1 || label <= '9') output += label;
    }
    return output;
}

Equation read_equation(const NodeLowering& node) {
    const auto text = node.attribute_or<std::string>("equation", "");
    const auto arrow = text.find("->");
    const auto parts = split(text.substr(0, arrow));
    if (parts.size() != node.input_count() || text.size() > 256) node.refuse("its equation does not fit its inputs");
    Equation equation;
    std::size_t hidden = 0;
    for (std::size_t i = 0; i < parts.size(); ++i) {
        const auto rank = node.shape(node.input(i)).size();
        const auto named = read_labels(node, parts[i], 0).size();
        if (named > rank || (named < rank && parts[i].find('.') == std::string::npos)) {
            node.refuse("its equation does not fit its inputs");
        }
        hidden = std::max(hidden, rank - named);
        equation.inputs.push_back(read_labels(node, parts[i], rank - named));
    }
    equation.output = arrow == std::string::npos ? implied_output(equation.inputs)
                                                 : read_labels(node, std::string_view{text}.substr(arrow + 2), hidden);
    for (const char label : equation.output) {
        if (std::ranges::count(equation.output, label) > 1) node.refuse("its equation is none");
    }
    return equation;
}

/// Multiplies [batch, rows, inner] by [batch, inner, columns].
struct BatchedProductKernel {
    std::size_t batch, rows, inner, columns;

    [[nodiscard]] std::uint64_t multiply_adds() const noexcept { return batch * rows * inner * columns; }
    void operator()(void* const* p) const noexcept {
        const auto* a = static_cast<const float*>(p[0]);
        const auto* b = static_cast<const float*>(p[1]);
        auto* out = static_cast<float*>(p[2]);
        for (std::size_t i = 0; i < batch; ++i) {
            multiply({a, inner}, {b, columns}, rows, columns, inner, nullptr, nullptr, out, columns);
            a += rows * inner;
            b += inner * columns;
            out += rows * columns;
        }
    }
};

/// Sums the rows of [rows, columns].
struct RowSumKernel {
    std::size_t rows, columns;
    void operator()(void* const* p) const noexcept {
        const auto* x = static_cast<const float*>(p[0]);
        auto* out = static_cast<float*>(p[1]);
        for (std::size_t r = 0; r < rows; ++r, x += columns) {
            double sum = 0;
            for (std::size_t i = 0; i < columns; ++i) sum += static_cast<double>(x[i]);
            out[r] = static_cast<float>(sum);
        }
    }
};

class Contraction {
public:
    Contraction(NodeLowering& node, const Equation& equation) : node_(node) {
        for (std::size_t i = 0; i < equation.inputs.size(); ++i) {
            measure(node.shape(node.input(i)), equation.inputs[i]);
        }
        for (const char label : equation.output) {
            if (!sizes_.contains(label)) node.refuse("its output has a letter that no input has");
        }
    }

    /// `x` with its dimensions in the order of `labels`: repeated letters become the diagonal, letters that it lacks
    /// are left out.
    ValueId arranged(const Operand& x, const Labels& labels) {
        const auto& from = node_.shape(x.value);
        const auto own = contiguous_strides(from);
        Shape shape;
        Strides strides;
        for (const char label : labels) {
            if (x.labels.find(label) == Labels::npos) continue;
            shape.push_back(sizes_[label]);
            strides.push_back(0);
            for (std::size_t i = 0; i < from.size(); ++i) {
                if (x.labels[i] == label && from[i] != 1) strides.back() += own[i];
            }
        }
        return emit_part(node_, x.value, shape, strides);
    }

    /// Without the letters that are not in `kept`: their sum.
    Operand summed(const Operand& x, const Labels& kept) {
        Labels labels;
        Labels gone;
        for (const char label : x.labels) {
            auto& list = kept.find(label) == Labels::npos ? gone : labels;
            if (list.find(label) == Labels::npos) list += label;
        }
        const auto whole = arranged(x, labels + gone);
        if (gone.empty()) return {whole, labels};
        const auto out = node_.add_value(DataType::f32, shape_of(labels));
        node_.emit(RowSumKernel{count(labels), count(gone)}, {whole}, {out});
        return {out, labels};
    }

    /// The product of two, summed over the letters that are not in `kept`.
    Operand product(const Operand& x, const Operand& y, const Labels& kept) {
        const auto a = summed(x, kept + y.labels);
        const auto b = summed(y, kept + x.labels);
        Labels batch;
        Labels rows;
        Labels columns;
        Labels inner;
        for (const char label : a.labels) {
            const bool is_kept = kept.find(label) != Labels::npos;
            const bool is_shared = b.labels.find(label) != Labels::npos;
            (is_kept ? (is_shared ? batch : rows) : inner) += label;
        }
        for (const char label : b.labels) {
            if (a.labels.find(label) == Labels::npos) columns += label;
        }
        const BatchedProductKernel kernel{count(batch), count(rows), count(inner), count(columns)};
        const auto left = arranged(a, batch + rows + inner);
        const auto right = arranged(b, batch + inner + columns);
        const auto out = node_.add_value(DataType::f32, shape_of(batch + rows + columns));
        node_.emit(kernel, {left, right}, {out});
        return {out, batch + rows + columns};
    }

private:
    void measure(const Shape& shape, const Labels& labels) {
        for (std::size_t i = 0; i < shape.size(); ++i) {
            auto& size = sizes_.try_emplace(labels[i], 1).first->second;
            if (size == 1) size = shape[i];
            if (shape[i] != size && shape[i] != 1) {
                node_.refuse("one letter of its equation stands for " + std::to_string(size) + " and for " +
                             std::to_string(shape[i]));
            }
        }
    }
    [[nodiscard]] Shape shape_of(const Labels& labels) {
        Shape shape;
        for (const char label : labels) shape.push_back(sizes_[label]);
        return shape;
    }
    [[nodiscard]] std::size_t count(const Labels& labels) {
        const auto shape = shape_of(labels);
        node_.check_shape(DataType::f32, shape);
        return elements_of(shape);
    }

    NodeLowering& node_;
    std::map<char, std::int64_t> sizes_;
};

void lower_einsum(NodeLowering& node) {
    const auto equation = read_equation(node);
    std::vector<Operand> operands;
    for (std::size_t i = 0; i < node.input_count(); ++i) {
        node.require_type(node.input(i), DataType::f32);
        operands.push_back({node.input(i), equation.inputs[i]});
    }
    Contraction contraction{node, equation};
    Operand result = operands[0];
    for (std::size_t i = 1; i < operands.size(); ++i) {
        Labels needed = equation.output;
        for (std::size_t later = i + 1; later < operands.size(); ++later) needed += operands[later].labels;
        result = contraction.product(result, operands[i], needed);
    }
    result = contraction.summed(result, equation.output);
    node.set_output(0, contraction.arranged(result, equation.output));
}

constexpr Operator kOperators[] = {{"Einsum", lower_einsum}};

}  // namespace

std::span<const Operator> einsum_operators() {
    return kOperators;
}

}  // namespace sidetone::nn::native
