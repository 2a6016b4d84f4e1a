// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

#include "cli/command.hpp"
#include "cli/reading_report.hpp"
#include "cli/recording.hpp"
#include "cli/speech_commands.hpp"
#include "cli/speech_model.hpp"
#include "cli/text_grid.hpp"
#include "speech/border_refinement.hpp"
#include "speech/forced_alignment.hpp"
#include "speech/reading.hpp"
#include "speech/spectral_track.hpp"
#include "speech/voice_activity.hpp"

namespace sidetone::cli {
namespace {

struct AlignArguments {
    std::string file, json, text_grid;
    bool also_unspoken = false;
    PromptArguments prompt;
    SpeechModelArguments model{.pass = "streaming"};  // its borders are better
};

struct AlignedFile {
    speech::Reading reading;
    double seconds = 0;
    bool has_voice = false;
};

AlignedFile align_file(const std::string& file, const speech::Prompt& prompt, const SpeechModelArguments& model) {
    auto recognizer = open_recognizer(model);
    speech::VoiceActivity activity{speech::best_voice_detector()};
    speech::ForcedAlignment alignment{prompt, speech::settings_of_readings()};
    speech::SpectralTrack track;
    AlignedFile aligned;
    const auto push = [&](const speech::PhonemeAnswer& answer) {
        alignment.push(answer.log_probabilities, activity.probability_at(answer.first_sample + recognizer.hop() / 2));
    };
    const auto extent = read_recording(file, speech::PhonemeRecognizer::kRateHz, [&](std::span<const float> samples) {
        activity.push(samples, [&](const speech::VoiceEvent& event) { aligned.has_voice |= event.begins; });
        recognizer.push(samples, push);
        track.push(samples);
    });
    recognizer.finish(push);
    aligned.seconds = extent.seconds;
    aligned.reading = speech::reading_of(prompt, alignment.finish(), recognizer, extent.seconds);
    speech::refine_borders(aligned.reading, track);
    return aligned;
}

std::string text_grid_of(const AlignedFile& aligned) {
    TextGridTier words{.name = "words", .intervals = {}}, phones{.name = "phones", .intervals = {}};
    for (const auto& word : aligned.reading.words) {
        if (word.is_left_out()) continue;
        words.intervals.push_back({.start_s = word.start_s, .end_s = word.end_s, .text = word.text});
        for (const auto& phone : word.phones) {
            phones.intervals.push_back(
                {.start_s = phone.start_s, .end_s = phone.end_s, .text = std::string{speech::phone_name(phone.phone)}});
        }
    }
    return text_grid({words, phones}, aligned.seconds);
}

int align(const AlignArguments& arguments) {
    for (const auto& file : {arguments.json, arguments.text_grid}) {
        if (!file.empty()) check_writable(file);
    }
    const auto prompt = read_prompt(arguments.prompt);
    const auto aligned = align_file(arguments.file, prompt, arguments.model);
    const double least_probability = arguments.also_unspoken ? 0 : least_mean_probability(arguments.model);
    const auto objection = objection_to(aligned.reading, aligned.has_voice, least_probability);
    if (!arguments.json.empty()) {
        auto json = to_json(aligned.reading, objection);
        json["file"] = arguments.file;
        json["seconds"] = aligned.seconds;
        write_json(arguments.json, json);
    }
    if (!objection.empty()) {
        fmt::print("{}: {}\n", arguments.file, objection);
        return kFellShort;
    }
    if (!arguments.text_grid.empty()) write_text(arguments.text_grid, text_grid_of(aligned));
    fmt::print("{}", to_text(aligned.reading));
    return kFine;
}

}  // namespace

void add_align(Command app, int& exit_code) {
    auto arguments = std::make_shared<AlignArguments>();
    auto command = app.add_subcommand("align", "Tell when each word and phone of a text is spoken in a recording");
    command.add_option("file", arguments->file, "Sound file of any rate (WAV, FLAC, Ogg, …)").required();
    add_prompt_options(command, arguments->prompt);
    add_speech_model_options(command, arguments->model);
    add_pass_option(command, arguments->model);
    command.add_option("--json", arguments->json, "Write words and phones to this file");
    command.add_option("--textgrid", arguments->text_grid, "Write them as tiers for Praat to this file");
    command.add_flag("--also-unspoken", arguments->also_unspoken,
                     "Give times even where the text does not seem to be spoken");
    command.footer(
        "Example: sidetone align bear.wav --text \"We call it bear\" --textgrid bear.TextGrid\n"
        "Exit code 1: the text was not spoken there, or not to its end; then there are no times.");
    command.callback([arguments, &exit_code] { exit_code = align(*arguments); });
}

}  // namespace sidetone::cli
