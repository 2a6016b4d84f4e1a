// SPDX-License-Identifier: Apache-2.0
#include "cli/speech_model.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <spdlog/spdlog.h>

#include <utility>

#include "nn/model_store.hpp"
#include "rt/error.hpp"
#include "speech/letter_to_sound.hpp"
#include "speech/prompt_text.hpp"
#include "speech/pronunciation_scorer.hpp"
#include "speech/reading.hpp"
#include "speech/weights_file.hpp"

namespace sidetone::cli {
namespace {

constexpr std::uint32_t kRowMs = 10;
constexpr auto kSecondPass = "phoneme-second-pass";

}  // namespace

speech::Lexicon read_lexicon(const std::string& asked) {
    const auto file = asked.empty() ? speech::default_lexicon_file() : std::filesystem::path{asked};
    if (!file.empty()) return speech::Lexicon::read(file);
    throw InputError{
        "no lexicon: install pocketsphinx-en-us (scripts/setup does), or name a file in the form of the CMU "
        "dictionary with --lexicon"};
}

void add_speech_model_options(Command command, SpeechModelArguments& arguments) {
    command.add_option("--model", arguments.model, "Model of the task \"phonemes\": a name or a folder");
    command.add_option("--chunk-ms", arguments.chunk_ms, "Sound for which the network waits before it runs")
        .one_of({20, 40, 60, 80, 100, 120, 160, 200, 320, 640})
        .capture_default_str();
}

void add_pass_option(Command command, SpeechModelArguments& arguments) {
    command
        .add_option("--pass", arguments.pass,
                    "full: the network that also hears what comes after a sound (models/phoneme-second-pass); "
                    "streaming: the one that hears live (models/phoneme-ctc)")
        .one_of({"full", "streaming"})
        .capture_default_str()
        .excludes("--model");
}

void add_scoring_pass_option(Command command, SpeechModelArguments& arguments) {
    command
        .add_option("--pass", arguments.pass,
                    "both: the mean of what both networks' scorers say; streaming: by the network that hears live "
                    "(models/phoneme-ctc); full: by the one that also hears what comes after a sound "
                    "(models/phoneme-second-pass)")
        .one_of({"both", "full", "streaming"})
        .capture_default_str()
        .excludes("--model");
}

bool are_both_passes(const SpeechModelArguments& arguments) {
    return arguments.model.empty() && arguments.pass == "both";
}

bool is_second_pass(const SpeechModelArguments& arguments) {
    return arguments.model.empty() ? arguments.pass == "full" : arguments.model == kSecondPass;
}

SpeechModelArguments live(SpeechModelArguments arguments) {
    arguments.pass = "streaming";
    return arguments;
}

SpeechModelArguments second(SpeechModelArguments arguments) {
    arguments.pass = "full";
    return arguments;
}

speech::PronunciationJudge::Scorers scorer_files(const SpeechModelArguments& arguments) {
    speech::PronunciationJudge::Scorers files;
    if (is_second_pass(arguments) || are_both_passes(arguments)) {
        files.full = speech::find_weights("phone-scorer", "second-pass.bin");
    }
    if (!is_second_pass(arguments)) files.streaming = speech::default_pronunciation_scorer_file();
    files.certainty = speech::find_weights("phone-scorer", "certainty.txt");
    return files;
}

double least_mean_probability(const SpeechModelArguments& arguments) {
    return is_second_pass(arguments) ? speech::kLeastMeanProbabilityOfSecondPass : speech::kLeastMeanProbability;
}

std::string model_called(const SpeechModelArguments& arguments) {
    if (!arguments.model.empty()) return arguments.model;
    return is_second_pass(arguments) ? kSecondPass : "phoneme-ctc";
}

std::vector<std::string> heard_by(const SpeechModelArguments& arguments) {
    if (!are_both_passes(arguments)) return {model_called(arguments)};
    return {model_called(live(arguments)), model_called(second(arguments))};
}

speech::PhonemeRecognizer open_recognizer(const SpeechModelArguments& arguments) {
    return speech::PhonemeRecognizer{nn::find_model(model_called(arguments)),
                                     {.rows_per_run = arguments.chunk_ms / kRowMs}};
}

void add_prompt_options(Command command, PromptArguments& arguments) {
    command.add_option("--text", arguments.text, "What is read aloud").required();
    command.add_flag("--strict", arguments.is_strict,
                     "Refuse words that the lexicon does not have; else they are said by rule");
    command.add_option("--lexicon", arguments.lexicon,
                       "Words and their phones, in the form of the CMU dictionary, which is the default");
}

speech::Prompt read_prompt(const PromptArguments& arguments) {
    if (speech::words_of(arguments.text).empty()) {
        throw InputError{fmt::format("--text: found no word in \"{}\", expected what is read aloud", arguments.text)};
    }
    const speech::LetterToSound rules{speech::default_letter_to_sound_file()};
    auto text =
        speech::prompt_of(arguments.text, read_lexicon(arguments.lexicon), arguments.is_strict ? nullptr : &rules);
    if (!text.unknown.empty()) {
        throw InputError{
            fmt::format("--text: how to say \"{}\" is not known; write it in letters, or add a line \"WORD PH "
                        "PH …\" to a copy of the lexicon and name that with --lexicon",
                        fmt::join(text.unknown, "\", \""))};
    }
    if (!text.guessed.empty()) {
        spdlog::info("the lexicon does not have \"{}\": said by rule, which may be wrong",
                     fmt::join(text.guessed, "\", \""));
    }
    return std::move(text.prompt);
}

}  // namespace sidetone::cli
