// SPDX-License-Identifier: Apache-2.0
#include "cli/prescription_chain.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <toml++/toml.h>

#include <sstream>

#include "dsp/frequency_bands.hpp"
#include "dsp/speech_spectrum.hpp"

namespace sidetone::cli {
namespace {

constexpr int kSoftestDbSpl = 45, kLoudestDbSpl = 100, kStepDb = 5;

std::string quoted(const std::string& text) {
    std::ostringstream out;
    out << toml::value<std::string>{text};
    return out.str();
}

/// [1.0, 2.5], to a tenth.
std::string listed(const std::vector<double>& values) {
    std::vector<std::string> texts;
    texts.reserve(values.size());
    for (const double value : values) texts.push_back(fmt::format("{:.1f}", value));
    return fmt::format("[{}]", fmt::join(texts, ", "));
}

std::vector<int> speech_levels(bool depends_on_level) {
    if (!depends_on_level) return {65};
    std::vector<int> levels;
    for (int level = kSoftestDbSpl; level <= kLoudestDbSpl; level += kStepDb) levels.push_back(level);
    return levels;
}

std::string band_text(std::size_t band, const dsp::FrequencyBands& bands, const std::vector<EarFitting>& ears) {
    const auto speech = speech_levels(ears.front().depends_on_level);
    std::vector<double> levels;
    levels.reserve(speech.size());
    for (const int level : speech) {
        levels.push_back(dsp::speech_level_between_db_spl(bands.edges_hz[band], bands.edges_hz[band + 1], level));
    }
    auto text = fmt::format("\n[[stage.gains.band]]\ncentre_hz = {}\nlevels_db_spl = {}\n", dsp::kAudiogramHz[band],
                            listed(levels));
    for (const auto& ear : ears) {
        std::vector<double> gains;
        gains.reserve(speech.size());
        for (const int level : speech) gains.push_back(ear.gains_db(level)[band]);
        text += fmt::format("{}gains_db = {}\n", ears.size() == 1 ? "" : ear.ear + "_", listed(gains));
    }
    return text;
}

}  // namespace

std::string chain_of(const std::string& title, const std::string& rule, const std::vector<EarFitting>& ears,
                     double output_limit_db_spl) {
    auto text = fmt::format(
        "# Written by `sidetone prescribe`, from an audiogram: insertion gains in dB by the level of each band in dB\n"
        "# SPL{}. What the card's full scale is in the air, `sidetone calibrate` is to know.\n"
        "description = {}\n"
        "channels = {}\n\n"
        "[[stage]]\n"
        "kind = \"filter_bank\"\n"
        "analysis_ms = 8\n"
        "synthesis_ms = 3\n"
        "hop_ms = 1\n\n"
        "[[stage.gains]]\n"
        "kind = \"compress\"\n"
        "attack_ms = 5\n"
        "release_ms = 80\n"
        "output_limit_db_spl = {:g}\n",
        ears.front().depends_on_level
            ? fmt::format(", for speech of {} to {} dB SPL overall", kSoftestDbSpl, kLoudestDbSpl)
            : "",
        quoted(fmt::format("Hearing aid: {}, {}", title, rule)), ears.size(), output_limit_db_spl);
    const auto bands = dsp::bands_around({dsp::kAudiogramHz.begin(), dsp::kAudiogramHz.end()});
    for (std::size_t band = 0; band < bands.count(); ++band) text += band_text(band, bands, ears);
    return text +
           "\n[[stage]]\n"
           "kind = \"limit\"\n";
}

}  // namespace sidetone::cli
