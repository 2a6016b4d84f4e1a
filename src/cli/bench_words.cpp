// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>

#include "cli/command.hpp"
#include "cli/mono_recording.hpp"
#include "cli/recording_list.hpp"
#include "cli/speech_commands.hpp"
#include "cli/terminal.hpp"
#include "cli/word_errors.hpp"
#include "nn/word_model.hpp"
#include "rt/clock.hpp"
#include "rt/error.hpp"
#include "speech/moonshine.hpp"

namespace sidetone::cli {
namespace {

constexpr auto kAll = "all";

struct BenchWordsArguments {
    std::string list, model = "moonshine-tiny", json;
};

/// What the recordings of a group came to.
struct Tally {
    std::size_t recordings = 0, whole = 0;  // whole: without an error
    WordErrors words;
    double sound_s = 0, processor_s = 0;

    void add(const WordErrors& errors, double sound, double processor) {
        ++recordings;
        whole += errors.errors == 0 ? 1 : 0;
        words.errors += errors.errors;
        words.words += errors.words;
        sound_s += sound;
        processor_s += processor;
    }
    [[nodiscard]] double word_error_rate() const noexcept {
        return words.words == 0 ? 0 : static_cast<double>(words.errors) / static_cast<double>(words.words);
    }
    [[nodiscard]] double real_time_factor() const noexcept { return sound_s > 0 ? processor_s / sound_s : 0; }
};

double processor_seconds() noexcept {
    return static_cast<double>(rt::thread_cpu_ns()) / 1e9;
}

std::string to_text(const std::map<std::string, Tally>& tallies) {
    auto text = fmt::format("{:<16} {:>10} {:>7} {:>7} {:>8} {:>10} {:>10}\n", "group", "recordings", "words", "errors",
                            "WER", "all right", "real time");
    for (const auto& [group, tally] : tallies) {
        text += fmt::format("{:<16} {:>10} {:>7} {:>7} {:>6.1f} % {:>10} {:>10.3f}\n", group, tally.recordings,
                            tally.words.words, tally.words.errors, 100 * tally.word_error_rate(), tally.whole,
                            tally.real_time_factor());
    }
    return text;
}

nlohmann::json to_json(const std::map<std::string, Tally>& tallies) {
    auto json = nlohmann::json::array();
    for (const auto& [group, tally] : tallies) {
        json.push_back({{"group", group},
                        {"recordings", tally.recordings},
                        {"words", tally.words.words},
                        {"errors", tally.words.errors},
                        {"word_error_share", tally.word_error_rate()},
                        {"real_time_factor", tally.real_time_factor()},
                        {"sound_s", tally.sound_s}});
    }
    return json;
}

int bench_words(const BenchWordsArguments& arguments) {
    if (!arguments.json.empty()) check_writable(arguments.json);
    const auto listed = read_recording_list(arguments.list, "GROUP");
    if (listed.empty()) throw InputError{fmt::format("{}: found no line, expected FILE<tab>TEXT", arguments.list)};
    speech::Moonshine model{nn::find_word_model(arguments.model)};
    std::map<std::string, Tally> tallies;
    auto recordings = nlohmann::json::array();
    StatusLine line;
    for (const auto& said : listed) {
        const auto samples = read_mono(said.file, speech::Moonshine::kRateHz);
        const auto began_s = processor_seconds();
        const auto heard = model.text_of(samples);
        const auto spent_s = processor_seconds() - began_s;
        const auto errors = word_errors(said.text, heard);
        const auto sound_s = static_cast<double>(samples.size()) / speech::Moonshine::kRateHz;
        tallies[kAll].add(errors, sound_s, spent_s);
        if (!said.third.empty()) tallies[said.third].add(errors, sound_s, spent_s);
        recordings.push_back({{"file", said.file}, {"said", said.text}, {"heard", heard}, {"errors", errors.errors}});
        line.show(fmt::format("[{}] {} of {}",
                              bar(static_cast<double>(recordings.size()) / static_cast<double>(listed.size()), 40),
                              recordings.size(), listed.size()));
    }
    line.clear();
    fmt::print("{}", to_text(tallies));
    if (!arguments.json.empty()) {
        write_json(arguments.json,
                   {{"model", arguments.model}, {"results", to_json(tallies)}, {"recordings", recordings}});
    }
    return kFine;
}

}  // namespace

void add_bench_words(Command bench, int& exit_code) {
    auto arguments = std::make_shared<BenchWordsArguments>();
    auto command = bench.add_subcommand("words", "Count the words of recordings that are heard wrong");
    command.add_option("list", arguments->list, "Lines of FILE<tab>TEXT or FILE<tab>TEXT<tab>GROUP").required();
    command.add_option("--model", arguments->model, "Model of the task \"words\": a name or a folder")
        .capture_default_str();
    command.add_option("--json", arguments->json, "Write results, and what was heard in each recording, to this file");
    command.footer(
        "Example: sidetone bench words many.tsv --json words.json\n"
        "Upper and lower case and punctuation do not count; figures count as the words that they stand for.\n"
        "\"real time\": seconds of processor time, one thread, for a second of sound.");
    command.callback([arguments, &exit_code] { exit_code = bench_words(*arguments); });
}

}  // namespace sidetone::cli
