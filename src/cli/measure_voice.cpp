// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <cmath>
#include <filesystem>
#include <iterator>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>

#include "cli/command.hpp"
#include "cli/voice_command.hpp"
#include "cli/voice_drawing.hpp"
#include "cli/voice_track.hpp"
#include "rt/error.hpp"

namespace sidetone::cli {
namespace {

constexpr double kWhole = 1e9;  // longer than any recording, in seconds

struct VoiceArguments {
    std::string file, csv, json, svg, voice = "woman";
    double ceiling_hz = 0, from_s = 0, to_s = kWhole;
};

double ceiling_of(const VoiceArguments& arguments) {
    if (arguments.ceiling_hz > 0) {
        if (std::fmod(arguments.ceiling_hz, 50) != 0)
            throw InputError(fmt::format("--ceiling: found {:g}, expected a multiple of 50", arguments.ceiling_hz));
        return arguments.ceiling_hz;
    }
    if (arguments.voice == "child") return dsp::Formants::kChild;
    return arguments.voice == "man" ? dsp::Formants::kMan : dsp::Formants::kWoman;
}

nlohmann::json number(double value) {
    return std::isfinite(value) ? nlohmann::json(value) : nlohmann::json();
}

nlohmann::json to_json(const Spread& spread) {
    return {{"p5", number(spread.low)}, {"median", number(spread.median)}, {"p95", number(spread.high)}};
}

nlohmann::json to_json(const VoiceTrack& track, const VoiceSummary& summary) {
    nlohmann::json json{{"from_s", track.from_s},
                        {"to_s", track.to_s},
                        {"recorded_s", track.recorded_s},
                        {"voiced_share", summary.voiced_share},
                        {"level_dbfs", to_json(summary.level_dbfs)},
                        {"f0_hz", to_json(summary.f0_hz)},
                        {"f0_semitones", number(summary.semitones())}};
    for (std::size_t n = 0; n < 4; ++n) {
        json[fmt::format("f{}_hz", n + 1)] = to_json(summary.formants_hz[n]);
        json[fmt::format("f{}_bandwidth_hz", n + 1)] = number(summary.bandwidths_hz[n]);
    }
    auto frames = nlohmann::json::array();
    for (const auto& moment : track.moments) {
        const bool is_voiced = moment.pitch.is_voiced();
        auto formants = nlohmann::json::array(), bandwidths = nlohmann::json::array();
        for (std::size_t n = 0; moment.has_formants() && n < moment.formants.count; ++n) {
            formants.push_back(moment.formants.formants[n].frequency_hz);
            bandwidths.push_back(moment.formants.formants[n].bandwidth_hz);
        }
        frames.push_back({{"time_s", moment.time_s},
                          {"level_dbfs", number(moment.level_dbfs)},
                          {"voicing", moment.pitch.voicing},
                          {"f0_hz", is_voiced ? nlohmann::json(moment.pitch.f0_hz) : nlohmann::json()},
                          {"formants_hz", formants},
                          {"bandwidths_hz", bandwidths}});
    }
    json["frames"] = frames;
    return json;
}

// What is not there is left empty.
std::string to_csv(const VoiceTrack& track) {
    std::string csv =
        "time_s,level_dbfs,voicing,f0_hz,f1_hz,f2_hz,f3_hz,f4_hz,f1_bandwidth_hz,f2_bandwidth_hz,"
        "f3_bandwidth_hz,f4_bandwidth_hz\n";
    const auto out = std::back_inserter(csv);
    for (const auto& moment : track.moments) {
        fmt::format_to(out, "{:.4f},", moment.time_s);
        if (std::isfinite(moment.level_dbfs)) fmt::format_to(out, "{:.1f}", moment.level_dbfs);
        fmt::format_to(out, ",{:.3f},", moment.pitch.voicing);
        if (moment.pitch.is_voiced()) fmt::format_to(out, "{:.1f}", moment.pitch.f0_hz);
        const auto found = moment.has_formants() ? moment.formants.count : 0;
        for (const auto value : {&dsp::Formant::frequency_hz, &dsp::Formant::bandwidth_hz}) {
            for (std::size_t n = 0; n < 4; ++n)
                csv += n < found ? fmt::format(",{:.0f}", moment.formants.formants[n].*value) : ",";
        }
        csv += '\n';
    }
    return csv;
}

void print_line(const std::string& name, const Spread& spread, const char* unit, int decimals,
                const std::string& more = "") {
    if (!std::isfinite(spread.median)) {
        fmt::print("{:<8} none\n", name);
        return;
    }
    fmt::print("{:<8} {:8.{}f} {}   5 to 95 %: {:.{}f} to {:.{}f}{}\n", name, spread.median, decimals, unit, spread.low,
               decimals, spread.high, decimals, more);
}

int voice(const VoiceArguments& arguments) {
    for (const auto& file : {arguments.csv, arguments.json, arguments.svg}) {
        if (!file.empty()) check_writable(file);
    }
    if (!(arguments.from_s < arguments.to_s)) {
        throw InputError(
            fmt::format("--to: found {:g}, expected more than the {:g} of --from", arguments.to_s, arguments.from_s));
    }
    const double ceiling_hz = ceiling_of(arguments);
    const auto track = track_voice(arguments.file, ceiling_hz, arguments.from_s, arguments.to_s);
    if (arguments.from_s >= track.recorded_s) {
        throw InputError(fmt::format("{}: --from: found {:g}, expected less than its {:g} seconds", arguments.file,
                                     arguments.from_s, track.recorded_s));
    }
    if (track.to_s <= track.from_s) {
        throw InputError(
            fmt::format("{}: --from and --to: found {:g} and {:g}, expected a sample of 16 kHz between them",
                        arguments.file, arguments.from_s, arguments.to_s));
    }
    const auto figures = summary(track.moments);
    const auto conditions =
        fmt::format("{:.2f} to {:.2f} s, a frame every 10 ms; {}formants below {:g} Hz", track.from_s, track.to_s,
                    arguments.ceiling_hz > 0 ? "" : arguments.voice + ": ", ceiling_hz);
    if (!arguments.csv.empty()) write_text(arguments.csv, to_csv(track));
    if (!arguments.json.empty()) {
        auto json = to_json(track, figures);
        json["file"] = arguments.file;
        json["ceiling_hz"] = ceiling_hz;
        json["not_finite"] = track.not_finite;
        write_json(arguments.json, json);
    }
    if (!arguments.svg.empty()) {
        const auto title = std::filesystem::path{arguments.file}.filename().string();
        write_text(arguments.svg, draw(track, figures, ceiling_hz, title, conditions));
    }
    fmt::print("{}: {}\n", arguments.file, conditions);
    if (track.not_finite > 0) fmt::print("{} samples that are NaN or infinite count as silence\n", track.not_finite);
    if (figures.voiced_share <= 0) {
        fmt::print("no voice found\n");
        return kFellShort;
    }
    fmt::print("{:<8} {:8.1f} %\n", "voiced", 100 * figures.voiced_share);
    print_line("level", figures.level_dbfs, "dB", 1, " below full scale");
    print_line("pitch", figures.f0_hz, "Hz", 1, fmt::format(" ({:.1f} semitones)", figures.semitones()));
    for (std::size_t n = 0; n < 4; ++n) {
        print_line(fmt::format("F{}", n + 1), figures.formants_hz[n], "Hz", 0,
                   fmt::format("; bandwidth {:.0f}", figures.bandwidths_hz[n]));
    }
    return kFine;
}

}  // namespace

void add_measure_voice(Command measure, int& exit_code) {
    auto arguments = std::make_shared<VoiceArguments>();
    auto command = measure.add_subcommand("voice", "Level, voicing, pitch and formants of a voice every 10 ms");
    command.add_option("file", arguments->file, "Sound file of any rate (WAV, FLAC, Ogg, …)").required();
    command.add_option("--voice", arguments->voice, "Whose: formants are looked for below 8000, 5500 or 5000 Hz")
        .one_of({"child", "woman", "man"})
        .capture_default_str();
    command.add_option("--ceiling", arguments->ceiling_hz, "Below so many Hz instead; five formants should lie there")
        .in_range(4000.0, 8000.0);
    command.add_option("--from", arguments->from_s, "Begin at so many seconds")
        .in_range(0.0, kWhole)
        .capture_default_str();
    command.add_option("--to", arguments->to_s, "End at so many seconds; else at the end").in_range(0.0, kWhole);
    command.add_option("--csv", arguments->csv, "Write a line for every 10 ms to this file");
    command.add_option("--json", arguments->json, "Write the figures, and those of every 10 ms, to this file");
    command.add_option("--svg", arguments->svg, "Draw spectrogram, formants, pitch and level to this file");
    command.footer(
        "Example: sidetone measure voice child.wav --voice child --svg child.svg --csv child.csv\n"
        "Channels are mixed. Pitch is looked for from 50 to 600 Hz. Formants are given where there is a voice and "
        "they\n"
        "are clear; the harmonics of a high voice pull F1 by up to a seventh of its pitch. The level is of the file: "
        "it\n"
        "knows nothing of the microphone. Exit code 1: no voice. No finding is a diagnosis. How it works: "
        "docs/speak.md");
    command.callback([arguments, &exit_code] { exit_code = voice(*arguments); });
}

}  // namespace sidetone::cli
