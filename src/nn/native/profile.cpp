// SPDX-License-Identifier: Apache-2.0
#include "nn/native/profile.hpp"

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <random>
#include <span>

#include "nn/native/compile.hpp"
#include "nn/native/peak_arithmetic.hpp"
#include "rt/clock.hpp"
#include "rt/thread.hpp"

namespace sidetone::nn::native {
namespace {

constexpr std::size_t kWarmUpRuns = 4;

/// Memory for a graph's tensors; inputs of floats hold quiet noise, all else zeros.
class Tensors {
public:
    explicit Tensors(std::span<const TensorInfo> infos) {
        std::mt19937 generator{1};
        std::normal_distribution<float> normal{0.0F, 0.1F};
        for (const auto& info : infos) {
            auto& bytes = memory_.emplace_back(std::max<std::size_t>(info.bytes(), 1));
            if (info.type != ElementType::f32) continue;
            for (std::size_t i = 0; i < info.elements(); ++i) {
                const float sample = normal(generator);
                std::memcpy(bytes.data() + i * sizeof sample, &sample, sizeof sample);
            }
        }
        for (auto& bytes : memory_) pointers_.push_back(bytes.data());
    }
    [[nodiscard]] std::span<const TensorMemory> pointers() const { return pointers_; }

private:
    std::vector<Bytes> memory_;
    std::vector<TensorMemory> pointers_;
};

/// A program on memory of its own.
class SteppedProgram {
public:
    SteppedProgram(const GraphSpec& graph, Program program)
        : inputs_(graph.inputs),
          outputs_(graph.outputs),
          program_(std::move(program)),
          arena_(program_.arena_bytes, ProgramAllocator<std::byte>{program_.memory.get()}),
          operands_(operands_of(program_, arena_, inputs_.pointers(), outputs_.pointers())) {}

    [[nodiscard]] const Program& program() const noexcept { return program_; }

    void run() noexcept {
        void* const* operands = operands_.data();
        for (const auto& step : program_.steps) {
            step.run(step.kernel.get(), operands);
            operands += step.operands.size();
        }
    }

    /// Nanoseconds of each step, from the end of the one before, into `took_ns`.
    void run_timed(std::int64_t* took_ns) noexcept {
        void* const* operands = operands_.data();
        auto before = rt::now_ns();
        for (const auto& step : program_.steps) {
            step.run(step.kernel.get(), operands);
            operands += step.operands.size();
            const auto now = rt::now_ns();
            *took_ns++ = now - before;
            before = now;
        }
    }

private:
    Tensors inputs_, outputs_;
    Program program_;
    Bytes arena_;
    std::vector<void*> operands_;
};

double median_us(std::vector<std::int64_t>& times_ns) {
    const auto middle = times_ns.begin() + static_cast<std::ptrdiff_t>(times_ns.size() / 2);
    std::ranges::nth_element(times_ns, middle);
    return static_cast<double>(*middle) / 1000;
}

}  // namespace

PlanReport plan_of(const GraphSpec& graph, const std::filesystem::path& file) {
    return report_plan(compile(graph, file));
}

Profile profile(const GraphSpec& graph, const std::filesystem::path& file, std::size_t runs) {
    rt::calibrate_clock();
    const rt::ScopedFlushDenormals flush;
    SteppedProgram stepped{graph, compile(graph, file)};
    Profile result{.plan = report_plan(stepped.program()),
                   .step_us = {},
                   .run_us = 0,
                   .peak_multiply_adds_per_second = measure_peak_multiply_adds_per_second(),
                   .runs = std::max<std::size_t>(runs, 1)};
    const auto steps = stepped.program().steps.size();
    std::vector<std::int64_t> whole_ns(result.runs), step_ns(result.runs * steps), one(result.runs);
    for (std::size_t run = 0; run < kWarmUpRuns; ++run) stepped.run();
    for (std::size_t run = 0; run < result.runs; ++run) {
        const auto start = rt::now_ns();
        stepped.run();
        whole_ns[run] = rt::now_ns() - start;
        stepped.run_timed(&step_ns[run * steps]);
    }
    result.run_us = median_us(whole_ns);
    for (std::size_t step = 0; step < steps; ++step) {
        for (std::size_t run = 0; run < result.runs; ++run) one[run] = step_ns[run * steps + step];
        result.step_us.push_back(median_us(one));
    }
    return result;
}

}  // namespace sidetone::nn::native
