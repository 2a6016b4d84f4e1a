// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <complex>
#include <cstddef>
#include <memory>
#include <string>
#include <vector>

#include "dsp/deep_filter_features.hpp"
#include "dsp/fresh_gains.hpp"
#include "nn/graph_runner.hpp"
#include "nn/manifest.hpp"
#include "nn/session.hpp"
#include "rt/arena.hpp"
#include "rt/realtime.hpp"
#include "rt/rehearsal.hpp"

namespace sidetone::nn {

/// A network that answers with gains for bands and, for the lowest bins, with a complex filter over frames:
/// DeepFilterNet (Schröter et al., "DeepFilterNet: Perceptually motivated real-time speech enhancement", Interspeech
/// 2023). Its answer to one frame is about the one `look_ahead_hops` before.
///
/// Spectra are those of frames through the front end's window. Built and reset on the control thread; the rest on one
/// thread at a time. Use either `filter` or `gains` from a reset on.
class DeepFilter {
public:
    /// Memory comes from `arena`: GraphRunner::arena_bytes of each graph. Both must outlive this.
    DeepFilter(const Manifest& manifest, std::vector<std::unique_ptr<Session>> sessions, rt::Arena& arena);

    /// One frame further: `out` is the frame `look_ahead_hops` before `newest`, denoised. False when a backend failed.
    [[nodiscard]] bool filter(const std::complex<float>* newest, std::complex<float>* out) noexcept SIDETONE_REALTIME;

    /// One frame further: a gain for each bin of `newest` itself, which the network has not answered to yet. Of the
    /// filtered bins a graph for that makes them, if the model has one; else, and above them, dsp::FreshGains.
    [[nodiscard]] bool gains(const std::complex<float>* newest, float* gains) noexcept SIDETONE_REALTIME;

    /// Goes through the graphs of the next frame (nn/session.hpp).
    void rehearse(const rt::Rehearsal& rehearsal) noexcept SIDETONE_REALTIME;

    void reset() noexcept;

    /// After `gains`: what is known of the newest frame (dsp/fresh_gains.hpp), and a graph's input or output by name.
    /// For training.
    void describe(float* evidence) const noexcept { fresh_.describe(manifest_.deep_filter.filtered_bins, evidence); }
    [[nodiscard]] const float* tensor(const std::string& name) const;

    [[nodiscard]] bool is_realtime_safe() const noexcept;
    [[nodiscard]] std::string last_error() const;

private:
    static constexpr auto kNone = static_cast<std::size_t>(-1);

    // The rows of an input, of which the newest is what another graph has just made.
    struct Rows {
        std::size_t graph;  // whose input it is
        const float* newest;
        float* rows;
        std::size_t planes, count, length;
    };

    void connect(const GraphSpec& graph, std::unique_ptr<Session> session, rt::Arena& arena);
    void put_features(const std::complex<float>* newest) noexcept;
    [[nodiscard]] bool run() noexcept;
    [[nodiscard]] bool run(std::size_t graph) noexcept;
    [[nodiscard]] const std::complex<float>* spectrum(std::size_t age) const noexcept;

    const Manifest& manifest_;
    std::size_t bins_, rows_;
    dsp::DeepFilterFeatures features_;
    std::vector<GraphRunner> runners_;
    std::vector<Rows> rows_of_links_;
    float* level_rows_ = nullptr;  // the tensors that the signal goes into and comes out of
    float* unit_rows_ = nullptr;
    const float* band_gains_ = nullptr;
    const float* coefficients_ = nullptr;
    std::size_t fresh_graph_ = kNone;  // that makes gains for the newest frame
    bool makes_gains_ = false;         // or only filters: what a rehearsal goes through
    float* evidence_ = nullptr;
    const float* fresh_gains_ = nullptr;
    std::vector<std::complex<float>> spectra_;  // of the last frames, a ring
    std::size_t newest_ = 0;                    // in the ring
    std::vector<float> gains_;
    std::vector<std::complex<float>> denoised_;
    dsp::FreshGains fresh_;
};

}  // namespace sidetone::nn
