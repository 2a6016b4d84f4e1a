// SPDX-License-Identifier: Apache-2.0
#include "engine/calibration_file.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>
#include <sstream>
#include <system_error>

#include "engine/whole_file.hpp"
#include "nn/toml_table.hpp"

namespace sidetone::engine {
namespace {

namespace fs = std::filesystem;

constexpr auto kInput = "input_full_scale_db_spl";
constexpr auto kOutput = "output_full_scale_db_spl";

fs::path from_environment(const char* name, const char* below) {
    const char* value = std::getenv(name);
    return value == nullptr || *value == '\0' ? fs::path{} : fs::path{value} / below;
}

std::optional<double> value_of(const nn::TomlTable& table, const char* key) {
    if (!table.has(key)) return std::nullopt;
    return table.number(key, stage::Calibration::kLowestDbSpl, stage::Calibration::kHighestDbSpl);
}

}  // namespace

fs::path calibration_file() {
    auto folder = from_environment("XDG_CONFIG_HOME", "sidetone");
    if (folder.empty()) folder = from_environment("HOME", ".config/sidetone");
    return folder.empty() ? folder : folder / "calibration.toml";
}

std::map<std::string, CardCalibration> read_calibrations(const fs::path& file) {
    std::map<std::string, CardCalibration> cards;
    if (file.empty() || !is_there(file)) return cards;
    const auto parsed = nn::parse_toml(file);
    const nn::TomlTable root{parsed, file};
    if (root.has("card")) {
        for (const auto& table : root.tables("card", 0)) {
            cards[table.text("name")] = {value_of(table, kInput), value_of(table, kOutput)};
            table.finish();
        }
    }
    root.finish();
    return cards;
}

void write_calibrations(const fs::path& file, const std::map<std::string, CardCalibration>& cards) {
    std::ostringstream out;
    out << "# What full scale is in the air. Written by `sidetone calibrate`.\n";
    for (const auto& [name, card] : cards) {
        out << "\n[[card]]\nname = " << toml::value<std::string>{name} << '\n';
        if (card.input_full_scale_db_spl) out << kInput << " = " << *card.input_full_scale_db_spl << '\n';
        if (card.output_full_scale_db_spl) out << kOutput << " = " << *card.output_full_scale_db_spl << '\n';
    }
    std::error_code ignored;  // told when the file cannot be written
    fs::create_directories(file.parent_path(), ignored);
    write_whole(file, out.str());
}

stage::Calibration calibration_of(const std::map<std::string, CardCalibration>& cards, const std::string& input,
                                  const std::string& output) {
    stage::Calibration calibration;
    const auto from = cards.find(input);
    const auto to = cards.find(output);
    const bool has_input = from != cards.end() && from->second.input_full_scale_db_spl.has_value();
    const bool has_output = to != cards.end() && to->second.output_full_scale_db_spl.has_value();
    calibration.is_made = has_input && has_output;
    if (has_input) calibration.input_full_scale_db_spl = *from->second.input_full_scale_db_spl;
    // One side alone would turn into gain that nobody asked for.
    calibration.output_full_scale_db_spl = calibration.input_full_scale_db_spl;
    if (calibration.is_made) calibration.output_full_scale_db_spl = *to->second.output_full_scale_db_spl;
    return calibration;
}

std::string calibration_warning(const ChainFile& chain) {
    const bool levels_matter =
        std::ranges::any_of(chain.stages, [](const auto& link) { return link.stage->needs_calibration(); });
    if (!levels_matter || chain.calibration.is_made) return {};
    return fmt::format(
        "no calibration of this card: full scale is taken to be {:.0f} dB SPL, so levels and gains may be wrong; "
        "measure it and tell me with: sidetone calibrate",
        chain.calibration.input_full_scale_db_spl);
}

}  // namespace sidetone::engine
