// SPDX-License-Identifier: Apache-2.0
#include "speech/read_part.hpp"

#include <algorithm>

#include "speech/reading.hpp"

namespace sidetone::speech {

ReadPart part_read(const Prompt& prompt, std::span<const AlignedPhone> alignment, std::int64_t first_frame,
                   std::int64_t end_frame) {
    const auto counts = which_count(alignment);
    const auto is_inside = [&](const AlignedPhone& phone) {
        return phone.first_frame >= first_frame && phone.first_frame < end_frame;
    };
    std::vector<std::size_t> phones_of(prompt.size());
    ReadPart part{.first_word = prompt.size(), .end_word = 0, .frames = {}};
    for (std::size_t n = 0; n < alignment.size(); ++n) {
        const auto& phone = alignment[n];
        if (!counts[n] || !is_inside(phone)) continue;
        const auto word = static_cast<std::size_t>(phone.word);
        const auto length = prompt[word].pronunciations[static_cast<std::size_t>(phone.pronunciation)].size();
        if (++phones_of[word] < length) continue;
        part.first_word = std::min(part.first_word, word);
        part.end_word = word + 1;
    }
    if (part.end_word == 0) part.first_word = 0;
    const auto is_beside = [&](std::size_t n) {
        const auto word = static_cast<std::size_t>(alignment[n].word);
        return !counts[n] || word < part.first_word || word >= part.end_word;
    };
    std::size_t n = 0;
    for (auto frame = first_frame; frame < end_frame; ++frame) {
        while (n < alignment.size() && alignment[n].end_frame <= frame) ++n;
        const bool is_in_phone = n < alignment.size() && alignment[n].first_frame <= frame;
        if (!is_in_phone || !is_beside(n)) part.frames.push_back(frame);
    }
    return part;
}

std::vector<float> rows_of(std::span<const float> answers, std::int64_t first_frame,
                           std::span<const std::int64_t> frames) {
    std::vector<float> rows;
    rows.reserve(frames.size() * kPhoneClassCount);
    for (const auto frame : frames) {
        if (frame < first_frame) continue;
        const auto at = static_cast<std::size_t>(frame - first_frame) * kPhoneClassCount;
        if (at + kPhoneClassCount > answers.size()) continue;
        const auto row = answers.subspan(at, kPhoneClassCount);
        rows.insert(rows.end(), row.begin(), row.end());
    }
    return rows;
}

}  // namespace sidetone::speech
