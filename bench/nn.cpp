// SPDX-License-Identifier: Apache-2.0

// What a linear layer costs by how its weights are kept. Compare with --benchmark_enable_random_interleaving=true
// --benchmark_repetitions=20. `max_error` is the largest difference from floats, as a share of the largest output.

#include <benchmark/benchmark.h>

#include <algorithm>
#include <cmath>
#include <random>
#include <vector>

#include "nn/native/byte_product.hpp"
#include "nn/native/packed_halves.hpp"
#include "nn/native/packed_matrix.hpp"

namespace sidetone::nn::native {
namespace {

struct Layer {
    explicit Layer(std::size_t given, std::size_t vectors = 1)
        : size(given), weights(size * size), x(vectors * size), out(vectors * size) {
        std::mt19937 random{1};
        std::normal_distribution<float> normal;
        for (auto& value : weights) value = 0.05F * normal(random);
        for (auto& value : x) value = normal(random);
    }
    [[nodiscard]] std::vector<float> expected() const {
        std::vector<float> made(size);
        const PackedMatrix matrix{size, size, {}, [&](std::size_t row, std::size_t k) { return at(row, k); }};
        matrix.multiply({x.data(), size, 1}, {made.data(), 1, size});
        return made;
    }
    [[nodiscard]] float at(std::size_t row, std::size_t k) const { return weights[row * size + k]; }
    [[nodiscard]] double max_error() const {
        const auto right = expected();
        float difference = 0;
        float range = 0;
        for (std::size_t i = 0; i < size; ++i) {  // of the first vector
            difference = std::max(difference, std::abs(out[i] - right[i]));
            range = std::max(range, std::abs(right[i]));
        }
        return static_cast<double>(difference / range);
    }

    std::size_t size;
    std::vector<float> weights, x, out;
};

void floats(benchmark::State& state) {
    const auto vectors = static_cast<std::size_t>(state.range(1));
    Layer layer{static_cast<std::size_t>(state.range(0)), vectors};
    const PackedMatrix matrix{
        layer.size, layer.size, {}, [&](std::size_t row, std::size_t k) { return layer.at(row, k); }};
    for (auto _ : state) {
        matrix.multiply({layer.x.data(), layer.size, vectors}, {layer.out.data(), 1, layer.size});
        benchmark::DoNotOptimize(layer.out.data());
        benchmark::ClobberMemory();
    }
    state.counters["max_error"] = layer.max_error();
}

// Inputs quantised as they come, weights with one scale per row.
void dynamic_bytes(benchmark::State& state) {
    Layer layer{static_cast<std::size_t>(state.range(0))};
    const auto size = layer.size;
    ProgramVector<float> scales(size);
    for (std::size_t row = 0; row < size; ++row) {
        for (std::size_t k = 0; k < size; ++k) scales[row] = std::max(scales[row], std::abs(layer.at(row, k)) / 127);
    }
    const PackedBytes packed{size, size, {}, {}, [&](std::size_t row, std::size_t k) {
                                 return static_cast<std::int8_t>(std::lround(layer.at(row, k) / scales[row]));
                             }};
    const ByteProductKernel<FloatSource, FloatResult> kernel{
        {}, {.scales = scales, .shifts = ProgramVector<float>(size)}, packed, 1};
    std::vector<std::uint8_t> bytes(packed.padded_inner());
    std::vector<std::int32_t> sums(packed.padded_rows());
    void* const operands[] = {layer.x.data(), layer.out.data(), bytes.data(), sums.data()};
    for (auto _ : state) {
        kernel(operands);
        benchmark::DoNotOptimize(layer.out.data());
        benchmark::ClobberMemory();
    }
    state.counters["max_error"] = layer.max_error();
}

// Weights that 16 bits hold.
void halves(benchmark::State& state) {
    Layer layer{static_cast<std::size_t>(state.range(0))};
    const auto rounded = [&](std::size_t row, std::size_t k) {
        return std::ldexp(std::round(std::ldexp(layer.at(row, k), 12)), -12);
    };
    const auto matrix = PackedHalves::pack(layer.size, layer.size, {}, rounded);
    if (!matrix) return state.SkipWithError("not kept as halves");
    for (auto _ : state) {
        matrix->multiply({layer.x.data(), layer.size, 1}, layer.out.data());
        benchmark::DoNotOptimize(layer.out.data());
        benchmark::ClobberMemory();
    }
    state.counters["max_error"] = layer.max_error();
}

// Weights rounded to integers of 24 bits.
void rounded(benchmark::State& state) {
    const auto vectors = static_cast<std::size_t>(state.range(1));
    Layer layer{static_cast<std::size_t>(state.range(0)), vectors};
    PackedMatrix matrix{layer.size, layer.size, {}, [&](std::size_t row, std::size_t k) { return layer.at(row, k); }};
    matrix.round_weights();
    for (auto _ : state) {
        matrix.multiply({layer.x.data(), layer.size, vectors}, {layer.out.data(), 1, layer.size});
        benchmark::DoNotOptimize(layer.out.data());
        benchmark::ClobberMemory();
    }
    state.counters["max_error"] = layer.max_error();
}

// Size and vectors: a product with one waits for its weights, one with many computes.
void sizes_and_vectors(benchmark::internal::Benchmark* bench) {
    for (const int size : {128, 192, 256, 512}) bench->Args({size, 1});
    for (const int vectors : {1, 2, 4, 8, 16, 32, 200}) bench->Args({1024, vectors});
}

BENCHMARK(floats)->Apply(sizes_and_vectors);
BENCHMARK(rounded)->Apply(sizes_and_vectors);
BENCHMARK(halves)->Arg(192)->Arg(256)->Arg(512)->Arg(1024);
BENCHMARK(dynamic_bytes)->Arg(128)->Arg(512)->Arg(1024);

}  // namespace
}  // namespace sidetone::nn::native

BENCHMARK_MAIN();
