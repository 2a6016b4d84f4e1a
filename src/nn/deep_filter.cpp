// SPDX-License-Identifier: Apache-2.0
#include "nn/deep_filter.hpp"

#include <algorithm>

#include "dsp/products.hpp"

namespace sidetone::nn {
namespace {

std::size_t bins_of(const Manifest& manifest) {
    return manifest.front_end.length / 2 + 1;
}

// The network's spectra are of frames of full scale 1, whatever their length and overlap.
double trained_scale(const FrontEnd& front_end) {
    const auto length = static_cast<double>(front_end.length);
    return 2.0 * front_end.hop / (length * length);
}

const TensorInfo& tensor_called(const std::vector<TensorInfo>& tensors, const std::string& name) {
    return *std::ranges::find(tensors, name, &TensorInfo::name);
}

}  // namespace

DeepFilter::DeepFilter(const Manifest& manifest, std::vector<std::unique_ptr<Session>> sessions, rt::Arena& arena)
    : manifest_(manifest),
      bins_(bins_of(manifest)),
      rows_(manifest.deep_filter.look_ahead_hops + 1),
      features_({.bins = bins_,
                 .rate_hz = manifest.sample_rate_hz,
                 .bands = manifest.deep_filter.bands,
                 .least_bins = manifest.deep_filter.least_bins_of_band,
                 .unit_bins = manifest.deep_filter.filtered_bins,
                 .forgetting = manifest.deep_filter.forgetting,
                 .scale = trained_scale(manifest.front_end)}),
      spectra_(manifest.deep_filter.taps * bins_),
      gains_(bins_),
      denoised_(bins_),
      fresh_(bins_) {
    runners_.reserve(manifest.graphs.size());
    for (std::size_t i = 0; i < manifest.graphs.size(); ++i) {
        connect(manifest.graphs[i], std::move(sessions[i]), arena);
    }
}

// Shares the memory of what a graph takes from others, or remembers that it takes several rows of it.
void DeepFilter::connect(const GraphSpec& graph, std::unique_ptr<Session> session, rt::Arena& arena) {
    std::vector<TensorPlace> shared;
    std::vector<std::pair<const LinkSpec*, Rows>> rows;
    for (const auto& link : graph.links) {
        const auto from = static_cast<std::size_t>(std::ranges::find(manifest_.graphs, link.file, &GraphSpec::file) -
                                                   manifest_.graphs.begin());
        auto* made = runners_[from].tensor(link.output);
        const auto& wanted = tensor_called(graph.inputs, link.input).shape;
        if (wanted == tensor_called(manifest_.graphs[from].outputs, link.output).shape) {
            shared.push_back({link.input, made});
            continue;
        }
        const auto at = [&](std::size_t axis) { return static_cast<std::size_t>(wanted[axis]); };
        rows.push_back({&link, {runners_.size(), made, nullptr, at(0) * at(1), at(2), at(3)}});
    }
    auto& runner = runners_.emplace_back(graph, std::move(session), arena, shared);
    for (auto& [link, of_link] : rows) {
        of_link.rows = runner.tensor(link->input);
        rows_of_links_.push_back(of_link);
    }
    const auto& wanted = manifest_.deep_filter;
    if (const auto* made = runner.tensor(wanted.fresh_gains); made != nullptr) {
        fresh_graph_ = runners_.size() - 1;
        fresh_gains_ = made;
        evidence_ = runner.tensor(wanted.evidence);
    }
    if (auto* levels = runner.tensor(wanted.levels); levels != nullptr) level_rows_ = levels;
    if (auto* unit = runner.tensor(wanted.unit_spectrum); unit != nullptr) unit_rows_ = unit;
    if (auto* gains = runner.tensor(wanted.gains); gains != nullptr) band_gains_ = gains;
    if (auto* coefficients = runner.tensor(wanted.coefficients); coefficients != nullptr) {
        const auto frame = std::size_t{2} * wanted.filtered_bins * wanted.taps;
        coefficients_ = coefficients + tensor_called(graph.outputs, wanted.coefficients).elements() - frame;
    }
}

void DeepFilter::put_features(const std::complex<float>* newest) noexcept {
    newest_ = (newest_ + 1) % manifest_.deep_filter.taps;
    std::copy_n(newest, bins_, spectra_.begin() + static_cast<std::ptrdiff_t>(newest_ * bins_));
    const std::size_t bands = manifest_.deep_filter.bands, units = manifest_.deep_filter.filtered_bins;
    const auto moved_up = [this](float* rows, std::size_t length) noexcept {
        std::shift_left(rows, rows + rows_ * length, static_cast<std::ptrdiff_t>(length));
        return rows + (rows_ - 1) * length;
    };
    auto* const levels = moved_up(level_rows_, bands);
    auto* const re = moved_up(unit_rows_, units);
    auto* const im = moved_up(unit_rows_ + rows_ * units, units);
    features_.update(newest, levels, re, im);
}

bool DeepFilter::run() noexcept {
    for (std::size_t graph = 0; graph < runners_.size(); ++graph) {
        if (graph != fresh_graph_ && !run(graph)) return false;
    }
    return true;
}

bool DeepFilter::run(std::size_t graph) noexcept {
    for (const auto& link : rows_of_links_) {
        if (link.graph != graph) continue;
        for (std::size_t plane = 0; plane < link.planes; ++plane) {
            auto* rows = link.rows + plane * link.count * link.length;
            auto* const end = rows + link.count * link.length;
            std::shift_left(rows, end, static_cast<std::ptrdiff_t>(link.length));
            std::copy_n(link.newest + plane * link.length, link.length, end - link.length);
        }
    }
    return runners_[graph].run();
}

const std::complex<float>* DeepFilter::spectrum(std::size_t age) const noexcept {
    const std::size_t taps = manifest_.deep_filter.taps;
    return spectra_.data() + (newest_ + taps - age) % taps * bins_;
}

bool DeepFilter::filter(const std::complex<float>* newest, std::complex<float>* out) noexcept {
    put_features(newest);
    if (!run()) return false;
    const auto& wanted = manifest_.deep_filter;
    features_.spread(band_gains_, gains_.data());
    std::copy_n(spectrum(wanted.look_ahead_hops), bins_, out);
    dsp::apply_gains(gains_.data(), out, bins_);
    // A filter over the last frames, oldest first, in place of the gains.
    std::fill_n(out, wanted.filtered_bins, std::complex<float>{});
    for (std::size_t tap = 0; tap < wanted.taps; ++tap) {
        const auto* frame = spectrum(wanted.taps - 1 - tap);
        for (std::size_t k = 0; k < wanted.filtered_bins; ++k) {
            const float* c = coefficients_ + 2 * (k * wanted.taps + tap);
            out[k] += std::complex<float>{c[0] * frame[k].real() - c[1] * frame[k].imag(),
                                          c[0] * frame[k].imag() + c[1] * frame[k].real()};
        }
    }
    return true;
}

bool DeepFilter::gains(const std::complex<float>* newest, float* gains) noexcept {
    if (!filter(newest, denoised_.data())) return false;
    fresh_.update(spectrum(manifest_.deep_filter.look_ahead_hops), denoised_.data(), newest, gains);
    makes_gains_ = true;
    if (fresh_graph_ == kNone) return true;
    describe(evidence_);
    if (!run(fresh_graph_)) return false;
    std::copy_n(fresh_gains_, manifest_.deep_filter.filtered_bins, gains);
    return true;
}

const float* DeepFilter::tensor(const std::string& name) const {
    for (const auto& runner : runners_) {
        if (const auto* found = runner.tensor(name); found != nullptr) return found;
    }
    return nullptr;
}

// Whatever one graph makes of a frame the others read in the same frame, so what a rehearsal leaves there is not read.
void DeepFilter::rehearse(const rt::Rehearsal& rehearsal) noexcept {
    for (std::size_t graph = 0; graph < runners_.size(); ++graph) {
        if (graph != fresh_graph_ || makes_gains_) runners_[graph].rehearse(rehearsal);
    }
}

void DeepFilter::reset() noexcept {
    features_.reset();
    for (auto& runner : runners_) runner.reset();
    for (const auto& link : rows_of_links_) std::fill_n(link.rows, link.planes * link.count * link.length, 0.0F);
    std::fill_n(level_rows_, rows_ * manifest_.deep_filter.bands, 0.0F);
    std::fill_n(unit_rows_, rows_ * 2 * manifest_.deep_filter.filtered_bins, 0.0F);
    fresh_.reset();
    std::ranges::fill(spectra_, std::complex<float>{});
}

bool DeepFilter::is_realtime_safe() const noexcept {
    return std::ranges::all_of(runners_, [](const auto& runner) { return runner.session().is_realtime_safe(); });
}

std::string DeepFilter::last_error() const {
    std::string all;
    for (const auto& runner : runners_) all += runner.session().last_error();
    return all;
}

}  // namespace sidetone::nn
