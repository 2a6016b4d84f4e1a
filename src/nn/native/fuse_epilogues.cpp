// SPDX-License-Identifier: Apache-2.0
#include "nn/native/fuse_epilogues.hpp"

#include "nn/native/storage_use.hpp"

#include <vector>

namespace sidetone::nn::native {
namespace {

// True where the shapes have the same channels at the same places of memory.
bool channels_agree(const Epilogue& epilogue, const Shape& made, const Shape& read) {
    if (!epilogue.is_per_channel()) return true;
    if (epilogue.channels == Epilogue::Channels::second_axis) return made == read;
    return !made.empty() && !read.empty() && made.back() == read.back();
}

// Absorbing copies a kernel with its weights. Networks have two or three such steps behind one another; a file made to
// harm may have any number.
constexpr std::size_t kMostAbsorbed = 8;

bool fuse(Program& program, std::vector<StorageUse>& uses, const Step& step) {
    if (!step.epilogue) return false;
    const auto& read = program.values[step.operands[step.epilogue->operand]];
    const auto& out = program.values[step.operands[step.reads]];
    const auto& use = uses[read.storage];
    if (program.storages[read.storage].kind != Storage::Kind::arena || use.writers != 1 || use.readers != 1 ||
        use.is_output || !fills_storage(program, read) || !fills_storage(program, out) || read.bytes() != out.bytes()) {
        return false;
    }
    auto& maker = program.steps[use.last_writer];
    auto& made = maker.operands[maker.reads];
    if (maker.absorb == nullptr || maker.absorbed == kMostAbsorbed || program.values[made].storage != read.storage ||
        !channels_agree(*step.epilogue, program.values[made].shape, read.shape) ||
        !maker.absorb(maker, *step.epilogue)) {
        return false;
    }
    ++maker.absorbed;
    maker.operation += "+" + step.operation;
    uses[out.storage].last_writer = use.last_writer;
    made = step.operands[step.reads];
    return true;
}

}  // namespace

void fuse_epilogues(Program& program) {
    auto uses = uses_of(program);
    std::vector<Step> kept;
    std::vector<bool> is_fused;
    for (const auto& step : program.steps) is_fused.push_back(fuse(program, uses, step));
    for (std::size_t at = 0; at < is_fused.size(); ++at) {
        if (!is_fused[at]) kept.push_back(std::move(program.steps[at]));
    }
    program.steps = std::move(kept);
}

}  // namespace sidetone::nn::native
