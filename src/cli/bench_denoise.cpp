// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <span>

#include "cli/bench.hpp"
#include "cli/command.hpp"
#include "cli/denoise_corpus.hpp"
#include "cli/terminal.hpp"
#include "dsp/intelligibility.hpp"
#include "dsp/polyphase_resampler.hpp"
#include "dsp/si_sdr.hpp"
#include "engine/chain_file.hpp"
#include "nn/dnsmos.hpp"
#include "nn/model_store.hpp"
#include "rt/clock.hpp"
#include "rt/error.hpp"
#include "rt/thread.hpp"

namespace sidetone::cli {
namespace {

constexpr std::uint32_t kRateHz = 48'000, kBlockFrames = 48;
constexpr std::uint32_t kMeasuredHz = 16'000;  // the band that all models and most of the speech have

// A filter in the time domain feels the age of gains most where it may not wait: four copies of the network take turns.
constexpr const char* kFilter = "output = \"causal_wiener\"\nsynthesis_ms = 2\ndelay_ms = ";
constexpr const char* kFourCopies = "copies = 4";

struct DenoiseArguments {
    std::string data, json;
    std::vector<std::string> models, chains;
    std::vector<double> snrs{-5, 0, 5, 10};
    std::size_t clips = 12;
    bool development = false, no_dnsmos = false;
};

/// What one way of denoising came to, summed over clips.
struct Scores {
    double si_sdr_db = 0, estoi = 0, speech = 0, background = 0, overall = 0;
    std::size_t count = 0, estoi_count = 0;

    Scores& operator+=(const Scores& other) {
        si_sdr_db += other.si_sdr_db;
        estoi += other.estoi;
        speech += other.speech;
        background += other.background;
        overall += other.overall;
        count += other.count;
        estoi_count += other.estoi_count;
        return *this;
    }
    [[nodiscard]] Scores mean() const {
        const auto n = static_cast<double>(std::max<std::size_t>(1, count));
        const auto e = static_cast<double>(std::max<std::size_t>(1, estoi_count));
        return {si_sdr_db / n, estoi / e, speech / n, background / n, overall / n, count, estoi_count};
    }
};

/// A row of the table.
struct Method {
    std::string model, mode;
    engine::ChainFile chain;  // one denoising stage; none for the noisy input
    std::uint32_t delay_frames = 0;
    std::map<double, Scores> by_snr;

