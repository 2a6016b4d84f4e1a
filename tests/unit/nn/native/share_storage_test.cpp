// SPDX-License-Identifier: Apache-2.0
#include "nn/native/share_storage.hpp"

#include <gtest/gtest.h>

#include <cstring>
#include <random>
#include <vector>

#include "nn/native/compile.hpp"
#include "nn/native/memory_plan.hpp"

namespace sidetone::nn::native {
namespace {

constexpr std::size_t kSize = 8;  // of every value that is no concatenation

/// out = 2·x + y, where out may lie in x's place.
struct OverwritingKernel {
    [[nodiscard]] static constexpr bool may_overwrite_input() noexcept { return true; }
    void operator()(void* const* p) const noexcept {
        for (std::size_t i = 0; i < kSize; ++i) {
            static_cast<float*>(p[2])[i] = 2 * static_cast<const float*>(p[0])[i] + static_cast<const float*>(p[1])[i];
        }
    }
};

/// Two values one behind the other.
struct JoiningKernel {
    [[nodiscard]] static std::vector<std::size_t> part_offsets() { return {0, kSize * sizeof(float)}; }
    void operator()(void* const* p) const noexcept {
        for (std::size_t i = 0; i < 2; ++i) {
            auto* to = static_cast<float*>(p[2]) + i * kSize;
            if (p[i] != to) std::memcpy(to, p[i], kSize * sizeof(float));
        }
    }
};

ValueId add(Program& program, Storage::Kind kind, std::size_t count, std::size_t index = 0) {
    Storage storage;
    storage.kind = kind;
    storage.bytes = count * sizeof(float);
    storage.index = index;
    program.values.push_back({.shape = {static_cast<std::int64_t>(count)}, .storage = program.storages.size()});
    program.storages.push_back(std::move(storage));
    return program.values.size() - 1;
}

template <class Kernel>
ValueId add_step(Program& program, Kernel kernel, ValueId x, ValueId y, std::size_t count) {
    const auto out = add(program, Storage::Kind::arena, count);
    auto step = make_step(kernel);
    step.operands = {x, y, out};
    step.reads = 2;
    program.steps.push_back(std::move(step));
    return out;
}

// Steps over values chosen at random, among them halves of concatenations, and outputs chosen at random.
Program random_program(std::mt19937& random) {
    Program program;
    std::vector<ValueId> values;
    for (std::size_t i = 0; i < 2; ++i) values.push_back(add(program, Storage::Kind::input, kSize, i));
    const auto any = [&] { return values[random() % values.size()]; };
    for (int i = 0; i < 12; ++i) {
        if (random() % 3 != 0) {
            values.push_back(add_step(program, OverwritingKernel{}, any(), any(), kSize));
            continue;
        }
        const auto whole = add_step(program, JoiningKernel{}, any(), any(), 2 * kSize);
        for (std::size_t half = 0; half < 2; ++half) {
            auto view = program.values[whole];
            view.shape = {kSize};
            view.offset_bytes += half * kSize * sizeof(float);
            program.values.push_back(view);
            values.push_back(program.values.size() - 1);
        }
    }
    for (int i = 0; i < 3; ++i) program.outputs.push_back(values[values.size() - 1 - random() % 4]);
    return program;
}

std::vector<std::vector<float>> results_of(Program program) {
    plan_memory(program);
    std::vector<std::vector<float>> inputs(2, std::vector<float>(kSize));
    for (std::size_t i = 0; i < kSize; ++i) {
        inputs[0][i] = static_cast<float>(i);
        inputs[1][i] = static_cast<float>(100 + i);
    }
    std::vector<std::vector<float>> outputs(program.outputs.size(), std::vector<float>(2 * kSize));
    std::vector<TensorMemory> in;
    std::vector<TensorMemory> out;
    for (auto& memory : inputs) in.push_back(memory.data());
    for (auto& memory : outputs) out.push_back(memory.data());
    std::vector<std::byte> arena(program.arena_bytes);
    const auto operands = operands_of(program, arena, in, out);
    std::size_t at = 0;
    for (const auto& step : program.steps) {
        step.run(step.kernel.get(), operands.data() + at);
        at += step.operands.size();
    }
    return outputs;
}

// What cannot be written where the caller wants it is copied behind the step that completes it, so that its memory
// serves others then; what no step computes, first.
TEST(MemoryPlan, CopiesOutputsAsSoonAsTheyAreComplete) {
    Program program;
    const auto x = add(program, Storage::Kind::input, kSize);
    const auto first = add_step(program, OverwritingKernel{}, x, x, kSize);
    const auto joined = add_step(program, JoiningKernel{}, x, first, 2 * kSize);
    auto half = program.values[joined];
    half.shape = {kSize};
    half.offset_bytes = kSize * sizeof(float);
    program.values.push_back(half);
    const auto second_half = program.values.size() - 1;
    const auto later = add_step(program, JoiningKernel{}, first, x, 2 * kSize);
    const auto last = add_step(program, OverwritingKernel{}, later, x, kSize);
    program.outputs = {second_half, x, last};
    plan_memory(program);
    std::vector<ValueId> copied;  // in each step; none but "output" steps read one value
    for (const auto& step : program.steps) copied.push_back(step.operation == "output" ? step.operands[0] : last);
    EXPECT_EQ(copied, (std::vector<ValueId>{x, last, last, second_half, last, last}));
    // Once it is copied, others may lie where it did.
    EXPECT_EQ(program.storages[program.values[joined].storage].offset,
              program.storages[program.values[later].storage].offset);
}

TEST(SharedStorage, ChangesNoResultOfRandomPrograms) {
    std::mt19937 random{3};
    std::size_t saved = 0;
    for (int trial = 0; trial < 2000; ++trial) {
        auto program = random_program(random);
        const auto expected = results_of(program);
        const auto steps = program.steps.size();
        share_storage(program);
        saved += steps - program.steps.size();
        ASSERT_EQ(results_of(program), expected) << trial;
    }
    EXPECT_GT(saved, 20U) << "concatenations whose parts are all computed in their places are no steps";
}

}  // namespace
}  // namespace sidetone::nn::native
