// SPDX-License-Identifier: Apache-2.0
#include "speech/reading.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

namespace sidetone::speech {
namespace {

constexpr double kLeastPhoneSeconds = 0.01;
constexpr float kRepeatPrice = -4.5F;
constexpr float kInsertPrice = -15;
constexpr double kWorst = -10;  // natural logarithm: what is beyond says no more

std::size_t fewest_phones(const PromptWord& word) {
    std::size_t fewest = word.pronunciations.front().size();
    for (const auto& pronunciation : word.pronunciations) fewest = std::min(fewest, pronunciation.size());
    return fewest;
}

/// Without times yet. `first` and `last` say which of the aligned phones each is made of.
struct Beside {
    ReadBeside read;
    std::size_t first = 0, last = 0;
};

std::vector<Beside> beside_of(std::span<const AlignedPhone> aligned, const std::vector<bool>& counts) {
    std::vector<Beside> all;
    for (std::size_t n = 0; n < aligned.size(); ++n) {
        if (counts[n]) continue;
        const auto& phone = aligned[n];
        const auto word = static_cast<std::size_t>(phone.word);
        const bool is_else = phone.phone == kBlank;
        const bool goes_on = !is_else && !all.empty() && all.back().last + 1 == n && !all.back().read.again.empty();
        if (!goes_on) {
            all.push_back({.read = {.again = {}, .before = word, .first_frame = phone.first_frame}, .first = n});
        }
        auto& beside = all.back();
        beside.last = n;
        beside.read.end_frame = phone.end_frame;
        if (!is_else && phone.position == 0) beside.read.again.push_back(word);
    }
    return all;
}

}  // namespace

std::vector<bool> which_count(std::span<const AlignedPhone> aligned) {
    std::vector<bool> counts(aligned.size());
    auto earliest = std::pair{std::numeric_limits<int>::max(), 0};
    for (std::size_t n = aligned.size(); n-- > 0;) {
        const auto here = std::pair{aligned[n].word, aligned[n].position};
        if (aligned[n].phone == kBlank || here >= earliest) continue;
        counts[n] = true;
        earliest = here;
    }
    return counts;
}

AlignmentSettings settings_of_readings() noexcept {
    AlignmentSettings settings;
    settings.prices.repeat = kRepeatPrice;
    settings.prices.insert = kInsertPrice;
    return settings;
}

double mean_probability_of(std::span<const AlignedPhone> phones, std::size_t left_out) noexcept {
    if (phones.empty()) return 0;
    double sum = static_cast<double>(left_out) * std::log(kLeftOutProbability);
    for (const auto& phone : phones) sum += std::max(static_cast<double>(phone.peak_log_probability), kWorst);
    return std::exp(sum / static_cast<double>(phones.size() + left_out));
}

double border_s(const PhonemeRecognizer& recognizer, std::int64_t answer, double seconds) noexcept {
    const auto sample = recognizer.first_sample(answer) - kBorderLatenessSamples;
    return std::clamp(static_cast<double>(sample) / PhonemeRecognizer::kRateHz, 0.0, seconds);
}

Reading reading_of(const Prompt& prompt, const FinishedAlignment& alignment, const PhonemeRecognizer& recognizer,
                   double seconds) {
    const auto& aligned = alignment.phones;
    const double frame_s = static_cast<double>(recognizer.hop()) / PhonemeRecognizer::kRateHz;
    const auto start_of = [&](std::size_t n) {
        const auto offset = static_cast<double>(aligned[n].begin_offset) * frame_s;
        return std::clamp(border_s(recognizer, aligned[n].first_frame, seconds) + offset, 0.0, seconds);
    };
    const auto end_of = [&](std::size_t n) {
        const bool is_followed = n + 1 < aligned.size() && aligned[n + 1].first_frame == aligned[n].end_frame;
        if (is_followed) return start_of(n + 1);
        const auto faded = recognizer.first_sample(aligned[n].end_frame) - kBorderLatenessSamples - kFadingSamples;
        const double least_s = std::min(start_of(n) + kLeastPhoneSeconds, seconds);
        return std::clamp(static_cast<double>(faded) / PhonemeRecognizer::kRateHz, least_s, seconds);
    };
    Reading reading{.words = {}, .beside = {}, .is_whole = alignment.is_complete};
    const auto counts = which_count(aligned);
    for (auto& beside : beside_of(aligned, counts)) {
        beside.read.start_s = start_of(beside.first);
        beside.read.end_s = end_of(beside.last);
        reading.beside.push_back(std::move(beside.read));
    }
    std::vector<AlignedPhone> counted;
    for (const auto& word : prompt) reading.words.push_back({.text = word.text, .phones = {}});
    std::size_t heard = 0, expected = 0;
    for (std::size_t n = 0; n < aligned.size(); ++n) {
        if (!counts[n]) continue;
        const auto& phone = aligned[n];
        counted.push_back(phone);
        heard += phone.peak_log_probability >= kLeastHeardLogProbability ? 1 : 0;
        ++expected;
        reading.words[static_cast<std::size_t>(phone.word)].phones.push_back(
            {.phone = phone.phone,
             .start_s = start_of(n),
             .end_s = end_of(n),
             .confidence = std::exp(static_cast<double>(phone.peak_log_probability))});
    }
    for (std::size_t i = 0; i < prompt.size(); ++i) {
        auto& word = reading.words[i];
        if (word.is_left_out()) {
            expected += fewest_phones(prompt[i]);
            continue;
        }
        word.start_s = word.phones.front().start_s;
        word.end_s = word.phones.back().end_s;
    }
    if (expected > 0) reading.heard_share = static_cast<double>(heard) / static_cast<double>(expected);
    reading.mean_probability = mean_probability_of(counted, expected - counted.size());
    return reading;
}

}  // namespace sidetone::speech
