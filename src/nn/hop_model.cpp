// SPDX-License-Identifier: Apache-2.0
#include "nn/hop_model.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <complex>
#include <cstring>
#include <limits>
#include <numeric>
#include <optional>

#include "dsp/asymmetric_filter_bank.hpp"
#include "dsp/overlap_add.hpp"
#include "dsp/real_fft.hpp"
#include "dsp/spectral_ratio.hpp"
#include "nn/backends.hpp"
#include "nn/deep_filter.hpp"
#include "nn/graph_runner.hpp"
#include "rt/error.hpp"
#include "rt/thread.hpp"

namespace sidetone::nn {
namespace {

// Both bindings of each graph run twice: backends plan and grow their scratch memory in the first run of each.
constexpr int kWarmUpHops = 4;

// Full scale is 1. Of louder samples a model's own sums of squares may outgrow a float.
constexpr float kLoudest = 1e12F;

bool all_within(float bound, const float* samples, std::size_t count) noexcept {
    // On bits, in which infinity and not-a-number lie above every number, so that the compiler can neither assume them
    // away nor needs to keep an order of additions.
    constexpr std::uint32_t kAllButSign = 0x7FFFFFFF;
    const auto highest = std::bit_cast<std::uint32_t>(bound);
    std::uint32_t found = 0;
    for (std::size_t i = 0; i < count; ++i) {
        found |= static_cast<std::uint32_t>((std::bit_cast<std::uint32_t>(samples[i]) & kAllButSign) > highest);
    }
    return found == 0;
}

bool all_finite(const float* samples, std::size_t count) noexcept {
    return all_within(std::numeric_limits<float>::max(), samples, count);
}

// A mask from magnitudes alone depends on the sound's level: half of it gained 0.2 dB in SI-SDR with DTLN.
double gain_level(const Manifest& manifest) {
    return manifest.graphs.front().domain == Domain::magnitude_mask ? 0.5 : 1.0;
}

// Gains need no frames that overlap and add up, so the window may fall late and steeply: what the model sees is then
// that much newer. A fall of an eighth of the length did best of 1/16 to 1/4 in SI-SDR with three models; as loud as
// the window they were trained with times `level`.
std::vector<float> make_gain_window(const std::vector<float>& trained, std::size_t length, double level) {
    const auto energy = [](const std::vector<float>& window) {
        double sum = 0;
        for (const float w : window) sum += static_cast<double>(w) * static_cast<double>(w);
        return sum;
    };
    if (length % 8 != 0 || !dsp::RealFft::supports(length)) return trained;  // its first graph sees no spectrum
    auto window = dsp::asymmetric_analysis_window({.analysis = length, .synthesis = length / 4, .hop = length / 8});
    const auto wanted = trained.empty() ? static_cast<double>(length) : energy(trained);
    const auto scale = static_cast<float>(level * std::sqrt(wanted / energy(window)));
    for (auto& w : window) w *= scale;
    return window;
}

// What later graphs do to a bin is taken over so long; half of it or twice as much did a little worse with DTLN.
constexpr double kRatioSeconds = 0.16;

double ratio_forgetting(const Manifest& manifest) {
    return std::exp(-static_cast<double>(manifest.front_end.hop) / manifest.sample_rate_hz / kRatioSeconds);
}

// Frames overlap: into so many parts a model that leaves the sound alone has to divide it.
float overlap_gain(const FrontEnd& front_end) {
    const auto analysis = dsp::make_window(front_end.analysis_window, front_end.length);
    const auto synthesis = dsp::make_window(front_end.synthesis_window, front_end.length);
    return std::inner_product(analysis.begin(), analysis.end(), synthesis.begin(), 0.0F) /
           static_cast<float>(front_end.hop);
}

// Re(out · conj(in)) / |in|², where `in` is anything at all.
void in_phase_gains(const float* in, const float* out, float* gains, std::size_t bins) noexcept {
    constexpr float kNothing = 1e-20F;
    for (std::size_t k = 0; k < bins; ++k) {
        const float re = in[2 * k], im = in[2 * k + 1];
        const float gain = (out[2 * k] * re + out[2 * k + 1] * im) / (re * re + im * im + kNothing);
        gains[k] = std::clamp(gain, 0.0F, 1.0F);
    }
}

std::vector<float> window_or_nothing(dsp::WindowShape shape, std::size_t length) {
    return shape == dsp::WindowShape::rectangular ? std::vector<float>{} : dsp::make_window(shape, length);
}

void require_denoiser(const Manifest& manifest) {
    if (manifest.task == "denoise") return;
    throw InputError{
        fmt::format("{}: key \"task\": found \"{}\", expected \"denoise\": only such models turn sound into sound",
                    (manifest.folder / "model.toml").string(), manifest.task)};
}

std::size_t arena_bytes(const Manifest& manifest) {
    const auto length = std::size_t{manifest.front_end.length};
    auto bytes = length * sizeof(float) + (length / 2 + 1) * sizeof(std::complex<float>) + 2 * rt::kCacheLine;
    for (const auto& graph : manifest.graphs) bytes += GraphRunner::arena_bytes(graph);
    return bytes;
}

}  // namespace

// A frame is `length` samples on their way through the graphs. Each graph finds its frame where the one before has left
// it:
//   waveform          the frame is the input tensor, the result the output tensor;
//   magnitude_mask    forward transform of the frame, magnitudes into the input tensor, spectrum times output tensor,
//   back; complex_spectrum  forward transform of the frame into the input tensor, back from the output tensor.
struct HopModel::Parts {
    struct Step {
        Domain domain;
        GraphRunner runner;
        float* result;  // where a spectral step's inverse transform writes: the next one's tensor, or `frame`
    };

