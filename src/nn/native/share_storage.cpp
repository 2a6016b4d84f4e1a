// SPDX-License-Identifier: Apache-2.0
#include "nn/native/share_storage.hpp"

#include "nn/native/storage_use.hpp"

#include <algorithm>
#include <span>
#include <vector>

namespace sidetone::nn::native {
namespace {

/// The program's values by the storage that they lie in.
class ValuesByStorage {
public:
    explicit ValuesByStorage(Program& program) : program_(program), values_(program.storages.size()) {
        for (std::size_t id = 0; id < program.values.size(); ++id) values_[program.values[id].storage].push_back(id);
    }

    /// Every value that lies in storage `from` lies in storage `to` from here on, `offset` bytes further.
    void move(std::size_t from, std::size_t to, std::size_t offset) {
        for (const auto id : values_[from]) {
            program_.values[id].storage = to;
            program_.values[id].offset_bytes += offset;
            values_[to].push_back(id);
        }
        values_[from].clear();
    }

private:
    Program& program_;
    std::vector<std::vector<ValueId>> values_;
};

void compute_parts_in_place(Program& program) {
    const auto uses = uses_of(program);
    ValuesByStorage values{program};
    std::vector<bool> has_moved(program.storages.size());
    std::erase_if(program.steps, [&](const Step& step) {
        std::size_t moved = 0;
        for (std::size_t i = 0; i < step.part_offsets.size(); ++i) {
            const auto part = program.values[step.operands[i]];
            const auto whole = program.values[step.operands.back()];
            const auto& use = uses[part.storage];
            const bool is_free = program.storages[part.storage].kind == Storage::Kind::arena && use.writers == 1 &&
                                 use.readers == 1 && !use.is_output && !has_moved[part.storage];
            if (!is_free || !fills_storage(program, part)) continue;
            has_moved[part.storage] = true;
            has_moved[whole.storage] = true;
            values.move(part.storage, whole.storage, whole.offset_bytes + step.part_offsets[i]);
            ++moved;
        }
        return moved > 0 && moved == step.reads;
    });
}

void overwrite_inputs(Program& program) {
    auto uses = uses_of(program);
    ValuesByStorage values{program};
    for (std::size_t at = 0; at < program.steps.size(); ++at) {
        const auto& step = program.steps[at];
        if (!step.may_overwrite_input) continue;
        const auto in = program.values[step.operands[0]];
        const auto out = program.values[step.operands[step.reads]];
        const auto reads = std::span{step.operands}.first(step.reads);
        const auto reads_of_it =
            std::ranges::count_if(reads, [&](ValueId id) { return program.values[id].storage == in.storage; });
        auto& use = uses[in.storage];
        if (program.storages[in.storage].kind != Storage::Kind::arena || use.is_output || use.last_reader != at ||
            reads_of_it > 1 || in.bytes() != out.bytes() || !fills_storage(program, out)) {
            continue;
        }
        use.last_reader = std::max(at, uses[out.storage].last_reader);
        use.is_output = uses[out.storage].is_output;
        values.move(out.storage, in.storage, in.offset_bytes);
    }
}

}  // namespace

void share_storage(Program& program) {
    compute_parts_in_place(program);
    overwrite_inputs(program);
}

}  // namespace sidetone::nn::native
