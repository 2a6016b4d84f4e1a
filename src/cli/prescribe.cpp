// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <array>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "cli/command.hpp"
#include "cli/prescription_chain.hpp"
#include "cli/prescription_drawing.hpp"
#include "dsp/prescription.hpp"
#include "rt/error.hpp"
#include "stage/audiogram_file.hpp"

namespace sidetone::cli {
namespace {

struct PrescribeArguments {
    std::string audiogram, rule = "nal-r", svg, json, chain;
    double output_limit_db_spl = 105;
};

std::vector<GainCurve> nal_r(const dsp::PerFrequency& threshold_db_hl) {
    return {{.speech_db_spl = {}, .gain_db = dsp::nal_r_gains_db(threshold_db_hl)}};
}

std::vector<GainCurve> nal_rp(const dsp::PerFrequency& threshold_db_hl) {
    return {{.speech_db_spl = {}, .gain_db = dsp::nal_rp_gains_db(threshold_db_hl)}};
}

std::vector<GainCurve> compressive(const dsp::PerFrequency& threshold_db_hl) {
    std::vector<GainCurve> curves;
    for (const int level_db_spl : {50, 65, 80}) {
        curves.push_back(
            {.speech_db_spl = level_db_spl, .gain_db = dsp::compressive_gains_db(threshold_db_hl, level_db_spl)});
    }
    return curves;
}

struct Rule {
    std::string_view name, description;
    std::vector<GainCurve> (*gains)(const dsp::PerFrequency& threshold_db_hl);
    dsp::PerFrequency (*gains_at)(const dsp::PerFrequency& threshold_db_hl, double speech_db_spl);
    bool depends_on_level;
};

dsp::PerFrequency nal_r_at(const dsp::PerFrequency& threshold_db_hl, double /*speech_db_spl*/) {
    return dsp::nal_r_gains_db(threshold_db_hl);
}

dsp::PerFrequency nal_rp_at(const dsp::PerFrequency& threshold_db_hl, double /*speech_db_spl*/) {
    return dsp::nal_rp_gains_db(threshold_db_hl);
}

constexpr std::array<Rule, 3> kRules{{
    {"nal-r", "NAL-R, linear (Byrne and Dillon 1986)", nal_r, nal_r_at, false},
    {"nal-rp", "NAL-RP, linear, for severe losses (Byrne, Parkinson and Newall 1990)", nal_rp, nal_rp_at, false},
    {"compressive", "Compressive, an approximation after the manner of CAMFIT (Moore et al. 1998, 1999)", compressive,
     dsp::compressive_gains_db, true},
}};

const Rule& rule_of(const std::string& name) {
    std::string expected;
    for (const auto& rule : kRules) {
        if (rule.name == name) return rule;
        expected += fmt::format("{}{}", expected.empty() ? "" : ", ", rule.name);
    }
    throw InputError(fmt::format("--rule: found \"{}\", expected one of {}", name, expected));
}

void print_row(std::string_view ear, const std::string& what, const dsp::PerFrequency& values, std::string_view unit) {
    fmt::print("{:<6} {:<19}", ear, what);
    for (const double value : values) fmt::print(" {:6.1f}", value);
    fmt::print("  {}\n", unit);
}

void print_table(const Prescription& prescription) {
    fmt::print("{}\n{}\n\n{:<26}", prescription.title, prescription.rule, "");
    for (const int frequency_hz : dsp::kAudiogramHz) fmt::print(" {:>6}", frequency_hz);
    fmt::print("  Hz\n");
    for (const auto& ear : prescription.ears) {
        print_row(ear.ear, "threshold", ear.audiogram.threshold_db_hl, "dB HL");
        for (const auto& curve : ear.curves) {
            const auto what = curve.speech_db_spl ? fmt::format("gain at {} dB SPL", *curve.speech_db_spl) : "gain";
            print_row("", what, curve.gain_db, "dB");
        }
    }
}

nlohmann::json json_of(const Prescription& prescription, std::string_view rule) {
    auto ears = nlohmann::json::array();
    for (const auto& ear : prescription.ears) {
        auto gains = nlohmann::json::array();
        for (const auto& curve : ear.curves) {
            nlohmann::json entry{{"insertion_gain_db", curve.gain_db}};
            if (curve.speech_db_spl) entry["speech_db_spl"] = *curve.speech_db_spl;
            gains.push_back(entry);
        }
        ears.push_back({{"ear", ear.ear}, {"threshold_db_hl", ear.audiogram.threshold_db_hl}, {"gains", gains}});
    }
    return {{"name", prescription.title}, {"rule", rule}, {"frequency_hz", dsp::kAudiogramHz}, {"ears", ears}};
}

std::string chain_for(const Prescription& prescription, const Rule& rule, double output_limit_db_spl) {
    std::vector<EarFitting> ears;
    for (const auto& ear : prescription.ears) {
        const auto gains_db = [&rule, &thresholds = ear.audiogram.threshold_db_hl](double speech_db_spl) {
            return rule.gains_at(thresholds, speech_db_spl);
        };
        ears.push_back({.ear = ear.ear, .gains_db = gains_db, .depends_on_level = rule.depends_on_level});
    }
    return chain_of(prescription.title, std::string{rule.name}, ears, output_limit_db_spl);
}

int prescribe(const PrescribeArguments& arguments) {
    const auto& rule = rule_of(arguments.rule);
    const auto audiogram = stage::read_audiogram(arguments.audiogram);
    Prescription prescription{.title = audiogram.name.empty() ? arguments.audiogram : audiogram.name,
                              .rule = std::string{rule.description},
                              .ears = {}};
    const auto add = [&](const char* name, const std::optional<dsp::EarAudiogram>& ear) {
        if (ear) prescription.ears.push_back({name, *ear, rule.gains(ear->threshold_db_hl)});
    };
    add("left", audiogram.left);
    add("right", audiogram.right);

    print_table(prescription);
    if (!arguments.svg.empty()) write_text(arguments.svg, draw(prescription));
    if (!arguments.chain.empty()) {
        write_text(arguments.chain, chain_for(prescription, rule, arguments.output_limit_db_spl));
    }
    if (!arguments.json.empty()) write_json(arguments.json, json_of(prescription, rule.name));
    return kFine;
}

}  // namespace

void add_prescribe(Command app, int& exit_code) {
    auto arguments = std::make_shared<PrescribeArguments>();
    auto command = app.add_subcommand("prescribe", "Gains for a hearing loss, from an audiogram, by published rules");
    command.add_option("audiogram", arguments->audiogram, "Thresholds in dB HL for each ear, as TOML or CSV")
        .required();
    command.add_option("--rule", arguments->rule, "nal-r, nal-rp (severe losses) or compressive").capture_default_str();
    command.add_option("--svg", arguments->svg, "Draw audiogram and gains to this file");
    command.add_option("--json", arguments->json, "Also write the gains to this file");
    command.add_option("--chain", arguments->chain, "Write a chain file for a hearing aid with these gains");
    command.add_option("--output-limit", arguments->output_limit_db_spl, "Of the chain, in each band, in dB SPL")
        .in_range(80.0, 130.0)
        .capture_default_str();
    command.footer("Example: sidetone prescribe me.toml --rule compressive --svg gains.svg --chain aid.toml");
    command.callback([arguments, &exit_code] { exit_code = prescribe(*arguments); });
}

}  // namespace sidetone::cli