    Parts(const Manifest& model, const std::string& asked_backend);

    void add_step(const GraphSpec& graph, std::unique_ptr<Session> session);
    void warm_up();
    [[nodiscard]] const float* run_step(Step& step, const float* in) noexcept;
    [[nodiscard]] bool run(const float* window, float* out) noexcept;
    [[nodiscard]] bool run_deep_filter(const float* window, float* out) noexcept;
    [[nodiscard]] bool run_gains(const float* window, float* gains) noexcept;
    /// Of the samples that `process` is given, those of the newest frame.
    [[nodiscard]] const float* newest_frame(const float* window) const noexcept {
        return window + std::size_t{manifest.deep_filter.look_ahead_hops} * manifest.front_end.hop;
    }
    [[nodiscard]] bool run_first_gains(const float* window, float* gains) noexcept;
    [[nodiscard]] bool scale_by_later_graphs(const float* window, float* gains) noexcept;
    void rehearse(const rt::Rehearsal& rehearsal) noexcept;
    void reset() noexcept;

    Manifest manifest;
    OpenedModel opened;  // its sessions move into the steps
    std::size_t length, bins;
    rt::Arena arena;
    std::vector<float> analysis_window;  // empty: all ones
    std::vector<float> gain_window;
    std::span<float> frame;
    std::span<std::complex<float>> spectrum;
    std::optional<dsp::RealFft> transform;
    dsp::OverlapAdd overlap;
    std::vector<Step> steps;
    std::optional<DeepFilter> deep_filter;  // in place of steps

