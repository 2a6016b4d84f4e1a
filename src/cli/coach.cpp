// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>
#include <unistd.h>

#include <cstdint>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "cli/coach_page.hpp"
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
#include "speech/pronunciation_judge.hpp"
#include "speech/read_part.hpp"
#include "speech/second_pass.hpp"
#include "speech/voice_detector.hpp"

namespace sidetone::cli {
namespace {

struct CoachArguments {
    ListeningArguments listening{.chain = "coach"};
    std::string json;
    double pause_s = 2.5;
    std::size_t beam = 4;
    PromptArguments prompt;
    SpeechModelArguments model{.pass = "both", .chunk_ms = 40};
};

constexpr std::uint32_t kSecondPassChunkMs = 80;  // nobody waits for what it says of a sound

/// What judges: always the scorer of what is heard live, and where there is a second pass its own.
speech::PronunciationJudge::Scorers scorers_of(const SpeechModelArguments& model) {
    return scorer_files(are_both_passes(model) ? model : live(model));
}

std::optional<speech::PhonemeRecognizer> open_second(const SpeechModelArguments& model) {
    if (!are_both_passes(model)) return std::nullopt;
    auto full = second(model);
    full.chunk_ms = kSecondPassChunkMs;
    return open_recognizer(full);
}

/// Numbers of all answers but for those about what was said beside the text.
std::vector<std::int64_t> frames_about_text(std::size_t count, const speech::Reading& reading) {
    std::vector<std::int64_t> frames;
    auto beside = reading.beside.begin();
    for (std::int64_t frame = 0; frame < static_cast<std::int64_t>(count); ++frame) {
        while (beside != reading.beside.end() && beside->end_frame <= frame) ++beside;
        if (beside != reading.beside.end() && beside->first_frame <= frame) continue;
        frames.push_back(frame);
    }
    return frames;
}

/// What experts would say of the reading. Nothing where it was too long to keep.
std::optional<ScoredRecording> judge_whole(const speech::PronunciationJudge& judge, const speech::Prompt& prompt,
                                           const speech::Reading& reading, const speech::AnswersOfPasses& answers,
                                           const LiveListener& listener) {
    if (answers.streaming.empty()) return std::nullopt;
    const auto frames = frames_about_text(answers.streaming.size() / speech::kPhoneClassCount, reading);
    const auto streaming = speech::rows_of(answers.streaming, 0, frames);
    const auto full = speech::rows_of(answers.full, 0, frames);
    auto judged = judge.judge({streaming, full}, prompt);
    if (!judged) return std::nullopt;
    ScoredRecording scored{.prompt = {.prompt = prompt}, .features = std::move(judged->features)};
    scored.scores = std::move(judged->scores);
    scored.fine = std::move(judged->fine);
    scored.words = reading.words;
    set_times(scored, frames, listener.recognizer(), listener.seconds());
    return scored;
}

// Words, times, and scores where there are some.
void print(const speech::Reading& reading, const std::string& objection, const std::optional<ScoredRecording>& scored) {
    if (!objection.empty()) {
        fmt::print("\n{}\n\n", objection);
    } else if (scored) {
        fmt::print("\n{}{}\n", to_text(*scored, isatty(STDOUT_FILENO) != 0), beside_to_text(reading));
    } else {
        fmt::print("\n{}no scores: the reading was too long to judge\n\n", to_text(reading));
    }
}

std::string judged_text(const rt::Distribution& after_us) {
    if (after_us.count == 0) return {};
    return fmt::format("an utterance is judged {:.0f} ms (median; at most {:.0f}) after its end was heard\n",
                       after_us.p50 / 1e3, after_us.max / 1e3);
}

int coach(const CoachArguments& arguments) {
    if (!arguments.json.empty()) check_writable(arguments.json);
    const auto prompt = read_prompt(arguments.prompt);
    const speech::PronunciationJudge judge{scorers_of(arguments.model)};
    auto recognizer = open_recognizer(live(arguments.model));
    speech::SecondPass second{open_second(arguments.model), prompt, judge, recognizer.first_sample(0)};
    engine::Ledger ledger;
    PromptFollower reader{
        {.beam = arguments.beam, .pause_s = arguments.listening.has_recording() ? 0 : arguments.pause_s}, second};
    LiveListener listener{std::move(recognizer), speech::best_voice_detector(), reader, ledger};
    CoachPage page{second, listener.recognizer(), !arguments.json.empty()};
    PhoneScreen screen{listener, page, ledger};
    auto report = listen(arguments.listening, listener, screen, [&] { return reader.wants_to_end(); });
    second.finish(is_stop_urgent);
    page.show_judged();

    auto reading = speech::reading_of(prompt, second.alignment(), listener.recognizer(), listener.seconds());
    speech::refine_borders(reading, reader.track());
    const auto objection = objection_to(reading, reader.has_voice(), speech::kLeastMeanProbability);
    const speech::AnswersOfPasses answers{.streaming = second.live_answers(), .full = second.answers()};
    const auto scored = objection.empty() ? judge_whole(judge, prompt, reading, answers, listener) : std::nullopt;
    print(reading, objection, scored);
    for (const auto& line : ledger.lines()) report.lines.push_back(line);
    fmt::print("{}", engine::to_text(report));
    const auto shown = screen.shown_after_ms();
    fmt::print("{}{}", shown_text(shown, arguments.model.chunk_ms), judged_text(page.judged_after_us()));
    const bool is_heard_twice = are_both_passes(arguments.model);
    if (!arguments.json.empty()) {
        auto json = engine::to_json(report);
        json["reading"] = to_json(reading, objection);
        if (scored) json["scores"] = to_json(*scored);
        if (is_heard_twice) json["utterances"] = page.utterances();
        if (is_heard_twice) json["judged_after_us"] = engine::to_json(page.judged_after_us());
        json["by"] = {
            {"phones", "streaming"}, {"reading", "streaming"}, {"scores", answers.full.empty() ? "streaming" : "both"}};
        json["phones"] = phones_to_json(reader.phones());
        json["phone_shown_after_ms"] = engine::to_json(shown);
        json["detector"] = listener.detector();
        write_json(arguments.json, json);
    }
    return objection.empty() && is_clean(report) ? kFine : kFellShort;
}

}  // namespace

void add_coach(Command app, int& exit_code) {
    auto arguments = std::make_shared<CoachArguments>();
    auto command = app.add_subcommand("coach", "Show which phones somebody says while a text is read aloud");
    add_prompt_options(command, arguments->prompt);
    add_listening_options(command, arguments->listening);
    command.add_option("--pause", arguments->pause_s, "Stop after so many seconds of silence behind speech (0: never)")
        .in_range(0.0, 1e6)
        .capture_default_str();
    command.add_option("--beam", arguments->beam, "Hypotheses that the search keeps while somebody speaks")
        .in_range(1, 128)
        .capture_default_str();
    add_speech_model_options(command, arguments->model);
    command
        .add_option("--pass", arguments->model.pass,
                    "both: what is over is heard once more, by the network that also hears what comes after a sound, "
                    "and judged by both; streaming: by the one that hears live alone")
        .one_of({"both", "streaming"})
        .capture_default_str()
        .excludes("--model");
    command.add_option("--json", arguments->json, "Write reading, scores, utterances and ledger to this file");
    command.footer(
        "Examples:\n"
        "  sidetone coach --text \"We call it bear\" --device jack\n"
        "  sidetone coach --text \"We call it bear\" --device sim --input bear.wav --json coach.json\n"
        "Exit code 1: the text was not spoken, or a block was missed.");
    command.callback([arguments, &exit_code] { exit_code = coach(*arguments); });
}

}  // namespace sidetone::cli
