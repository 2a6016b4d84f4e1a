// SPDX-License-Identifier: Apache-2.0
#include "stage/hrir_file.hpp"

#include <fmt/format.h>
#include <mysofa.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <fstream>
#include <memory>
#include <string>

#include "device/sound_file.hpp"
#include "rt/error.hpp"

namespace sidetone::stage {
namespace {

constexpr auto kKemar = "/usr/share/libmysofa/MIT_KEMAR_normal_pinna.sofa";
constexpr double kLongestSeconds = 2;
constexpr double kLatestSeconds = 0.1;  // of a delay

using Measurement = dsp::HrirSet::Measurement;

[[noreturn]] void refuse(const std::filesystem::path& path, const std::string& what) {
    throw InputError(fmt::format("{}: {}", path.string(), what));
}

std::string sofa_error(int code) {
    switch (code) {
        case MYSOFA_READ_ERROR:
            return "ends too early, expected a whole SOFA file";
        case MYSOFA_INVALID_ATTRIBUTES:
            return "found other attributes, expected the convention SimpleFreeFieldHRIR";
        case MYSOFA_INVALID_DIMENSIONS:
        case MYSOFA_INVALID_DIMENSION_LIST:
            return "found dimensions that do not fit together, expected those of SimpleFreeFieldHRIR";
        case MYSOFA_INVALID_COORDINATE_TYPE:
            return "found unknown coordinates, expected cartesian or spherical ones";
        case MYSOFA_ONLY_THE_SAME_SAMPLING_RATE_SUPPORTED:
            return "found several sampling rates, expected one";
        case MYSOFA_INVALID_RECEIVER_POSITIONS:
        case MYSOFA_RECEIVERS_WITH_RCI_SUPPORTED:
        case MYSOFA_RECEIVERS_WITH_CARTESIAN_SUPPORTED:
            return "found other receivers, expected a left and a right ear";
        case MYSOFA_ONLY_SOURCES_WITH_MC_SUPPORTED:
        case MYSOFA_ONLY_EMITTER_WITH_ECI_SUPPORTED:
            return "found other sources, expected one direction for each measurement";
        case MYSOFA_ONLY_DELAYS_WITH_IR_OR_MR_SUPPORTED:
            return "found delays of another shape, expected one for each ear, or for each ear and measurement";
        case MYSOFA_NO_MEMORY:
            return "takes more memory than there is";
        default:
            return fmt::format("found no SOFA file that can be read (libmysofa: {}), expected AES69", code);
    }
}

struct Hrtf {
    void operator()(MYSOFA_HRTF* hrtf) const noexcept { mysofa_free(hrtf); }
};

/// `shifted`, with as much room behind it as the delay takes.
std::vector<float> delayed(const float* taps, std::size_t length, double delay_frames) {
    std::vector<float> response(taps, taps + length);
    if (delay_frames == 0) return response;
    response.resize(length + static_cast<std::size_t>(std::ceil(delay_frames)) + 32);
    return dsp::shifted(response, delay_frames);
}

void check_sofa(const std::filesystem::path& path, const MYSOFA_HRTF& sofa) {
    if (sofa.R != 2) refuse(path, fmt::format("found {} receivers, expected 2 ears", sofa.R));
    if (sofa.M == 0) refuse(path, "found no direction, expected at least one");
    if (sofa.N == 0) refuse(path, "found empty responses, expected at least one sample");
    const std::size_t samples = std::size_t{sofa.M} * sofa.R * sofa.N;
    if (sofa.DataIR.values == nullptr || sofa.DataIR.elements != samples) {
        refuse(path, fmt::format("found {} samples, expected {}", sofa.DataIR.elements, samples));
    }
    if (sofa.SourcePosition.values == nullptr || sofa.SourcePosition.elements != 3 * sofa.M) {
        refuse(path,
               fmt::format("found {} numbers of positions, expected {}", sofa.SourcePosition.elements, 3 * sofa.M));
    }
    if (sofa.DataSamplingRate.values == nullptr || sofa.DataSamplingRate.elements != 1) {
        refuse(path, fmt::format("found {} sampling rates, expected one", sofa.DataSamplingRate.elements));
    }
    const double rate = static_cast<double>(sofa.DataSamplingRate.values[0]);
    if (!(rate >= 8000 && rate <= 192'000)) {
        refuse(path, fmt::format("found a sampling rate of {:g} Hz, expected 8000 to 192000", rate));
    }
    if (sofa.N > kLongestSeconds * rate) {
        refuse(path, fmt::format("found responses of {:.1f} s, expected up to {:g} s", sofa.N / rate, kLongestSeconds));
    }
    const auto finite = [](const MYSOFA_ARRAY& array) {
        return std::all_of(array.values, array.values + array.elements,
                           [](float value) { return std::isfinite(value); });
    };
    if (!finite(sofa.DataIR)) refuse(path, "found samples that are no numbers, expected finite ones");
    if (!finite(sofa.SourcePosition)) refuse(path, "found positions that are no numbers, expected finite ones");
    const auto& delays = sofa.DataDelay;
    if (delays.elements != 0 && delays.elements != 2 && delays.elements != 2 * sofa.M) {
        refuse(path, fmt::format("found {} delays, expected 2 or {}", delays.elements, 2 * sofa.M));
    }
    for (unsigned n = 0; n < delays.elements; ++n) {
        const double seconds = static_cast<double>(delays.values[n]) / rate;
        if (seconds >= 0 && seconds <= kLatestSeconds) continue;
        refuse(path, fmt::format("found a delay of {:g} s, expected 0 to {:g}", seconds, kLatestSeconds));
    }
}

HrirFile read_sofa(const std::filesystem::path& path) {
    int code = 0;
    const std::unique_ptr<MYSOFA_HRTF, Hrtf> sofa(mysofa_load(path.c_str(), &code));
    if (sofa == nullptr || code != MYSOFA_OK) refuse(path, sofa_error(code));
    if (const int found = mysofa_check(sofa.get()); found != MYSOFA_OK) refuse(path, sofa_error(found));
    check_sofa(path, *sofa);
    mysofa_tospherical(sofa.get());
    std::vector<Measurement> measurements(sofa->M);
    for (std::size_t m = 0; m < sofa->M; ++m) {
        const float* position = sofa->SourcePosition.values + 3 * m;
        measurements[m].direction = {static_cast<double>(position[0]), static_cast<double>(position[1])};
        for (std::size_t ear = 0; ear < 2; ++ear) {
            const auto& delays = sofa->DataDelay;
            double delay = 0;
            if (delays.elements == 2) delay = static_cast<double>(delays.values[ear]);
            if (delays.elements == 2 * sofa->M) delay = static_cast<double>(delays.values[2 * m + ear]);
            measurements[m].ears[ear] = delayed(sofa->DataIR.values + (2 * m + ear) * sofa->N, sofa->N, delay);
        }
    }
    const auto rate_hz = static_cast<std::uint32_t>(std::lround(sofa->DataSamplingRate.values[0]));
    return {{rate_hz, std::move(measurements), path.filename().string()}, "SOFA, SimpleFreeFieldHRIR"};
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
    if (static_cast<double>(sound.frames()) > kLongestSeconds * sound.rate_hz) {
        refuse(path, fmt::format("found responses of {:.1f} s, expected up to {:g} s",
                                 static_cast<double>(sound.frames()) / sound.rate_hz, kLongestSeconds));
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
    if (!std::ifstream{path}) refuse(path, "no such file, or no right to read it");
    auto extension = path.extension().string();
    std::ranges::transform(extension, extension.begin(), [](unsigned char c) { return std::tolower(c); });
    if (extension == ".sofa") return read_sofa(path);
    if (extension == ".wav") return read_wav(path);
    refuse(path, "found another kind of file, expected .sofa or .wav");
}

std::filesystem::path find_hrir(const std::filesystem::path& named) {
    return named == "mit-kemar" ? std::filesystem::path(kKemar) : named;
}

}  // namespace sidetone::stage
