// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <nlohmann/json.hpp>
#include <span>

#include "cli/command.hpp"
#include "device/sound_file.hpp"
#include "dsp/alignment.hpp"
#include "dsp/si_sdr.hpp"
#include "rt/error.hpp"

namespace sidetone::cli {
namespace {

constexpr double kLongestDelaySeconds = 1.0;

struct QualityArguments {
    std::string clean, noisy, out, json;
};

device::Sound read_like(const std::string& path, const device::Sound& clean, const std::string& clean_path) {
    auto sound = device::read_sound_file(path);
    if (sound.rate_hz != clean.rate_hz) {
        throw InputError(
            fmt::format("{}: found {} Hz, expected {} Hz as {} has", path, sound.rate_hz, clean.rate_hz, clean_path));
    }
    return sound;
}

// The stretch in which `signal`, `delay` frames late, and `clean` overlap.
double aligned_si_sdr(std::span<const float> clean, std::span<const float> signal, std::int64_t delay) {
    const auto late = static_cast<std::size_t>(std::max<std::int64_t>(0, delay));
    const auto early = static_cast<std::size_t>(std::max<std::int64_t>(0, -delay));
    if (late >= signal.size() || early >= clean.size()) throw InputError("the recordings do not overlap");
    const auto count = std::min(signal.size() - late, clean.size() - early);
    return dsp::si_sdr_db(clean.subspan(early, count), signal.subspan(late, count));
}

int quality(const QualityArguments& arguments) {
    if (!arguments.json.empty()) check_writable(arguments.json);
    const auto clean = device::read_sound_file(arguments.clean);
    const auto noisy = read_like(arguments.noisy, clean, arguments.clean);
    const auto out = read_like(arguments.out, clean, arguments.clean);
    const std::span<const float> reference{clean.channels.front()};
    const auto longest = static_cast<std::int64_t>(kLongestDelaySeconds * clean.rate_hz);
    const auto noisy_delay = dsp::delay_by_cross_correlation(reference, noisy.channels.front(), longest);
    const auto out_delay = dsp::delay_by_cross_correlation(reference, out.channels.front(), longest);
    const auto before = aligned_si_sdr(reference, noisy.channels.front(), noisy_delay);
    const auto after = aligned_si_sdr(reference, out.channels.front(), out_delay);
    if (!arguments.json.empty()) {
        write_json(arguments.json, {{"si_sdr_db", {{"noisy", before}, {"out", after}}},
                                    {"delay_frames", {{"noisy", noisy_delay}, {"out", out_delay}}},
                                    {"rate_hz", clean.rate_hz}});
    }
    fmt::print(
        "SI-SDR   before {:6.2f} dB   after {:6.2f} dB   gain {:+.2f} dB   (first channel, delay found: {} frames)\n",
        before, after, after - before, out_delay);
    return kFine;
}

}  // namespace

void add_measure(CLI::App& app, int& exit_code) {
    auto* measure = app.add_subcommand("measure", "Measure what a chain does to sound");
    measure->require_subcommand(1);
    auto arguments = std::make_shared<QualityArguments>();
    auto* command = measure->add_subcommand("quality", "How much closer to the clean recording a chain came (SI-SDR)");
    command->add_option("clean", arguments->clean, "What was said, without noise")->required();
    command->add_option("noisy", arguments->noisy, "The chain's input")->required();
    command->add_option("out", arguments->out, "The chain's output; its delay is found and taken off")->required();
    command->add_option("--json", arguments->json, "Write the figures to this file");
    command->footer("Example: sidetone measure quality clean.wav noisy.wav denoised.wav");
    command->callback([arguments, &exit_code] { exit_code = quality(*arguments); });
}

}  // namespace sidetone::cli
