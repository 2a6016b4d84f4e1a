// SPDX-License-Identifier: Apache-2.0
// What one call of each dsp kernel costs, back to back with warm caches, and kissfft's transforms beside ours.

#include <benchmark/benchmark.h>
#include <kiss_fftr.h>

#include <array>
#include <complex>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "dsp/asymmetric_filter_bank.hpp"
#include "dsp/log_mel.hpp"
#include "dsp/overlap_add.hpp"
#include "dsp/polyphase_resampler.hpp"
#include "dsp/real_fft.hpp"
#include "dsp/sample_conversion.hpp"

namespace {

using namespace sidetone::dsp;

std::vector<float> noise(std::size_t count) {
    std::mt19937 generator(1);
    std::normal_distribution<float> normal(0.0F, 0.1F);
    std::vector<float> samples(count);
    for (auto& sample : samples) sample = normal(generator);
    return samples;
}

void transform_forward(benchmark::State& state) {
    RealFft fft(static_cast<std::size_t>(state.range(0)));
    const auto in = noise(fft.size());
    std::vector<std::complex<float>> out(fft.bins());
    for (auto _ : state) {
        fft.forward(in.data(), out.data());
        benchmark::DoNotOptimize(out.data());
        benchmark::ClobberMemory();
    }
}

void transform_inverse(benchmark::State& state) {
    RealFft fft(static_cast<std::size_t>(state.range(0)));
    auto out = noise(fft.size());
    std::vector<std::complex<float>> in(fft.bins());
    fft.forward(out.data(), in.data());
    for (auto _ : state) {
        fft.inverse(in.data(), out.data());
        benchmark::DoNotOptimize(out.data());
        benchmark::ClobberMemory();
    }
}

/// One hop of one channel, with a gain for each bin: range(0) samples of synthesis, range(1) of hop.
void asymmetric_filter_bank(benchmark::State& state) {
    AsymmetricFilterBank bank({.analysis = 1536,
                               .synthesis = static_cast<std::size_t>(state.range(0)),
                               .hop = static_cast<std::size_t>(state.range(1))});
    const std::vector<float> gains(bank.bins(), 0.5F);
    const auto in = noise(bank.hop());
    std::vector<float> out(bank.hop());
    for (auto _ : state) {
        bank.process(in.data(), gains.data(), out.data());
        benchmark::DoNotOptimize(out.data());
        benchmark::ClobberMemory();
    }
}

void kissfft_forward(benchmark::State& state) {
    const auto size = static_cast<int>(state.range(0));
    const std::unique_ptr<kiss_fftr_state, void (*)(kiss_fftr_state*)> plan(
        kiss_fftr_alloc(size, 0, nullptr, nullptr), [](kiss_fftr_state* p) { kiss_fftr_free(p); });
    const auto in = noise(static_cast<std::size_t>(size));
    std::vector<kiss_fft_cpx> out(static_cast<std::size_t>(size / 2 + 1));
    for (auto _ : state) {
        kiss_fftr(plan.get(), in.data(), out.data());
        benchmark::DoNotOptimize(out.data());
        benchmark::ClobberMemory();
    }
}

BENCHMARK(transform_forward)->Arg(96)->Arg(256)->Arg(512)->Arg(1024)->Arg(1536)->Arg(4096);
BENCHMARK(kissfft_forward)->Arg(96)->Arg(256)->Arg(512)->Arg(1024)->Arg(1536)->Arg(4096);
BENCHMARK(transform_inverse)->Arg(512)->Arg(1536);
BENCHMARK(asymmetric_filter_bank)->Args({96, 48})->Args({192, 96});

/// Blocks as a card brings them: 128 frames at the input rate per call.
void resample(benchmark::State& state) {
    const PolyphaseResampler resampler(static_cast<std::uint32_t>(state.range(0)),
                                       static_cast<std::uint32_t>(state.range(1)));
    const std::size_t reach = 2 * resampler.half();
    const auto in = noise(reach + 256);
    std::vector<float> out(256 * resampler.phases() / resampler.step() + 2);
    const std::int64_t first = 0;
    const std::int64_t begin = resampler.oldest_input(first);
    const auto count = static_cast<std::size_t>(state.range(2));
    for (auto _ : state) {
        resampler.compute(in.data(), begin, first, count, out.data());
        benchmark::DoNotOptimize(out.data());
        benchmark::ClobberMemory();
    }
}

// Rates, and how many outputs make 128 frames at 48 kHz.
BENCHMARK(resample)->Args({48'000, 16'000, 43})->Args({16'000, 48'000, 128})->Args({44'100, 48'000, 139});

void to_float_128(benchmark::State& state, SampleFormat format, std::uint32_t channels) {
    std::vector<std::byte> bytes(128 * channels * bytes_per_sample(format));
    const std::array<const void*, 1> data{bytes.data()};
    const SampleSource source{data.data(), format, true, channels};
    std::vector<float> out(128);
    for (auto _ : state) {
        benchmark::DoNotOptimize(to_float(source, channels - 1, 0, 128, out.data()));
        benchmark::ClobberMemory();
    }
}

void from_float_128(benchmark::State& state, SampleFormat format, std::uint32_t channels) {
    std::vector<std::byte> bytes(128 * channels * bytes_per_sample(format));
    const std::array<void*, 1> data{bytes.data()};
    const SampleSink sink{data.data(), format, true, channels};
    const auto in = noise(128);
    for (auto _ : state) {
        benchmark::DoNotOptimize(from_float(in.data(), sink, channels - 1, 0, 128));
        benchmark::ClobberMemory();
    }
}

void windowed_overlap_add(benchmark::State& state) {
    const std::vector<float> window(512, 0.5F);
    OverlapAdd synthesis(512, 128, window);
    const auto frame = noise(512);
    std::vector<float> out(128);
    for (auto _ : state) {
        synthesis.add(frame.data(), out.data());
        benchmark::DoNotOptimize(out.data());
        benchmark::ClobberMemory();
    }
}
BENCHMARK(windowed_overlap_add);

void magnitude_257(benchmark::State& state) {
    const auto parts = noise(514);
    std::vector<std::complex<float>> spectrum(257);
    for (std::size_t k = 0; k < 257; ++k) spectrum[k] = {parts[2 * k], parts[2 * k + 1]};
    std::vector<float> out(257);
    for (auto _ : state) {
        magnitude(spectrum.data(), out.data(), 257);
        benchmark::DoNotOptimize(out.data());
        benchmark::ClobberMemory();
    }
}
BENCHMARK(magnitude_257);

/// One frame of Kaldi's features at 16 kHz, range(0) bands: 160 samples in, a row out.
void log_mel_frame(benchmark::State& state) {
    LogMel features(LogMel::kaldi(16'000, static_cast<std::size_t>(state.range(0))));
    const auto samples = noise(160);
    for (auto _ : state) {
        benchmark::DoNotOptimize(features.push(samples));
        benchmark::ClobberMemory();
    }
}
BENCHMARK(log_mel_frame)->Arg(40)->Arg(80);

void register_conversions() {
    for (const auto format :
         {SampleFormat::s16, SampleFormat::s24, SampleFormat::s24in32, SampleFormat::s32, SampleFormat::f32}) {
        for (const std::uint32_t channels : {1U, 2U, 8U}) {
            const std::string name = std::string(to_string(format)) + "/" + std::to_string(channels);
            benchmark::RegisterBenchmark(("to_float_128/" + name).c_str(), to_float_128, format, channels);
            benchmark::RegisterBenchmark(("from_float_128/" + name).c_str(), from_float_128, format, channels);
        }
    }
}

}  // namespace

int main(int argc, char** argv) {
    register_conversions();
    benchmark::Initialize(&argc, argv);
    if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 2;
    benchmark::RunSpecifiedBenchmarks();
    benchmark::Shutdown();
    return 0;
}
