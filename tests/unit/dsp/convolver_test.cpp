// SPDX-License-Identifier: Apache-2.0
#include "dsp/convolver.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <random>
#include <stdexcept>
#include <string>
#include <vector>

#include "rt/guard.hpp"
#include "unit/dsp/signals.hpp"

namespace sidetone::dsp {
namespace {

using Channels = std::vector<std::vector<float>>;

constexpr double kPrecisionDb = -120;

/// A matrix that owns its taps: noise that decays, so that no part of it drowns in another.
struct Matrix {
    Matrix(std::size_t inputs, std::size_t outputs)
        : responses{.inputs = inputs, .outputs = outputs, .responses = {}} {}

    void add(std::size_t input, std::size_t output, std::size_t length, std::uint32_t seed) {
        taps.push_back(test::white_noise(length, seed));
        responses.responses.push_back({input, output, taps.back()});
    }

    static Matrix dense(std::size_t inputs, std::size_t outputs, std::size_t length, std::uint32_t seed) {
        Matrix matrix(inputs, outputs);
        for (std::size_t i = 0; i < inputs; ++i) {
            for (std::size_t o = 0; o < outputs; ++o) {
                matrix.add(i, o, length, seed + static_cast<std::uint32_t>(i * outputs + o));
            }
        }
        return matrix;
    }

