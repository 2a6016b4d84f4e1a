// SPDX-License-Identifier: Apache-2.0
#include "stage/catalogue.hpp"

#include <fmt/format.h>

#include <array>

#include "stage/denoise.hpp"
#include "stage/gain.hpp"

namespace sidetone::stage {
namespace {

using namespace std::string_view_literals;

constexpr std::array kModes{"auto"sv, "direct"sv, "pipelined"sv};
constexpr std::array kMissPolicies{"hold"sv, "repeat"sv, "bypass"sv, "silence"sv};
constexpr std::array kBackends{"auto"sv, "native"sv, "onnxruntime"sv, "tflite"sv};

std::unique_ptr<Stage> make_denoise(Settings& settings, std::uint32_t channels) {
    DenoiseSettings denoise;
    denoise.model = settings.text("model", denoise.model);
    denoise.backend = kBackends[settings.choice("backend", "auto", kBackends)];
    denoise.mode = static_cast<Mode>(settings.choice("mode", "auto", kModes));
    denoise.direct_share = settings.number("direct_share", denoise.direct_share, 0, 1);
    denoise.strength_db = settings.number("strength_db", denoise.strength_db, 0, 100);
    denoise.on_miss = static_cast<MissPolicy>(settings.choice("on_miss", "hold", kMissPolicies));
    denoise.inference_budget_us = settings.number("inference_budget_us", 0, 0, 1e6);
    settings.finish();  // before a model is loaded for nothing
    return std::make_unique<DenoiseStage>(std::move(denoise), channels);
}

std::unique_ptr<Stage> make_gain(Settings& settings, std::uint32_t /*channels*/) {
    const auto gain_db = settings.number("gain_db", 0, -120, 40);
    settings.finish();
    return std::make_unique<GainStage>(gain_db);
}

struct Kind {
    std::string_view name;
    std::unique_ptr<Stage> (*make)(Settings&, std::uint32_t);
};
constexpr std::array kKinds{Kind{"denoise", make_denoise}, Kind{"gain", make_gain}};

}  // namespace

const char* to_string(Mode mode) noexcept {
    switch (mode) {
        case Mode::automatic:
            return "auto";
        case Mode::direct:
            return "direct";
        case Mode::pipelined:
            return "pipelined";
    }
    return "?";
}

std::unique_ptr<Stage> make_stage(std::string_view kind, Settings& settings, std::uint32_t channels) {
    std::string names;
    for (const auto& known : kKinds) {
        if (known.name == kind) return known.make(settings, channels);
        names += fmt::format("{}\"{}\"", names.empty() ? "" : ", ", known.name);
    }
    settings.fail("kind", fmt::format("\"{}\"", kind), fmt::format("one of {}", names));
}

}  // namespace sidetone::stage
