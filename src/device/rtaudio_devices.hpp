// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "dsp/sample_conversion.hpp"

namespace sidetone::device {

/// One device of one of RtAudio's sound systems.
struct RtAudioDevice {
    std::string api;     ///< "alsa", "pulse", "core", "wasapi", "jack" …
    int api_number = 0;  ///< RtAudio::Api
    unsigned int id = 0;
    std::string name;
    std::uint32_t input_channels = 0, output_channels = 0;
    bool is_default_input = false, is_default_output = false;
    std::vector<std::uint32_t> rates_hz;
    std::vector<dsp::SampleFormat> native_formats;  ///< best first
};

/// Every device that RtAudio finds, sound system by sound system. Control thread; asks each system, so it takes a
/// while.
[[nodiscard]] std::vector<RtAudioDevice> list_rtaudio_devices();

enum class Direction : std::uint8_t { input, output };

/// The device that `wanted` names: "" the default one, "API" the default one of that sound system, "API/NAME" or "NAME"
/// one whose name is NAME or, when none is, contains it. JACK is used only when named: the jack card serves it better.
/// Throws InputError listing what there is.
[[nodiscard]] RtAudioDevice find_rtaudio_device(const std::vector<RtAudioDevice>& devices, std::string_view wanted,
                                                Direction direction);

/// Whether that asks for a default device: "" or "API".
[[nodiscard]] bool asks_for_default(const std::vector<RtAudioDevice>& devices, std::string_view wanted);

/// The default devices of one sound system at some time.
struct RtAudioDefaults {
    /// Equal texts, equal devices; empty: not known. ALSA's are told by its configuration, for to look at its devices
    /// is to open them.
    std::string input_mark, output_mark;
    /// What they are; nothing of ALSA's.
    std::optional<RtAudioDevice> input, output;
};
/// Of those `devices`, or asked for anew. Any thread. JACK's are not known: it has no default that could change.
[[nodiscard]] RtAudioDefaults default_rtaudio_devices(int api_number, const std::vector<RtAudioDevice>& devices);
[[nodiscard]] RtAudioDefaults default_rtaudio_devices(int api_number);

}  // namespace sidetone::device
