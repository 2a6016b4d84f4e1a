// SPDX-License-Identifier: Apache-2.0
#include "cli/denoise_corpus.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <random>
#include <set>
#include <span>

#include "cli/mono_recording.hpp"
#include "rt/error.hpp"

namespace sidetone::cli {
namespace {

constexpr double kLongestSeconds = 10;
constexpr double kLeadInSeconds = 0.5;
constexpr double kSpeechRms = 0.05;  // of full scale: conversational, with room for peaks and noise

using Files = std::vector<std::filesystem::path>;

Files files_in(const std::filesystem::path& folder, const std::set<std::string>& extensions) {
    Files files;
    std::error_code error;
    for (const auto& entry : std::filesystem::directory_iterator{folder, error}) {
        if (extensions.contains(entry.path().extension().string())) files.push_back(entry.path());
    }
    std::sort(files.begin(), files.end());
    return files;
}

Files shuffled(Files files) {
    // Fisher and Yates, with the generator's own numbers: std::shuffle differs between libraries.
    std::mt19937_64 random{2024};
    for (auto left = files.size(); left > 1; --left) std::swap(files[left - 1], files[random() % left]);
    return files;
}

// Pieces cut from one recording have its number in their names: "dog-bark-1-30226-A".
std::string recording_of(const std::filesystem::path& file) {
    const auto stem = file.stem().string();
    const bool is_piece = stem.size() > 2 && stem[stem.size() - 2] == '-';
    return is_piece ? stem.substr(0, stem.size() - 2) : stem;
}

// Every other recording, so that both parts have every kind of noise.
Files noises_of(const Files& all, CorpusPart part) {
    Files chosen;
    std::string recording;
    bool is_test = true;
    for (const auto& file : all) {
        if (recording_of(file) != recording) {
            recording = recording_of(file);
            is_test = !is_test;
        }
        if (is_test == (part == CorpusPart::test)) chosen.push_back(file);
    }
    return shuffled(std::move(chosen));
}

std::vector<Files> speech_of(const std::filesystem::path& data, CorpusPart part) {
    const bool is_test = part == CorpusPart::test;
    auto lj = files_in(data / "lj", {".opus"});
    const auto half = lj.begin() + static_cast<std::ptrdiff_t>(lj.size() / 2);
    if (is_test) {
        lj.erase(lj.begin(), half);
    } else {
        lj.erase(half, lj.end());
    }
    std::vector<Files> sources{shuffled(files_in(data / "speechocean762" / (is_test ? "test" : "train"), {".opus"})),
                               shuffled(std::move(lj))};
    if (is_test) sources.push_back(files_in(data / "audio" / "speech", {".wav"}));
    return sources;
}

}  // namespace

std::vector<CorpusItem> choose_corpus(const std::filesystem::path& data, CorpusPart part, std::size_t clips) {
    const auto folder = data / "audio" / "noise";
    const auto noises = noises_of(files_in(folder, {".ogg", ".wav", ".flac"}), part);
    if (noises.empty()) throw InputError{fmt::format("{}: found no recordings of noise", folder.string())};
    auto sources = speech_of(data, part);
    std::vector<CorpusItem> items;
    std::size_t place = 0;
    for (bool any = true; any && items.size() < clips; ++place) {
        any = false;
        for (const auto& source : sources) {
            if (place >= source.size() || items.size() == clips) continue;
            any = true;
            items.push_back({.speech = source[place],
                             .noise = noises[items.size() % noises.size()],
                             .noise_seed = items.size() + 1});
        }
    }
    if (items.empty()) throw InputError{fmt::format("{}: found no recordings of speech", data.string())};
    return items;
}

NoisySpeech mix_item(const CorpusItem& item, double snr_db, std::uint32_t rate_hz) {
    auto speech = read_mono(item.speech, rate_hz);
    const auto recording = read_mono(item.noise, rate_hz);
    speech.resize(std::min(speech.size(), static_cast<std::size_t>(kLongestSeconds * rate_hz)));
    NoisySpeech mixed;
    mixed.lead_in = static_cast<std::size_t>(kLeadInSeconds * rate_hz);
    const auto frames = mixed.lead_in + speech.size();

    std::mt19937_64 random{item.noise_seed};
    const auto begin = recording.empty() ? 0 : random() % recording.size();
    std::vector<float> noise(frames);
    for (std::size_t n = 0; n < frames && !recording.empty(); ++n) noise[n] = recording[(begin + n) % recording.size()];
    const auto speech_power = mean_power(speech);
    const auto noise_power = mean_power(std::span{noise}.subspan(mixed.lead_in));
    if (speech_power == 0) throw InputError{fmt::format("{}: found silence, expected speech", item.speech.string())};
    if (noise_power == 0) throw InputError{fmt::format("{}: found silence, expected noise", item.noise.string())};

    const auto speech_gain = static_cast<float>(kSpeechRms / std::sqrt(speech_power));
    const auto noise_gain = static_cast<float>(kSpeechRms / std::sqrt(noise_power) * std::pow(10, -snr_db / 20));
    mixed.clean.assign(frames, 0.0F);
    for (std::size_t n = 0; n < speech.size(); ++n) mixed.clean[mixed.lead_in + n] = speech_gain * speech[n];
    mixed.noisy = mixed.clean;
    for (std::size_t n = 0; n < frames; ++n) mixed.noisy[n] += noise_gain * noise[n];
    return mixed;
}

}  // namespace sidetone::cli
