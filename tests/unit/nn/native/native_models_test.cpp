// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <chrono>
#include <cmath>
#include <numbers>

#include "compared_session.hpp"
#include "nn/native/native_session.hpp"
#include "rt/guard.hpp"
#include "unit/dsp/signals.hpp"
#include "unit/nn/test_models.hpp"

namespace sidetone::nn {
namespace {

constexpr std::size_t kFrames = 1000;
constexpr float kMaxDifference = 1e-4F;  // of the output's range

/// Speech as the graph's domain wants it: samples, or the (magnitude) spectrum of the window.
void put_frame(std::span<const float> samples, Domain domain, std::span<float> to) {
    if (domain == Domain::waveform) {
        std::ranges::copy(samples.first(to.size()), to.begin());
        return;
    }
    const auto length = samples.size();
    static std::vector<double> table;
    if (table.size() != length) {
        table.resize(length);
        for (std::size_t i = 0; i < length; ++i) {
            table[i] = std::cos(2.0 * std::numbers::pi * static_cast<double>(i) / static_cast<double>(length));
        }
    }
    for (std::size_t k = 0; k <= length / 2; ++k) {
        double re = 0;
        double im = 0;
        for (std::size_t n = 0; n < length; ++n) {
            re += static_cast<double>(samples[n]) * table[k * n % length];
            im -= static_cast<double>(samples[n]) * table[(k * n + 3 * length / 4) % length];
        }
        if (domain == Domain::magnitude_mask) {
            to[k] = static_cast<float>(std::hypot(re, im));
        } else {
            to[2 * k] = static_cast<float>(re);
            to[2 * k + 1] = static_cast<float>(im);
        }
    }
}

std::vector<float> frames_of(const Manifest& model, const GraphSpec& graph, std::size_t elements) {
    const auto speech = test::speech();
    const auto count = (speech.size() - model.front_end.length) / model.front_end.hop;
    std::vector<float> frames(kFrames * elements);
    for (std::size_t i = 0; i < kFrames; ++i) {
        const std::span<const float> window{&speech[i % count * model.front_end.hop], model.front_end.length};
        put_frame(window, graph.domain, {&frames[i * elements], elements});
    }
    return frames;
}

/// By the runtime that the file was made for.
std::unique_ptr<Session> open_reference(const GraphSpec& graph, const std::filesystem::path& file) {
    return file.extension() == ".tflite" ? open_tflite_session(graph, file) : open_onnxruntime_session(graph, file);
}

void expect_equal(const GraphSpec& graph, const std::filesystem::path& file, std::span<const float> frames) {
    test::ComparedSession native{graph, open_native_session(graph, file)};
    test::ComparedSession reference{graph, open_reference(graph, file)};
    std::vector<test::Difference> differences(graph.outputs.size());
    const auto size = native.signal().size();
    std::vector<double> native_us;
    std::vector<double> reference_us;
    const auto timed = [](test::ComparedSession& session, std::vector<double>& times) {
        const auto start = std::chrono::steady_clock::now();
        ASSERT_TRUE(session.run());
        times.push_back(std::chrono::duration<double, std::micro>{std::chrono::steady_clock::now() - start}.count());
    };
    for (std::size_t at = 0; at + size <= frames.size(); at += size) {
        std::ranges::copy(frames.subspan(at, size), native.signal().begin());
        std::ranges::copy(frames.subspan(at, size), reference.signal().begin());
        timed(native, native_us);
        timed(reference, reference_us);
        for (std::size_t i = 0; i < differences.size(); ++i) differences[i].add(native.output(i), reference.output(i));
    }
    const auto median = [](std::vector<double> times) {
        std::ranges::nth_element(times, times.begin() + static_cast<std::ptrdiff_t>(times.size() / 2));
        return times[times.size() / 2];
    };
    // For the record only: nothing is asked of a busy machine's clock.
    testing::Test::RecordProperty(file.stem().string() + "_native_us", std::to_string(median(native_us)));
    testing::Test::RecordProperty(file.stem().string() + "_reference_us", std::to_string(median(reference_us)));
    for (std::size_t i = 0; i < differences.size(); ++i) {
        EXPECT_LE(differences[i].of_range(), kMaxDifference) << file << " " << graph.outputs[i].name;
        testing::Test::RecordProperty(file.stem().string() + "_" + std::to_string(i),
                                      std::to_string(differences[i].of_range()));
    }
}

class NativeModel : public testing::TestWithParam<const char*> {};

TEST_P(NativeModel, OutputsAndStatesAreThoseOfTheReference) {
    const test::PublishedWeights published;
    const auto model = find_model(GetParam());
    SIDETONE_REQUIRE_WEIGHTS(model);
    for (const auto& graph : model.graphs) {
        const auto signal = std::ranges::find(graph.inputs, graph.input, &TensorInfo::name);
        expect_equal(graph, weights_file(model, graph), frames_of(model, graph, signal->elements()));
    }
}

TEST_P(NativeModel, RunsMakeNoHeapCallAndNoLock) {
    if (!rt::interposer_is_present()) GTEST_SKIP() << "no interposer: nothing is counted";
    const test::PublishedWeights published;
    const auto model = find_model(GetParam());
    SIDETONE_REQUIRE_WEIGHTS(model);
    for (const auto& graph : model.graphs) {
        test::ComparedSession session{graph, open_native_session(graph, weights_file(model, graph))};
        std::ranges::copy(dsp::test::white_noise(session.signal().size(), 1, 0.1F), session.signal().begin());
        rt::reset_realtime_counts();
        {
            const rt::RealtimeScope scope{rt::RealtimeKind::worker};
            for (int run = 0; run < 2000; ++run) (void)session.run();
        }
        const auto counts = rt::realtime_counts(rt::RealtimeKind::worker);
        EXPECT_EQ(counts.heap_calls, 0U) << graph.file;
        EXPECT_EQ(counts.locks, 0U) << graph.file;
    }
}

INSTANTIATE_TEST_SUITE_P(Models, NativeModel, testing::Values("gtcrn", "dtln", "dtln-onnx", "ul-unas", "silero-vad"),
                         test::name_of_case);

}  // namespace
}  // namespace sidetone::nn