    // What graphs after the first one do to gains: spectra of what goes in and comes out, seen through a window.
    std::vector<float> before_window, after_window, seen;
    std::vector<std::complex<float>> before, after;
    dsp::SpectralRatio later_ratio;
};

HopModel::Parts::Parts(const Manifest& model, const std::string& asked_backend)
    : manifest((require_denoiser(model), model)),
      opened(open_model(manifest, asked_backend)),
      length(manifest.front_end.length),
      bins(length / 2 + 1),
      arena(arena_bytes(manifest)),
      analysis_window(window_or_nothing(manifest.front_end.analysis_window, length)),
      gain_window(make_gain_window(analysis_window, length, gain_level(manifest))),
      frame(arena.allocate<float>(length)),
      spectrum(arena.allocate<std::complex<float>>(bins)),
      overlap(length, manifest.front_end.hop, window_or_nothing(manifest.front_end.synthesis_window, length)),
      before_window(dsp::make_window(dsp::WindowShape::hann, length)),
      after_window(before_window),
      seen(length),
      before(bins),
      after(bins),
      later_ratio(bins, ratio_forgetting(manifest)) {
    const float parts = overlap_gain(manifest.front_end);
    for (auto& w : after_window) w *= parts;
    const bool is_spectral =
        std::ranges::any_of(manifest.graphs, [](const GraphSpec& graph) { return graph.domain != Domain::waveform; });
    if (is_spectral) transform.emplace(length);
    if (manifest.deep_filter.bands != 0) {
        deep_filter.emplace(manifest, std::move(opened.sessions), arena);
        warm_up();
        return;
    }
    steps.reserve(manifest.graphs.size());
    for (std::size_t i = 0; i < manifest.graphs.size(); ++i) {
        add_step(manifest.graphs[i], std::move(opened.sessions[i]));
    }
    warm_up();
}

void HopModel::Parts::add_step(const GraphSpec& graph, std::unique_ptr<Session> session) {
    auto* before = steps.empty() ? nullptr : &steps.back();
    const bool shares_tensor =
        graph.domain == Domain::waveform && before != nullptr && before->domain == Domain::waveform;
    std::vector<TensorPlace> shared;
    if (shares_tensor) shared.push_back({graph.input, before->runner.output()});
    GraphRunner runner{graph, std::move(session), arena, shared};
    if (graph.domain == Domain::waveform && before != nullptr) before->result = runner.input();
    steps.push_back({graph.domain, std::move(runner), frame.data()});
}

void HopModel::Parts::warm_up() {
    std::vector<float> window(length), out(manifest.front_end.hop), gains(bins);
    std::uint32_t random = 1;
    for (auto& sample : window) {
        random = random * 1664525U + 1013904223U;  // Numerical Recipes' generator: any quiet noise will do
        sample = (static_cast<float>(random >> 8U) / 16777216.0F - 0.5F) * 0.02F;
    }
    for (int hop = 0; hop < kWarmUpHops; ++hop) {
        // A deep filter's gains have a graph of their own.
        if (run(window.data(), out.data()) && (!deep_filter || run_gains(window.data(), gains.data()))) continue;
        std::string why;
        for (const auto& step : steps) why += step.runner.session().last_error();
        if (deep_filter) why += deep_filter->last_error();
        throw InputError{fmt::format("{}: a trial run with {} failed: {}", (manifest.folder / "model.toml").string(),
                                     opened.backend, why.empty() ? "its result is not finite" : why)};
    }
    reset();
}

// Null when the backend failed.
const float* HopModel::Parts::run_step(Step& step, const float* in) noexcept {
    auto& runner = step.runner;
    switch (step.domain) {
        case Domain::waveform:
            return runner.run() ? runner.output() : nullptr;
        case Domain::magnitude_mask:
            transform->forward(in, spectrum.data());
            dsp::magnitude(spectrum.data(), runner.input(), bins);
            if (!runner.run()) return nullptr;
            dsp::apply_gains(runner.output(), spectrum.data(), bins);
            transform->inverse(spectrum.data(), step.result);
            return step.result;
        case Domain::complex_spectrum:
            // [1, bins, 1, 2] is an array of complex numbers ([complex.numbers.general]/4).
            transform->forward(in, reinterpret_cast<std::complex<float>*>(runner.input()));
            if (!runner.run()) return nullptr;
            transform->inverse(reinterpret_cast<const std::complex<float>*>(runner.output()), step.result);
            return step.result;
        case Domain::features:
        case Domain::deep_filter:
            break;  // no step of a denoiser has them
    }
    return nullptr;
}

bool HopModel::Parts::run(const float* window, float* out) noexcept {
    // Not every graph lets a bad input show in its output at once (max(0, NaN) is 0), but its states would keep it.
    if (!all_within(kLoudest, window, length)) return false;
    if (deep_filter) return run_deep_filter(window, out);
    const float* in = window;
    if (steps.front().domain == Domain::waveform || !analysis_window.empty()) {
        auto* target = steps.front().domain == Domain::waveform ? steps.front().runner.input() : frame.data();
        if (analysis_window.empty()) {
            std::memcpy(target, window, length * sizeof(float));
        } else {
            dsp::multiply(window, analysis_window.data(), target, length);
        }
        in = target;
    }
    for (auto& step : steps) {
        in = run_step(step, in);
        if (in == nullptr) return false;
    }
    overlap.add(in, out);
    return all_finite(out, manifest.front_end.hop);
}

bool HopModel::Parts::run_deep_filter(const float* window, float* out) noexcept {
    dsp::multiply(window, analysis_window.data(), frame.data(), length);
    transform->forward(frame.data(), spectrum.data());
    if (!deep_filter->filter(spectrum.data(), before.data())) return false;
    transform->inverse(before.data(), frame.data());
    overlap.add(frame.data(), out);
    return all_finite(out, manifest.front_end.hop);
}

bool HopModel::Parts::run_gains(const float* window, float* gains) noexcept {
    if (!all_within(kLoudest, window, length)) return false;
    if (!run_first_gains(window, gains)) return false;
    if (steps.size() > 1 && !scale_by_later_graphs(window, gains)) return false;
    return all_finite(gains, bins);
}

bool HopModel::Parts::run_first_gains(const float* window, float* gains) noexcept {
    dsp::multiply(window, gain_window.data(), frame.data(), length);
    const float* in = frame.data();
    if (deep_filter) {
        transform->forward(in, spectrum.data());
        return deep_filter->gains(spectrum.data(), gains);
    }
    auto& step = steps.front();
    auto& runner = step.runner;
    if (step.domain == Domain::magnitude_mask) {
        transform->forward(in, spectrum.data());
        dsp::magnitude(spectrum.data(), runner.input(), bins);
        if (!runner.run() || !all_finite(runner.output(), bins)) return false;
        for (std::size_t k = 0; k < bins; ++k) gains[k] = std::clamp(runner.output()[k], 0.0F, 1.0F);
    } else {
        transform->forward(in, reinterpret_cast<std::complex<float>*>(runner.input()));
        if (!runner.run() || !all_finite(runner.output(), 2 * bins)) return false;
        in_phase_gains(runner.input(), runner.output(), gains, bins);
    }
    return true;
}

// Later graphs get frames as they were trained with, in which the newest samples are as loud as any. Of those their
// answer is vague until more frames have come, so it only tells how they change each bin in the mean over some frames.
bool HopModel::Parts::scale_by_later_graphs(const float* window, float* gains) noexcept {
    const float* in = window;
    if (!analysis_window.empty()) {
        dsp::multiply(window, analysis_window.data(), seen.data(), length);
        in = seen.data();
    }
    transform->forward(in, spectrum.data());
    dsp::apply_gains(gains, spectrum.data(), bins);
    const float* sound = steps.front().result;
    transform->inverse(spectrum.data(), steps.front().result);
    dsp::multiply(sound, before_window.data(), seen.data(), length);
    transform->forward(seen.data(), before.data());
    for (auto& step : std::span{steps}.subspan(1)) {
        sound = run_step(step, sound);
        if (sound == nullptr) return false;
    }
    dsp::multiply(sound, after_window.data(), seen.data(), length);
    transform->forward(seen.data(), after.data());
    const auto ratios = later_ratio.update(before.data(), after.data());
    // In this order of arguments not-a-number stays what it is, for the caller to see.
    for (std::size_t k = 0; k < bins; ++k) gains[k] = std::min(gains[k] * ratios[k], 1.0F);
    return true;
}

void HopModel::Parts::rehearse(const rt::Rehearsal& rehearsal) noexcept {
    if (deep_filter) return deep_filter->rehearse(rehearsal);
    if (transform) {
        transform->forward(frame.data(), spectrum.data());
        transform->inverse(spectrum.data(), frame.data());
    }
    for (auto& step : steps) step.runner.rehearse(rehearsal);
}

void HopModel::Parts::reset() noexcept {
    for (auto& step : steps) step.runner.reset();
    if (deep_filter) deep_filter->reset();
    overlap.reset();
    later_ratio.reset();
}

// ── the model ───────────────────────────────────────────────────────────────────────────────────

HopModel::HopModel(const Manifest& manifest, const std::string& backend)
    : parts_(std::make_unique<Parts>(manifest, backend)) {}
HopModel::~HopModel() = default;
HopModel::HopModel(HopModel&&) noexcept = default;
HopModel& HopModel::operator=(HopModel&&) noexcept = default;

const Manifest& HopModel::manifest() const noexcept {
    return parts_->manifest;
}
std::uint32_t HopModel::sample_rate_hz() const noexcept {
    return parts_->manifest.sample_rate_hz;
}
std::uint32_t HopModel::hop() const noexcept {
    return parts_->manifest.front_end.hop;
}
std::uint32_t HopModel::length() const noexcept {
    const auto& front_end = parts_->manifest.front_end;
    return front_end.length + parts_->manifest.deep_filter.look_ahead_hops * front_end.hop;
}
std::uint32_t HopModel::bins() const noexcept {
    return static_cast<std::uint32_t>(parts_->bins);
}
const char* HopModel::backend() const noexcept {
    return parts_->opened.backend.c_str();
}
const std::string& HopModel::backend_reason() const noexcept {
    return parts_->opened.reason;
}
const std::string& HopModel::backend_refusal() const noexcept {
    return parts_->opened.refusal;
}

bool HopModel::is_realtime_safe() const noexcept {
    if (parts_->deep_filter) return parts_->deep_filter->is_realtime_safe();
    return std::ranges::all_of(parts_->steps,
                               [](const auto& step) { return step.runner.session().is_realtime_safe(); });
}

bool HopModel::process(const float* window, float* out) noexcept {
    // The thread's own mode may differ between the live threads and an offline run; the result must not.
    const rt::ScopedFlushDenormals flush;
    if (parts_->run(parts_->newest_frame(window), out)) [[likely]]
        return true;
    std::fill_n(out, hop(), 0.0F);
    parts_->reset();
    return false;
}

void HopModel::rehearse(const rt::Rehearsal& rehearsal) noexcept {
    const rt::ScopedFlushDenormals flush;
    parts_->rehearse(rehearsal);
}

bool HopModel::has_gains() const noexcept {
    return parts_->deep_filter || parts_->steps.front().domain != Domain::waveform;
}

bool HopModel::process_gains(const float* window, float* gains) noexcept {
    const rt::ScopedFlushDenormals flush;
    if (parts_->run_gains(parts_->newest_frame(window), gains)) [[likely]]
        return true;
    std::fill_n(gains, bins(), 1.0F);
    parts_->reset();
    return false;
}

const DeepFilter* HopModel::deep_filter() const noexcept {
    return parts_->deep_filter ? &*parts_->deep_filter : nullptr;
}

void HopModel::reset() noexcept {
    parts_->reset();
}

}  // namespace sidetone::nn
