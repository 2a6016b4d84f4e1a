// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <cstdint>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "cli/command.hpp"
#include "cli/listening.hpp"
#include "cli/live_listener.hpp"
#include "cli/phone_screen.hpp"
#include "cli/prompt_follower.hpp"
#include "cli/reading_report.hpp"
#include "cli/score_report.hpp"
#include "cli/speech_commands.hpp"
#include "cli/speech_model.hpp"
#include "speech/border_refinement.hpp"
#include "speech/pronunciation_features.hpp"
#include "speech/pronunciation_scorer.hpp"
#include "speech/voice_detector.hpp"

namespace sidetone::cli {
namespace {

struct CoachArguments {
    ListeningArguments listening{.chain = "coach"};
    std::string json;
    double pause_s = 2.5;
    std::size_t beam = 4;
    PromptArguments prompt;
    SpeechModelArguments model{.model = "phoneme-ctc", .chunk_ms = 40};
};

nlohmann::json phones_to_json(const std::vector<speech::HeardPhone>& phones) {
    auto json = nlohmann::json::array();
    for (const auto& heard : phones) {
        json.push_back({{"phone", speech::phone_name(heard.phone)},
                        {"start_s", static_cast<double>(heard.first_sample) / speech::PhonemeRecognizer::kRateHz},
                        {"confidence", heard.confidence}});
    }
    return json;
}

// The answers but for those about what was said beside the text, and the number of each.
std::vector<std::int64_t> answers_about_text(std::span<const float> answers, const speech::Reading& reading,
                                             std::vector<float>& kept) {
    const auto count = static_cast<std::int64_t>(answers.size() / speech::kPhoneClassCount);
    std::vector<std::int64_t> numbers;
    auto beside = reading.beside.begin();
    for (std::int64_t number = 0; number < count; ++number) {
        while (beside != reading.beside.end() && beside->end_frame <= number) ++beside;
        if (beside != reading.beside.end() && beside->first_frame <= number) continue;
        const auto row =
            answers.subspan(static_cast<std::size_t>(number) * speech::kPhoneClassCount, speech::kPhoneClassCount);
        kept.insert(kept.end(), row.begin(), row.end());
        numbers.push_back(number);
    }
    numbers.push_back(count);
    return numbers;
}

// What experts would say of the reading. Nothing where it was too long to keep.
std::optional<ScoredRecording> judge(const speech::PronunciationScorer& scorer, const speech::Prompt& prompt,
                                     const speech::Reading& reading, const PromptFollower& reader,
                                     const LiveListener& listener) {
    const auto answers = reader.answers();
    if (answers.empty()) return std::nullopt;
    std::vector<float> kept;
    const auto numbers = answers_about_text(answers, reading, kept);
    auto features = speech::pronunciation_features(kept, prompt);
    if (!features) return std::nullopt;
    ScoredRecording scored{.prompt = {.prompt = prompt}, .features = *std::move(features), .words = reading.words};
    scored.scores = scorer.score(scored.features);
    scored.seconds_of = [&listener, numbers](std::int64_t frame) {
        const auto last = static_cast<std::int64_t>(numbers.size()) - 1;
        const auto number = numbers[static_cast<std::size_t>(std::clamp<std::int64_t>(frame, 0, last))];
        return speech::border_s(listener.recognizer(), number, listener.seconds());
    };
    // An end is behind a frame, and what was taken out may follow there.
    scored.end_seconds_of = [start_of = scored.seconds_of, &listener, numbers](std::int64_t frame) {
        if (frame <= 0 || frame >= static_cast<std::int64_t>(numbers.size())) return start_of(frame);
        const auto number = numbers[static_cast<std::size_t>(frame) - 1] + 1;
        return speech::border_s(listener.recognizer(), number, listener.seconds());
    };
    return scored;
}

// Words, times, and scores where there are some.
void print(const speech::Reading& reading, const std::string& objection, const std::optional<ScoredRecording>& scored) {
    if (!objection.empty()) {
        fmt::print("\n{}\n\n", objection);
    } else if (scored) {
        fmt::print("\n{}{}\n", to_text(*scored), beside_to_text(reading));
    } else {
        fmt::print("\n{}no scores: the reading was too long to judge\n\n", to_text(reading));
    }
}

int coach(const CoachArguments& arguments) {
    if (!arguments.json.empty()) check_writable(arguments.json);
    const speech::PronunciationScorer scorer{speech::default_pronunciation_scorer_file()};
    const auto prompt = read_prompt(arguments.prompt);
    engine::Ledger ledger;
    PromptFollower reader{
        prompt, {.beam = arguments.beam, .pause_s = arguments.listening.has_recording() ? 0 : arguments.pause_s}};
    LiveListener listener{open_recognizer(arguments.model), speech::best_voice_detector(), reader, ledger};
    PhoneLine line;
    PhoneScreen screen{listener, line, ledger};
    auto report = listen(arguments.listening, listener, screen, [&] { return reader.wants_to_end(); });

    auto reading = speech::reading_of(prompt, reader.alignment(), listener.recognizer(), listener.seconds());
    speech::refine_borders(reading, reader.track());
    const auto objection = objection_to(reading, reader.has_voice(), speech::kLeastMeanProbability);
    const auto scored = objection.empty() ? judge(scorer, prompt, reading, reader, listener) : std::nullopt;
    print(reading, objection, scored);
    for (const auto& line : ledger.lines()) report.lines.push_back(line);
    fmt::print("{}", engine::to_text(report));
    const auto shown = screen.shown_after_ms();
    fmt::print("{}", shown_text(shown, arguments.model.chunk_ms));
    if (!arguments.json.empty()) {
        auto json = engine::to_json(report);
        json["reading"] = to_json(reading, objection);
        if (scored) json["scores"] = to_json(*scored);
        json["phones"] = phones_to_json(reader.phones());
        json["phone_shown_after_ms"] = engine::to_json(shown);
        json["detector"] = listener.detector();
        write_json(arguments.json, json);
    }
    return objection.empty() && is_clean(report) ? kFine : kFellShort;
}

}  // namespace

void add_coach(CLI::App& app, int& exit_code) {
    auto arguments = std::make_shared<CoachArguments>();
    auto* command = app.add_subcommand("coach", "Show which phones somebody says while a text is read aloud");
    add_prompt_options(*command, arguments->prompt);
    add_listening_options(*command, arguments->listening);
    command->add_option("--pause", arguments->pause_s, "Stop after so many seconds of silence behind speech (0: never)")
        ->check(CLI::Range(0.0, 1e6))
        ->capture_default_str();
    command->add_option("--beam", arguments->beam, "Hypotheses that the search keeps while somebody speaks")
        ->check(CLI::Range(1, 128))
        ->capture_default_str();
    add_speech_model_options(*command, arguments->model);
    command->add_option("--json", arguments->json, "Write reading and ledger to this file");
    command->footer(
        "Examples:\n"
        "  sidetone coach --text \"We call it bear\" --device jack\n"
        "  sidetone coach --text \"We call it bear\" --device sim --input bear.wav --json coach.json\n"
        "Exit code 1: the text was not spoken, or a block was missed.");
    command->callback([arguments, &exit_code] { exit_code = coach(*arguments); });
}

}  // namespace sidetone::cli
