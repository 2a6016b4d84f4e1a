// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <memory>
#include <random>
#include <vector>

#include "cli/command.hpp"
#include "cli/mono_recording.hpp"
#include "device/sound_file.hpp"
#include "dsp/pink_noise.hpp"
#include "rt/error.hpp"

namespace sidetone::cli {
namespace {

constexpr double kPauseSeconds = 0.35;  // between utterances
constexpr double kSpeechPeak = 0.35;    // of full scale, so that noise at any useful level fits on top

struct MixArguments {
    std::vector<std::string> speech;
    std::string noise = "fan", clean, output;
    double snr_db = 0, seconds = 0;
    std::uint32_t rate_hz = 48'000;
    std::uint64_t seed = 1;
};

// Utterances one after another with pauses, over and over until `frames` are full.
std::vector<float> speech_track(const std::vector<std::string>& files, std::uint32_t rate_hz, std::size_t frames) {
    const std::vector<float> pause(static_cast<std::size_t>(kPauseSeconds * rate_hz));
    std::vector<float> once = pause;
    for (const auto& file : files) {
        auto utterance = read_mono(file, rate_hz);
        const auto peak = std::fabs(*std::max_element(utterance.begin(), utterance.end(),
                                                      [](float a, float b) { return std::fabs(a) < std::fabs(b); }));
        const auto gain = peak > 0 ? static_cast<float>(kSpeechPeak) / peak : 0.0F;
        for (auto& sample : utterance) sample *= gain;
        once.insert(once.end(), utterance.begin(), utterance.end());
        once.insert(once.end(), pause.begin(), pause.end());
    }
    if (frames == 0) return once;
    std::vector<float> track(frames);
    for (std::size_t i = 0; i < frames; ++i) track[i] = once[i % once.size()];
    return track;
}

// A desk fan: pink rush whose loudness follows the blades, and the hum of its motor with harmonics.
std::vector<float> fan_noise(std::size_t frames, std::uint32_t rate_hz, std::mt19937_64& random) {
    constexpr double kBladesHz = 27, kHumHz = 100;
    auto out = dsp::pink_noise(frames, random);
    for (std::size_t i = 0; i < frames; ++i) {
        const double t = static_cast<double>(i) / rate_hz;
        const double rush = 1 + 0.25 * std::sin(2 * M_PI * kBladesHz * t) + 0.1 * std::sin(2 * M_PI * 0.3 * t);
        double hum = 0;
        for (int k = 1; k <= 5; ++k) hum += std::sin(2 * M_PI * kHumHz * k * t + k) / k;
        out[i] = static_cast<float>(rush * static_cast<double>(out[i]) + 0.35 * hum);
    }
    return out;
}

std::vector<float> noise_track(const MixArguments& arguments, std::size_t frames) {
    std::mt19937_64 random{arguments.seed};
    if (arguments.noise == "fan") return fan_noise(frames, arguments.rate_hz, random);
    if (arguments.noise == "pink") return dsp::pink_noise(frames, random);
    const auto recording = read_mono(arguments.noise, arguments.rate_hz);
    if (recording.empty()) throw InputError(fmt::format("{}: found no samples", arguments.noise));
    std::vector<float> track(frames);
    for (std::size_t i = 0; i < frames; ++i) track[i] = recording[i % recording.size()];
    return track;
}

int mix(const MixArguments& arguments) {
    const auto frames = static_cast<std::size_t>(arguments.seconds * arguments.rate_hz);
    auto clean = speech_track(arguments.speech, arguments.rate_hz, frames);
    auto noisy = noise_track(arguments, clean.size());
    const auto noise_power = mean_power(noisy);
    if (noise_power == 0) throw InputError(fmt::format("{}: found silence, expected noise", arguments.noise));
    const auto gain = std::sqrt(mean_power(clean) / noise_power / std::pow(10, arguments.snr_db / 10));
    float peak = 0;
    for (std::size_t i = 0; i < clean.size(); ++i) {
        noisy[i] = clean[i] + static_cast<float>(gain) * noisy[i];
        peak = std::max(peak, std::fabs(noisy[i]));
    }
    if (peak > 1) {  // both alike, so that the ratio stays
        for (auto& sample : clean) sample /= peak;
        for (auto& sample : noisy) sample /= peak;
    }
    if (!arguments.clean.empty()) {
        device::write_sound_file(arguments.clean, {.rate_hz = arguments.rate_hz, .channels = {clean}});
    }
    device::write_sound_file(arguments.output, {.rate_hz = arguments.rate_hz, .channels = {noisy}});
    fmt::print("{}: {:.1f} s, {} Hz, {} at {:g} dB signal to noise\n", arguments.output,
               static_cast<double>(noisy.size()) / arguments.rate_hz, arguments.rate_hz, arguments.noise,
               arguments.snr_db);
    return kFine;
}

}  // namespace

void add_mix(Command app, int& exit_code) {
    auto arguments = std::make_shared<MixArguments>();
    auto command =
        app.add_subcommand("mix", "Make a noisy recording of clean speech, at a known signal-to-noise ratio");
    command
        .add_option("--speech", arguments->speech, "Clean recording; give it several times to string several together")
        .required();
    command.add_option("--noise", arguments->noise, "fan, pink, or a recording").capture_default_str();
    command.add_option("--snr", arguments->snr_db, "Signal-to-noise ratio in dB, over the whole length")
        .in_range(-40.0, 60.0)
        .capture_default_str();
    command.add_option("--seconds", arguments->seconds, "Length; the speech repeats (0: once through)")
        .in_range(0.0, 3600.0);
    command.add_option("--rate", arguments->rate_hz, "Frames a second").in_range(8000, 192'000).capture_default_str();
    command.add_option("--seed", arguments->seed, "Of the made noise").capture_default_str();
    command.add_option("--clean", arguments->clean,
                       "Also write the speech alone to this WAV file, for `measure quality`");
    command.add_option("output", arguments->output, "WAV file to write").required();
    command.footer("Example: sidetone mix --speech hello.wav --noise fan --snr 5 --clean clean.wav noisy.wav");
    command.callback([arguments, &exit_code] { exit_code = mix(*arguments); });
}

}  // namespace sidetone::cli
