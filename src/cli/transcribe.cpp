// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <spdlog/spdlog.h>

#include <cstdio>
#include <filesystem>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "cli/command.hpp"
#include "cli/recording.hpp"
#include "cli/speech_commands.hpp"
#include "cli/speech_model.hpp"
#include "nn/model_store.hpp"
#include "speech/letter_to_sound.hpp"
#include "speech/phone_language_model.hpp"
#include "speech/transcriber.hpp"
#include "speech/vocabulary.hpp"

namespace sidetone::cli {
namespace {

struct WordArguments {
    std::string lexicon, language;
    speech::Vocabulary::Weights weights;
    std::size_t beam = 64;
    [[nodiscard]] bool are_wanted() const { return !lexicon.empty() || !language.empty(); }
};

struct TranscribeArguments {
    std::vector<std::string> files;
    std::string json, detector = "auto", language = "auto";
    std::size_t beam = 16;
    bool is_brief = false;
    SpeechModelArguments model;
    WordArguments words;
};

double seconds_of(std::int64_t sample) {
    return static_cast<double>(sample) / speech::PhonemeRecognizer::kRateHz;
}

// An utterance with the pauses around it taken off, as far as phones tell.
double start_of(const speech::Utterance& utterance) {
    return seconds_of(utterance.phones.empty() ? utterance.begin : utterance.phones.front().first_sample);
}
double end_of(const speech::Utterance& utterance) {
    return seconds_of(utterance.phones.empty() ? utterance.end : utterance.phones.back().end_sample);
}

void print_phones(const speech::Utterance& utterance, bool is_brief) {
    std::string phones;
    for (const auto& heard : utterance.phones) phones += fmt::format(" {}", speech::phone_name(heard.phone));
    fmt::print("{:8.2f} {:8.2f} {}\n", start_of(utterance), end_of(utterance),
               phones.empty() ? " (a voice, but no phones)" : phones);
    if (is_brief) return;
    for (const auto& heard : utterance.phones) {
        fmt::print("    {:8.2f} {:8.2f}  {:2} {:.2f}\n", seconds_of(heard.first_sample), seconds_of(heard.end_sample),
                   speech::phone_name(heard.phone), static_cast<double>(heard.confidence));
    }
}

void print_words(const speech::Utterance& utterance, const speech::HeardWords& words, bool is_brief) {
    std::string line;
    for (const auto& heard : utterance.words) line += fmt::format(" {}", words.text(heard));
    fmt::print("{:8.2f} {:8.2f} {}\n", start_of(utterance), end_of(utterance),
               line.empty() ? " (a voice, but no words)" : line);
    if (is_brief) return;
    for (const auto& heard : utterance.words) {
        fmt::print("    {:8.2f} {:8.2f}  {:<14} {:.2f}\n", seconds_of(heard.first_sample), seconds_of(heard.end_sample),
                   words.text(heard), static_cast<double>(heard.confidence));
    }
}

template <class Heard>
nlohmann::json to_json(const char* kind, std::string_view name, const Heard& heard) {
    return {{kind, name},
            {"start_s", seconds_of(heard.first_sample)},
            {"end_s", seconds_of(heard.end_sample)},
            {"confidence", heard.confidence}};
}

nlohmann::json to_json(const speech::Utterance& utterance, const std::optional<speech::HeardWords>& listener) {
    auto phones = nlohmann::json::array();
    for (const auto& heard : utterance.phones) {
        phones.push_back(to_json("phone", speech::phone_name(heard.phone), heard));
    }
    nlohmann::json json{{"start_s", start_of(utterance)}, {"end_s", end_of(utterance)}, {"phones", phones}};
    if (!listener) return json;
    auto words = nlohmann::json::array();
    for (const auto& heard : utterance.words) words.push_back(to_json("word", listener->text(heard), heard));
    json["words"] = words;
    return json;
}

std::unique_ptr<speech::VoiceDetector> detector_called(const std::string& name) {
    if (name == "none") return speech::make_indifferent_detector();
    if (name == "energy") return speech::make_energy_detector();
    if (name == "silero") return speech::open_network_detector(nn::find_model("silero-vad"));
    return speech::best_voice_detector();
}

nlohmann::json transcribe_file(const std::string& file, speech::Transcriber& transcriber, bool is_brief) {
    auto utterances = nlohmann::json::array();
    const auto use = [&](const speech::Utterance& utterance) {
        if (transcriber.words()) {
            print_words(utterance, *transcriber.words(), is_brief);
        } else {
            print_phones(utterance, is_brief);
        }
        std::fflush(stdout);
        utterances.push_back(to_json(utterance, transcriber.words()));
    };
    fmt::print("{}\n", file);
    transcriber.reset();
    const auto extent = read_recording(file, speech::PhonemeRecognizer::kRateHz,
                                       [&](std::span<const float> samples) { transcriber.push(samples, use); });
    transcriber.finish(use);
    if (utterances.empty()) fmt::print("    no voice in {:.2f} s\n", extent.seconds);
    if (extent.not_finite != 0) {
        fmt::print("    took {} samples that were NaN or infinite for silence\n", extent.not_finite);
    }
    return {{"file", file}, {"seconds", extent.seconds}, {"utterances", utterances}};
}

// "auto" is Sidetone's own.
std::shared_ptr<const speech::PhoneLanguageModel> language_called(const std::string& name) {
    if (name == "none") return nullptr;
    return std::make_shared<speech::PhoneLanguageModel>(name == "auto" ? speech::default_phone_language_model_file()
                                                                       : std::filesystem::path{name});
}

void tell_about(const speech::Vocabulary& vocabulary) {
    if (!vocabulary.guessed.empty()) {
        spdlog::info("the lexicon does not have \"{}\": said by rule, which may be wrong",
                     fmt::join(vocabulary.guessed, "\", \""));
    }
    if (!vocabulary.unknown.empty()) {
        spdlog::warn("how to say \"{}\" is not known: such words cannot be heard",
                     fmt::join(vocabulary.unknown, "\", \""));
    }
}

std::optional<speech::HeardWords> words_of(const WordArguments& arguments) {
    if (!arguments.are_wanted()) return std::nullopt;
    std::shared_ptr<const speech::WordLanguageModel> language;
    if (!arguments.language.empty()) language = std::make_shared<speech::WordLanguageModel>(arguments.language);
    const speech::LetterToSound rules{speech::default_letter_to_sound_file()};
    const auto vocabulary =
        speech::vocabulary_of(read_lexicon(arguments.lexicon), std::move(language), &rules, arguments.weights);
    tell_about(vocabulary);
    return speech::HeardWords{vocabulary, arguments.beam};
}

void add_word_options(CLI::App& command, WordArguments& arguments) {
    command.add_option("--word-lm", arguments.language,
                       "Print words: those that this ARPA file lists, and which follows which");
    command.add_option("--lexicon", arguments.lexicon,
                       "Words and their phones, in the form of the CMU dictionary, which is the default; without "
                       "--word-lm, print words of it, all as likely");
    command.add_option("--word-weight", arguments.weights.language, "What the model of words weighs beside the sound")
        ->check(CLI::Range(0.0F, 100.0F))
        ->capture_default_str();
    command.add_option("--word-bonus", arguments.weights.word_bonus, "Natural logarithm that each word counts for")
        ->check(CLI::Range(-100.0F, 100.0F))
        ->capture_default_str();
    command.add_option("--phone-bonus", arguments.weights.phone_bonus, "The same for each phone of a word")
        ->check(CLI::Range(-100.0F, 100.0F))
        ->capture_default_str();
    command.add_option("--word-beam", arguments.beam, "Hypotheses that the search for words keeps")
        ->check(CLI::Range(1, 1024))
        ->capture_default_str();
}

int transcribe(const TranscribeArguments& arguments) {
    if (!arguments.json.empty()) check_writable(arguments.json);
    speech::Transcriber transcriber{open_recognizer(arguments.model),
                                    detector_called(arguments.detector),
                                    {.beam = arguments.beam, .language = language_called(arguments.language)},
                                    words_of(arguments.words)};
    auto files = nlohmann::json::array();
    for (const auto& file : arguments.files) files.push_back(transcribe_file(file, transcriber, arguments.is_brief));
    if (!arguments.json.empty()) {
        write_json(arguments.json,
                   {{"model", arguments.model.model}, {"detector", transcriber.detector()}, {"files", files}});
    }
    return kFine;
}

}  // namespace

void add_transcribe(CLI::App& app, int& exit_code) {
    auto arguments = std::make_shared<TranscribeArguments>();
    auto* command = app.add_subcommand("transcribe", "Tell which phones or words are spoken in recordings, and when");
    command->add_option("files", arguments->files, "Sound files of any rate (WAV, FLAC, Ogg, …)")->required();
    command->add_flag("--brief", arguments->is_brief, "A line for each utterance, none for each phone or word");
    command->add_option("--beam", arguments->beam, "Hypotheses that the search keeps")
        ->check(CLI::Range(1, 128))
        ->capture_default_str();
    command
        ->add_option("--vad", arguments->detector,
                     "What finds voices: silero, energy, or auto, the first there is; none: a file is one utterance")
        ->check(CLI::IsMember({"auto", "silero", "energy", "none"}))
        ->capture_default_str();
    command
        ->add_option("--phone-lm", arguments->language,
                     "Which phones follow which: an ARPA file, auto for that of English prompts, or none, so that the "
                     "sound alone decides")
        ->capture_default_str();
    add_word_options(*command, arguments->words);
    add_speech_model_options(*command, arguments->model);
    command->add_option("--json", arguments->json, "Write utterances, phones and words to this file");
    command->footer(
        "Examples:\n"
        "  sidetone transcribe child.wav --json child.json\n"
        "  sidetone transcribe order.wav --word-lm models/voice-commands/commands.arpa\n"
        "Phones are ARPAbet's. A phone's times are those of its peak, where the network is sure of it, and shorter "
        "than\n"
        "the phone; confidence is its probability there. For borders use `sidetone align`.");
    command->callback([arguments, &exit_code] { exit_code = transcribe(*arguments); });
}

}  // namespace sidetone::cli
