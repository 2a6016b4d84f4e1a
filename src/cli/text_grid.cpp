// SPDX-License-Identifier: Apache-2.0
#include "cli/text_grid.hpp"

#include <fmt/format.h>

namespace sidetone::cli {
namespace {

constexpr double kShortest = 1e-6;

// Quotes within a text are doubled.
std::string quoted(const std::string& text) {
    std::string result = "\"";
    for (const char c : text) result += c == '"' ? "\"\"" : std::string{c};
    return result + '"';
}

// The tier without gaps: silences are intervals with an empty text.
std::vector<TextGridInterval> covering(const std::vector<TextGridInterval>& intervals, double seconds) {
    std::vector<TextGridInterval> all;
    double at = 0;
    const auto add = [&](double end_s, const std::string& text) {
        if (end_s - at < kShortest) return;
        all.push_back({.start_s = at, .end_s = end_s, .text = text});
        at = end_s;
    };
    for (const auto& interval : intervals) {
        add(interval.start_s, "");
        add(interval.end_s, interval.text);
    }
    add(seconds, "");
    return all;
}

}  // namespace

std::string text_grid(const std::vector<TextGridTier>& tiers, double seconds) {
    auto text = fmt::format(
        "File type = \"ooTextFile\"\nObject class = \"TextGrid\"\n\nxmin = 0\nxmax = {:.6f}\ntiers? <exists>\nsize = "
        "{}\nitem []:\n",
        seconds, tiers.size());
    for (std::size_t i = 0; i < tiers.size(); ++i) {
        const auto intervals = covering(tiers[i].intervals, seconds);
        text += fmt::format(
            "    item [{}]:\n        class = \"IntervalTier\"\n        name = {}\n        xmin = 0\n        xmax = "
            "{:.6f}\n        intervals: size = {}\n",
            i + 1, quoted(tiers[i].name), seconds, intervals.size());
        for (std::size_t k = 0; k < intervals.size(); ++k) {
            text += fmt::format(
                "        intervals [{}]:\n            xmin = {:.6f}\n            xmax = {:.6f}\n            text = "
                "{}\n",
                k + 1, intervals[k].start_s, intervals[k].end_s, quoted(intervals[k].text));
        }
    }
    return text;
}

}  // namespace sidetone::cli
