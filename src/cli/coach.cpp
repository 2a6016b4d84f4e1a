// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <atomic>
#include <cmath>
#include <csignal>
#include <memory>
#include <nlohmann/json.hpp>
#include <numeric>
#include <optional>
#include <string>
#include <vector>

#include "cli/coach_listener.hpp"
#include "cli/coach_screen.hpp"
#include "cli/command.hpp"
#include "cli/reading_report.hpp"
#include "cli/score_report.hpp"
#include "cli/speech_commands.hpp"
#include "cli/speech_model.hpp"
#include "device/cards.hpp"
#include "device/sound_file.hpp"
#include "engine/chain_file.hpp"
#include "engine/live.hpp"
#include "rt/error.hpp"
#include "speech/pronunciation_features.hpp"
#include "speech/pronunciation_scorer.hpp"
#include "stage/tap.hpp"

namespace sidetone::cli {
namespace {

std::atomic<bool> stop_requested{false};

struct CoachArguments {
    std::string chain = "coach", device, input, json;
    std::uint32_t rate_hz = 0, block_frames = 0;
    double seconds = 0, pause_s = 2.5;
    std::size_t beam = 4;
    PromptArguments prompt;
    SpeechModelArguments model{.model = "phoneme-ctc", .chunk_ms = 40};
};

stage::Tap& tap_of(engine::ChainFile& chain) {
    for (const auto& link : chain.stages) {
        if (auto* tap = dynamic_cast<stage::Tap*>(link.stage.get())) return *tap;
    }
    throw InputError{fmt::format("{}: found no stage of kind \"tap\", expected one: it is what the coach listens to",
                                 chain.path.string())};
}

device::CardRequest card_request(const CoachArguments& arguments, device::SimSettings& sim) {
    device::CardRequest request;
    request.input = arguments.device;
    if (!arguments.input.empty()) {
        if (!arguments.device.empty() && arguments.device != "sim") {
            throw InputError{fmt::format("--input {}: found a sound file with --device {}, expected --device sim",
                                         arguments.input, arguments.device)};
        }
        request.input = "sim";
        sim.input_file = arguments.input;
        sim.input_channels = sim.output_channels = device::SoundFileReader{arguments.input}.channels();
    }
    request.output = request.input;
    request.rate_hz = sim.pacing.rate_hz = arguments.rate_hz;
    request.block_frames = sim.pacing.block_frames = arguments.block_frames;
    request.input_channels = sim.input_channels;
    request.output_channels = sim.output_channels;
    return request;
}

// Runs the chain until it ends, or the listener has heard a pause, and tells what that came to.
engine::Report listen(const CoachArguments& arguments, CoachListener& listener, CoachScreen& screen) {
    device::SimSettings sim;
    const auto request = card_request(arguments, sim);
    engine::LiveOptions options;
    options.seconds = arguments.seconds;
    options.on_chain = [&](engine::ChainFile& chain) {
        listener.start(tap_of(chain));
        screen.start();
    };
    options.on_message = [](const std::string& message) { spdlog::info("{}", message); };
    options.on_status = [&](const engine::LiveStatus&) {
        if (listener.wants_to_end()) stop_requested = true;
    };
    options.on_end = [&] {
        listener.finish();
        screen.finish();
    };
    stop_requested = false;
    std::signal(SIGINT, [](int) { stop_requested = true; });
    std::signal(SIGTERM, [](int) { stop_requested = true; });
    return engine::run_live(
        engine::find_chain(arguments.chain), sim.input_channels, [&] { return device::open_card(request, sim); },
        options, stop_requested);
}

rt::Distribution distribution_of(std::vector<double> values) {
    if (values.empty()) return {};
    std::ranges::sort(values);
    const auto at = [&](double share) {
        return values[static_cast<std::size_t>(std::lround(share * static_cast<double>(values.size() - 1)))];
    };
    const auto count = static_cast<double>(values.size());
    return {.p50 = at(0.5),
            .p95 = at(0.95),
            .p99 = at(0.99),
            .p999 = at(0.999),
            .max = at(1),
            .count = values.size(),
            .mean = std::accumulate(values.begin(), values.end(), 0.0) / count};
}

nlohmann::json phones_to_json(const std::vector<speech::HeardPhone>& phones) {
    auto json = nlohmann::json::array();
    for (const auto& heard : phones) {
        json.push_back({{"phone", speech::phone_name(heard.phone)},
                        {"start_s", static_cast<double>(heard.first_sample) / speech::PhonemeRecognizer::kRateHz},
                        {"confidence", heard.confidence}});
    }
    return json;
}

// What experts would say of the reading. Nothing where it was too long to keep.
std::optional<ScoredRecording> judge(const speech::PronunciationScorer& scorer, const speech::Prompt& prompt,
                                     const speech::Reading& reading, const CoachListener& listener) {
    const auto answers = listener.answers();
    if (answers.empty()) return std::nullopt;
    auto features = speech::pronunciation_features(answers, prompt);
    if (!features) return std::nullopt;
    ScoredRecording scored{.prompt = {.prompt = prompt}, .features = *std::move(features), .words = reading.words};
    scored.scores = scorer.score(scored.features);
    scored.seconds_of = [&listener](std::int64_t frame) { return listener.border_s(frame); };
    return scored;
}

// Words, times, and scores where there are some.
void print(const speech::Reading& reading, const std::string& objection, const std::optional<ScoredRecording>& scored) {
    if (!objection.empty()) {
        fmt::print("\n{}\n\n", objection);
    } else if (scored) {
        fmt::print("\n{}\n", to_text(*scored));
    } else {
        fmt::print("\n{}no scores: the reading was too long to judge\n\n", to_text(reading));
    }
}

int coach(const CoachArguments& arguments) {
    if (!arguments.json.empty()) check_writable(arguments.json);
    const speech::PronunciationScorer scorer{speech::default_pronunciation_scorer_file()};
    const auto prompt = read_prompt(arguments.prompt);
    engine::Ledger ledger;
    CoachListener listener{open_recognizer(arguments.model),
                           prompt,
                           {.beam = arguments.beam, .pause_s = arguments.input.empty() ? arguments.pause_s : 0},
                           ledger};
    CoachScreen screen{listener, ledger};
    auto report = listen(arguments, listener, screen);

    const auto reading = listener.reading();
    const auto objection = objection_to(reading, listener.has_voice());
    const auto scored = objection.empty() ? judge(scorer, prompt, reading, listener) : std::nullopt;
    print(reading, objection, scored);
    for (const auto& line : ledger.lines()) report.lines.push_back(line);
    fmt::print("{}", engine::to_text(report));
    const auto shown = distribution_of(screen.shown_after_ms());
    fmt::print(
        "a phone stands on the screen {:.0f} ms (median; p95 {:.0f}) after it sounded: look-ahead 43 ms, chunks of {} "
        "ms, and the ledger's parts\n",
        shown.p50, shown.p95, arguments.model.chunk_ms);
    if (!arguments.json.empty()) {
        auto json = engine::to_json(report);
        json["reading"] = to_json(reading, objection);
        if (scored) json["scores"] = to_json(*scored);
        json["phones"] = phones_to_json(listener.phones());
        json["phone_shown_after_ms"] = engine::to_json(shown);
        json["detector"] = listener.detector();
        write_json(arguments.json, json);
    }
    const bool is_clean = report.misses == 0 && report.heap_calls.value_or(0) == 0 && report.locks.value_or(0) == 0;
    return objection.empty() && is_clean ? kFine : kFellShort;
}

}  // namespace

void add_coach(CLI::App& app, int& exit_code) {
    auto arguments = std::make_shared<CoachArguments>();
    auto* command = app.add_subcommand("coach", "Show which phones somebody says while a text is read aloud");
    add_prompt_options(*command, arguments->prompt);
    command->add_option("--device", arguments->device,
                        "Card to listen to: sim, jack, rtaudio, or one that `sidetone devices` lists");
    command->add_option("--input", arguments->input,
                        "Sound file that the simulated card hears in place of a microphone");
    command->add_option("--chain", arguments->chain, "Chain file with a tap, or the name of a ready-made chain")
        ->capture_default_str();
    command->add_option("--rate", arguments->rate_hz, "Frames a second")->check(CLI::Range(8000, 192'000));
    command->add_option("--block", arguments->block_frames, "Frames a block")->check(CLI::Range(16, 4096));
    command->add_option("--seconds", arguments->seconds, "Stop after so long")->check(CLI::Range(0.0, 1e9));
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
