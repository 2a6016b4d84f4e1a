// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "cli/captions.hpp"
#include "cli/command.hpp"
#include "cli/listening.hpp"
#include "cli/recording.hpp"
#include "cli/speech_commands.hpp"
#include "cli/speech_model.hpp"
#include "cli/spoken_words.hpp"
#include "cli/utterance_report.hpp"
#include "nn/model_store.hpp"
#include "nn/tensor_check.hpp"
#include "nn/word_model.hpp"
#include "rt/error.hpp"
#include "speech/letter_to_sound.hpp"
#include "speech/moonshine.hpp"
#include "speech/phone_language_model.hpp"
#include "speech/sound_memory.hpp"
#include "speech/transcriber.hpp"
#include "speech/vocabulary.hpp"

namespace sidetone::cli {
namespace {

struct WordArguments {
    std::string lexicon, language, hot_words;
    speech::Vocabulary::Weights weights;
    std::size_t beam = 64;
    [[nodiscard]] bool are_wanted() const { return !lexicon.empty() || !language.empty() || !hot_words.empty(); }
};

struct TranscribeArguments {
    std::vector<std::string> files;
    ListeningArguments listening{.chain = "captions"};
    std::string json, json_lines, detector = "auto", language = "auto", text = "auto";
    std::size_t beam = 16;
    bool is_brief = false, wants_full_pass = false;
    SpeechModelArguments model;
    WordArguments words;

