// SPDX-License-Identifier: Apache-2.0
#include "stage/denoise_settings.hpp"

#include <array>

namespace sidetone::stage {
namespace {

using namespace std::string_view_literals;

constexpr std::array kModes{"auto"sv, "direct"sv, "pipelined"sv};
constexpr std::array kMissPolicies{"hold"sv, "repeat"sv, "bypass"sv, "silence"sv};
constexpr std::array kBackends{"auto"sv, "native"sv, "onnxruntime"sv, "tflite"sv};
constexpr std::array kEars{"linked"sv, "independent"sv};

}  // namespace

DenoiseSettings read_denoise(const Settings& settings) {
    DenoiseSettings denoise;
    denoise.model = settings.text("model", denoise.model);
    denoise.backend = kBackends[settings.choice("backend", "auto", kBackends)];
    denoise.mode = static_cast<Mode>(settings.choice("mode", "auto", kModes));
    denoise.direct_share = settings.number("direct_share", denoise.direct_share, 0, 1);
    denoise.strength_db = settings.number("strength_db", denoise.strength_db, 0, 100);
    denoise.on_miss = static_cast<MissPolicy>(settings.choice("on_miss", "hold", kMissPolicies));
    denoise.inference_budget_us = settings.number("inference_budget_us", 0, 0, 1e6);
    settings.finish();
    return denoise;
}

DenoiseGainSettings read_denoise_gain(const Settings& settings) {
    DenoiseGainSettings denoise;
    denoise.model = settings.text("model", denoise.model);
    denoise.backend = kBackends[settings.choice("backend", "auto", kBackends)];
    denoise.mode = static_cast<Mode>(settings.choice("mode", "auto", kModes));
    denoise.direct_share = settings.number("direct_share", denoise.direct_share, 0, 1);
    denoise.strength_db = settings.number("strength_db", denoise.strength_db, 0, 100);
    denoise.wet = settings.number("wet", denoise.wet, 0, 1);
    denoise.ears = static_cast<DenoiseEars>(settings.choice("ears", "linked", kEars));
    denoise.copies = settings.integer("copies", denoise.copies, 1, 8);
    denoise.inference_budget_us = settings.number("inference_budget_us", 0, 0, 1e6);
    settings.finish();
    return denoise;
}

}  // namespace sidetone::stage
