// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <cmath>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "cli/command.hpp"
#include "cli/electroacoustic_drawing.hpp"
#include "cli/terminal.hpp"
#include "dsp/electroacoustics.hpp"
#include "engine/chain_file.hpp"
#include "engine/offline_chain.hpp"
#include "rt/error.hpp"

namespace sidetone::cli {
namespace {

struct ElectroacousticArguments {
    std::string chain, json, svg;
    std::uint32_t rate_hz = 48'000, channels = 1, channel = 1;
    double full_scale_db_spl = 120;
    std::vector<double> input_output_hz{2000};
};

// In front of what it cannot measure, before minutes are spent.
void check(const ElectroacousticArguments& arguments, const dsp::TestBox& box) {
    if (arguments.channel > arguments.channels) {
        throw InputError(fmt::format("--channel: found {}, expected 1 to {}, as many as --channels says",
                                     arguments.channel, arguments.channels));
    }
    for (const double frequency_hz : arguments.input_output_hz) {
        if (!(frequency_hz >= 100) || !box.reaches(frequency_hz)) {
            throw InputError(fmt::format("--io: found {:g} Hz, expected frequencies from 100 Hz to below {:g} Hz",
                                         frequency_hz, 0.45 * arguments.rate_hz));
        }
    }
    for (const auto& file : {arguments.json, arguments.svg}) {
        if (!file.empty()) check_writable(file);
    }
}

std::string level_text(double db_spl) {
    return std::isfinite(db_spl) ? fmt::format("{:7.1f} dB SPL", db_spl) : "   none (nothing comes out without input)";
}

std::string settling_text(const std::optional<double>& ms) {
    return ms ? fmt::format("{:7.1f} ms", *ms) : "   none (the output does not settle)";
}

std::string to_text(const dsp::Electroacoustics& m) {
    std::string text;
    const auto line = [&](const std::string& name, const std::string& value) {
        text += fmt::format("  {:<32}{}\n", name, value);
    };
    line("HFA-OSPL90", level_text(m.hfa_ospl90_db_spl));
    line("highest OSPL90", fmt::format("{} at {:g} Hz", level_text(m.highest_ospl90_db_spl), m.highest_ospl90_hz));
    line("HFA full-on gain (as set)", fmt::format("{:7.1f} dB at 50 dB SPL", m.hfa_full_on_gain_db));
    line("highest full-on gain",
         fmt::format("{:7.1f} dB at {:g} Hz", m.highest_full_on_gain_db, m.highest_full_on_gain_hz));
    line("HFA gain at 60 dB SPL", fmt::format("{:7.1f} dB", m.hfa_gain_db));
    line("reference test gain", fmt::format("{:7.1f} dB", m.reference_test_gain_db));
    line("frequency range", fmt::format("{:7.0f} to {:.0f} Hz", m.range.low_hz, m.range.high_hz));
    for (const auto& tone : m.distortion) {
        line(fmt::format("harmonics, {:g} Hz at {:g} dB SPL", tone.frequency_hz, tone.input_db_spl),
             fmt::format("{:7.2f} %{}", 100 * tone.share,
                         tone.is_exempt ? " (exempt: the response rises by 12 dB to the second harmonic)" : ""));
    }
    line("equivalent input noise", level_text(m.equivalent_input_noise_db_spl));
    line("attack, 55 to 90 dB SPL", settling_text(m.step.attack_ms));
    line("release, 90 to 55 dB SPL", settling_text(m.step.release_ms));

    text += fmt::format("\n  {:>8} {:>12} {:>12} {:>12}\n", "Hz", "OSPL90", "60 dB SPL in", "gain at 50");
    for (std::size_t i = 0; i < m.frequency_hz.size(); ++i) {
        text += fmt::format("  {:>8g} {:>12.1f} {:>12.1f} {:>12.1f}\n", m.frequency_hz[i], m.ospl90_db_spl[i],
                            m.response_db_spl[i], m.full_on_gain_db[i]);
    }
    for (const auto& curve : m.input_output) {
        text += "\n  input    ";
        for (const double level : curve.input_db_spl) text += fmt::format(" {:6.1f}", level);
        text += fmt::format("  dB SPL at {:g} Hz\n  output   ", curve.frequency_hz);
        for (const double level : curve.output_db_spl) text += fmt::format(" {:6.1f}", level);
        text += "  dB SPL\n";
    }
    return text;
}

// What JSON cannot say (no noise at all, never settled) becomes null.
nlohmann::json number(const std::optional<double>& value) {
    return value && std::isfinite(*value) ? nlohmann::json(*value) : nlohmann::json(nullptr);
}

nlohmann::json to_json(const dsp::Electroacoustics& m) {
    auto distortion = nlohmann::json::array(), curves = nlohmann::json::array();
    for (const auto& tone : m.distortion) {
        distortion.push_back({{"frequency_hz", tone.frequency_hz},
                              {"input_db_spl", tone.input_db_spl},
                              {"share", number(tone.share)},
                              {"exempt", tone.is_exempt}});
    }
    for (const auto& curve : m.input_output) {
        curves.push_back({{"frequency_hz", curve.frequency_hz},
                          {"input_db_spl", curve.input_db_spl},
                          {"output_db_spl", curve.output_db_spl}});
    }
    return {{"frequency_hz", m.frequency_hz},
            {"ospl90_db_spl", m.ospl90_db_spl},
            {"full_on_gain_db", m.full_on_gain_db},
            {"response_db_spl", m.response_db_spl},
            {"hfa_ospl90_db_spl", number(m.hfa_ospl90_db_spl)},
            {"highest_ospl90", {{"db_spl", number(m.highest_ospl90_db_spl)}, {"frequency_hz", m.highest_ospl90_hz}}},
            {"hfa_full_on_gain_db", number(m.hfa_full_on_gain_db)},
            {"highest_full_on_gain",
             {{"db", number(m.highest_full_on_gain_db)}, {"frequency_hz", m.highest_full_on_gain_hz}}},
            {"hfa_gain_db", number(m.hfa_gain_db)},
            {"reference_test_gain_db", number(m.reference_test_gain_db)},
            {"frequency_range_hz", {{"low", m.range.low_hz}, {"high", m.range.high_hz}}},
            {"harmonic_distortion", distortion},
            {"output_noise_db_spl", number(m.output_noise_db_spl)},
            {"equivalent_input_noise_db_spl", number(m.equivalent_input_noise_db_spl)},
            {"input_output", curves},
            {"step",
             {{"attack_ms", number(m.step.attack_ms)},
              {"release_ms", number(m.step.release_ms)},
              {"low_db_spl", number(m.step.low_db_spl)},
              {"high_db_spl", number(m.step.high_db_spl)},
              {"up_ms", m.step.up_ms},
              {"down_ms", m.step.down_ms},
              {"time_ms", m.step.time_ms},
              {"output_db_spl", m.step.output_db_spl}}}};
}

int electroacoustic(const ElectroacousticArguments& arguments) {
    const auto path = engine::find_chain(arguments.chain);
    engine::OfflineChain chain{path,
                               arguments.rate_hz,
                               arguments.channels,
                               {.input_full_scale_db_spl = arguments.full_scale_db_spl,
                                .output_full_scale_db_spl = arguments.full_scale_db_spl,
                                .is_made = true}};
    std::uint64_t misses = 0;
    const dsp::TestBox box{[&](std::span<const float> input) {
                               auto output = chain.run(input, arguments.channel - 1);
                               misses += chain.misses();
                               return output;
                           },
                           static_cast<double>(arguments.rate_hz),
                           {arguments.full_scale_db_spl, arguments.full_scale_db_spl}};
    check(arguments, box);

    StatusLine status;
    const auto measured =
        dsp::measure_electroacoustics(box, arguments.input_output_hz, [&](std::string_view what, double share) {
            status.show(fmt::format("[{}] {:3.0f} %  {}", bar(share, 40), 100 * share, what));
        });
    status.clear();

    const auto conditions = fmt::format(
        "digital domain: no coupler, no transducer; full scale is {:g} dB SPL, {} Hz, delay {} frames ({:.2f} ms)",
        arguments.full_scale_db_spl, arguments.rate_hz, chain.delay_frames(),
        1000.0 * chain.delay_frames() / arguments.rate_hz);
    if (!arguments.json.empty()) {
        auto json = to_json(measured);
        json["chain"] = path.string();
        json["coupler"] = nullptr;
        json["full_scale_db_spl"] = arguments.full_scale_db_spl;
        json["rate_hz"] = arguments.rate_hz;
        json["channels"] = arguments.channels;
        json["channel"] = arguments.channel;
        json["delay_frames"] = chain.delay_frames();
        json["misses"] = misses;
        write_json(arguments.json, json);
    }
    if (!arguments.svg.empty()) write_text(arguments.svg, draw(measured, path.filename().string(), conditions));
    fmt::print("{}\n{}\n\n{}", path.string(), conditions, to_text(measured));
    if (misses == 0) return kFine;
    fmt::print("\nthe model failed on {} hops; they were covered, and the figures are not the chain's\n", misses);
    return kFellShort;
}

}  // namespace

void add_measure_electroacoustic(Command measure, int& exit_code) {
    auto arguments = std::make_shared<ElectroacousticArguments>();
    auto command = measure.add_subcommand(
        "electroacoustic", "A hearing aid's data sheet for a chain, after ANSI S3.22 and IEC 60118-0/-7");
    command.add_option("chain", arguments->chain, "Chain file, or the name of a ready-made chain").required();
    command
        .add_option("--full-scale-db-spl", arguments->full_scale_db_spl,
                    "Sound pressure level of a sound whose root mean square is full scale")
        .in_range(60, 180)
        .capture_default_str();
    command.add_option("--io", arguments->input_output_hz, "Frequencies of input/output curves, in Hz")
        .delimiter(',')
        .expected(1, 8)
        .capture_default_str();
    command.add_option("--rate", arguments->rate_hz, "Frames a second").in_range(8000, 192'000).capture_default_str();
    command.add_option("--channels", arguments->channels, "Channels of the chain; all hear the same")
        .in_range(1, 16)
        .capture_default_str();
    command.add_option("--channel", arguments->channel, "The channel whose output is measured, from 1")
        .in_range(1, 16)
        .capture_default_str();
    command.add_option("--json", arguments->json, "Write figures and curves to this file");
    command.add_option("--svg", arguments->svg, "Draw the data sheet to this file");
    command.footer(
        "Tones at sound pressure levels are sent through the chain as `sidetone process` would run it, and what comes\n"
        "out is measured. There is no coupler and no transducer: the figures are of the chain alone. A chain has no\n"
        "volume control, so all is measured as it is set. HFA: the mean at 1000, 1600 and 2500 Hz. Tones are no "
        "speech:\n"
        "leave a denoise stage out for a data sheet, or see what it makes of tones.\n\n"
        "Example: sidetone measure electroacoustic hearing-aid.toml --svg sheet.svg --json sheet.json");
    command.callback([arguments, &exit_code] { exit_code = electroacoustic(*arguments); });
}

}  // namespace sidetone::cli
