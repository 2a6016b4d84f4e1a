// SPDX-License-Identifier: Apache-2.0
#include "nn/native/plan_report.hpp"

#include <span>

namespace sidetone::nn::native {
namespace {

OperandReport report_operand(const Program& program, ValueId id) {
    const auto& value = program.values[id];
    const auto& storage = program.storages[value.storage];
    const auto start = storage.kind == Storage::Kind::arena ? storage.offset : 0;
    return {.shape = value.shape, .place = storage.kind, .offset = start + value.offset_bytes, .bytes = value.bytes()};
}

StepReport report_step(const Program& program, const Step& step) {
    StepReport report{.operation = step.operation,
                      .node = step.node,
                      .reads = {},
                      .writes = {},
                      .multiply_adds = step.multiply_adds,
                      .bytes = step.weight_bytes,
                      .weight_type = step.weight_type};
    for (std::size_t i = 0; i < step.operands.size(); ++i) {
        auto& list = i < step.reads ? report.reads : report.writes;
        list.push_back(report_operand(program, step.operands[i]));
        report.bytes += list.back().bytes;
    }
    return report;
}

}  // namespace

PlanReport report_plan(const Program& program) {
    PlanReport plan;
    plan.arena_bytes = program.arena_bytes;
    std::vector<bool> used(program.storages.size(), false);
    for (const auto& step : program.steps) {
        plan.steps.push_back(report_step(program, step));
        plan.multiply_adds += step.multiply_adds;
        plan.weight_bytes += step.weight_bytes;
        for (const auto id : step.operands) used[program.values[id].storage] = true;
    }
    for (std::size_t i = 0; i < used.size(); ++i) {
        if (!used[i]) continue;
        const auto& storage = program.storages[i];
        if (storage.kind == Storage::Kind::arena) plan.tensor_bytes += storage.bytes;
        if (storage.kind == Storage::Kind::constant) plan.constant_bytes += storage.bytes;
    }
    return plan;
}

}  // namespace sidetone::nn::native