    [[nodiscard]] Scores over_all() const {
        Scores sum;
        for (const auto& [snr, scores] : by_snr) sum += scores;
        return sum.mean();
    }
};

std::string quality_chain(const std::string& model) {
    return fmt::format("[[stage]]\nkind = \"denoise\"\nmode = \"direct\"\nmodel = \"{}\"\n", model);
}

std::string bank_chain(const std::string& model, const std::string& bank_key, const std::string& link_key = "") {
    return fmt::format(
        "[[stage]]\nkind = \"filter_bank\"\n{}\n[[stage.gains]]\nkind = \"denoise\"\nmode = \"direct\"\nmodel = "
        "\"{}\"\n{}\n",
        bank_key, model, link_key);
}

std::vector<std::string> models_of(const DenoiseArguments& arguments) {
    if (!arguments.models.empty()) return arguments.models;
    std::vector<std::string> names;
    for (const auto& model : nn::list_models()) {
        const bool is_there = std::ranges::all_of(
            model.graphs, [&](const auto& graph) { return !nn::weights_candidates(model, graph).empty(); });
        if (model.task == "denoise" && is_there) names.push_back(model.name);
    }
    return names;
}

std::vector<Method> methods_of(const DenoiseArguments& arguments) {
    std::vector<Method> methods;
    methods.push_back({.model = "", .mode = "noisy", .chain = {}});
    const auto add = [&](const std::string& model, const std::string& mode, const std::string& text) {
        methods.push_back({.model = model, .mode = mode, .chain = engine::read_chain_text(text, "bench denoise", 1)});
    };
    for (const auto& model : models_of(arguments)) {
        add(model, "quality", quality_chain(model));
        add(model, "bank 4 ms", bank_chain(model, "synthesis_ms = 4"));
        add(model, "bank 2 ms", bank_chain(model, "synthesis_ms = 2"));
        add(model, "3 ms", bank_chain(model, fmt::format("{}3", kFilter)));
        add(model, "1 ms", bank_chain(model, fmt::format("{}1", kFilter)));
        add(model, "0 ms", bank_chain(model, fmt::format("{}0", kFilter), kFourCopies));
    }
    for (const auto& chain : arguments.chains) {
        methods.push_back({.model = chain, .mode = "chain", .chain = engine::read_chain(engine::find_chain(chain), 1)});
    }
    return methods;
}

// What is heard of `in`, the delay taken off.
std::vector<float> heard(Method& method, const std::vector<float>& in) {
    if (method.chain.stages.empty()) return in;
    method.delay_frames = 0;
    for (auto& link : method.chain.stages) {
        link.stage->prepare(
            {.rate_hz = kRateHz, .block_frames = kBlockFrames, .max_block_frames = kBlockFrames, .channels = 1});
        method.delay_frames += link.stage->delay_frames();
    }
    auto sound = in;
    sound.resize((in.size() + method.delay_frames + kBlockFrames) / kBlockFrames * kBlockFrames, 0.0F);
    const rt::ScopedFlushDenormals flush;
    for (std::size_t at = 0; at < sound.size(); at += kBlockFrames) {
        float* const planes[]{sound.data() + at};
        for (auto& link : method.chain.stages) link.stage->process(planes, planes, kBlockFrames, {});
    }
    sound.erase(sound.begin(), sound.begin() + method.delay_frames);
    sound.resize(in.size());
    return sound;
}

Scores score(const NoisySpeech& item, const std::vector<float>& sound, nn::Dnsmos* dnsmos) {
    const dsp::PolyphaseResampler down{kRateHz, kMeasuredHz};
    const auto clean = dsp::resampled(std::span{item.clean}.subspan(item.lead_in), down);
    const auto found = dsp::resampled(std::span{sound}.subspan(item.lead_in), down);
    Scores scores{.si_sdr_db = dsp::si_sdr_db(clean, found), .count = 1};
    const auto estoi = dsp::intelligibility(clean, found, kMeasuredHz).estoi;
    if (!std::isnan(estoi)) {
        scores.estoi = estoi;
        scores.estoi_count = 1;
    }
    if (dnsmos != nullptr) {
        const auto opinion = dnsmos->score(found, kMeasuredHz);
        scores.speech = opinion.speech;
        scores.background = opinion.background;
        scores.overall = opinion.overall;
    }
    return scores;
}

double share_of_quality(const std::vector<Method>& methods, const Method& method) {
    const auto quality = std::ranges::find_if(
        methods, [&](const Method& other) { return other.model == method.model && other.mode == "quality"; });
    if (quality == methods.end()) return 0;
    const auto noisy = methods.front().over_all().si_sdr_db;
    return (method.over_all().si_sdr_db - noisy) / (quality->over_all().si_sdr_db - noisy);
}

nlohmann::json to_json(const Scores& scores, bool has_dnsmos) {
    nlohmann::json json{{"si_sdr_db", scores.si_sdr_db}, {"estoi", scores.estoi}, {"dnsmos", nullptr}};
    if (has_dnsmos) {
        json["dnsmos"] = {{"speech", scores.speech}, {"background", scores.background}, {"overall", scores.overall}};
    }
    return json;
}

nlohmann::json to_json(const std::vector<Method>& methods, std::size_t clips, bool has_dnsmos) {
    auto results = nlohmann::json::array();
    for (const auto& method : methods) {
        auto row = to_json(method.over_all(), has_dnsmos);
        row["model"] = method.model;
        row["mode"] = method.mode;
        row["delay_ms"] = 1000.0 * method.delay_frames / kRateHz;
        row["share_of_quality_gain"] = share_of_quality(methods, method);
        for (const auto& [snr, scores] : method.by_snr) {
            row["by_snr_db"][fmt::format("{:g}", snr)] = to_json(scores.mean(), has_dnsmos);
        }
        results.push_back(std::move(row));
    }
    return {{"clips", clips}, {"rate_hz", kRateHz}, {"block_frames", kBlockFrames}, {"results", std::move(results)}};
}

void print(const std::vector<Method>& methods, bool has_dnsmos) {
    fmt::print("{:<20} {:<9} {:>8} {:>10} {:>6} {:>7} {:>6} {:>6} {:>6}   SI-SDR by SNR\n", "model", "mode", "delay ms",
               "SI-SDR dB", "gain", "ESTOI", "SIG", "BAK", "OVRL");
    for (const auto& method : methods) {
        const auto mean = method.over_all();
        const auto opinion = [&](double value) { return has_dnsmos ? fmt::format("{:.2f}", value) : std::string{"-"}; };
        const auto share = share_of_quality(methods, method);
        fmt::print("{:<20} {:<9} {:>8.2f} {:>10.2f} {:>6} {:>7.3f} {:>6} {:>6} {:>6}  ", method.model, method.mode,
                   1000.0 * method.delay_frames / kRateHz, mean.si_sdr_db,
                   share != 0 ? fmt::format("{:.0f} %", 100 * share) : "", mean.estoi, opinion(mean.speech),
                   opinion(mean.background), opinion(mean.overall));
        for (const auto& [snr, scores] : method.by_snr) fmt::print(" {:6.2f}", scores.mean().si_sdr_db);
        fmt::print("\n");
    }
}

std::filesystem::path data_folder(const std::string& asked) {
    if (!asked.empty()) return asked;
    if (const char* folder = std::getenv("SIDETONE_DATA"); folder != nullptr) return folder;
    return "../shared/data";
}

int bench_denoise(const DenoiseArguments& arguments) {
    if (!arguments.json.empty()) check_writable(arguments.json);
    const auto items =
        choose_corpus(data_folder(arguments.data), arguments.development ? CorpusPart::development : CorpusPart::test,
                      arguments.clips);
    auto dnsmos = arguments.no_dnsmos ? std::nullopt : nn::Dnsmos::open();
    auto methods = methods_of(arguments);
    StatusLine line;
    const auto rounds = items.size() * arguments.snrs.size();
    std::size_t done = 0;
    for (const auto& item : items) {
        for (const double snr : arguments.snrs) {
            line.show(fmt::format("[{}] {} at {:g} dB",
                                  bar(static_cast<double>(done++) / static_cast<double>(rounds), 30),
                                  item.speech.filename().string(), snr));
            const auto mixed = mix_item(item, snr, kRateHz);
            for (auto& method : methods) {
                method.by_snr[snr] += score(mixed, heard(method, mixed.noisy), dnsmos ? &*dnsmos : nullptr);
            }
        }
    }
    line.clear();
    if (!arguments.json.empty()) write_json(arguments.json, to_json(methods, items.size(), dnsmos.has_value()));
    fmt::print("{} clips of {}speech at {} signal-to-noise ratios; {} frames a block at {} Hz\n", items.size(),
               arguments.development ? "development " : "", arguments.snrs.size(), kBlockFrames, kRateHz);
    print(methods, dnsmos.has_value());
    if (!dnsmos) fmt::print("DNSMOS: not measured, its model is not here\n");
    return kFine;
}

}  // namespace

void add_bench_denoise(Command bench, int& exit_code) {
    auto arguments = std::make_shared<DenoiseArguments>();
    auto command = bench.add_subcommand(
        "denoise", "How much closer to clean speech each model comes, by its own frames and beside a filter bank");
    command.add_option("--data", arguments->data,
                       "Folder with speechocean762/, lj/, audio/ (else $SIDETONE_DATA, ../shared/data)");
    command.add_option("--clips", arguments->clips, "Clips of speech, each at every ratio")
        .in_range(1, 5000)
        .capture_default_str();
    command.add_option("--snr", arguments->snrs, "Signal-to-noise ratios in dB")
        .delimiter(',')
        .in_range(-40.0, 60.0)
        .capture_default_str();
    command.add_option("--model", arguments->models, "Only this model; may be given several times");
    command.add_option("--chain", arguments->chains, "Also measure this chain; may be given several times");
    command.add_flag("--development", arguments->development, "Other clips and noises, for tuning");
    command.add_flag("--no-dnsmos", arguments->no_dnsmos, "Leave DNSMOS out, which takes most of the time");
    command.add_option("--json", arguments->json, "Write the table to this file");
    command.footer(
        "SI-SDR, ESTOI and DNSMOS of what is heard at 16 kHz, means over all clips and ratios. \"gain\" is the share\n"
        "of the quality mode's gain in SI-SDR. The same clips, noises and seeds every time.\n\n"
        "Example: sidetone bench denoise --clips 24 --json denoise.json");
    command.callback([arguments, &exit_code] { exit_code = bench_denoise(*arguments); });
}

}  // namespace sidetone::cli
