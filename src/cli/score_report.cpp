// SPDX-License-Identifier: Apache-2.0
#include "cli/score_report.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <optional>

#include "cli/reading_report.hpp"
#include "cli/terminal.hpp"
#include "speech/certainty.hpp"

namespace sidetone::cli {
namespace {

constexpr float kDoubtful = 1.5F;    // phones below are worth a word on what was heard instead
constexpr float kLeastRatio = 0.7F;  // ln 2: twice as probable as what was expected
constexpr double kRounding = 1000;

double rounded(double value) {
    return std::round(value * kRounding) / kRounding;
}

std::optional<speech::Verdict> verdict_on(const ScoredRecording& scored, std::size_t phone) {
    if (scored.fine.empty()) return std::nullopt;
    return speech::verdict_of(scored.fine[phone]);
}

/// What sounds more like the phone than it does itself: another one, "-" when it was left out, nothing where none does,
/// or where the phone may as well be fine.
std::string heard_instead(const ScoredRecording& scored, std::size_t phone) {
    const auto& ratios = scored.features.goodness[phone];
    const auto largest = std::max_element(ratios.begin(), ratios.end());
    if (scored.scores.phones[phone] >= kDoubtful || *largest < kLeastRatio) return {};
    if (verdict_on(scored, phone).value_or(speech::Verdict::otherwise) != speech::Verdict::otherwise) return {};
    return std::string{speech::phone_name(static_cast<speech::Phone>(largest - ratios.begin()))};
}

/// Phones of word `number`: the first, and the one behind the last.
struct Stretch {
    std::size_t first = 0, end = 0;
};

Stretch phones_of_word(const ScoredRecording& scored, std::size_t number) {
    const auto& all = scored.features.alignment;
    const auto is_of = [&](const speech::AlignedPhone& phone) { return phone.word == static_cast<int>(number); };
    const auto first = std::find_if(all.begin(), all.end(), is_of);
    const auto end = std::find_if_not(first, all.end(), is_of);
    return {static_cast<std::size_t>(first - all.begin()), static_cast<std::size_t>(end - all.begin())};
}

const char* colour_of(speech::Verdict verdict) {
    if (verdict == speech::Verdict::not_sure) return kYellow;
    return verdict == speech::Verdict::fine ? kGreen : kRed;
}

std::string phone_to_text(const ScoredRecording& scored, std::size_t phone, bool has_colours) {
    const auto verdict = verdict_on(scored, phone);
    const bool is_sure = verdict != speech::Verdict::not_sure;
    auto text = fmt::format("{} {}", speech::phone_name(scored.features.alignment[phone].phone),
                            is_sure ? fmt::format("{:.1f}", scored.scores.phones[phone]) : "?");
    const auto heard = heard_instead(scored, phone);
    if (!heard.empty()) text += heard == "-" ? " (not heard)" : fmt::format(" (heard {})", heard);
    return has_colours && verdict ? colour_of(*verdict) + text + kPlain : text;
}

/// Null where nobody knows.
nlohmann::json verdict_to_json(const ScoredRecording& scored, std::size_t phone) {
    const auto verdict = verdict_on(scored, phone);
    return verdict ? nlohmann::json(speech::name_of(*verdict)) : nlohmann::json();
}

bool is_unsure_of_some(const ScoredRecording& scored) {
    return std::ranges::any_of(scored.fine,
                               [](float fine) { return speech::verdict_of(fine) == speech::Verdict::not_sure; });
}

struct Times {
    double start_s = 0, end_s = 0;
};

Times times_of_word(const ScoredRecording& scored, std::size_t number) {
    if (number < scored.words.size() && !scored.words[number].is_left_out()) {
        return {scored.words[number].start_s, scored.words[number].end_s};
    }
    const auto& phones = scored.features.alignment;
    const auto [first, end] = phones_of_word(scored, number);
    return {scored.seconds_of(phones[first].first_frame), scored.end_s(phones[end - 1].end_frame)};
}

}  // namespace

std::string objection_to(const speech::PronunciationFeatures& features, double least_probability) {
    return objection_to(speech::mean_probability_of(features.alignment, 0), least_probability);
}

std::string to_text(const ScoredRecording& scored, bool has_colours) {
    std::string text;
    if (!scored.prompt.guessed.empty()) {
        text += fmt::format("not in the lexicon, said as they are spelt: {}\n", fmt::join(scored.prompt.guessed, ", "));
    }
    for (std::size_t w = 0; w < scored.prompt.prompt.size(); ++w) {
        const auto [first, end] = phones_of_word(scored, w);
        const auto [start_s, end_s] = times_of_word(scored, w);
        text += fmt::format("{:8.2f} {:8.2f} {:5.1f}  {:<14}", start_s, end_s, scored.scores.words[w],
                            scored.prompt.prompt[w].text);
        for (std::size_t n = first; n < end; ++n) {
            text += ' ' + phone_to_text(scored, n, has_colours);
        }
        text += '\n';
    }
    if (is_unsure_of_some(scored)) text += "?: not sure; experts may take it for fine, or may not\n";
    const auto& whole = scored.scores.utterance;
    return text +
           fmt::format("of 10: total {:.1f}, accuracy {:.1f}, completeness {:.1f}, fluency {:.1f}, prosody {:.1f}\n",
                       whole.total, whole.accuracy, whole.completeness, whole.fluency, whole.prosody);
}

nlohmann::json to_json(const ScoredRecording& scored) {
    nlohmann::json json{
        {"file", scored.file}, {"spoken", scored.objection.empty()}, {"guessed_words", scored.prompt.guessed}};
    if (!scored.objection.empty()) {
        json["reason"] = scored.objection;
        return json;
    }
    const auto& aligned = scored.features.alignment;
    const auto start_of = [&](std::size_t n) { return rounded(scored.seconds_of(aligned[n].first_frame)); };
    const auto end_of = [&](std::size_t n) { return rounded(scored.end_s(aligned[n].end_frame)); };
    auto words = nlohmann::json::array();
    for (std::size_t w = 0; w < scored.prompt.prompt.size(); ++w) {
        const auto [first, end] = phones_of_word(scored, w);
        auto phones = nlohmann::json::array();
        for (std::size_t n = first; n < end; ++n) {
            const auto heard = heard_instead(scored, n);
            phones.push_back({{"phone", speech::phone_name(aligned[n].phone)},
                              {"start_s", start_of(n)},
                              {"end_s", end_of(n)},
                              {"score", scored.scores.phones[n]},
                              {"fine", scored.fine.empty() ? nlohmann::json() : nlohmann::json(scored.fine[n])},
                              {"verdict", verdict_to_json(scored, n)},
                              {"heard", heard.empty() ? nlohmann::json() : nlohmann::json(heard)}});
        }
        words.push_back({{"word", scored.prompt.prompt[w].text},
                         {"start_s", start_of(first)},
                         {"end_s", end_of(end - 1)},
                         {"score", scored.scores.words[w]},
                         {"phones", std::move(phones)}});
    }
    const auto& whole = scored.scores.utterance;
    json["words"] = std::move(words);
    json["utterance"] = {{"accuracy", whole.accuracy},
                         {"completeness", whole.completeness},
                         {"fluency", whole.fluency},
                         {"prosodic", whole.prosody},
                         {"total", whole.total}};
    return json;
}

}  // namespace sidetone::cli
