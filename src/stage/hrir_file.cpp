// SPDX-License-Identifier: Apache-2.0
#include "stage/hrir_file.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <fstream>
#include <string>

#include "device/sound_file.hpp"
#include "rt/error.hpp"
#include "stage/sofa_file.hpp"

namespace sidetone::stage {
namespace {

constexpr auto kKemar = "/usr/share/libmysofa/MIT_KEMAR_normal_pinna.sofa";

using Measurement = dsp::HrirSet::Measurement;

[[noreturn]] void refuse(const std::filesystem::path& path, const std::string& what) {
    throw InputError(fmt::format("{}: {}", path.string(), what));
}

/// HeSuVi's channels: speaker by speaker, left ear and right ear.
struct HesuviSpeaker {
    double azimuth_deg;
    std::size_t left, right;
};
constexpr std::array kHesuvi14{HesuviSpeaker{30, 0, 1},    HesuviSpeaker{90, 2, 3},  HesuviSpeaker{135, 4, 5},
                               HesuviSpeaker{0, 6, 13},    HesuviSpeaker{-30, 8, 7}, HesuviSpeaker{-90, 10, 9},
                               HesuviSpeaker{-135, 12, 11}};
constexpr std::array kHesuvi7{HesuviSpeaker{30, 0, 1},  HesuviSpeaker{90, 2, 3},  HesuviSpeaker{135, 4, 5},
                              HesuviSpeaker{0, 6, 6},   HesuviSpeaker{-30, 1, 0}, HesuviSpeaker{-90, 3, 2},
                              HesuviSpeaker{-135, 5, 4}};
constexpr std::array kPair{HesuviSpeaker{0, 0, 1}};
constexpr std::array kSingle{HesuviSpeaker{0, 0, 0}};

HrirFile read_wav(const std::filesystem::path& path) {
    auto sound = device::read_sound_file(path);
    if (sound.not_finite > 0) refuse(path, "found samples that are no numbers, expected finite ones");
    if (sound.frames() == 0) refuse(path, "found an empty file, expected responses");
    if (static_cast<double>(sound.frames()) > kLongestResponseSeconds * sound.rate_hz) {
        refuse(path, fmt::format("found responses of {:.1f} s, expected up to {:g} s",
                                 static_cast<double>(sound.frames()) / sound.rate_hz, kLongestResponseSeconds));
    }
    std::vector<Measurement> measurements;
    std::string_view layout;
    const auto take = [&](std::span<const HesuviSpeaker> speakers, std::string_view name) {
        layout = name;
        for (const auto& speaker : speakers) {
            measurements.push_back(
                {{speaker.azimuth_deg, 0}, {sound.channels[speaker.left], sound.channels[speaker.right]}});
        }
    };
    switch (sound.channels.size()) {
        case 14:
            take(kHesuvi14, "HeSuVi, 14 channels: 7 speakers to both ears");
            break;
        case 7:
            take(kHesuvi7, "HeSuVi, 7 channels: the left half of a symmetric head");
            break;
        case 2:
            take(kPair, "2 channels: both ears, from the front");
            break;
        case 1:
            take(kSingle, "1 channel: both ears alike");
            break;
        default:
            refuse(path, fmt::format("found {} channels, expected 14 or 7 (HeSuVi), 2 or 1", sound.channels.size()));
    }
    return {{sound.rate_hz, std::move(measurements), path.filename().string()}, layout};
}

}  // namespace

HrirFile read_hrir_file(const std::filesystem::path& path) {
    std::error_code error;
    if (std::filesystem::is_directory(path, error)) refuse(path, "found a folder, expected a .sofa or .wav file");
    if (std::filesystem::exists(path, error) && !std::filesystem::is_regular_file(path, error)) {
        refuse(path, "found no ordinary file, expected a .sofa or .wav file");
    }
    if (!std::ifstream{path}) refuse(path, "no such file, or no right to read it");
    auto extension = path.extension().string();
    std::ranges::transform(extension, extension.begin(), [](unsigned char c) { return std::tolower(c); });
    if (extension == ".sofa") return read_sofa_file(path);
    if (extension == ".wav") return read_wav(path);
    refuse(path, "found another kind of file, expected .sofa or .wav");
}

std::filesystem::path find_hrir(const std::filesystem::path& named) {
    return named == "mit-kemar" ? std::filesystem::path(kKemar) : named;
}

}  // namespace sidetone::stage
