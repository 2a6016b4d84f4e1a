// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "cli/command.hpp"
#include "cli/mono_recording.hpp"
#include "cli/recording_list.hpp"
#include "cli/score_prompt.hpp"
#include "cli/score_report.hpp"
#include "cli/speech_commands.hpp"
#include "cli/speech_model.hpp"
#include "cli/terminal.hpp"
#include "device/sound_file.hpp"
#include "rt/error.hpp"
#include "speech/phoneme_recognizer.hpp"
#include "speech/pronunciation_judge.hpp"
#include "speech/reading.hpp"

namespace sidetone::cli {
namespace {

constexpr double kMostSeconds = 60;  // time and memory grow with seconds times phones

struct ScoreArguments {
    std::string file, text, phones, list, lexicon, scorer, features, json;
    bool strict = false, also_unspoken = false;
    SpeechModelArguments model{.pass = "both"};
};

// The third of each is how it should be said, where that is known.
std::vector<ListedRecording> recordings_of(const ScoreArguments& arguments) {
    if (arguments.list.empty()) {
        if (arguments.file.empty()) throw InputError{"score: found neither FILE nor --list, expected one of them"};
        return {{arguments.file, arguments.text, arguments.phones}};
    }
    if (!arguments.file.empty()) throw InputError{"score: found FILE and --list, expected one of them"};
    return read_recording_list(arguments.list, "PHONES");
}

/// A recording at the networks' rate.
struct Sound {
    std::vector<float> samples;
    double seconds = 0;
};

Sound read_sound(const std::string& file) {
    const device::SoundFileReader opened{file};
    const auto seconds = static_cast<double>(opened.frames()) / opened.rate_hz();
    if (seconds > kMostSeconds) {
        throw InputError{fmt::format("{}: found {:.0f} s of sound, expected a sentence of at most {:.0f} s", file,
                                     seconds, kMostSeconds)};
    }
    return {read_mono(file, speech::PhonemeRecognizer::kRateHz), seconds};
}

/// The network's answers to all of it.
std::vector<float> listen(const Sound& sound, speech::PhonemeRecognizer& recognizer) {
    std::vector<float> answers;
    const auto keep = [&](const speech::PhonemeAnswer& answer) {
        answers.insert(answers.end(), answer.log_probabilities.begin(), answer.log_probabilities.end());
    };
    recognizer.reset();
    recognizer.push(sound.samples, keep);
    recognizer.finish(keep);
    return answers;
}

class Judge {
public:
    explicit Judge(const ScoreArguments& arguments)
        : recognizer_(open_recognizer(arguments.model)),
          prompts_(arguments.lexicon, arguments.strict),
          least_probability_(least_mean_probability(arguments.model)),
          also_unspoken_(arguments.also_unspoken),
          is_second_pass_(is_second_pass(arguments.model)) {
        if (are_both_passes(arguments.model)) second_.emplace(open_recognizer(second(arguments.model)));
        if (!arguments.features.empty()) return;  // there may be no weights yet
        auto files = arguments.scorer.empty() ? scorer_files(arguments.model) : speech::PronunciationJudge::Scorers{};
        if (!arguments.scorer.empty()) (is_second_pass_ ? files.full : files.streaming) = arguments.scorer;
        judge_.emplace(files);
    }

    [[nodiscard]] ScoredRecording judge(const ListedRecording& said) {
        ScoredRecording scored{.file = said.file, .prompt = prompts_.make(said.text, said.third)};
        const auto sound = read_sound(said.file);
        const auto first = listen(sound, recognizer_);
        const auto again = second_ ? listen(sound, *second_) : std::vector<float>{};
        auto judged = judge_ ? judge_->judge(is_second_pass_ ? speech::AnswersOfPasses{{}, first}
                                                             : speech::AnswersOfPasses{first, again},
                                             scored.prompt.prompt)
                             : without_scores(first, scored.prompt.prompt);
        if (!judged) {
            scored.objection = "too short for the text";
            return scored;
        }
        scored.features = std::move(judged->features);
        if (!also_unspoken_) scored.objection = objection_to(scored.features, least_probability_);
        scored.seconds_of = [this, end = sound.seconds](std::int64_t frame) {
            return speech::border_s(recognizer_, frame, end);
        };
        if (scored.objection.empty()) scored.scores = std::move(judged->scores);
        scored.fine = std::move(judged->fine);
        return scored;
    }

private:
    static std::optional<speech::Judgement> without_scores(std::span<const float> answers,
                                                           const speech::Prompt& prompt) {
        auto features = speech::pronunciation_features(answers, prompt);
        if (!features) return std::nullopt;
        return speech::Judgement{.features = *std::move(features), .scores = {}, .fine = {}};
    }

