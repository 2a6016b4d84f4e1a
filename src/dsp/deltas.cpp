// SPDX-License-Identifier: Apache-2.0
#include "dsp/deltas.hpp"

#include <algorithm>
#include <stdexcept>
#include <string>

namespace sidetone::dsp {
namespace {

const Deltas::Design& checked(const Deltas::Design& design) {
    if (design.columns < 1) throw std::invalid_argument("deltas: expected rows of 1 column or more");
    if (design.window < 1 || design.window > 100)
        throw std::invalid_argument("deltas: found a window of " + std::to_string(design.window) +
                                    " rows, expected 1 to 100");
    if (design.order < 1 || design.order > 4)
        throw std::invalid_argument("deltas: found order " + std::to_string(design.order) + ", expected 1 to 4");
    return design;
}

/// The weights of one order more: what these weights make of slopes.
std::vector<double> slope_of(const std::vector<double>& weights, std::size_t window) {
    double squares = 0;
    for (std::size_t j = 1; j <= window; ++j) squares += 2 * static_cast<double>(j * j);
    std::vector<double> result(weights.size() + 2 * window);
    for (std::size_t i = 0; i < weights.size(); ++i) {
        for (std::size_t j = 0; j <= 2 * window; ++j) {
            result[i + j] += weights[i] * (static_cast<double>(j) - static_cast<double>(window)) / squares;
        }
    }
    return result;
}

std::vector<std::vector<double>> weights_of(const Deltas::Design& design) {
    std::vector<std::vector<double>> weights{{1.0}};
    while (weights.size() <= design.order) weights.push_back(slope_of(weights.back(), design.window));
    return weights;
}

}  // namespace

Deltas::Deltas(const Design& design)
    : design_(checked(design)),
      weights_(weights_of(design)),
      sums_(design.columns),
      given_rows_((2 * delay_rows() + 1) * design.columns, design.columns),
      made_rows_(design.kept_rows * columns(), columns()) {}

bool Deltas::push(std::span<const float> row) noexcept {
    std::copy_n(row.begin(), design_.columns, given_rows_.at(given_ * design_.columns));
    if (++given_ <= delay_rows()) return false;
    make_row();
    return true;
}

std::size_t Deltas::finish() noexcept {
    const auto before = made_;
    while (made_ < given_) make_row();
    return static_cast<std::size_t>(made_ - before);
}

void Deltas::reset() noexcept {
    given_rows_.clear();
    made_rows_.clear();
    given_ = 0;
    made_ = 0;
}

void Deltas::make_row() noexcept {
    float* out = made_rows_.at(made_ * columns());
    const auto last = static_cast<std::int64_t>(given_) - 1;
    for (const auto& weights : weights_) {
        std::fill(sums_.begin(), sums_.end(), 0.0);
        const auto reach = static_cast<std::int64_t>(weights.size() / 2);
        for (std::int64_t j = -reach; j <= reach; ++j) {
            const auto t = std::clamp<std::int64_t>(static_cast<std::int64_t>(made_) + j, 0, last);
            const float* row = given_rows_.at(static_cast<std::uint64_t>(t) * design_.columns);
            const double weight = weights[static_cast<std::size_t>(j + reach)];
            for (std::size_t i = 0; i < design_.columns; ++i) sums_[i] += weight * static_cast<double>(row[i]);
        }
        std::transform(sums_.begin(), sums_.end(), out, [](double sum) { return static_cast<float>(sum); });
        out += design_.columns;
    }
    ++made_;
}

}  // namespace sidetone::dsp
