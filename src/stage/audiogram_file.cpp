// SPDX-License-Identifier: Apache-2.0
#include "stage/audiogram_file.hpp"

#include <fmt/format.h>

#include <array>
#include <charconv>
#include <fstream>
#include <string_view>
#include <vector>

#include "nn/toml_table.hpp"
#include "rt/error.hpp"

namespace sidetone::stage {
namespace {

using dsp::EarAudiogram;
using dsp::kAudiogramHz;
using dsp::kHighestThresholdDbHl;
using dsp::kLowestThresholdDbHl;

std::string expected_threshold() {
    return fmt::format("a number from {} to {}", kLowestThresholdDbHl, kHighestThresholdDbHl);
}

// ── TOML ────────────────────────────────────────────────────────────────────────────────────────

EarAudiogram toml_ear(const nn::TomlTable& table) {
    EarAudiogram ear;
    for (std::size_t f = 0; f < kAudiogramHz.size(); ++f) {
        const auto key = std::to_string(kAudiogramHz[f]);
        if (!table.has(key) && !dsp::is_octave(kAudiogramHz[f])) continue;
        ear.threshold_db_hl[f] = table.number(key, kLowestThresholdDbHl, kHighestThresholdDbHl);
        ear.is_measured[f] = true;
    }
    table.finish();
    return interpolated(ear);
}

Audiogram read_toml(const std::filesystem::path& file) {
    const auto parsed = nn::parse_toml(file);
    const nn::TomlTable table{parsed, file};
    Audiogram audiogram;
    if (table.has("name")) audiogram.name = table.text("name");
    if (table.has("left")) audiogram.left = toml_ear(table.table("left"));
    if (table.has("right")) audiogram.right = toml_ear(table.table("right"));
    table.finish();
    if (!audiogram.left && !audiogram.right) table.fail("left", "neither ear", "a table [left], [right] or both");
    return audiogram;
}

// ── CSV ─────────────────────────────────────────────────────────────────────────────────────────

/// Where a message points to.
struct Place {
    const std::filesystem::path& file;
    std::size_t line;

    [[noreturn]] void fail(std::string_view key, const std::string& found, const std::string& expected) const {
        throw InputError{
            fmt::format("{}:{}: column \"{}\": found {}, expected {}", file.string(), line, key, found, expected)};
    }
};

std::string_view trimmed(std::string_view text) {
    constexpr std::string_view kBlank = " \t\r";
    const auto first = text.find_first_not_of(kBlank);
    if (first == std::string_view::npos) return {};
    return text.substr(first, text.find_last_not_of(kBlank) - first + 1);
}

std::vector<std::string> cells_of(std::string_view line) {
    std::vector<std::string> cells;
    while (true) {
        const auto comma = line.find(',');
        cells.emplace_back(trimmed(line.substr(0, comma)));
        if (comma == std::string_view::npos) return cells;
        line.remove_prefix(comma + 1);
    }
}

/// Whether all of `cell` is a number; `value` is it.
bool parse_number(const std::string& cell, double& value) {
    const auto [end, error] = std::from_chars(cell.data(), cell.data() + cell.size(), value);
    return error == std::errc{} && end == cell.data() + cell.size();
}

std::string found_in(const std::string& cell) {
    return cell.empty() ? "nothing" : nn::in_quotes(cell);
}

/// Which of the columns is which ear; the first is the frequency.
std::vector<std::optional<EarAudiogram>*> columns(const std::vector<std::string>& header, Audiogram& audiogram,
                                                  const Place& place) {
    if (header[0] != "frequency_hz") place.fail("1", found_in(header[0]), "\"frequency_hz\"");
    if (header.size() < 2) place.fail("2", "nothing", "\"left\" or \"right\"");
    std::vector<std::optional<EarAudiogram>*> ears{nullptr};
    for (std::size_t column = 1; column < header.size(); ++column) {
        auto* ear = header[column] == "left" ? &audiogram.left : header[column] == "right" ? &audiogram.right : nullptr;
        if (ear == nullptr || ear->has_value()) {
            place.fail(std::to_string(column + 1), found_in(header[column]), "\"left\" or \"right\", once each");
        }
        ear->emplace();
        ears.push_back(ear);
    }
    return ears;
}

std::size_t frequency_of(const std::string& cell, const Place& place) {
    double frequency_hz = 0;
    if (parse_number(cell, frequency_hz)) {
        for (std::size_t f = 0; f < kAudiogramHz.size(); ++f) {
            if (frequency_hz == kAudiogramHz[f]) return f;
        }
    }
    place.fail("frequency_hz", found_in(cell), fmt::format("one of {}", fmt::join(kAudiogramHz, ", ")));
}

void read_threshold(const std::string& cell, std::size_t f, EarAudiogram& ear, std::string_view name,
                    const Place& place) {
    if (cell.empty() && !dsp::is_octave(kAudiogramHz[f])) return;
    double threshold_db_hl = 0;
    const bool is_good = parse_number(cell, threshold_db_hl) && threshold_db_hl >= kLowestThresholdDbHl &&
                         threshold_db_hl <= kHighestThresholdDbHl;
    if (!is_good) place.fail(name, found_in(cell), expected_threshold());
    ear.threshold_db_hl[f] = threshold_db_hl;
    ear.is_measured[f] = true;
}

/// All octaves there? An ear's column is as good as its rows.
void complete(std::optional<EarAudiogram>& ear, std::string_view name, const std::filesystem::path& file) {
    if (!ear) return;
    for (std::size_t f = 0; f < kAudiogramHz.size(); ++f) {
        if (ear->is_measured[f] || !dsp::is_octave(kAudiogramHz[f])) continue;
        throw InputError{fmt::format("{}: column \"{}\": found no row for {} Hz, expected {}", file.string(), name,
                                     kAudiogramHz[f], expected_threshold())};
    }
    ear = interpolated(*ear);
}

Audiogram read_csv(const std::filesystem::path& file) {
    std::ifstream stream{file};
    if (!stream || std::filesystem::is_directory(file)) {
        throw InputError{fmt::format("{}: cannot be read", file.string())};
    }
    Audiogram audiogram;
    std::vector<std::string> header;
    std::vector<std::optional<EarAudiogram>*> ears;
    std::array<bool, kAudiogramHz.size()> is_given{};
    std::string line;
    for (Place place{file, 1}; std::getline(stream, line); ++place.line) {
        if (trimmed(line).empty()) continue;
        const auto cells = cells_of(line);
        if (ears.empty()) {
            header = cells;
            ears = columns(header, audiogram, place);
            continue;
        }
        if (cells.size() != ears.size()) {
            place.fail(header.back(), fmt::format("{} cells in the row", cells.size()), std::to_string(ears.size()));
        }
        const auto f = frequency_of(cells[0], place);
        if (is_given[f]) place.fail(header[0], nn::in_quotes(cells[0]) + " again", "each frequency once");
        is_given[f] = true;
        for (std::size_t column = 1; column < cells.size(); ++column) {
            read_threshold(cells[column], f, **ears[column], header[column], place);
        }
    }
    if (ears.empty()) Place{file, 1}.fail("1", "an empty file", "\"frequency_hz\"");
    complete(audiogram.left, "left", file);
    complete(audiogram.right, "right", file);
    return audiogram;
}

}  // namespace

Audiogram read_audiogram(const std::filesystem::path& file) {
    return file.extension() == ".csv" ? read_csv(file) : read_toml(file);
}

}  // namespace sidetone::stage
