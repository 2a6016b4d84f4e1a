// SPDX-License-Identifier: Apache-2.0
#include "cli/model_plan.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>
#include <numeric>
#include <vector>

#include "nn/model_store.hpp"
#include "nn/native/profile.hpp"

namespace sidetone::cli {
namespace {

using nn::native::OperandReport;
using nn::native::PlanReport;
using nn::native::Profile;
using nn::native::StepReport;
using nn::native::Storage;

const char* name_of(Storage::Kind place) {
    switch (place) {
        case Storage::Kind::input:
            return "input";
        case Storage::Kind::output:
            return "output";
        case Storage::Kind::constant:
            return "constant";
        case Storage::Kind::arena:
            break;
    }
    return "arena";
}

double kilo(std::uint64_t count) {
    return static_cast<double>(count) / 1000;
}

// ── text ────────────────────────────────────────────────────────────────────────────────────────

std::string text_of(const OperandReport& operand) {
    return fmt::format("[{}] {}+{}", fmt::join(operand.shape, ","), name_of(operand.place), operand.offset);
}

std::string text_of(const std::vector<OperandReport>& operands) {
    std::vector<std::string> texts;
    texts.reserve(operands.size());
    for (const auto& operand : operands) texts.push_back(text_of(operand));
    return fmt::format("{}", fmt::join(texts, ", "));
}

std::string memory_text(const PlanReport& plan) {
    return fmt::format(
        "  {} steps, {:.1f} thousand multiply-adds a run\n"
        "  arena {:.1f} kB, for tensors that take {:.1f} kB together; weights {:.1f} kB, constants {:.1f} kB\n",
        plan.steps.size(), kilo(plan.multiply_adds), kilo(plan.arena_bytes), kilo(plan.tensor_bytes),
        kilo(plan.weight_bytes), kilo(plan.constant_bytes));
}

std::string steps_text(const PlanReport& plan) {
    auto text = fmt::format("  {:>4} {:<20} {:>9} {:>8} {:<7}  {}\n", "step", "operator", "k mul-add", "kB", "weights",
                            "tensors, node");
    for (std::size_t i = 0; i < plan.steps.size(); ++i) {
        const auto& step = plan.steps[i];
        text += fmt::format("  {:>4} {:<20} {:>9.1f} {:>8.1f} {:<7}  {} -> {}  {}\n", i, step.operation,
                            kilo(step.multiply_adds), kilo(step.bytes), step.weight_type, text_of(step.reads),
                            text_of(step.writes), step.node);
    }
    return text;
}

/// Steps of the same kind, or one step.
struct Cost {
    std::string name, node;
    double us = 0;
    std::uint64_t multiply_adds = 0;
    std::size_t bytes = 0, steps = 0;

