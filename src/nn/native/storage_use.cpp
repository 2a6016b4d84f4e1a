// SPDX-License-Identifier: Apache-2.0
#include "nn/native/storage_use.hpp"

namespace sidetone::nn::native {

std::vector<StorageUse> uses_of(const Program& program) {
    std::vector<StorageUse> uses(program.storages.size());
    for (std::size_t at = 0; at < program.steps.size(); ++at) {
        const auto& step = program.steps[at];
        for (std::size_t i = 0; i < step.operands.size(); ++i) {
            auto& use = uses[program.values[step.operands[i]].storage];
            if (i < step.reads) {
                ++use.readers;
                use.last_reader = at;
            } else {
                ++use.writers;
                use.last_writer = at;
            }
        }
    }
    for (const auto id : program.outputs) uses[program.values[id].storage].is_output = true;
    return uses;
}

bool fills_storage(const Program& program, const Value& value) {
    return value.offset_bytes == 0 && value.bytes() == program.storages[value.storage].bytes;
}

}  // namespace sidetone::nn::native
