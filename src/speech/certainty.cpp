// SPDX-License-Identifier: Apache-2.0
#include "speech/certainty.hpp"

#include <fmt/format.h>

#include <charconv>
#include <cmath>
#include <optional>

#include "rt/error.hpp"
#include "speech/text_file.hpp"

namespace sidetone::speech {
namespace {

constexpr std::size_t kMaxBytes = std::size_t{1} << 16;

double number(TextFile& file, const char* what) {
    const auto field = file.next_field();
    double value = 0;
    const auto [end, error] = std::from_chars(field.data(), field.data() + field.size(), value);
    if (error != std::errc{} || end != field.data() + field.size() || !std::isfinite(value)) {
        file.refuse(fmt::format("{}: found \"{}\", expected a number", what, shown(field)));
    }
    return value;
}

}  // namespace

float Certainty::fine_probability(float score) const noexcept {
    return static_cast<float>(1 / (1 + std::exp(-offset - slope * static_cast<double>(score))));
}

std::string_view name_of(Verdict verdict) noexcept {
    if (verdict == Verdict::not_sure) return "not sure";
    return verdict == Verdict::fine ? "fine" : "otherwise";
}

Certainty read_certainty(const std::filesystem::path& file, std::string_view name) {
    TextFile lines{file, kMaxBytes};
    std::optional<Certainty> found;
    while (lines.next_line()) {
        if (lines.line().empty() || lines.line().starts_with('#')) continue;
        const auto called = lines.next_field();
        Certainty curve;
        curve.offset = number(lines, "offset");
        curve.slope = number(lines, "slope");
        if (curve.slope <= 0) lines.refuse(fmt::format("slope: found {}, expected more than 0", curve.slope));
        if (const auto more = lines.next_field(); !more.empty()) {
            lines.refuse(fmt::format("found \"{}\" after the slope, expected the line's end", shown(more)));
        }
        if (called != name) continue;
        if (found) lines.refuse(fmt::format("found a second line \"{}\", expected one", name));
        found = curve;
    }
    if (!found) throw InputError{fmt::format("{}: found no line \"{}\", expected one", file.string(), name)};
    return *found;
}

}  // namespace sidetone::speech
