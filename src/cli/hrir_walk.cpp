// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <filesystem>
#include <memory>
#include <numbers>
#include <numeric>
#include <random>
#include <string>
#include <vector>

#include "cli/command.hpp"
#include "device/sound_file.hpp"
#include "dsp/biquad.hpp"
#include "dsp/pink_noise.hpp"
#include "dsp/polyphase_resampler.hpp"
#include "dsp/speaker_layout.hpp"
#include "rt/error.hpp"

namespace sidetone::cli {
namespace {

constexpr std::array kOrders{"wav", "smpte", "film"};  // as dsp::ChannelOrder has them
constexpr double kBeforeNoiseSeconds = 0.12;
constexpr double kNoiseSeconds = 0.4, kEdgeSeconds = 0.02;
constexpr float kVoicePeak = 0.5F, kNoisePeak = 0.25F;
constexpr double kLowestHz = 30, kHighestLowHz = 120;  // what a low-frequency channel is for

struct WalkArguments {
    std::string layout = "7.1", order = "wav", voices, output;
    std::uint32_t rate_hz = 48'000;
    double pause_seconds = 0.4;
    std::uint64_t seed = 1;
};

/// Around the head to the left from the front, each height after the other; low frequencies last.
std::vector<std::size_t> walk_around(const std::vector<dsp::Speaker>& speakers) {
    std::vector<std::size_t> walk(speakers.size());
    std::iota(walk.begin(), walk.end(), 0);
    const auto place = [&](std::size_t n) {
        const auto& [azimuth_deg, elevation_deg] = speakers[n].direction;
        return std::tuple{speakers[n].low_frequencies, elevation_deg,
                          azimuth_deg < 0 ? azimuth_deg + 360 : azimuth_deg};
    };
    std::ranges::stable_sort(walk, {}, place);
    return walk;
}

void scale_to_peak(std::vector<float>& sound, float wanted) {
    float peak = 0;
    for (const float sample : sound) peak = std::max(peak, std::abs(sample));
    if (peak == 0) return;
    for (float& sample : sound) sample *= wanted / peak;
}

std::vector<float> read_voice(const std::filesystem::path& file, std::uint32_t rate_hz) {
    const auto sound = device::read_sound_file(file);
    if (sound.not_finite != 0) {
        throw InputError(fmt::format("{}: found {} samples that are NaN or infinite", file.string(), sound.not_finite));
    }
    auto voice = dsp::resampled(sound.channels.front(), dsp::PolyphaseResampler{sound.rate_hz, rate_hz});
    scale_to_peak(voice, kVoicePeak);
    return voice;
}

/// What a low-frequency channel is for, and no more.
void keep_low_frequencies(std::vector<float>& sound, double rate_hz) {
    using Shape = dsp::EqualiserFilter::Shape;
    std::vector<dsp::Biquad> biquads;
    for (const double q : {0.5412, 1.3066}) {  // Butterworth's of fourth order
        biquads.push_back(
            dsp::make_biquad({.shape = Shape::low_pass, .frequency_hz = kHighestLowHz, .gain_db = 0, .q = q}, rate_hz));
        biquads.push_back(
            dsp::make_biquad({.shape = Shape::high_pass, .frequency_hz = kLowestHz, .gain_db = 0, .q = q}, rate_hz));
    }
    dsp::BiquadCascade cascade(1, rate_hz);
    cascade.set(biquads);
    float* channel = sound.data();
    cascade.process(&channel, &channel, sound.size());
}

/// A burst with round edges. It tells more of a direction than a voice, which has little above 8 kHz.
std::vector<float> noise_burst(const dsp::Speaker& speaker, std::uint32_t rate_hz, std::mt19937_64& random) {
    const auto frames = static_cast<std::size_t>((speaker.low_frequencies ? 2 : 1) * kNoiseSeconds * rate_hz);
    auto noise = dsp::pink_noise(frames, random);
    if (speaker.low_frequencies) keep_low_frequencies(noise, rate_hz);
    const auto edge = static_cast<std::size_t>(kEdgeSeconds * rate_hz);
    for (std::size_t n = 0; n < edge; ++n) {
        const double share = static_cast<double>(n) / static_cast<double>(edge);
        const auto gain = static_cast<float>(std::pow(std::sin(std::numbers::pi / 2 * share), 2));
        noise[n] *= gain;
        noise[frames - 1 - n] *= gain;
    }
    scale_to_peak(noise, kNoisePeak);
    return noise;
}

/// One channel for each speaker, written to one after the other.
class Recording {
public:
    explicit Recording(std::size_t channels) : channels_(channels) {}

