// SPDX-License-Identifier: Apache-2.0
#include "device/rtaudio_devices.hpp"

#include <RtAudio.h>
#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <mutex>
#ifdef __linux__
#include <dlfcn.h>
#endif

#include "rt/error.hpp"
#ifdef SIDETONE_HAS_ALSA
#include "device/alsa_default.hpp"
#endif
#ifdef SIDETONE_HAS_JACK
#include "device/jack_messages.hpp"
#endif

namespace sidetone::device {

namespace {

/// ALSA's plug-ins take any number and say so.
constexpr unsigned int kMostChannels = 64;

[[maybe_unused]] void drop_alsa_message(const char*, int, const char*, int, const char*, ...) {}

/// libasound tells standard error of every card it does not find. RtAudio may have brought it along or not, so it is
/// looked up.
void quiet_alsa() {
#ifdef __linux__
    using SetHandler = int (*)(decltype(&drop_alsa_message));
    static const auto set_handler = reinterpret_cast<SetHandler>(dlsym(RTLD_DEFAULT, "snd_lib_error_set_handler"));
    if (set_handler != nullptr) set_handler(&drop_alsa_message);
#endif
}

std::vector<dsp::SampleFormat> formats_of(RtAudioFormat mask) {
    std::vector<dsp::SampleFormat> formats;
    if ((mask & RTAUDIO_FLOAT32) != 0) formats.push_back(dsp::SampleFormat::f32);
    if ((mask & RTAUDIO_SINT32) != 0) formats.push_back(dsp::SampleFormat::s32);
    if ((mask & RTAUDIO_SINT24) != 0) formats.push_back(dsp::SampleFormat::s24);
    if ((mask & RTAUDIO_SINT16) != 0) formats.push_back(dsp::SampleFormat::s16);
    return formats;
}

void list_api(RtAudio::Api api, std::vector<RtAudioDevice>& devices) {
    // RtAudio keeps what PulseAudio told it in one place for all.
    static std::mutex one_at_a_time;
    const std::lock_guard lock(one_at_a_time);
    try {
        RtAudio system(api);
        system.showWarnings(false);
        // Each count asks the sound system anew.
        const auto count = system.getDeviceCount();
        for (unsigned int id = 0; id < count; ++id) {
            const auto info = system.getDeviceInfo(id);
            if (!info.probed) continue;
            devices.push_back({.api = RtAudio::getApiName(api),
                               .api_number = api,
                               .id = id,
                               .name = info.name,
                               .input_channels = std::min(info.inputChannels, kMostChannels),
                               .output_channels = std::min(info.outputChannels, kMostChannels),
                               .is_default_input = info.isDefaultInput,
                               .is_default_output = info.isDefaultOutput,
                               .rates_hz = {info.sampleRates.begin(), info.sampleRates.end()},
                               .native_formats = formats_of(info.nativeFormats)});
        }
    } catch (const RtAudioError&) {
        // A sound system that does not answer has no devices to list.
    }
}

bool serves(const RtAudioDevice& device, Direction direction) {
    return (direction == Direction::input ? device.input_channels : device.output_channels) > 0;
}

bool is_default(const RtAudioDevice& device, Direction direction) {
    return direction == Direction::input ? device.is_default_input : device.is_default_output;
}

std::string lower(std::string_view text) {
    std::string out(text);
    std::transform(out.begin(), out.end(), out.begin(),
                   [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    return out;
}

[[noreturn]] void refuse(const std::vector<RtAudioDevice>& devices, std::string_view wanted, Direction direction) {
    std::string there;
    for (const auto& device : devices) {
        if (serves(device, direction))
            there += fmt::format("{}\"{}/{}\"", there.empty() ? "" : ", ", device.api, device.name);
    }
    throw InputError(fmt::format("rtaudio: no {} device{}; there {}",
                                 direction == Direction::input ? "input" : "output",
                                 wanted.empty() ? "" : fmt::format(" \"{}\"", wanted),
                                 there.empty() ? "is none (see `sidetone doctor`)" : "are: " + there));
}

/// "API/NAME" taken apart; what is before the slash is a part of the name where no sound system is called so.
struct Wanted {
    std::string api, name;
};

Wanted take_apart(const std::vector<RtAudioDevice>& devices, std::string_view wanted) {
    const auto slash = wanted.find('/');
    const auto head = wanted.substr(0, slash);
    if (std::none_of(devices.begin(), devices.end(), [&](const auto& device) { return device.api == head; }))
        return {.api = {}, .name = std::string(wanted)};
    return {.api = std::string(head),
            .name = slash == std::string_view::npos ? std::string{} : std::string(wanted.substr(slash + 1))};
}

/// JACK has no default devices, and ALSA's comes from files.
bool lists_its_defaults(RtAudio::Api api) {
#ifdef SIDETONE_HAS_ALSA
    if (api == RtAudio::LINUX_ALSA) return false;
#endif
    return api != RtAudio::UNIX_JACK;
}

}  // namespace

std::vector<RtAudioDevice> list_rtaudio_devices() {
    quiet_alsa();
#ifdef SIDETONE_HAS_JACK
    keep_jack_messages();
#endif
    std::vector<RtAudio::Api> apis;
    RtAudio::getCompiledApi(apis);
    std::vector<RtAudioDevice> devices;
    for (const auto api : apis) list_api(api, devices);
    return devices;
}

RtAudioDevice find_rtaudio_device(const std::vector<RtAudioDevice>& devices, std::string_view wanted,
                                  Direction direction) {
    const auto [api, name_as_written] = take_apart(devices, wanted);
    const auto name = lower(name_as_written);

    std::vector<const RtAudioDevice*> candidates;
    for (const auto& device : devices) {
        if (serves(device, direction) && (api.empty() ? device.api != "jack" : device.api == api))
            candidates.push_back(&device);
    }
    const auto first = [&](auto fits) -> const RtAudioDevice* {
        const auto at = std::find_if(candidates.begin(), candidates.end(), fits);
        return at == candidates.end() ? nullptr : *at;
    };
    const RtAudioDevice* found = nullptr;
    if (name.empty()) {
        found = first([&](const auto* device) { return is_default(*device, direction); });
        if (found == nullptr && !candidates.empty()) found = candidates.front();
    } else {
        found = first([&](const auto* device) { return lower(device->name) == name; });
        if (found == nullptr)
            found = first([&](const auto* device) { return lower(device->name).find(name) != std::string::npos; });
    }
    if (found == nullptr) refuse(devices, wanted, direction);
    return *found;
}

bool asks_for_default(const std::vector<RtAudioDevice>& devices, std::string_view wanted) {
    return take_apart(devices, wanted).name.empty();
}

RtAudioDefaults default_rtaudio_devices(int api_number, const std::vector<RtAudioDevice>& devices) {
    const auto api = static_cast<RtAudio::Api>(api_number);
#ifdef SIDETONE_HAS_ALSA
    if (api == RtAudio::LINUX_ALSA) {
        const auto definition = alsa_default_definition();
        return {.input_mark = definition, .output_mark = definition, .input = {}, .output = {}};
    }
#endif
    if (!lists_its_defaults(api)) return {};
    RtAudioDefaults defaults;
    for (const auto& device : devices) {
        if (device.api_number != api_number) continue;
        if (device.is_default_input) defaults.input_mark = device.name, defaults.input = device;
        if (device.is_default_output) defaults.output_mark = device.name, defaults.output = device;
    }
    return defaults;
}

RtAudioDefaults default_rtaudio_devices(int api_number) {
    const auto api = static_cast<RtAudio::Api>(api_number);
    std::vector<RtAudioDevice> devices;
    if (lists_its_defaults(api)) list_api(api, devices);
    return default_rtaudio_devices(api_number, devices);
}

}  // namespace sidetone::device
