// SPDX-License-Identifier: Apache-2.0
#include "cli/coach_page.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <string>
#include <utility>

#include "cli/terminal.hpp"
#include "speech/reading.hpp"

namespace sidetone::cli {
namespace {

using speech::PhonemeRecognizer;

constexpr std::size_t kMostUtterances = 10'000;

const char* colour_of(float score) {
    if (score >= 8) return kGreen;
    return score >= 5 ? kYellow : kRed;
}

ScoredRecording scored_of(speech::JudgedPart& part, const PhonemeRecognizer& live) {
    ScoredRecording scored{.prompt = {.prompt = std::move(part.words)}};
    if (!part.judgement) {
        scored.objection = "nothing of the text";
        return scored;
    }
    scored.features = std::move(part.judgement->features);
    scored.scores = std::move(part.judgement->scores);
    scored.fine = std::move(part.judgement->fine);
    scored.objection = objection_to(scored.features, speech::kLeastMeanProbability);
    set_times(scored, part.read.frames, live, PhonemeRecognizer::seconds_of(part.end_sample));
    return scored;
}

std::string line_of(const speech::JudgedPart& part, const ScoredRecording& scored, bool has_colours) {
    auto line = fmt::format("{:8.2f} {:8.2f} ", PhonemeRecognizer::seconds_of(part.begin_sample),
                            PhonemeRecognizer::seconds_of(part.end_sample));
    if (!scored.objection.empty()) {
        line += " no words of the text; heard:";
        for (const auto& heard : part.phones) line += fmt::format(" {}", speech::phone_name(heard.phone));
        return line + '\n';
    }
    for (std::size_t n = 0; n < scored.prompt.prompt.size(); ++n) {
        const auto score = scored.scores.words[n];
        line += fmt::format(" {} {}{:.1f}{}", scored.prompt.prompt[n].text, has_colours ? colour_of(score) : "", score,
                            has_colours ? kPlain : "");
    }
    return line + '\n';
}

nlohmann::json to_json(const speech::JudgedPart& part, const ScoredRecording& scored) {
    auto json = to_json(scored);
    json.erase("file");
    json.erase("guessed_words");
    json["start_s"] = PhonemeRecognizer::seconds_of(part.begin_sample);
    json["end_s"] = PhonemeRecognizer::seconds_of(part.end_sample);
    json["phones"] = phones_to_json(part.phones);
    json["after_ms"] = part.after_ms;
    json["by"] = {{"phones", "full"}, {"times", "streaming"}, {"scores", part.by_both ? "both" : "streaming"}};
    return json;
}

}  // namespace

// Phones do not wait for what was said before them; on a terminal the next news write their line anew.
void CoachPage::show(const HeardNow& news) {
    line_.show(news);
    show_judged();
}

void CoachPage::show_judged() {
    const bool is_terminal = isatty(STDOUT_FILENO) != 0;
    while (auto part = second_.take()) {
        const auto scored = scored_of(*part, live_);
        std::fputs(((is_terminal ? kClearLine : "") + line_of(*part, scored, is_terminal)).c_str(), stdout);
        std::fflush(stdout);
        judged_after_.record(static_cast<std::int64_t>(part->after_ms * 1e6));
        if (keeps_utterances_ && utterances_.size() < kMostUtterances) utterances_.push_back(to_json(*part, scored));
    }
}

void set_times(ScoredRecording& scored, std::vector<std::int64_t> frames, const PhonemeRecognizer& live,
               double seconds) {
    if (frames.empty()) frames.push_back(0);
    frames.push_back(frames.back() + 1);
    scored.seconds_of = [&live, frames, seconds](std::int64_t frame) {
        const auto last = static_cast<std::int64_t>(frames.size()) - 1;
        const auto number = frames[static_cast<std::size_t>(std::clamp<std::int64_t>(frame, 0, last))];
        return speech::border_s(live, number, seconds);
    };
    // An end is behind a frame, and what was taken out may follow there.
    scored.end_seconds_of = [start_of = scored.seconds_of, &live, frames, seconds](std::int64_t frame) {
        if (frame <= 0 || frame >= static_cast<std::int64_t>(frames.size())) return start_of(frame);
        const auto number = frames[static_cast<std::size_t>(frame) - 1] + 1;
        return speech::border_s(live, number, seconds);
    };
}

nlohmann::json phones_to_json(const std::vector<speech::HeardPhone>& phones) {
    auto json = nlohmann::json::array();
    for (const auto& heard : phones) {
        json.push_back({{"phone", speech::phone_name(heard.phone)},
                        {"start_s", PhonemeRecognizer::seconds_of(heard.first_sample)},
                        {"confidence", heard.confidence}});
    }
    return json;
}

}  // namespace sidetone::cli