    void pause(std::size_t frames) {
        for (auto& channel : channels_) channel.resize(channel.size() + frames);
    }
    void sound(std::size_t channel, const std::vector<float>& samples) {
        const std::size_t begin = channels_[channel].size();
        pause(samples.size());
        std::ranges::copy(samples, channels_[channel].begin() + static_cast<std::ptrdiff_t>(begin));
    }
    [[nodiscard]] std::vector<std::vector<float>> take() { return std::move(channels_); }

private:
    std::vector<std::vector<float>> channels_;
};

/// Low frequencies carry no voice: the front centre speaks for them, or whoever comes first.
std::size_t who_speaks_for(std::size_t speaker, const std::vector<dsp::Speaker>& speakers,
                           const std::vector<std::size_t>& walk) {
    return speakers[speaker].low_frequencies ? walk.front() : speaker;
}

int walk(const WalkArguments& arguments) {
    const auto order = std::ranges::find(kOrders, arguments.order) - kOrders.begin();
    const auto speakers = dsp::speakers_of(arguments.layout, static_cast<dsp::ChannelOrder>(order));
    const auto frames_of = [&](double seconds) { return static_cast<std::size_t>(seconds * arguments.rate_hz); };
    const auto around = walk_around(speakers);
    std::mt19937_64 random{arguments.seed};
    Recording recording(speakers.size());
    std::vector<std::string> names;
    recording.pause(frames_of(arguments.pause_seconds));
    for (const std::size_t n : around) {
        names.push_back(speakers[n].name);
        if (!arguments.voices.empty()) {
            const auto file = std::filesystem::path(arguments.voices) / (speakers[n].name + ".wav");
            recording.sound(who_speaks_for(n, speakers, around), read_voice(file, arguments.rate_hz));
            recording.pause(frames_of(speakers[n].low_frequencies ? arguments.pause_seconds : kBeforeNoiseSeconds));
        }
        recording.sound(n, noise_burst(speakers[n], arguments.rate_hz, random));
        recording.pause(frames_of(arguments.pause_seconds));
    }
    const device::Sound sound{.rate_hz = arguments.rate_hz, .channels = recording.take()};
    device::write_sound_file(arguments.output, sound);
    fmt::print("{}: {:.1f} s, {} Hz, {} channels: {}\n", arguments.output,
               static_cast<double>(sound.frames()) / sound.rate_hz, sound.rate_hz, sound.channels.size(),
               fmt::join(names, " "));
    return kFine;
}

}  // namespace

void add_hrir_walk(Command hrir, int& exit_code) {
    auto arguments = std::make_shared<WalkArguments>();
    auto command = hrir.add_subcommand("walk", "Make a recording in which a layout's speakers sound one by one");
    const auto names = dsp::layout_names();
    command.add_option("--layout", arguments->layout, "mono to 9.1.6")
        .one_of(std::vector<std::string>(names.begin(), names.end()))
        .capture_default_str();
    command.add_option("--order", arguments->order, "Of the channels: wav, smpte or film")
        .one_of(std::vector<std::string>(kOrders.begin(), kOrders.end()))
        .capture_default_str();
    command.add_option("--voices", arguments->voices,
                       "Folder with a recording that names each speaker: FL.wav, FC.wav, LFE.wav …");
    command.add_option("--rate", arguments->rate_hz, "Frames a second").in_range(8000, 192'000).capture_default_str();
    command.add_option("--pause", arguments->pause_seconds, "Seconds of silence after each; as long as responses are")
        .in_range(0.05, 10.0)
        .capture_default_str();
    command.add_option("--seed", arguments->seed, "Of the noise").capture_default_str();
    command.add_option("output", arguments->output, "WAV file to write").required();
    command.footer(
        "From each speaker comes its voice, if there are any, and 0.4 s of pink noise; from the low-frequency channel\n"
        "only noise from 30 to 120 Hz. `sidetone measure surround` finds them again.\n\n"
        "Example: sidetone hrir walk --layout 7.1 walk.wav");
    command.callback([arguments, &exit_code] { exit_code = walk(*arguments); });
}

}  // namespace sidetone::cli