    speech::PhonemeRecognizer recognizer_;
    std::optional<speech::PhonemeRecognizer> second_;
    ScorePrompts prompts_;
    double least_probability_;
    bool also_unspoken_, is_second_pass_;
    std::optional<speech::PronunciationJudge> judge_;
};

void check_passes(const ScoreArguments& arguments) {
    if (!are_both_passes(arguments.model)) return;
    for (const auto& [option, value] :
         {std::pair{"--scorer", &arguments.scorer}, {"--features", &arguments.features}}) {
        if (value->empty()) continue;
        throw InputError{
            fmt::format("{} {}: found --pass both, expected --pass streaming or full: each has a scorer of its own",
                        option, *value)};
    }
}

/// A row for each phone that was expected; zeros where there was too little sound.
void append_features(const ScoredRecording& scored, std::string& to) {
    auto rows = scored.features.phones;
    if (rows.empty()) {
        std::size_t count = 0;
        for (const auto& word : scored.prompt.prompt) count += word.pronunciations.front().size();
        rows.resize(count);
    }
    for (const auto& row : rows) {
        to.append(reinterpret_cast<const char*>(row.data()), sizeof row);
        to.append(reinterpret_cast<const char*>(scored.features.utterance.data()), sizeof scored.features.utterance);
    }
}

int score(const ScoreArguments& arguments) {
    check_passes(arguments);
    for (const auto& file : {arguments.json, arguments.features}) {
        if (!file.empty()) check_writable(file);
    }
    const auto recordings = recordings_of(arguments);
    Judge judge{arguments};
    auto results = nlohmann::json::array();
    std::string rows;
    StatusLine line;
    bool fine = true;
    for (std::size_t n = 0; n < recordings.size(); ++n) {
        if (recordings.size() > 1) {
            const auto share = static_cast<double>(n) / static_cast<double>(recordings.size());
            line.show(fmt::format("[{}] {} of {}", bar(share, 30), n, recordings.size()));
        }
        const auto scored = judge.judge(recordings[n]);
        fine = fine && scored.objection.empty();
        if (!arguments.features.empty()) {
            append_features(scored, rows);
            continue;
        }
        if (!arguments.json.empty()) results.push_back(to_json(scored));
        if (!arguments.list.empty()) continue;
        line.clear();
        fmt::print("{}", scored.objection.empty() ? to_text(scored, isatty(STDOUT_FILENO) != 0)
                                                  : fmt::format("{}: {}\n", scored.file, scored.objection));
    }
    line.clear();
    if (!arguments.features.empty()) {
        write_text(arguments.features, rows);
        return kFine;
    }
    if (!arguments.json.empty())
        write_json(arguments.json, {{"heard_by", heard_by(arguments.model)}, {"results", results}});
    return fine ? kFine : kFellShort;
}

}  // namespace

void add_score(Command app, int& exit_code) {
    auto arguments = std::make_shared<ScoreArguments>();
    auto command = app.add_subcommand("score", "Judge how well a sentence that is read aloud is pronounced");
    command.add_option("file", arguments->file, "Sound file of any rate (WAV, FLAC, Ogg, …), a minute at most");
    command.add_option("--text", arguments->text, "What is read aloud");
    command.add_option("--phones", arguments->phones,
                       "How it should be said: \"W IY | K AO L\"; default: as the lexicon says");
    command.add_option("--list", arguments->list, "Many: lines of FILE<tab>TEXT or FILE<tab>TEXT<tab>PHONES");
    command.add_option("--lexicon", arguments->lexicon,
                       "Words and their phones, in the form of the CMU dictionary, which is the default");
    command.add_flag("--strict", arguments->strict,
                     "Refuse words that the lexicon does not have; default: guess by their letters");
    command.add_flag("--also-unspoken", arguments->also_unspoken,
                     "Judge also what sounds as if the text was not spoken, for comparing scores of whole corpora");
    add_speech_model_options(command, arguments->model);
    add_scoring_pass_option(command, arguments->model);
    command.add_option("--scorer", arguments->scorer,
                       "Weights of the scorer of one pass; default: those in models/phone-scorer");
    command.add_option("--features", arguments->features,
                       "No scores: write the scorer's inputs, 32-bit floats, a row for each phone, for training");
    command.add_option("--json", arguments->json, "Write times and scores to this file");
    command.footer(
        "Example: sidetone score bear.wav --text \"We call it bear\"\n"
        "Phones from 0 (wrong) to 2, words and the utterance to 10, as experts score learners. Exit code 1: the text "
        "was\n"
        "not spoken there; then there are no scores. What it is not for: models/phone-scorer/README.md");
    command.callback([arguments, &exit_code] { exit_code = score(*arguments); });
}

}  // namespace sidetone::cli
