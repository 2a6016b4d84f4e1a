// SPDX-License-Identifier: Apache-2.0
#include "device/cards.hpp"

#include <fmt/format.h>

#include <string_view>

#include "device/joined_card.hpp"
#include "rt/error.hpp"
#ifdef SIDETONE_HAS_JACK
#include "device/jack_card.hpp"
#endif
#ifdef SIDETONE_HAS_RTAUDIO
#include "device/rtaudio_card.hpp"
#include "device/rtaudio_devices.hpp"
#endif

namespace sidetone::device {

namespace {

/// "rtaudio:hw:0" is kind "rtaudio", detail "hw:0".
struct CardName {
    std::string kind, detail;
};

CardName parse(std::string_view text) {
    const auto colon = text.find(':');
    if (colon == std::string_view::npos) return {.kind = std::string(text), .detail = {}};
    return {.kind = std::string(text.substr(0, colon)), .detail = std::string(text.substr(colon + 1))};
}

std::string usual_card() {
#ifdef SIDETONE_HAS_JACK
    if (find_jack_server()) return "jack";
#endif
    return "rtaudio";
}

[[noreturn]] void refuse(const std::string& name) {
    std::string there;
    for (const auto& card : list_cards()) there += fmt::format("{}{}", there.empty() ? "" : ", ", card.name);
    throw InputError(fmt::format("device \"{}\": no such card; there are: {}", name, there));
}

std::unique_ptr<Card> open_sim(const CardRequest& request, SimSettings sim) {
    if (request.rate_hz != 0) sim.pacing.rate_hz = request.rate_hz;
    if (request.block_frames != 0) sim.pacing.block_frames = request.block_frames;
    sim.name = request.output.empty() ? request.input : request.output;
    sim.input_channels = request.input_channels;
    sim.output_channels = request.output_channels;
    if (sim.input_channels == 0) {
        sim.input_file.clear();
        sim.generator = nullptr;
    }
    if (sim.output_channels == 0) sim.output_file.clear();
    return std::make_unique<SimCard>(std::move(sim));
}

std::unique_ptr<Card> open_jack([[maybe_unused]] const CardRequest& request) {
#ifdef SIDETONE_HAS_JACK
    return std::make_unique<JackCard>(
        JackSettings{.rate_hz = request.rate_hz,
                     .block_frames = request.block_frames,
                     .input_channels = request.input_channels,
                     .output_channels = request.output_channels,
                     .capture_pattern = parse(request.input).detail,
                     .playback_pattern = parse(request.output.empty() ? request.input : request.output).detail});
#else
    throw InputError("device \"jack\": this build has no JACK; install libjack-jackd2-dev and build again");
#endif
}

std::unique_ptr<Card> open_rtaudio([[maybe_unused]] const CardRequest& request) {
#ifdef SIDETONE_HAS_RTAUDIO
    return std::make_unique<RtAudioCard>(
        RtAudioSettings{.input = parse(request.input).detail,
                        .output = parse(request.output.empty() ? request.input : request.output).detail,
                        .rate_hz = request.rate_hz,
                        .block_frames = request.block_frames,
                        .input_channels = request.input_channels,
                        .output_channels = request.output_channels});
#else
    throw InputError("device \"rtaudio\": this build has no RtAudio; install librtaudio-dev and build again");
#endif
}

std::unique_ptr<Card> open_single(const CardRequest& request, const SimSettings& sim) {
    const auto kind = parse(request.input).kind;
    if (kind == "sim") return open_sim(request, sim);
    if (kind == "jack") return open_jack(request);
    if (kind == "rtaudio") return open_rtaudio(request);
    refuse(request.input);
}

std::unique_ptr<Card> open_joined(const CardRequest& request, const SimSettings& sim) {
    CardRequest input = request, output = request;
    input.output.clear();
    input.output_channels = 0;
    output.input = request.output;
    output.output.clear();
    output.input_channels = 0;
    // The cards need not run at one rate; the asked one is the output's, for the chain runs there.
    input.rate_hz = 0;
    auto playing = sim;
    // The figure is of one clock against another.
    if (parse(request.input).kind == "sim" && parse(request.output).kind == "sim") playing.pacing.skew_ppm = 0;
    return std::make_unique<JoinedCard>(open_single(input, sim), open_single(output, playing));
}

/// JACK's ports all keep one clock, whatever card they belong to; two RtAudio devices do not.
bool is_one_card(const CardRequest& request) {
    if (request.output.empty() || request.output == request.input) return true;
    return parse(request.input).kind == "jack" && parse(request.output).kind == "jack";
}

}  // namespace

std::unique_ptr<Card> open_card(const CardRequest& asked, const SimSettings& sim) {
    CardRequest request = asked;
    if (request.input.empty()) request.input = request.output.empty() ? usual_card() : request.output;
    return is_one_card(request) ? open_single(request, sim) : open_joined(request, sim);
}

std::string playback_name(const CardRequest& request) {
    auto name = request.output.empty() ? request.input : request.output;
    if (name.empty()) name = usual_card();
#ifdef SIDETONE_HAS_RTAUDIO
    if (const auto [kind, detail] = parse(name); kind == "rtaudio") {
        const auto device = find_rtaudio_device(list_rtaudio_devices(), detail, Direction::output);
        return fmt::format("rtaudio:{}/{}", device.api, device.name);
    }
#endif
    return name;
}

std::vector<CardInfo> list_cards() {
    std::vector<CardInfo> cards;
#ifdef SIDETONE_HAS_JACK
    if (const auto server = find_jack_server()) {
        cards.push_back(
            {.name = "jack",
             .description = fmt::format("JACK server \"{}\", {} frames", server->name, server->block_frames),
             .input_channels = static_cast<std::uint32_t>(server->capture_ports.size()),
             .output_channels = static_cast<std::uint32_t>(server->playback_ports.size()),
             .rates_hz = {server->rate_hz}});
    }
#endif
#ifdef SIDETONE_HAS_RTAUDIO
    for (const auto& device : list_rtaudio_devices()) {
        if (device.api == "jack") continue;
        cards.push_back({.name = fmt::format("rtaudio:{}/{}", device.api, device.name),
                         .description = fmt::format("{} device through RtAudio", device.api),
                         .input_channels = device.input_channels,
                         .output_channels = device.output_channels,
                         .rates_hz = device.rates_hz,
                         .is_default_input = device.is_default_input,
                         .is_default_output = device.is_default_output});
    }
#endif
    cards.push_back({.name = "sim",
                     .description = "simulated card: a file or silence in, a file out, in real time",
                     .input_channels = 64,
                     .output_channels = 64});
    return cards;
}

}  // namespace sidetone::device