    void add(const StepReport& step, double step_us) {
        us += step_us;
        multiply_adds += step.multiply_adds;
        bytes += step.bytes;
        ++steps;
    }
};

double peak_share(std::uint64_t multiply_adds, double us, double peak) {
    return us > 0 ? static_cast<double>(multiply_adds) / (us * 1e-6 * peak) : 0;
}

double steps_us(const Profile& profile) {
    return std::accumulate(profile.step_us.begin(), profile.step_us.end(), 0.0);
}

std::string costs_text(std::vector<Cost> costs, const Profile& profile) {
    std::ranges::stable_sort(costs, std::greater{}, &Cost::us);
    const auto all_us = steps_us(profile);
    auto text = fmt::format("  {:>9} {:>7} {:>9} {:>8} {:>8}  {:<20} {}\n", "us", "share", "k mul-add", "of peak", "kB",
                            "operator", "node");
    for (const auto& cost : costs) {
        text += fmt::format("  {:>9.2f} {:>6.1f}% {:>9.1f} {:>7.1f}% {:>8.1f}  {:<20} {}\n", cost.us,
                            all_us > 0 ? 100 * cost.us / all_us : 0, kilo(cost.multiply_adds),
                            100 * peak_share(cost.multiply_adds, cost.us, profile.peak_multiply_adds_per_second),
                            kilo(cost.bytes), cost.name, cost.node);
    }
    return text;
}

std::vector<Cost> costs_of_steps(const Profile& profile) {
    std::vector<Cost> costs;
    for (std::size_t i = 0; i < profile.step_us.size(); ++i) {
        const auto& step = profile.plan.steps[i];
        costs.push_back({.name = step.operation, .node = step.node});
        costs.back().add(step, profile.step_us[i]);
    }
    return costs;
}

std::vector<Cost> costs_of_operators(const Profile& profile) {
    std::map<std::string, Cost> sums;
    for (std::size_t i = 0; i < profile.step_us.size(); ++i) {
        sums[profile.plan.steps[i].operation].add(profile.plan.steps[i], profile.step_us[i]);
    }
    std::vector<Cost> costs;
    for (auto& [name, cost] : sums) {
        cost.name = name;
        cost.node = fmt::format("({} step{})", cost.steps, cost.steps == 1 ? "" : "s");
        costs.push_back(cost);
    }
    return costs;
}

std::string text_of(const Profile& profile) {
    const auto peak = profile.peak_multiply_adds_per_second;
    return memory_text(profile.plan) +
           fmt::format(
               "  {:.1f} us a run (median of {}), {:.1f} % of the peak of {:.1f} thousand million multiply-adds a "
               "second;\n"
               "  step by step {:.1f} us, the clock's readings in between included\n\n  by operator\n",
               profile.run_us, profile.runs, 100 * peak_share(profile.plan.multiply_adds, profile.run_us, peak),
               peak / 1e9, steps_us(profile)) +
           costs_text(costs_of_operators(profile), profile) + "\n  by step\n" +
           costs_text(costs_of_steps(profile), profile);
}

// ── JSON ────────────────────────────────────────────────────────────────────────────────────────

nlohmann::json to_json(const std::vector<OperandReport>& operands) {
    auto json = nlohmann::json::array();
    for (const auto& operand : operands) {
        json.push_back({{"shape", operand.shape},
                        {"place", name_of(operand.place)},
                        {"offset_bytes", operand.offset},
                        {"bytes", operand.bytes}});
    }
    return json;
}

nlohmann::json to_json(const std::string& file, const PlanReport& plan) {
    auto steps = nlohmann::json::array();
    for (const auto& step : plan.steps) {
        steps.push_back({{"operator", step.operation},
                         {"node", step.node},
                         {"reads", to_json(step.reads)},
                         {"writes", to_json(step.writes)},
                         {"multiply_adds", step.multiply_adds},
                         {"bytes", step.bytes},
                         {"weight_type", step.weight_type}});
    }
    return {{"file", file},
            {"multiply_adds", plan.multiply_adds},
            {"arena_bytes", plan.arena_bytes},
            {"tensor_bytes", plan.tensor_bytes},
            {"weight_bytes", plan.weight_bytes},
            {"constant_bytes", plan.constant_bytes},
            {"steps", steps}};
}

nlohmann::json to_json(const std::string& file, const Profile& profile) {
    auto json = to_json(file, profile.plan);
    const auto peak = profile.peak_multiply_adds_per_second;
    json["runs"] = profile.runs;
    json["run_us"] = profile.run_us;
    json["steps_us"] = steps_us(profile);
    json["peak_multiply_adds_per_second"] = peak;
    json["peak_share"] = peak_share(profile.plan.multiply_adds, profile.run_us, peak);
    for (std::size_t i = 0; i < profile.step_us.size(); ++i) {
        auto& step = json["steps"][i];
        step["us"] = profile.step_us[i];
        step["peak_share"] = peak_share(profile.plan.steps[i].multiply_adds, profile.step_us[i], peak);
    }
    return json;
}

}  // namespace

GraphPlan plan_graph(const nn::Manifest& model, const nn::GraphSpec& graph) {
    nn::verify_weights(model, graph);
    const auto plan = nn::native::plan_of(graph, nn::weights_file(model, graph));
    return {fmt::format("plan of {}\n", graph.file) + memory_text(plan) + steps_text(plan), to_json(graph.file, plan)};
}

GraphPlan profile_graph(const nn::Manifest& model, const nn::GraphSpec& graph, std::size_t runs) {
    nn::verify_weights(model, graph);
    const auto profile = nn::native::profile(graph, nn::weights_file(model, graph), runs);
    return {fmt::format("profile of {}\n", graph.file) + text_of(profile), to_json(graph.file, profile)};
}

}  // namespace sidetone::cli
