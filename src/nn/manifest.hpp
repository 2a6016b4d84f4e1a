// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "dsp/window.hpp"
#include "nn/session.hpp"

namespace sidetone::nn {

/// What one graph of a model consumes and produces, seen from the signal.
enum class Domain : std::uint8_t {
    waveform,          ///< in: the window's samples; out: a frame of samples for overlap-add
    magnitude_mask,    ///< in: |spectrum|; out: real gains for the spectrum
    complex_spectrum,  ///< in and out: real and imaginary parts, last dimension 2
    features,          ///< in: [1, rows, bands]; out: [1, answers, classes], natural logarithms
    deep_filter,       ///< in: features of the spectrum, or what graphs before it made; out: see DeepFilterSpec
};

/// A streaming state: output `output` of one hop is input `input` of the next. Starts as zeros.
struct StateSpec {
    std::string input, output;
};

/// A constant input, such as Silero's sampling rate.
struct ConstantSpec {
    std::string input;
    double value = 0;
};

/// An input that is an output of an earlier graph. Where it has more rows (the third of four dimensions) than the
/// output has, it is the newest ones, of this hop last.
struct LinkSpec {
    std::string input;
    std::string file;  ///< the earlier graph's
    std::string output;
};

/// One file of the model, run once a hop, in the order of the manifest.
struct GraphSpec {
    std::filesystem::path manifest;  ///< the model.toml that declares it; for messages
    std::string file;                ///< a plain file name ending in ".onnx" or ".tflite"; `weights_file` finds it
    std::uint64_t bytes = 0;         ///< its size
    std::string sha256;              ///< 64 lower-case hexadecimal digits
    std::string url;                 ///< where `models pull` finds it; empty: comes with set-up
    Domain domain = Domain::waveform;
    std::string input, output;                ///< the signal's tensors
    std::vector<TensorInfo> inputs, outputs;  ///< declared with their bound shapes; every input, and the outputs in use
    std::vector<StateSpec> states;
    std::vector<ConstantSpec> constants;
    std::vector<LinkSpec> links;
    bool keeps_float32 = false;  ///< the native executor holds weights of 32 bits as they are, however many
};

/// How samples become frames: a window of `length` samples every `hop`, at `sample_rate_hz`.
struct FrontEnd {
    std::uint32_t length = 0;
    std::uint32_t hop = 0;
    dsp::WindowShape analysis_window = dsp::WindowShape::rectangular;
    dsp::WindowShape synthesis_window = dsp::WindowShape::rectangular;
};

/// In place of windows, in the task "phonemes": samples become rows of log-mel energies as Kaldi makes them (25 ms
/// every 10 ms, dsp::LogMel::kaldi), and every few rows an answer.
struct Features {
    std::uint32_t bands = 0;
    std::uint32_t rows_per_answer = 0;
    std::uint32_t look_ahead_answers = 0;  ///< an answer is about the sound so many answers before its own rows
    /// Typical of rows with a voice in training: the natural logarithm of the loudest band. Voices far from it are
    /// brought nearer; without it they are left as they are.
    std::optional<float> speech_level;
    std::vector<std::string> classes;  ///< what an answer's values are the log-probabilities of
};

/// What graphs of the domain "deep_filter" see of a spectrum and make of it (nn/deep_filter.hpp). The first one sees
/// look_ahead_hops + 1 rows of features, the newest last; what they make is for the frame look_ahead_hops before.
struct DeepFilterSpec {
    std::uint32_t bands = 0;  ///< 0: the model has no such graphs
    std::uint32_t least_bins_of_band = 0;
    std::uint32_t filtered_bins = 0;  ///< the lowest bins are filtered, the others have the gain of their band
    std::uint32_t taps = 0;           ///< frames that the filter takes, the newest look_ahead_hops later
    std::uint32_t look_ahead_hops = 0;
    double forgetting = 0;              ///< of running means, from one hop to the next
    std::string levels, unit_spectrum;  ///< inputs of the first graph: [1,1,rows,bands]; [1,2,rows,filtered_bins]
    std::string gains, coefficients;    ///< outputs: bands values; in its last row [filtered_bins,taps,2] values
    /// The newest frame, for which the model has no answer yet: an input of three values for each of filtered_bins bins
    /// (dsp/fresh_gains.hpp), and the output of the same graph, their gains. Empty in a model without such a graph.
    std::string evidence, fresh_gains;
};

/// A model folder's `model.toml` (DESIGN section 5).
///
/// Every graph input is the signal, a state or a constant. In the task "denoise" the front end's hop divides its
/// length, and each graph's output has as many values as its input: the graphs form a chain of frames of `length`
/// samples. In the task "vad" the signal's window may have any hop, and the output is a probability; in the task "mos"
/// it is what raters would say. In the task "phonemes" the front end is what follows from the features: the samples
/// that the rows of one run cover, and how many are new in each.
struct Manifest {
    std::filesystem::path folder;
    std::string name, description, licence, source;
    std::string
        weights_folder;  ///< name of the folder, beside or among the models, that holds the weights; usually `name`
    std::string task;    ///< "denoise", "vad", "mos" or "phonemes"
    std::uint32_t sample_rate_hz = 0;
    std::string backend = "auto";  ///< "auto", "onnxruntime", "tflite", "native"
    bool keeps_float32 = false;    ///< `precision = "float32"`; "auto" lets the native executor round large graphs
    FrontEnd front_end;
    Features features;  ///< of the task "phonemes"
    DeepFilterSpec deep_filter;
    std::vector<GraphSpec> graphs;
};

/// No weights file may be larger: what is fetched is bounded before it is looked at.
inline constexpr std::uint64_t kMaxWeightsBytes = std::uint64_t{2} << 30;

/// The task "phonemes" with `rows` rows in a run in place of as many as the manifest declares: shorter runs answer
/// sooner and cost more. Throws std::invalid_argument unless `rows` is a multiple of rows_per_answer, 64 at most.
[[nodiscard]] Manifest with_rows(Manifest model, std::uint32_t rows);

/// Reads and checks `folder`/model.toml. Throws InputError with file, line, key, found and expected; unknown keys are
/// errors.
[[nodiscard]] Manifest read_manifest(const std::filesystem::path& folder);

}  // namespace sidetone::nn