    [[nodiscard]] bool is_live() const noexcept { return !listening.device.empty() || listening.has_recording(); }
};

// While somebody speaks: sooner, and with less work.
constexpr std::size_t kLiveBeam = 4;
constexpr std::uint32_t kLiveChunkMs = 40;

constexpr auto kTextModel = "moonshine-tiny";

std::unique_ptr<speech::VoiceDetector> detector_called(const std::string& name) {
    if (name == "none") return speech::make_indifferent_detector();
    if (name == "energy") return speech::make_energy_detector();
    if (name == "silero") return speech::open_network_detector(nn::find_model("silero-vad"));
    return speech::best_voice_detector();
}

// "auto": where the weights are, unless words of a vocabulary are wanted.
std::optional<speech::Moonshine> text_by(const TranscribeArguments& arguments) {
    if (arguments.text == "off" || (arguments.text == "auto" && arguments.words.are_wanted())) return std::nullopt;
    auto model = nn::find_word_model(kTextModel);
    if (arguments.text == "auto" && !nn::is_there(model)) return std::nullopt;
    return speech::Moonshine{std::move(model)};
}

nlohmann::json transcribe_file(const std::string& file, speech::Transcriber& transcriber, speech::Moonshine* model,
                               bool is_brief) {
    speech::SoundMemory sound{model != nullptr ? speech::kLongestUtterance : 0};
    auto utterances = nlohmann::json::array();
    const auto use = [&](const speech::Utterance& utterance) {
        fmt::print("{}{}", line_of(utterance, transcriber.words()),
                   is_brief ? "" : table_of(utterance, transcriber.words()));
        utterances.push_back(to_json(utterance, transcriber.words()));
        if (model != nullptr) {
            const auto text = words_by(*model, sound.copy(utterance.begin, utterance.end));
            fmt::print("{}", text_line(start_s(utterance), end_s(utterance), text));
            add_text(utterances.back(), text);
        }
        std::fflush(stdout);
    };
    fmt::print("{}\n", file);
    transcriber.reset();
    const auto extent = read_recording(file, speech::PhonemeRecognizer::kRateHz, [&](std::span<const float> samples) {
        if (model != nullptr) sound.push(samples);
        transcriber.push(samples, use);
    });
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

// Their number and the first of them, for a message of one line: a file may hold anything.
std::string some_of(std::span<const std::string> words) {
    constexpr std::size_t kMost = 8;
    auto text = fmt::format("{} word{}: ", words.size(), words.size() == 1 ? "" : "s");
    for (const auto& word : words.first(std::min(words.size(), kMost))) {
        text += fmt::format("{}\"{}\"", text.ends_with(' ') ? "" : ", ", nn::one_line(word));
    }
    return text + (words.size() > kMost ? ", …" : "");
}

void tell_about(const speech::Vocabulary& vocabulary) {
    if (!vocabulary.guessed.empty()) {
        spdlog::info("said by rule, which may be wrong, since the lexicon does not have them: {}",
                     some_of(vocabulary.guessed));
    }
    if (!vocabulary.unknown.empty()) {
        spdlog::warn("cannot be heard, since how to say them is not known: {}", some_of(vocabulary.unknown));
    }
}

std::optional<speech::HeardWords> words_of(const WordArguments& arguments) {
    if (!arguments.are_wanted()) return std::nullopt;
    std::shared_ptr<const speech::WordLanguageModel> language;
    if (!arguments.language.empty()) language = std::make_shared<speech::WordLanguageModel>(arguments.language);
    const speech::LetterToSound rules{speech::default_letter_to_sound_file()};
    const auto vocabulary = speech::vocabulary_of(read_lexicon(arguments.lexicon), std::move(language), &rules,
                                                  arguments.weights, arguments.hot_words);
    tell_about(vocabulary);
    return speech::HeardWords{vocabulary, arguments.beam};
}

void add_word_options(Command command, WordArguments& arguments) {
    command.add_option("--word-lm", arguments.language,
                       "Print words: those that this ARPA file lists, and which follows which");
    command.add_option("--lexicon", arguments.lexicon,
                       "Words and their phones, in the form of the CMU dictionary, which is the default; without "
                       "--word-lm, print words of it, all as likely");
    command.add_option(
        "--hot-words", arguments.hot_words,
        "Words and phrases that are likely here, one a line, perhaps with a boost behind it (\":5\"; else 4, "
        "a natural logarithm)");
    command.add_option("--word-weight", arguments.weights.language, "What the model of words weighs beside the sound")
        .in_range(0.0F, 100.0F)
        .capture_default_str();
    command.add_option("--word-bonus", arguments.weights.word_bonus, "Natural logarithm that each word counts for")
        .in_range(-100.0F, 100.0F)
        .capture_default_str();
    command.add_option("--phone-bonus", arguments.weights.phone_bonus, "The same for each phone of a word")
        .in_range(-100.0F, 100.0F)
        .capture_default_str();
    command.add_option("--word-beam", arguments.beam, "Hypotheses that the search for words keeps")
        .in_range(1, 1024)
        .capture_default_str();
}

int transcribe_files(const TranscribeArguments& arguments) {
    if (!arguments.json.empty()) check_writable(arguments.json);
    speech::Transcriber transcriber{open_recognizer(arguments.model),
                                    detector_called(arguments.detector),
                                    {.beam = arguments.beam, .language = language_called(arguments.language)},
                                    words_of(arguments.words)};
    auto files = nlohmann::json::array();
    auto text = text_by(arguments);
    for (const auto& file : arguments.files) {
        files.push_back(transcribe_file(file, transcriber, text ? &*text : nullptr, arguments.is_brief));
    }
    if (!arguments.json.empty()) {
        write_json(arguments.json,
                   {{"model", model_called(arguments.model)}, {"detector", transcriber.detector()}, {"files", files}});
    }
    return kFine;
}

int transcribe_live(const TranscribeArguments& arguments) {
    auto model = text_by(arguments);
    auto texts = model ? std::make_unique<SpokenWords>(*std::move(model)) : nullptr;
    return show_captions({.listening = arguments.listening,
                          .model = live(arguments.model),
                          .beam = arguments.beam,
                          .language = language_called(arguments.language),
                          .json = arguments.json,
                          .json_lines = arguments.json_lines},
                         detector_called(arguments.detector), words_of(arguments.words), std::move(texts));
}

int transcribe(const TranscribeArguments& arguments) {
    if (arguments.files.empty() != arguments.is_live()) {
        throw InputError{fmt::format("transcribe: found {}, expected either sound files or a card to listen to",
                                     arguments.is_live() ? "sound files and --device or --input"
                                                         : "neither sound files nor --device or --input")};
    }
    if (arguments.is_live() && arguments.wants_full_pass) {
        throw InputError{"--pass full goes with sound files: what is live is heard by the streaming network"};
    }
    if (!arguments.is_live() && !arguments.json_lines.empty()) {
        throw InputError{"--json-lines goes with --device or --input: for files, use --json"};
    }
    return arguments.is_live() ? transcribe_live(arguments) : transcribe_files(arguments);
}

}  // namespace

void add_transcribe(Command app, int& exit_code) {
    auto arguments = std::make_shared<TranscribeArguments>();
    auto command =
        app.add_subcommand("transcribe", "Tell which phones or words are spoken, live or in recordings, and when");
    command.add_option("files", arguments->files, "Sound files of any rate (WAV, FLAC, Ogg, …)");
    add_listening_options(command, arguments->listening);
    command.add_flag("--brief", arguments->is_brief, "A line for each utterance, none for each phone or word");
    command.add_option("--beam", arguments->beam, fmt::format("Hypotheses that the search keeps (live: {})", kLiveBeam))
        .in_range(1, 128)
        .capture_default_str();
    command
        .add_option("--vad", arguments->detector,
                    "What finds voices: silero, energy, or auto, the first there is; none: a file is one utterance")
        .one_of({"auto", "silero", "energy", "none"})
        .capture_default_str();
    command
        .add_option("--phone-lm", arguments->language,
                    "Which phones follow which: an ARPA file, auto for that of English prompts, or none, so that the "
                    "sound alone decides")
        .capture_default_str();
    add_word_options(command, arguments->words);
    command
        .add_option("--words", arguments->text,
                    "The text of each utterance once it is over, free of any vocabulary: on, off, or auto, where the "
                    "weights are there and no --word-lm is given")
        .one_of({"auto", "on", "off"})
        .capture_default_str();
    add_speech_model_options(command, arguments->model);
    add_pass_option(command, arguments->model);
    command.add_option("--json", arguments->json,
                       "Write utterances, phones and words to this file; live also the ledger");
    command.add_option("--json-lines", arguments->json_lines,
                       "Live: write what is heard to this file while it is spoken, a line of JSON each time; -: "
                       "standard output");
    command.footer(
        "Examples:\n"
        "  sidetone transcribe child.wav --json child.json\n"
        "  sidetone transcribe order.wav --word-lm models/voice-commands/commands.arpa\n"
        "  sidetone transcribe --device jack\n"
        "  sidetone transcribe --device sim --input child.wav --json-lines -\n"
        "Phones are ARPAbet's. A phone's times are those of its peak, where the network is sure of it, and shorter "
        "than\n"
        "the phone; confidence is its probability there. For borders use `sidetone align`.");
    command.callback([arguments, command, &exit_code] {
        arguments->wants_full_pass = command.count("--pass") > 0 && arguments->model.pass == "full";
        if (arguments->is_live() && command.count("--beam") == 0) arguments->beam = kLiveBeam;
        if (arguments->is_live() && command.count("--chunk-ms") == 0) arguments->model.chunk_ms = kLiveChunkMs;
        exit_code = transcribe(*arguments);
    });
}

}  // namespace sidetone::cli
