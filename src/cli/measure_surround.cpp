// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <memory>
#include <nlohmann/json.hpp>
#include <span>
#include <string>
#include <vector>

#include "cli/command.hpp"
#include "cli/surround_drawing.hpp"
#include "device/sound_file.hpp"
#include "dsp/hrir_measures.hpp"
#include "dsp/response_estimate.hpp"
#include "dsp/solo_turns.hpp"
#include "dsp/speaker_layout.hpp"
#include "rt/error.hpp"
#include "stage/hrir_file.hpp"

namespace sidetone::cli {
namespace {

constexpr std::array kOrders{"wav", "smpte", "film"};  // as dsp::ChannelOrder has them
constexpr double kHighestShare = 0.45;                 // of the lower rate: above, a resampled set is not whole
constexpr double kHorizonDeg = 0.5;
constexpr double kItdWithinUs = 20, kIldWithinDb = 0.5;

struct SurroundArguments {
    std::string walk, ears, hrir = "mit-kemar", layout = "auto", order = "wav", json, svg;
};

device::Sound read(const std::string& path) {
    auto sound = device::read_sound_file(path);
    if (sound.not_finite != 0) {
        throw InputError(fmt::format("{}: found {} samples that are NaN or infinite", path, sound.not_finite));
    }
    return sound;
}

std::vector<dsp::Speaker> speakers_of(const SurroundArguments& arguments, std::size_t channels) {
    const auto order = static_cast<dsp::ChannelOrder>(std::ranges::find(kOrders, arguments.order) - kOrders.begin());
    const auto layout = arguments.layout == "auto" ? dsp::layout_of(channels) : arguments.layout;
    auto speakers = dsp::speakers_of(layout, order);
    if (speakers.empty()) {
        throw InputError(fmt::format("{}: found {} channels, of which there is no usual layout, expected --layout",
                                     arguments.walk, channels));
    }
    if (speakers.size() != channels) {
        throw InputError(fmt::format("{}: found {} channels, expected {} as the layout {} has", arguments.walk,
                                     channels, speakers.size(), layout));
    }
    return speakers;
}

device::Sound read_ears(const SurroundArguments& arguments, const device::Sound& walk) {
    auto ears = read(arguments.ears);
    if (ears.channels.size() < 2) {
        throw InputError(fmt::format("{}: found {} channel, expected 2 ears", arguments.ears, ears.channels.size()));
    }
    if (ears.rate_hz != walk.rate_hz) {
        throw InputError(fmt::format("{}: found {} Hz, expected {} Hz as {} has", arguments.ears, ears.rate_hz,
                                     walk.rate_hz, arguments.walk));
    }
    if (ears.frames() < walk.frames()) {
        throw InputError(fmt::format("{}: found {} frames, expected at least the {} of {}", arguments.ears,
                                     ears.frames(), walk.frames(), arguments.walk));
    }
    return ears;
}

std::vector<dsp::SoloTurn> read_turns(const SurroundArguments& arguments, const device::Sound& walk,
                                      const std::vector<dsp::Speaker>& speakers) {
    const auto found = dsp::solo_turns(walk.channels, walk.rate_hz);
    if (found.overlap) {
        const auto& [one, other, frame] = *found.overlap;
        throw InputError(fmt::format("{}: found {} and {} together at {:.2f} s, expected one speaker at a time",
                                     arguments.walk, speakers[one].name, speakers[other].name,
                                     static_cast<double>(frame) / walk.rate_hz));
    }
    if (found.turns.empty()) throw InputError(fmt::format("{}: found silence, expected speakers", arguments.walk));
    return found.turns;
}

dsp::EarPairMeasures measures_within(const dsp::EarPair& ears, std::uint32_t rate_hz, const dsp::FrequencySpan& range) {
    return dsp::measure_ears(
        {dsp::response_within(ears[0], rate_hz, range), dsp::response_within(ears[1], rate_hz, range)}, rate_hz);
}

/// Low frequencies go to both ears alike.
dsp::EarPair responses_of(const dsp::HrirSet& set, const dsp::Speaker& speaker) {
    if (speaker.low_frequencies) return {std::vector<float>{1}, std::vector<float>{1}};
    return set.at(speaker.direction);
}

HeardSpeaker measure(const dsp::SoloTurn& turn, const dsp::Speaker& speaker, const device::Sound& walk,
                     const device::Sound& ears, const dsp::HrirSet& set) {
    const std::size_t frames = turn.next - turn.begin;
    const double rate_hz = walk.rate_hz;
    const auto dry = std::span(walk.channels[turn.channel]).subspan(turn.begin, frames);
    const auto length =
        static_cast<std::size_t>(std::ceil(static_cast<double>(set.length()) * rate_hz / set.rate_hz()));
    HeardSpeaker heard{.speaker = speaker,
                       .begin_s = static_cast<double>(turn.begin) / rate_hz,
                       .end_s = static_cast<double>(turn.end) / rate_hz,
                       .range = dsp::covered_range(dry, rate_hz, kHighestShare * std::min(walk.rate_hz, set.rate_hz())),
                       .output = {},
                       .own = {}};
    dsp::EarPair responses;
    for (std::size_t ear = 0; ear < 2; ++ear) {
        const auto wet = std::span(ears.channels[ear]).subspan(turn.begin, frames);
        responses[ear] = dsp::estimated_response(dry, wet, rate_hz, heard.range, length);
    }
    heard.output = dsp::measure_ears(responses, walk.rate_hz);
    heard.own = measures_within(responses_of(set, speaker), set.rate_hz(), heard.range);
    heard.is_as_measured = std::abs(heard.output.itd_us - heard.own.itd_us) <= kItdWithinUs &&
                           std::abs(heard.output.ild_db - heard.own.ild_db) <= kIldWithinDb;
    return heard;
}

/// Of the elevation nearest to the horizon, around the head.
std::vector<SetDirection> ring_of(const dsp::HrirSet& set, const dsp::FrequencySpan& range) {
    const auto height = [](const dsp::HrirSet::Measurement& of) { return std::abs(of.direction.elevation_deg); };
    const double elevation_deg = std::ranges::min_element(set.measurements(), {}, height)->direction.elevation_deg;
    std::vector<SetDirection> ring;
    for (const auto& of : set.measurements()) {
        if (std::abs(of.direction.elevation_deg - elevation_deg) > kHorizonDeg) continue;
        ring.push_back({std::remainder(of.direction.azimuth_deg, 360), measures_within(of.ears, set.rate_hz(), range)});
    }
    std::ranges::sort(ring, {}, &SetDirection::azimuth_deg);
    return ring;
}

void print_table(const std::vector<HeardSpeaker>& heard) {
    fmt::print("  {:<7} {:>7} {:>7}   {:<16}  {:<24}   {:<22}\n", "speaker", "at (s)", "azimuth", "measured in (Hz)",
               "time difference (us)", "level difference (dB)");
    fmt::print("  {:<7} {:>7} {:>7}   {:<16}  {:>8} {:>8} {:>6}   {:>7} {:>7} {:>6}\n", "", "", "", "", "output", "set",
               "off", "output", "set", "off");
    for (const auto& of : heard) {
        const auto azimuth =
            of.speaker.low_frequencies ? std::string("both") : fmt::format("{:.0f}", of.speaker.direction.azimuth_deg);
        fmt::print("  {:<7} {:>7.2f} {:>7}   {:<16}  {:>8.1f} {:>8.1f} {:>6.1f}   {:>7.2f} {:>7.2f} {:>6.2f}   {}\n",
                   of.speaker.name, of.begin_s, azimuth,
                   fmt::format("{:.0f} to {:.0f}", of.range.low_hz, of.range.high_hz), of.output.itd_us, of.own.itd_us,
                   of.output.itd_us - of.own.itd_us, of.output.ild_db, of.own.ild_db, of.output.ild_db - of.own.ild_db,
                   of.is_as_measured ? "pass" : "FAIL");
    }
}

// JSON has no infinity: what is silent has no level.
nlohmann::json number(double value) {
    return std::isfinite(value) ? nlohmann::json(value) : nlohmann::json(nullptr);
}

nlohmann::json to_json(const std::vector<HeardSpeaker>& heard, std::uint32_t rate_hz) {
    auto speakers = nlohmann::json::array();
    for (const auto& of : heard) {
        const bool has_direction = !of.speaker.low_frequencies;
        speakers.push_back(
            {{"name", of.speaker.name},
             {"azimuth_deg", has_direction ? nlohmann::json(of.speaker.direction.azimuth_deg) : nullptr},
             {"elevation_deg", has_direction ? nlohmann::json(of.speaker.direction.elevation_deg) : nullptr},
             {"begin_s", of.begin_s},
             {"end_s", of.end_s},
             {"low_hz", of.range.low_hz},
             {"high_hz", of.range.high_hz},
             {"itd_us", {{"output", of.output.itd_us}, {"set", of.own.itd_us}}},
             {"ild_db", {{"output", number(of.output.ild_db)}, {"set", number(of.own.ild_db)}}},
             {"passes", of.is_as_measured}});
    }
    return {
        {"rate_hz", rate_hz}, {"itd_within_us", kItdWithinUs}, {"ild_within_db", kIldWithinDb}, {"speakers", speakers}};
}

int surround(const SurroundArguments& arguments) {
    for (const auto& file : {arguments.json, arguments.svg}) {
        if (!file.empty()) check_writable(file);
    }
    const auto walk = read(arguments.walk);
    const auto speakers = speakers_of(arguments, walk.channels.size());
    const auto turns = read_turns(arguments, walk, speakers);
    const auto ears = read_ears(arguments, walk);
    const auto set = stage::read_hrir_file(stage::find_hrir(arguments.hrir)).set;
    std::vector<HeardSpeaker> heard;
    heard.reserve(turns.size());
    for (const auto& turn : turns) heard.push_back(measure(turn, speakers[turn.channel], walk, ears, set));
    const auto failed = std::ranges::count_if(heard, [](const HeardSpeaker& of) { return !of.is_as_measured; });
    print_table(heard);
    fmt::print("{} of {} within {:g} us and {:g} dB of {}'s own\n", static_cast<std::ptrdiff_t>(heard.size()) - failed,
               heard.size(), kItdWithinUs, kIldWithinDb, set.name());
    if (!arguments.json.empty()) write_json(arguments.json, to_json(heard, walk.rate_hz));
    if (!arguments.svg.empty()) {
        const auto conditions = fmt::format("{} through {}, {} Hz", arguments.walk, set.name(), walk.rate_hz);
        write_text(arguments.svg,
                   draw_surround(heard, ring_of(set, heard.front().range), "Around the head, as heard", conditions));
    }
    return failed == 0 ? kFine : kFellShort;
}

}  // namespace

void add_measure_surround(Command measure, int& exit_code) {
    auto arguments = std::make_shared<SurroundArguments>();
    auto command = measure.add_subcommand(
        "surround", "Time and level differences between the ears in a recording, against those of a set of responses");
    command.add_option("walk", arguments->walk, "What went in: a channel for each speaker, one sounding at a time")
        .required();
    command.add_option("ears", arguments->ears, "What came out: the left and the right ear").required();
    command.add_option("--hrir", arguments->hrir, "A .sofa file, a HeSuVi .wav file, or \"mit-kemar\"")
        .capture_default_str();
    command.add_option("--layout", arguments->layout, "auto, or mono to 9.1.6").capture_default_str();
    command.add_option("--order", arguments->order, "Of the channels: wav, smpte or film")
        .one_of(std::vector<std::string>(kOrders.begin(), kOrders.end()))
        .capture_default_str();
    command.add_option("--svg", arguments->svg, "Draw the walk, and the differences over azimuth");
    command.add_option("--json", arguments->json, "Write the figures to this file");
    command.footer(
        "For each speaker the responses of both ears are worked out from the two recordings, and measured as\n"
        "`sidetone hrir inspect` measures the set's. Exit code 1: one is more than 20 us or 0.5 dB off.\n\n"
        "Example: sidetone measure surround walk.wav ears.wav --svg walk.svg");
    command.callback([arguments, &exit_code] { exit_code = surround(*arguments); });
}

}  // namespace sidetone::cli
