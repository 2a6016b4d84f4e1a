// SPDX-License-Identifier: Apache-2.0
#include "nn/manifest.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <stdexcept>

#include "dsp/real_fft.hpp"
#include "nn/download_url.hpp"
#include "nn/manifest_text.hpp"
#include "nn/tensor_check.hpp"
#include "nn/toml_table.hpp"

namespace sidetone::nn {
namespace {

constexpr std::int64_t kMaxDimension = std::int64_t{1} << 24;
constexpr std::size_t kMaxRank = 8;
constexpr std::size_t kMaxTensorElements = std::size_t{1} << 26;
constexpr std::uint32_t kMaxRowsOfRun = 64;

constexpr auto kTransformLengths = "a front-end length of 2^a · 3^b or 2^a · 3^b · 5, 64 to 4096, a at least 5";

bool is_weights_name(std::string_view name) {
    return is_plain_name(name) && (name.ends_with(".onnx") || name.ends_with(".tflite"));
}

FrontEnd read_front_end(const TomlTable& table) {
    const auto window = [&](std::string_view key) {
        return table.choice<dsp::WindowShape>(key, {{"rectangular", dsp::WindowShape::rectangular},
                                                    {"hann", dsp::WindowShape::hann},
                                                    {"sqrt_hann", dsp::WindowShape::sqrt_hann},
                                                    {"vorbis", dsp::WindowShape::vorbis}});
    };
    FrontEnd front_end;
    front_end.length = static_cast<std::uint32_t>(table.integer("length", 16, 262'144));
    front_end.hop = static_cast<std::uint32_t>(table.integer("hop", 1, front_end.length));
    front_end.analysis_window = window("analysis_window");
    front_end.synthesis_window = window("synthesis_window");
    table.finish();
    return front_end;
}

// Windows of 25 ms every 10 ms: the samples that `rows` rows cover, and those that are new in each run.
FrontEnd front_end_of_rows(std::uint32_t rate_hz, std::uint32_t rows) {
    const auto hop = rate_hz / 100;
    return {.length = rate_hz / 40 + (rows - 1) * hop, .hop = rows * hop};
}

Features read_features(const TomlTable& table) {
    (void)table.choice<int>("kind", {{"kaldi_log_mel", 0}});
    Features features;
    features.bands = static_cast<std::uint32_t>(table.integer("bands", 1, 512));
    features.rows_per_answer = static_cast<std::uint32_t>(table.integer("rows_per_answer", 1, kMaxRowsOfRun));
    features.look_ahead_answers = static_cast<std::uint32_t>(table.integer("look_ahead_answers", 0, 100));
    if (table.has("speech_level")) features.speech_level = static_cast<float>(table.number("speech_level", 0, 40));
    features.classes = table.texts("classes", 2);
    table.finish();
    return features;
}

DeepFilterSpec read_deep_filter(const TomlTable& table, const FrontEnd& front_end) {
    const auto count = [&](std::string_view key, std::int64_t low, std::int64_t high) {
        return static_cast<std::uint32_t>(table.integer(key, low, high));
    };
    const std::int64_t bins = front_end.length / 2 + 1;
    DeepFilterSpec spec;
    spec.bands = count("bands", 1, 256);
    spec.least_bins_of_band = count("least_bins_of_band", 1, 16);
    spec.filtered_bins = count("filtered_bins", 1, bins);
    spec.taps = count("taps", 1, 16);
    spec.look_ahead_hops = count("look_ahead_hops", 0, spec.taps - 1);
    spec.forgetting = table.number("forgetting", 0, 0.99999);
    spec.levels = table.text("levels");
    spec.unit_spectrum = table.text("unit_spectrum");
    spec.gains = table.text("gains");
    spec.coefficients = table.text("coefficients");
    if (table.has("evidence") || table.has("fresh_gains")) {
        spec.evidence = table.text("evidence");
        spec.fresh_gains = table.text("fresh_gains");
    }
    table.finish();
    if (spec.bands * spec.least_bins_of_band > bins / 2) {
        table.fail("bands", fmt::format("{} of {} bins and more", spec.bands, spec.least_bins_of_band),
                   fmt::format("no more than half of the {} bins", bins));
    }
    return spec;
}

std::vector<TensorInfo> read_tensors(const TomlTable& graph, std::string_view key) {
    std::vector<TensorInfo> tensors;
    for (const auto& table : graph.tables(key, 1)) {
        TensorInfo tensor;
        tensor.name = table.text("name");
        if (table.has("type")) {
            tensor.type = table.choice<ElementType>("type", {{"f32", ElementType::f32},
                                                             {"i64", ElementType::i64},
                                                             {"i32", ElementType::i32},
                                                             {"i8", ElementType::i8},
                                                             {"u8", ElementType::u8}});
        }
        tensor.shape = table.integers("shape", 1, kMaxDimension);
        std::size_t elements = 1;
        for (const auto dimension : tensor.shape) {
            elements = std::min(elements * static_cast<std::size_t>(dimension), kMaxTensorElements + 1);
        }
        if (tensor.shape.size() > kMaxRank || elements > kMaxTensorElements) {
            table.fail("shape", shape_text(tensor.shape),
                       fmt::format("at most {} dimensions and {} elements", kMaxRank, kMaxTensorElements));
        }
        table.finish();
        if (std::ranges::find(tensors, tensor.name, &TensorInfo::name) != tensors.end()) {
            table.fail("name", in_quotes(tensor.name) + " a second time", "each tensor once");
        }
        tensors.push_back(std::move(tensor));
    }
    return tensors;
}

// The declared tensor that `key` names; throws when there is none.
const TensorInfo& tensor_named_by(const TomlTable& table, std::string_view key,
                                  const std::vector<TensorInfo>& tensors) {
    std::string expected = "one of";
    for (const auto& tensor : tensors) expected += (&tensor == tensors.data() ? " " : ", ") + in_quotes(tensor.name);
    const auto is_known = [&](std::string_view name) {
        return std::ranges::find(tensors, name, &TensorInfo::name) != tensors.end();
    };
    const auto name = table.text(key, expected, is_known);
    return *std::ranges::find(tensors, name, &TensorInfo::name);
}

// Remembers what each tensor is used for, so that each has one use.
class Uses {
public:
    void take(const TomlTable& table, std::string_view key, const std::string& tensor) {
        if (!taken_.insert(tensor).second)
            table.fail(key, in_quotes(tensor) + " a second time", "one use for each tensor");
    }
    [[nodiscard]] bool has(const std::string& tensor) const { return taken_.contains(tensor); }

private:
    std::set<std::string> taken_;
};

void read_states(const TomlTable& table, GraphSpec& graph, Uses& input_uses, Uses& output_uses) {
    if (!table.has("states")) return;
    for (const auto& state : table.tables("states", 0)) {
        const auto& input = tensor_named_by(state, "input", graph.inputs);
        const auto& output = tensor_named_by(state, "output", graph.outputs);
        state.finish();
        input_uses.take(state, "input", input.name);
        output_uses.take(state, "output", output.name);
        if (input.type != output.type || input.shape != output.shape) {
            state.fail("output", fmt::format("{} {}", to_string(output.type), shape_text(output.shape)),
                       fmt::format("{} {} as its input has", to_string(input.type), shape_text(input.shape)));
        }
        graph.states.push_back({input.name, output.name});
    }
}

void read_constants(const TomlTable& table, GraphSpec& graph, Uses& input_uses) {
    if (!table.has("constants")) return;
    for (const auto& constant : table.tables("constants", 0)) {
        const auto& input = tensor_named_by(constant, "input", graph.inputs);
        input_uses.take(constant, "input", input.name);
        graph.constants.push_back({input.name, constant.number("value", -1e9, 1e9)});
        constant.finish();
    }
}

std::string expected_signal(Domain domain, std::uint32_t length) {
    switch (domain) {
        case Domain::waveform:
            return fmt::format("{} values of f32: the front end's length", length);
        case Domain::magnitude_mask:
            return fmt::format("{} values of f32: one a bin", length / 2 + 1);
        case Domain::complex_spectrum:
            return fmt::format("{} values of f32, last dimension 2: one complex number a bin", 2 * (length / 2 + 1));
        case Domain::features:
        case Domain::deep_filter:
            break;  // have checks of their own
    }
    return {};
}

bool fits(const TensorInfo& tensor, Domain domain, std::uint32_t length) {
    const auto bins = std::size_t{length} / 2 + 1;
    if (tensor.type != ElementType::f32) return false;
    switch (domain) {
        case Domain::waveform:
            return tensor.elements() == length;
        case Domain::magnitude_mask:
            return tensor.elements() == bins;
        case Domain::complex_spectrum:
            return tensor.elements() == 2 * bins && !tensor.shape.empty() && tensor.shape.back() == 2;
        case Domain::features:
        case Domain::deep_filter:
            return false;
    }
    return false;
}

void check_signal(const TomlTable& table, const Manifest& model, const GraphSpec& graph, const TensorInfo& input,
                  const TensorInfo& output) {
    const auto length = model.front_end.length;
    const auto check = [&](std::string_view key, const TensorInfo& tensor) {
        if (fits(tensor, graph.domain, length)) return;
        table.fail(key,
                   fmt::format("{} {} {}", in_quotes(tensor.name), to_string(tensor.type), shape_text(tensor.shape)),
                   expected_signal(graph.domain, length));
    };
    check("input", input);
    if (model.task == "denoise") check("output", output);
    if (graph.domain != Domain::waveform && !dsp::RealFft::supports(length)) {
        table.fail("domain", fmt::format("a spectrum of {} samples", length), kTransformLengths);
    }
}

void check_rows(const TomlTable& table, const Manifest& model, const TensorInfo& input, const TensorInfo& output) {
    const auto& features = model.features;
    const auto found = [](const TensorInfo& tensor) {
        return fmt::format("{} {} {}", in_quotes(tensor.name), to_string(tensor.type), shape_text(tensor.shape));
    };
    const auto rows = input.shape.size() == 3 ? input.shape[1] : 0;
    if (input.type != ElementType::f32 || rows < 1 || rows > kMaxRowsOfRun || rows % features.rows_per_answer != 0 ||
        input.shape != std::vector<std::int64_t>{1, rows, features.bands}) {
        table.fail("input", found(input),
                   fmt::format("f32 [1,rows,{}], rows a multiple of {} and {} at most", features.bands,
                               features.rows_per_answer, kMaxRowsOfRun));
    }
    const std::vector<std::int64_t> answers{1, rows / features.rows_per_answer,
                                            static_cast<std::int64_t>(features.classes.size())};
    if (output.type != ElementType::f32 || output.shape != answers) {
        table.fail("output", found(output), "f32 " + shape_text(answers) + ": a value for each class of each answer");
    }
}

void read_signal(const TomlTable& table, const Manifest& model, GraphSpec& graph, Uses& input_uses, Uses& output_uses) {
    const auto& input = tensor_named_by(table, "input", graph.inputs);
    const auto& output = tensor_named_by(table, "output", graph.outputs);
    graph.input = input.name;
    graph.output = output.name;
    if (graph.domain == Domain::features) {
        check_rows(table, model, input, output);
    } else {
        check_signal(table, model, graph, input, output);
    }
    input_uses.take(table, "input", input.name);
    output_uses.take(table, "output", output.name);
}

// Equal shapes, or four dimensions and more rows.
bool can_be_fed(const TensorInfo& input, const TensorInfo& output) {
    if (input.type != ElementType::f32 || output.type != ElementType::f32) return false;
    if (input.shape == output.shape) return true;
    if (input.shape.size() != 4 || output.shape.size() != 4 || output.shape[2] != 1) return false;
    auto one_row = input.shape;
    one_row[2] = 1;
    return one_row == output.shape;
}

// The graph that makes gains for the newest frame takes what is known of it.
void take_evidence(const TomlTable& table, const Manifest& model, const GraphSpec& graph, Uses& input_uses) {
    const auto& wanted = model.deep_filter;
    if (wanted.fresh_gains.empty()) return;
    const auto made = std::ranges::find(graph.outputs, wanted.fresh_gains, &TensorInfo::name);
    if (made == graph.outputs.end()) return;
    const auto taken = std::ranges::find(graph.inputs, wanted.evidence, &TensorInfo::name);
    const auto values = std::size_t{3} * wanted.filtered_bins;
    if (taken == graph.inputs.end() || taken->type != ElementType::f32 || taken->elements() != values) {
        table.fail("inputs",
                   taken == graph.inputs.end() ? "no " + in_quotes(wanted.evidence) : shape_text(taken->shape),
                   fmt::format("{} f32 of {} values: three for each of the filtered_bins", in_quotes(wanted.evidence),
                               values));
    }
    input_uses.take(table, "inputs", wanted.evidence);
}

// What a graph of a deep filter takes from the spectrum's features and from the graphs before it.
void read_links(const TomlTable& table, const Manifest& model, GraphSpec& graph, Uses& input_uses) {
    graph.input = graph.inputs.front().name;
    graph.output = graph.outputs.front().name;
    if (model.graphs.empty()) {
        const auto& wanted = model.deep_filter;
        const std::int64_t rows = wanted.look_ahead_hops + 1;
        const auto take = [&](const std::string& name, std::int64_t planes, std::int64_t values) {
            const std::vector<std::int64_t> shape{1, planes, rows, values};
            const auto found = std::ranges::find(graph.inputs, name, &TensorInfo::name);
            if (found == graph.inputs.end() || found->type != ElementType::f32 || found->shape != shape) {
                table.fail("inputs", found == graph.inputs.end() ? "no " + in_quotes(name) : shape_text(found->shape),
                           fmt::format("{} f32 {}, as [deep_filter] says", in_quotes(name), shape_text(shape)));
            }
            input_uses.take(table, "inputs", name);
        };
        take(wanted.levels, 1, wanted.bands);
        take(wanted.unit_spectrum, 2, wanted.filtered_bins);
    }
    take_evidence(table, model, graph, input_uses);
    if (!table.has("links")) return;
    for (const auto& link : table.tables("links", 0)) {
        const auto& input = tensor_named_by(link, "input", graph.inputs);
        const auto file = link.text("file", "the file of a graph before this one", [&](std::string_view name) {
            return std::ranges::find(model.graphs, name, &GraphSpec::file) != model.graphs.end();
        });
        const auto& from = *std::ranges::find(model.graphs, file, &GraphSpec::file);
        const auto& output = tensor_named_by(link, "output", from.outputs);
        link.finish();
        input_uses.take(link, "input", input.name);
        if (!can_be_fed(input, output)) {
            link.fail("output", fmt::format("{} {}", to_string(output.type), shape_text(output.shape)),
                      fmt::format("f32 {} as its input has, or one row of it", shape_text(input.shape)));
        }
        graph.links.push_back({input.name, file, output.name});
    }
}

GraphSpec read_graph(const TomlTable& table, const Manifest& model) {
    GraphSpec graph;
    graph.manifest = model.folder / "model.toml";
    graph.keeps_float32 = model.keeps_float32;
    graph.file = table.text("file", fmt::format("{} that ends in .onnx or .tflite", kPlainName), is_weights_name);
    graph.bytes = static_cast<std::uint64_t>(table.integer("bytes", 1, static_cast<std::int64_t>(kMaxWeightsBytes)));
    graph.sha256 = table.text("sha256", kSha256Digits, is_sha256);
    if (table.has("url")) {
        graph.url = table.text("url", std::string{kAllowedUrls},
                               [](std::string_view url) { return url_kind(std::string{url}) != UrlKind::refused; });
    }
    if (model.task == "phonemes") {
        graph.domain = table.choice<Domain>("domain", {{"features", Domain::features}});
    } else {
        graph.domain = table.choice<Domain>("domain", {{"waveform", Domain::waveform},
                                                       {"magnitude_mask", Domain::magnitude_mask},
                                                       {"complex_spectrum", Domain::complex_spectrum},
                                                       {"deep_filter", Domain::deep_filter}});
    }
    graph.inputs = read_tensors(table, "inputs");
    graph.outputs = read_tensors(table, "outputs");

    Uses input_uses, output_uses;
    if ((graph.domain == Domain::deep_filter) != (model.deep_filter.bands != 0)) {
        table.fail(
            "domain", graph.domain == Domain::deep_filter ? "\"deep_filter\"" : "another domain",
            "the domain \"deep_filter\" in every graph of a model that has a table [deep_filter], and only there");
    }
    if (graph.domain == Domain::deep_filter) {
        read_links(table, model, graph, input_uses);
    } else {
        read_signal(table, model, graph, input_uses, output_uses);
    }
    read_states(table, graph, input_uses, output_uses);
    read_constants(table, graph, input_uses);
    table.finish();
    for (const auto& tensor : graph.inputs) {
        if (input_uses.has(tensor.name)) continue;
        table.fail("inputs", in_quotes(tensor.name) + " without a value",
                   graph.domain == Domain::deep_filter ? "each as a feature, a link, a state or a constant"
                                                       : "each as the signal, a state or a constant");
    }
    return graph;
}

void read_windows(const TomlTable& table, Manifest& model) {
    const auto front_end = table.table("front_end");
    model.front_end = read_front_end(front_end);
    if (model.task == "denoise" && model.front_end.length % model.front_end.hop != 0) {
        front_end.fail("hop", fmt::format("{}", model.front_end.hop),
                       fmt::format("a divisor of the length, {}", model.front_end.length));
    }
}

TensorInfo& tensor_called(std::vector<TensorInfo>& tensors, const std::string& name) {
    return *std::ranges::find(tensors, name, &TensorInfo::name);
}

std::uint32_t rows_of_run(const GraphSpec& graph) {
    return static_cast<std::uint32_t>(std::ranges::find(graph.inputs, graph.input, &TensorInfo::name)->shape[1]);
}

// Some graph makes the gains, and some the coefficients.
void check_deep_filter(const TomlTable& table, const Manifest& model) {
    const auto& wanted = model.deep_filter;
    if (!dsp::RealFft::supports(model.front_end.length)) {
        table.fail("front_end", fmt::format("a spectrum of {} samples", model.front_end.length), kTransformLengths);
    }
    const auto check = [&](const std::string& name, std::size_t values, const char* expected) {
        for (const auto& graph : model.graphs) {
            const auto found = std::ranges::find(graph.outputs, name, &TensorInfo::name);
            if (found == graph.outputs.end()) continue;
            if (found->type == ElementType::f32 && found->elements() % values == 0) return;
            table.fail("deep_filter", fmt::format("{} {}", in_quotes(name), shape_text(found->shape)), expected);
        }
        table.fail("deep_filter", "no graph with an output " + in_quotes(name), expected);
    };
    check(wanted.gains, wanted.bands, "a gain for each band");
    check(wanted.coefficients, std::size_t{2} * wanted.filtered_bins * wanted.taps,
          "complex coefficients, [filtered_bins,taps,2] in the last row");
    if (!wanted.fresh_gains.empty()) check(wanted.fresh_gains, wanted.filtered_bins, "a gain for each filtered bin");
}

}  // namespace

Manifest with_rows(Manifest model, std::uint32_t rows) {
    const auto rows_per_answer = model.features.rows_per_answer;
    if (rows_per_answer == 0 || rows == 0 || rows > kMaxRowsOfRun || rows % rows_per_answer != 0) {
        throw std::invalid_argument{
            fmt::format("model \"{}\": found runs of {} rows, expected a multiple of {}, {} at most", model.name, rows,
                        rows_per_answer, kMaxRowsOfRun)};
    }
    model.front_end = front_end_of_rows(model.sample_rate_hz, rows);
    for (auto& graph : model.graphs) {
        tensor_called(graph.inputs, graph.input).shape[1] = rows;
        tensor_called(graph.outputs, graph.output).shape[1] = rows / rows_per_answer;
    }
    return model;
}

Manifest read_manifest(const std::filesystem::path& folder) {
    const auto file = folder / "model.toml";
    const auto document = parse_toml(file);
    const TomlTable table{document, file};

    Manifest model;
    model.folder = folder;
    model.name = table.text("name", kPlainName, is_plain_name);
    model.weights_folder =
        table.has("weights_folder") ? table.text("weights_folder", kPlainName, is_plain_name) : model.name;
    model.description = table.text("description");
    model.licence = table.text("licence");
    model.source = table.text("source");
    model.task = table.choice<std::string>(
        "task", {{"denoise", "denoise"}, {"vad", "vad"}, {"mos", "mos"}, {"phonemes", "phonemes"}, {"words", "words"}});
    model.sample_rate_hz = static_cast<std::uint32_t>(table.integer("sample_rate_hz", 8000, 192'000));
    if (model.task == "words") return model;  // nn/word_model.hpp reads the rest
    if (table.has("backend")) {
        model.backend = table.choice<std::string>(
            "backend", {{"auto", "auto"}, {"onnxruntime", "onnxruntime"}, {"tflite", "tflite"}, {"native", "native"}});
    }
    if (table.has("precision")) {
        model.keeps_float32 = table.choice<bool>("precision", {{"auto", false}, {"float32", true}});
    }
    if (model.task == "phonemes") {
        model.features = read_features(table.table("features"));
    } else {
        read_windows(table, model);
    }
    if (model.task == "denoise" && table.has("deep_filter")) {
        model.deep_filter = read_deep_filter(table.table("deep_filter"), model.front_end);
    }
    for (const auto& graph : table.tables("graph", 1)) model.graphs.push_back(read_graph(graph, model));
    if (model.deep_filter.bands != 0) check_deep_filter(table, model);
    if (model.task == "phonemes") {
        if (model.graphs.size() != 1) table.fail("graph", fmt::format("{} of them", model.graphs.size()), "one");
        model.front_end = front_end_of_rows(model.sample_rate_hz, rows_of_run(model.graphs.front()));
    }
    table.finish();
    return model;
}

}  // namespace sidetone::nn
