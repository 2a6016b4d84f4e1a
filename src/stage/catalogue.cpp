// SPDX-License-Identifier: Apache-2.0
#include "stage/catalogue.hpp"

#include <fmt/format.h>

#include <array>

#include "stage/beamform.hpp"
#include "stage/compress.hpp"
#include "stage/denoise_settings.hpp"
#include "stage/equalise.hpp"
#include "stage/feedback_canceller.hpp"
#include "stage/filter_bank.hpp"
#include "stage/gain.hpp"
#include "stage/limit.hpp"
#include "stage/spatialise_settings.hpp"
#include "stage/tap.hpp"

namespace sidetone::stage {
namespace {

using namespace std::string_view_literals;

constexpr std::array kBankOutputs{"synthesis"sv, "minimum_phase"sv, "causal_wiener"sv};
constexpr std::array kBeamformModes{"fixed"sv, "adaptive"sv};
constexpr std::array kTapOutputs{"input"sv, "silence"sv};

std::unique_ptr<Stage> make_denoise(Settings& settings, std::uint32_t channels) {
    return std::make_unique<DenoiseStage>(read_denoise(settings), channels);
}

std::unique_ptr<SpectralGain> make_denoise_gain(Settings& settings, std::uint32_t channels) {
    return std::make_unique<DenoiseGain>(read_denoise_gain(settings), channels);
}

std::unique_ptr<Stage> make_beamform(Settings& settings, std::uint32_t channels) {
    if (channels != 2) {
        settings.fail("kind", fmt::format("\"beamform\" in a chain of {} channels", channels),
                      "2 channels, the front and the back microphone");
    }
    dsp::BeamformerSettings beamformer;
    beamformer.is_adaptive = settings.choice("mode", "fixed", kBeamformModes) == 1;
    beamformer.spacing_m = settings.number("spacing_mm", 1000 * beamformer.spacing_m, 1, 100) / 1000;
    beamformer.null_degrees = settings.number("null_degrees", beamformer.null_degrees, 90, 180);
    beamformer.adapt_ms = settings.number("adapt_ms", beamformer.adapt_ms, 5, 5000);
    beamformer.equalise_from_hz = settings.number("equalise_from_hz", beamformer.equalise_from_hz, 50, 2000);
    settings.finish();
    return std::make_unique<BeamformStage>(beamformer);
}

std::unique_ptr<Stage> make_cancel_feedback(Settings& settings, std::uint32_t /*channels*/) {
    FeedbackCancellerSettings feedback;
    feedback.path_ms = settings.number("path_ms", feedback.path_ms, 1, 40);
    feedback.bulk_delay_ms = settings.number("bulk_delay_ms", feedback.bulk_delay_ms, 0, 500);
    settings.finish();
    return std::make_unique<FeedbackCancellerStage>(feedback);
}

std::unique_ptr<Stage> make_gain(Settings& settings, std::uint32_t /*channels*/) {
    return std::make_unique<GainStage>(read_gain_db(settings));
}

std::unique_ptr<Stage> make_equalise(Settings& settings, std::uint32_t /*channels*/) {
    auto equaliser = read_equaliser(settings);
    settings.finish();
    return std::make_unique<EqualiseStage>(std::move(equaliser));
}

std::unique_ptr<SpectralGain> make_equalise_gain(Settings& settings, std::uint32_t /*channels*/) {
    auto equaliser = read_equaliser(settings);
    settings.finish();
    return std::make_unique<EqualiseGain>(std::move(equaliser));
}

std::unique_ptr<SpectralGain> make_compress_gain(Settings& settings, std::uint32_t channels) {
    return std::make_unique<CompressGain>(read_compressor(settings, channels));
}

std::unique_ptr<Stage> make_limit(Settings& settings, std::uint32_t /*channels*/) {
    return std::make_unique<LimitStage>(read_limit(settings));
}

std::unique_ptr<Stage> make_filter_bank(Settings& settings, std::uint32_t channels) {
    FilterBankSettings bank;
    bank.analysis_ms = settings.number("analysis_ms", bank.analysis_ms, 4, 80);
    bank.synthesis_ms = settings.number("synthesis_ms", bank.synthesis_ms, 1, 40);
    bank.hop_ms = settings.number("hop_ms", bank.hop_ms, 0.25, 10);
    bank.output = static_cast<BankOutput>(settings.choice("output", "synthesis", kBankOutputs));
    if (bank.output == BankOutput::causal_wiener) bank.delay_ms = settings.number("delay_ms", bank.delay_ms, 0, 4);
    const auto tables = settings.tables("gains");
    settings.finish();
    std::vector<std::unique_ptr<SpectralGain>> links;
    for (auto table : tables) {
        const auto kind = table.text("kind", "");
        (void)table.text("name", kind);
        links.push_back(make_spectral_gain(kind, table, channels));
    }
    return std::make_unique<FilterBankStage>(bank, std::move(links));
}

std::unique_ptr<Stage> make_spatialise(Settings& settings, std::uint32_t channels) {
    return std::make_unique<SpatialiseStage>(read_spatialise(settings, channels));
}

std::unique_ptr<Stage> make_tap(Settings& settings, std::uint32_t /*channels*/) {
    const auto output = static_cast<Tap::Output>(settings.choice("output", "input", kTapOutputs));
    settings.finish();
    return std::make_unique<Tap>(output);
}

template <class Link>
struct Kind {
    std::string_view name;
    std::unique_ptr<Link> (*make)(Settings&, std::uint32_t);
};
constexpr std::array kKinds{Kind<Stage>{"beamform", make_beamform},
                            Kind<Stage>{"cancel_feedback", make_cancel_feedback},
                            Kind<Stage>{"denoise", make_denoise},
                            Kind<Stage>{"equalise", make_equalise},
                            Kind<Stage>{"filter_bank", make_filter_bank},
                            Kind<Stage>{"gain", make_gain},
                            Kind<Stage>{"limit", make_limit},
                            Kind<Stage>{"spatialise", make_spatialise},
                            Kind<Stage>{"tap", make_tap}};
constexpr std::array kSpectralKinds{Kind<SpectralGain>{"compress", make_compress_gain},
                                    Kind<SpectralGain>{"denoise", make_denoise_gain},
                                    Kind<SpectralGain>{"equalise", make_equalise_gain}};

template <class Link, std::size_t count>
std::unique_ptr<Link> make(const std::array<Kind<Link>, count>& kinds, std::string_view kind, Settings& settings,
                           std::uint32_t channels) {
    std::string names;
    for (const auto& known : kinds) {
        if (known.name == kind) return known.make(settings, channels);
        names += fmt::format("{}\"{}\"", names.empty() ? "" : ", ", known.name);
    }
    settings.fail("kind", kind.empty() ? "nothing" : fmt::format("\"{}\"", kind), fmt::format("one of {}", names));
}

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
    return make(kKinds, kind, settings, channels);
}

std::unique_ptr<SpectralGain> make_spectral_gain(std::string_view kind, Settings& settings, std::uint32_t channels) {
    return make(kSpectralKinds, kind, settings, channels);
}

}  // namespace sidetone::stage
