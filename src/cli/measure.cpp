// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "cli/command.hpp"
#include "cli/voice_command.hpp"
#include "device/sound_file.hpp"
#include "dsp/alignment.hpp"
#include "dsp/intelligibility.hpp"
#include "dsp/segmental_snr.hpp"
#include "dsp/si_sdr.hpp"
#include "nn/dnsmos.hpp"
#include "rt/error.hpp"

namespace sidetone::cli {
namespace {

constexpr double kLongestDelaySeconds = 1.0;

struct QualityArguments {
    std::string clean, noisy, out, json;
};

struct Recording {
    std::vector<float> samples;  // of the first channel
    std::uint32_t rate_hz;
};

Recording read(const std::string& path) {
    auto sound = device::read_sound_file(path);
    if (sound.not_finite != 0)
        throw InputError(fmt::format("{}: found {} samples that are NaN or infinite", path, sound.not_finite));
    return {.samples = std::move(sound.channels.front()), .rate_hz = sound.rate_hz};
}

Recording read_like(const std::string& path, const Recording& clean, const std::string& clean_path) {
    auto recording = read(path);
    if (recording.rate_hz != clean.rate_hz) {
        throw InputError(fmt::format("{}: found {} Hz, expected {} Hz as {} has", path, recording.rate_hz,
                                     clean.rate_hz, clean_path));
    }
    return recording;
}

struct Quality {
    std::int64_t delay_frames = 0;
    double si_sdr_db = 0, segmental_snr_db = 0;
    dsp::Intelligibility intelligibility{};
    std::optional<nn::OpinionScores> opinion;
};

// In the stretch in which both recordings are there, once the delay of `other` is taken off.
Quality quality_of(const Recording& other, const Recording& clean, std::optional<nn::Dnsmos>& dnsmos) {
    const std::span<const float> reference{clean.samples}, signal{other.samples};
    const auto longest = static_cast<std::int64_t>(kLongestDelaySeconds * clean.rate_hz);
    const auto delay = dsp::delay_by_cross_correlation(reference, signal, longest);
    const auto late = static_cast<std::size_t>(std::max<std::int64_t>(0, delay));
    const auto early = static_cast<std::size_t>(std::max<std::int64_t>(0, -delay));
    if (late >= signal.size() || early >= reference.size()) throw InputError("the recordings do not overlap");
    const auto count = std::min(signal.size() - late, reference.size() - early);
    const auto wanted = reference.subspan(early, count), found = signal.subspan(late, count);
    return {.delay_frames = delay,
            .si_sdr_db = dsp::si_sdr_db(wanted, found),
            .segmental_snr_db = dsp::segmental_snr_db(wanted, found, clean.rate_hz),
            .intelligibility = dsp::intelligibility(wanted, found, clean.rate_hz),
            .opinion = dnsmos ? std::optional{dnsmos->score(found, clean.rate_hz)} : std::nullopt};
}

// What JSON cannot say (infinite, not a number) becomes null.
nlohmann::json to_json(const Quality& before, const Quality& after, std::uint32_t rate_hz) {
    const auto pair = [](auto noisy, auto out) { return nlohmann::json{{"noisy", noisy}, {"out", out}}; };
    const auto opinion = [&](double nn::OpinionScores::*score) {
        if (!before.opinion || !after.opinion) return pair(nullptr, nullptr);
        return pair((*before.opinion).*score, (*after.opinion).*score);
    };
    return {{"si_sdr_db", pair(before.si_sdr_db, after.si_sdr_db)},
            {"segmental_snr_db", pair(before.segmental_snr_db, after.segmental_snr_db)},
            {"stoi", pair(before.intelligibility.stoi, after.intelligibility.stoi)},
            {"estoi", pair(before.intelligibility.estoi, after.intelligibility.estoi)},
            {"dnsmos", opinion(&nn::OpinionScores::overall)},
            {"dnsmos_speech", opinion(&nn::OpinionScores::speech)},
            {"dnsmos_background", opinion(&nn::OpinionScores::background)},
            {"delay_frames", pair(before.delay_frames, after.delay_frames)},
            {"rate_hz", rate_hz}};
}

void print_line(const char* name, double before, double after, int decimals, const char* unit) {
    const double gain = before == after ? 0 : after - before;  // two infinities have no difference
    fmt::print("{:<14} before {:7.{}f}{}   after {:7.{}f}{}   gain {:+.{}f}{}\n", name, before, decimals, unit, after,
               decimals, unit, gain, decimals, unit);
}

int quality(const QualityArguments& arguments) {
    if (!arguments.json.empty()) check_writable(arguments.json);
    const auto clean = read(arguments.clean);
    auto dnsmos = nn::Dnsmos::open();
    const auto before = quality_of(read_like(arguments.noisy, clean, arguments.clean), clean, dnsmos);
    const auto after = quality_of(read_like(arguments.out, clean, arguments.clean), clean, dnsmos);
    if (!arguments.json.empty()) write_json(arguments.json, to_json(before, after, clean.rate_hz));
    print_line("SI-SDR", before.si_sdr_db, after.si_sdr_db, 2, " dB");
    print_line("segmental SNR", before.segmental_snr_db, after.segmental_snr_db, 2, " dB");
    print_line("STOI", before.intelligibility.stoi, after.intelligibility.stoi, 3, "");
    print_line("ESTOI", before.intelligibility.estoi, after.intelligibility.estoi, 3, "");
    if (before.opinion && after.opinion)
        print_line("DNSMOS overall", before.opinion->overall, after.opinion->overall, 2, "");
    fmt::print("of the first channel; delay found: {} frames\n", after.delay_frames);
    if (std::isnan(after.intelligibility.estoi)) {
        fmt::print("STOI and ESTOI need 0.4 s of sound in {}\n", arguments.clean);
    }
    return kFine;
}

}  // namespace

void add_measure(Command app, int& exit_code) {
    auto measure = app.add_subcommand("measure", "Measure what a chain does to sound, or a voice");
    measure.require_subcommand();
    auto arguments = std::make_shared<QualityArguments>();
    auto command = measure.add_subcommand(
        "quality", "How much closer to the clean recording a chain came (SI-SDR, segmental SNR, STOI, ESTOI, DNSMOS)");
    command.add_option("clean", arguments->clean, "What was said, without noise").required();
    command.add_option("noisy", arguments->noisy, "The chain's input").required();
    command.add_option("out", arguments->out, "The chain's output; its delay is found and taken off").required();
    command.add_option("--json", arguments->json, "Write the figures to this file");
    command.footer(
        "SI-SDR, STOI and ESTOI do not depend on the output's level, segmental SNR does. What is infinite (SI-SDR of "
        "the\n"
        "clean recording itself) or needs more sound is null in JSON; so is DNSMOS where the model dnsmos "
        "is not.\n\n"
        "Example: sidetone measure quality clean.wav noisy.wav denoised.wav");
    command.callback([arguments, &exit_code] { exit_code = quality(*arguments); });
    add_measure_electroacoustic(measure, exit_code);
    add_measure_latency(measure, exit_code);
    add_measure_surround(measure, exit_code);
    add_measure_voice(measure, exit_code);
}

}  // namespace sidetone::cli