    std::vector<std::vector<float>> taps;
    ResponseMatrix responses;
};

Channels noise(std::size_t channels, std::size_t frames, std::uint32_t seed) {
    Channels signals;
    for (std::size_t c = 0; c < channels; ++c) {
        signals.push_back(test::white_noise(frames, seed + static_cast<std::uint32_t>(c)));
    }
    return signals;
}

/// Runs `in` through in calls of the sizes that `next_size` gives.
template <class NextSize>
Channels run(Convolver& convolver, const Channels& in, NextSize next_size) {
    const std::size_t frames = in.front().size();
    Channels out(convolver.outputs(), std::vector<float>(frames));
    std::vector<const float*> from(in.size());
    std::vector<float*> to(out.size());
    for (std::size_t first = 0; first < frames;) {
        const std::size_t here = std::min<std::size_t>(next_size(), frames - first);
        for (std::size_t c = 0; c < in.size(); ++c) from[c] = in[c].data() + first;
        for (std::size_t c = 0; c < out.size(); ++c) to[c] = out[c].data() + first;
        convolver.process(from.data(), to.data(), here);
        first += here;
    }
    return out;
}

auto always(std::size_t size) {
    return [=] { return size; };
}

/// Sizes from 1 to `largest`, small and large ones alike often.
auto any_sizes(std::uint32_t seed, std::size_t largest) {
    return [generator = std::mt19937(seed), largest]() mutable {
        const double octaves = std::log2(static_cast<double>(largest) + 1);
        return static_cast<std::size_t>(
            std::exp2(std::uniform_real_distribution<double>(0, octaves - 1e-9)(generator)));
    };
}

/// One output frame in double precision, straight from the definition.
double frame_of(const ResponseMatrix& matrix, const Channels& in, std::size_t output, std::size_t frame) {
    double sum = 0;
    for (const auto& response : matrix.responses) {
        if (response.output != output) continue;
        for (std::size_t n = 0; n < std::min(frame + 1, response.taps.size()); ++n) {
            sum += static_cast<double>(response.taps[n]) * static_cast<double>(in[response.input][frame - n]);
        }
    }
    return sum;
}

/// The error against the definition at every `step`-th frame, all outputs together.
double error_db(const ResponseMatrix& matrix, const Channels& in, const Channels& out, std::size_t step = 1) {
    double error = 0;
    double energy = 0;
    for (std::size_t o = 0; o < out.size(); ++o) {
        for (std::size_t n = 0; n < out[o].size(); n += step) {
            const double expected = frame_of(matrix, in, o, n);
            error += std::pow(static_cast<double>(out[o][n]) - expected, 2);
            energy += expected * expected;
        }
    }
    return 10 * std::log10((error + 1e-30) / (energy + 1e-20));
}

struct Case {
    std::size_t inputs, outputs, length, usual_frames;
};

class ConvolverOfAnyMatrix : public ::testing::TestWithParam<Case> {};

TEST_P(ConvolverOfAnyMatrix, IsConvolutionInEveryBlockSize) {
    const auto [inputs, outputs, length, usual_frames] = GetParam();
    const auto matrix = Matrix::dense(inputs, outputs, length, 1);
    Convolver convolver(matrix.responses, usual_frames);
    const auto in = noise(inputs, std::max<std::size_t>(3 * length / 2, 9000), 100);
    const auto out = run(convolver, in, any_sizes(7, 4096));
    // A prime step: frames at all places in all blocks.
    const std::size_t step = std::max<std::size_t>(1, in.front().size() * inputs * outputs * length / 30'000'000 | 1U);
    EXPECT_LT(error_db(matrix.responses, in, out, step), kPrecisionDb);
}

INSTANTIATE_TEST_SUITE_P(Matrices, ConvolverOfAnyMatrix,
                         ::testing::Values(Case{1, 1, 1, 64}, Case{1, 1, 2, 1}, Case{2, 2, 15, 16}, Case{1, 2, 16, 64},
                                           Case{2, 1, 17, 32}, Case{16, 2, 63, 64}, Case{16, 2, 64, 64},
                                           Case{7, 3, 65, 48}, Case{16, 2, 256, 64}, Case{16, 2, 512, 32},
                                           Case{17, 2, 500, 480}, Case{3, 5, 1000, 441}, Case{5, 16, 700, 128},
                                           Case{8, 2, 2048, 64}, Case{16, 2, 2047, 1}, Case{16, 2, 8192, 128},
                                           Case{2, 2, 9001, 4096}, Case{33, 2, 3000, 256}, Case{2, 2, 48'000, 64},
                                           Case{1, 2, 96'000, 128}, Case{2, 1, 96'000, 32}),
                         [](const auto& tested) {
                             const auto& of = tested.param;
                             return std::to_string(of.inputs) + "To" + std::to_string(of.outputs) + "Taps" +
                                    std::to_string(of.length) + "Block" + std::to_string(of.usual_frames);
                         });

/// All lengths of transforms, whatever the plan would choose.
class ConvolverOfAnyPlan : public ::testing::TestWithParam<std::size_t> {};

TEST_P(ConvolverOfAnyPlan, IsConvolution) {
    const std::size_t head = GetParam();
    const std::size_t tail = 4 * head;
    const auto matrix = Matrix::dense(3, 2, 2 * tail + tail + 5, 1);
    const auto in = noise(3, 6 * tail + 100, 100);
    for (const std::size_t lanes : {widest_lanes(), std::min<std::size_t>(4, widest_lanes())}) {
        Convolver convolver(matrix.responses, head, {.lanes = lanes, .head = {head, 8}, .tails = {{tail, 2}}});
        const auto out = run(convolver, in, any_sizes(3, 2 * head));
        EXPECT_LT(error_db(matrix.responses, in, out, (head * head / 500) | 1U), kPrecisionDb) << lanes << " lanes";
    }
}

INSTANTIATE_TEST_SUITE_P(Heads, ConvolverOfAnyPlan, ::testing::Values(16, 32, 64, 128, 256, 512, 1024, 2048, 4096),
                         ::testing::PrintToStringParamName());

TEST(Convolver, SkipsWhatIsSilent) {
    Matrix matrix(18, 5);
    matrix.add(0, 0, 3000, 1);
    matrix.add(17, 0, 100, 2);
    matrix.add(3, 2, 1, 3);
    matrix.add(4, 4, 0, 4);
    matrix.add(17, 4, 5000, 5);
    matrix.add(17, 4, 400, 6);  // adds to the one before
    Convolver convolver(matrix.responses, 64);
    const auto in = noise(18, 12'000, 50);
    const auto out = run(convolver, in, any_sizes(11, 300));
    EXPECT_LT(error_db(matrix.responses, in, out, 3), kPrecisionDb);
    EXPECT_EQ(out[1], std::vector<float>(12'000));
    EXPECT_EQ(out[3], std::vector<float>(12'000));
}

TEST(Convolver, OfNothingIsSilence) {
    const ResponseMatrix matrix{.inputs = 2, .outputs = 2, .responses = {}};
    Convolver convolver(matrix, 64);
    const auto out = run(convolver, noise(2, 500, 1), any_sizes(1, 100));
    EXPECT_EQ(out, Channels(2, std::vector<float>(500)));
}

TEST(Convolver, AddsNoDelay) {
    for (const std::size_t usual_frames : {1U, 32U, 64U, 100U, 256U, 4096U}) {
        Matrix matrix(2, 1);
        matrix.taps = {std::vector<float>(5000)};
        matrix.taps[0][0] = 1;
        matrix.responses.responses = {{1, 0, matrix.taps[0]}};
        Convolver convolver(matrix.responses, usual_frames);
        const auto in = noise(2, 10'000, 1);
        const auto out = run(convolver, in, always(usual_frames));
        for (std::size_t n = 0; n < in[1].size(); ++n) ASSERT_NEAR(out[0][n], in[1][n], 1e-5) << usual_frames;
    }
}

TEST(Convolver, WorksInPlace) {
    const auto matrix = Matrix::dense(2, 2, 700, 1);
    const auto in = noise(2, 3000, 10);
    Convolver convolver(matrix.responses, 100);
    const auto expected = run(convolver, in, always(100));
    convolver.reset();
    auto signals = in;
    std::vector<float*> at(2);
    for (std::size_t first = 0; first < 3000; first += 100) {
        for (std::size_t c = 0; c < 2; ++c) at[c] = signals[1 - c].data() + first;
        std::swap(at[0], at[1]);
        convolver.process(at.data(), at.data(), 100);
    }
    EXPECT_EQ(signals, expected);
}

TEST(Convolver, ResetForgetsTheInput) {
    const auto matrix = Matrix::dense(4, 2, 6000, 1);
    const auto in = noise(4, 9000, 10);
    Convolver convolver(matrix.responses, 64);
    const auto expected = run(convolver, in, always(64));
    (void)run(convolver, noise(4, 777, 5), always(50));
    convolver.reset();
    EXPECT_EQ(run(convolver, in, always(64)), expected);
}

TEST(Convolver, MakesNoHeapCallAndTakesNoLock) {
    const auto matrix = Matrix::dense(16, 2, 9000, 1);
    const auto in = noise(16, 20'000, 10);
    Convolver convolver(matrix.responses, 64);
    Channels out(2, std::vector<float>(4096));
    std::vector<const float*> from(16);
    std::vector<float*> to{out[0].data(), out[1].data()};
    auto sizes = any_sizes(5, 2048);
    if (!rt::interposer_is_present()) GTEST_SKIP() << "no interposer: nothing is counted";
    rt::reset_realtime_counts();
    for (std::size_t first = 0; first + 4096 < in[0].size();) {
        const std::size_t here = sizes();
        for (std::size_t c = 0; c < 16; ++c) from[c] = in[c].data() + first;
        const rt::RealtimeScope scope(rt::RealtimeKind::audio);
        convolver.process(from.data(), to.data(), here);
        first += here;
    }
    EXPECT_EQ(rt::realtime_counts(rt::RealtimeKind::audio).heap_calls, 0U);
    EXPECT_EQ(rt::realtime_counts(rt::RealtimeKind::audio).locks, 0U);
}

TEST(Convolver, RefusesMatricesThatCannotBe) {
    const std::vector<float> taps(3);
    EXPECT_THROW(Convolver({.inputs = 0, .outputs = 1, .responses = {}}, 64), std::invalid_argument);
    EXPECT_THROW(Convolver({.inputs = 1, .outputs = 0, .responses = {}}, 64), std::invalid_argument);
    EXPECT_THROW(Convolver({.inputs = 1, .outputs = 1, .responses = {{1, 0, taps}}}, 64), std::invalid_argument);
    EXPECT_THROW(Convolver({.inputs = 1, .outputs = 1, .responses = {{0, 1, taps}}}, 64), std::invalid_argument);
}

}  // namespace
}  // namespace sidetone::dsp
