// SPDX-License-Identifier: Apache-2.0
#include "stage/equaliser_settings.hpp"

#include <fmt/format.h>

#include <array>
#include <charconv>
#include <cmath>
#include <fstream>
#include <sstream>
#include <string>
#include <string_view>

#include "rt/error.hpp"

namespace sidetone::stage {
namespace {

using Shape = dsp::EqualiserFilter::Shape;
using namespace std::string_view_literals;

constexpr std::array kShapeNames{"peaking"sv, "low_shelf"sv, "high_shelf"sv, "low_pass"sv, "high_pass"sv, "notch"sv};

struct Range {
    double low, high;
    std::string_view unit;
};
constexpr Range kFrequency{10, 96'000, "Hz"};
constexpr Range kGain{-kMostEqualiserDb, kMostEqualiserDb, "dB"};
constexpr Range kQ{0.05, 100, ""};

/// One line of a parametric file, word by word.
class Line {
public:
    Line(const std::filesystem::path& file, std::size_t number, const std::string& text)
        : file_(file), number_(number), words_(text) {}

    /// The next word; empty at the end.
    std::string word() {
        std::string next;
        words_ >> next;
        return next;
    }

    /// `name` and a number, and its unit where it has one.
    double value(std::string_view name, const Range& range) {
        expect(word(), name);
        return number(range);
    }

    double number(const Range& range) {
        const auto found = word();
        double value = 0;
        const auto [end, error] = std::from_chars(found.data(), found.data() + found.size(), value);
        const bool is_number = error == std::errc{} && end == found.data() + found.size();
        if (!is_number || !(value >= range.low && value <= range.high)) {
            fail(found, fmt::format("a number from {} to {}", range.low, range.high));
        }
        if (!range.unit.empty()) expect(word(), range.unit);
        return value;
    }

    void expect(const std::string& found, std::string_view expected) const {
        if (found != expected) fail(found, fmt::format("\"{}\"", expected));
    }

    [[noreturn]] void fail(const std::string& found, const std::string& expected) const {
        throw InputError(fmt::format("{}:{}: found {}, expected {}", file_.string(), number_,
                                     found.empty() ? "the line's end" : nn::in_quotes(found), expected));
    }

private:
    const std::filesystem::path& file_;
    std::size_t number_;
    std::istringstream words_;
};

struct NamedShape {
    std::string_view name;
    Shape shape;
    bool has_gain;
};
constexpr std::array kNamedShapes{NamedShape{"PK", Shape::peaking, true},     NamedShape{"LSC", Shape::low_shelf, true},
                                  NamedShape{"HSC", Shape::high_shelf, true}, NamedShape{"LS", Shape::low_shelf, true},
                                  NamedShape{"HS", Shape::high_shelf, true},  NamedShape{"LP", Shape::low_pass, false},
                                  NamedShape{"HP", Shape::high_pass, false},  NamedShape{"NO", Shape::notch, false}};

const NamedShape& shape_of(const std::string& name, const Line& line) {
    for (const auto& named : kNamedShapes) {
        if (named.name == name) return named;
    }
    line.fail(name, "PK, LSC, HSC, LS, HS, LP, HP or NO");
}

/// What follows "Filter": `1: ON PK Fc 105 Hz Gain 5.5 dB Q 0.70`.
void read_filter(Line& line, EqualiserSettings& settings) {
    const auto number = line.word();
    if (number.empty() || number.back() != ':') line.fail(number, "a number and a colon");
    const auto state = line.word();
    if (state == "OFF") return;
    line.expect(state, "ON");
    const auto& named = shape_of(line.word(), line);
    dsp::EqualiserFilter filter{.shape = named.shape};
    filter.frequency_hz = line.value("Fc", kFrequency);
    if (named.has_gain) filter.gain_db = line.value("Gain", kGain);
    filter.q = line.value("Q", kQ);
    if (const auto rest = line.word(); !rest.empty()) line.fail(rest, "the line's end");
    if (settings.filters.size() == dsp::BiquadCascade::kMost) {
        line.fail("Filter", fmt::format("at most {} filters", dsp::BiquadCascade::kMost));
    }
    settings.filters.push_back(filter);
}

dsp::EqualiserFilter filter_from(const Settings& table) {
    dsp::EqualiserFilter filter;
    filter.shape = static_cast<Shape>(table.choice("shape", "peaking", kShapeNames));
    if (!table.has("frequency_hz")) table.fail("frequency_hz", "nothing", "a number from 10 to 96000");
    filter.frequency_hz = table.number("frequency_hz", 1000, kFrequency.low, kFrequency.high);
    filter.gain_db = table.number("gain_db", 0, kGain.low, kGain.high);
    filter.q = table.number("q", filter.q, kQ.low, kQ.high);
    table.finish();
    return filter;
}

}  // namespace

std::vector<dsp::Biquad> biquads_of(const EqualiserSettings& settings, double rate_hz) {
    std::vector<dsp::Biquad> biquads;
    for (const auto& filter : settings.filters) biquads.push_back(make_biquad(filter, rate_hz));
    if (biquads.empty()) biquads.emplace_back();
    const double gain = std::pow(10.0, settings.preamp_db / 20);
    auto& first = biquads.front();
    first.b0 *= gain;
    first.b1 *= gain;
    first.b2 *= gain;
    return biquads;
}

EqualiserSettings read_parametric_file(const std::filesystem::path& file) {
    std::ifstream stream{file};
    if (!stream || std::filesystem::is_directory(file)) {
        throw InputError(fmt::format("{}: cannot be read", file.string()));
    }
    EqualiserSettings settings;
    std::string text;
    for (std::size_t number = 1; std::getline(stream, text); ++number) {
        Line line{file, number, text};
        const auto first = line.word();
        if (first.empty() || first.front() == '#') continue;
        if (first == "Preamp:") {
            settings.preamp_db = line.number(kGain);
        } else if (first == "Filter") {
            read_filter(line, settings);
        } else {
            line.fail(first, "\"Preamp:\" or \"Filter\"");
        }
    }
    return settings;
}

EqualiserSettings read_equaliser(const Settings& settings) {
    const auto tables = settings.tables("filter");
    const bool has_preamp = settings.has("preamp_db");
    const double preamp_db = settings.number("preamp_db", 0, kGain.low, kGain.high);
    EqualiserSettings equaliser;
    if (settings.has("file")) {
        if (!tables.empty()) settings.fail("filter", "tables", "either \"file\" or these");
        equaliser = read_parametric_file(settings.file("file"));
    }
    if (tables.size() > dsp::BiquadCascade::kMost) {
        settings.fail("filter", fmt::format("{} tables", tables.size()),
                      fmt::format("at most {}", dsp::BiquadCascade::kMost));
    }
    for (const auto& table : tables) equaliser.filters.push_back(filter_from(table));
    if (has_preamp) equaliser.preamp_db = preamp_db;
    return equaliser;
}

}  // namespace sidetone::stage
