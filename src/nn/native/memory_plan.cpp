// SPDX-License-Identifier: Apache-2.0
#include "nn/native/memory_plan.hpp"

#include <algorithm>
#include <cstring>
#include <iterator>
#include <limits>
#include <vector>

#include "nn/native/storage_use.hpp"

namespace sidetone::nn::native {
namespace {

constexpr std::size_t kCacheLine = 64;

struct CopyOut {
    std::size_t bytes;
    void operator()(void* const* operands) const noexcept {
        if (bytes != 0) std::memcpy(operands[1], operands[0], bytes);  // what is empty may lie nowhere
    }
};

std::size_t add_output(Program& program, std::size_t index, std::size_t bytes) {
    Storage storage;
    storage.kind = Storage::Kind::output;
    storage.index = index;
    storage.bytes = bytes;
    program.storages.push_back(std::move(storage));
    return program.storages.size() - 1;
}

// Lets the step that computes an output write it where the caller wants it. Where that cannot be, it is copied as soon
// as it is complete: its memory serves others then, and it is still in the nearest cache.
void place_outputs(Program& program) {
    const auto uses = uses_of(program);
    std::vector<std::vector<Step>> copies(program.steps.size() + 1);  // after so many steps
    for (std::size_t i = 0; i < program.outputs.size(); ++i) {
        const auto id = program.outputs[i];
        const auto value = program.values[id];
        auto& storage = program.storages[value.storage];
        if (storage.kind == Storage::Kind::arena && value.offset_bytes == 0 && value.bytes() == storage.bytes) {
            storage.kind = Storage::Kind::output;
            storage.index = i;
            continue;
        }
        const auto& use = uses[value.storage];
        auto copy = value;
        copy.storage = add_output(program, i, value.bytes());
        copy.offset_bytes = 0;
        program.values.push_back(copy);
        auto step = make_step(CopyOut{value.bytes()});
        step.operands = {id, program.values.size() - 1};
        step.reads = 1;
        step.operation = "output";
        copies[use.writers == 0 ? 0 : use.last_writer + 1].push_back(std::move(step));
    }
    std::vector<Step> steps;
    for (std::size_t at = 0; at < copies.size(); ++at) {
        std::ranges::move(copies[at], std::back_inserter(steps));
        if (at < program.steps.size()) steps.push_back(std::move(program.steps[at]));
    }
    program.steps = std::move(steps);
}

/// From the step that first touches a storage to the one that last does.
struct Life {
    std::size_t storage = 0;
    std::size_t first = std::numeric_limits<std::size_t>::max();
    std::size_t last = 0;

    [[nodiscard]] bool meets(const Life& other) const noexcept { return first <= other.last && other.first <= last; }
};

std::vector<Life> lives_of(const Program& program) {
    std::vector<Life> lives(program.storages.size());
    for (std::size_t i = 0; i < lives.size(); ++i) lives[i].storage = i;
    for (std::size_t at = 0; at < program.steps.size(); ++at) {
        for (const auto id : program.steps[at].operands) {
            auto& life = lives[program.values[id].storage];
            life.first = std::min(life.first, at);
            life.last = std::max(life.last, at);
        }
    }
    std::erase_if(lives, [&](const Life& life) {
        return life.first > life.last || program.storages[life.storage].kind != Storage::Kind::arena;
    });
    return lives;
}

std::size_t rounded(std::size_t bytes) {
    return (std::max<std::size_t>(bytes, 1) + kCacheLine - 1) / kCacheLine * kCacheLine;
}

// The lowest place for `life` that is free while it lasts; `placed` is in the order of places.
std::size_t lowest_free_place(const Program& program, const std::vector<Life>& placed, const Life& life) {
    const auto bytes = rounded(program.storages[life.storage].bytes);
    std::size_t place = 0;
    for (const auto& other : placed) {
        if (!life.meets(other)) continue;
        const auto& taken = program.storages[other.storage];
        if (place + bytes <= taken.offset) break;
        place = std::max(place, taken.offset + rounded(taken.bytes));
    }
    return place;
}

}  // namespace

void plan_memory(Program& program) {
    place_outputs(program);
    auto lives = lives_of(program);
    // The largest first: the small ones fill the gaps.
    std::ranges::stable_sort(lives, std::greater{},
                             [&](const Life& life) { return program.storages[life.storage].bytes; });
    std::vector<Life> placed;
    for (const auto& life : lives) {
        auto& storage = program.storages[life.storage];
        storage.offset = lowest_free_place(program, placed, life);
        program.arena_bytes = std::max(program.arena_bytes, storage.offset + rounded(storage.bytes));
        const auto after = std::ranges::upper_bound(placed, storage.offset, std::less{}, [&](const Life& other) {
            return program.storages[other.storage].offset;
        });
        placed.insert(after, life);
    }
}

}  // namespace sidetone::nn::native
