// SPDX-License-Identifier: Apache-2.0
#include "dsp/log_mel.hpp"

#include <bit>
#include <cmath>
#include <numbers>
#include <stdexcept>
#include <string>

#include "dsp/mel_kernels.hpp"
#include "dsp/products.hpp"

namespace sidetone::dsp {
namespace {

AlignedVector<float> frame_shape(const LogMel::Design& design) {
    AlignedVector<float> shape(design.length);
    const double period = static_cast<double>(design.length) - (design.shape == FrameShape::periodic_hann ? 0 : 1);
    const double power = design.shape == FrameShape::povey ? 0.85 : 1.0;
    for (std::size_t n = 0; n < shape.size(); ++n) {
        const double hann = 0.5 - 0.5 * std::cos(2 * std::numbers::pi * static_cast<double>(n) / period);
        shape[n] = static_cast<float>(design.scale * std::pow(hann, power));
    }
    return shape;
}

const LogMel::Design& checked(const LogMel::Design& design) {
    if (design.length < 2 || design.length > design.mel.transform) {
        throw std::invalid_argument("log-mel: found frames of " + std::to_string(design.length) +
                                    " samples, expected 2 to the transform's " + std::to_string(design.mel.transform));
    }
    if (!(design.floor > 0)) throw std::invalid_argument("log-mel: expected a floor above 0");
    return design;
}

LogMel::Design frames_of_25_ms(std::uint32_t rate_hz, std::size_t bands) {
    if (rate_hz < 8000 || rate_hz > 96'000) {
        throw std::invalid_argument("log-mel: found a rate of " + std::to_string(rate_hz) +
                                    " Hz, expected 8000 to 96000");
    }
    LogMel::Design design;
    design.length = rate_hz / 40;
    design.hop = rate_hz / 100;
    design.mel = {.rate_hz = rate_hz,
                  .transform = std::bit_ceil(design.length),
                  .bands = bands,
                  .high_hz = static_cast<double>(rate_hz) / 2};
    return design;
}

}  // namespace

LogMel::Design LogMel::kaldi(std::uint32_t rate_hz, std::size_t bands, bool snipped) {
    auto design = frames_of_25_ms(rate_hz, bands);
    design.edges = snipped ? WindowEdges::snipped : WindowEdges::mirrored;
    return design;
}

LogMel::Design LogMel::librosa(std::uint32_t rate_hz, std::size_t bands) {
    auto design = frames_of_25_ms(rate_hz, bands);
    design.mel.scale = MelScale::slaney;
    design.mel.low_hz = 0;
    design.edges = WindowEdges::silent;
    design.shape = FrameShape::periodic_hann;
    design.without_mean = false;
    design.pre_emphasis = 0;
    design.scale = 1;
    design.floor = 1e-10F;
    return design;
}

LogMel::LogMel(const Design& design)
    : design_(checked(design)),
      bank_(design.mel),
      windows_({.length = design.length, .hop = design.hop, .edges = design.edges}),
      transform_(design.mel.transform),
      shape_(frame_shape(design)),
      samples_(design.mel.transform),
      power_(bank_.readable_bins()),
      spectrum_(transform_.bins()),
      rows_(design.kept_frames * design.mel.bands, design.mel.bands) {}

std::size_t LogMel::push(std::span<const float> samples) noexcept {
    const auto before = frames();
    windows_.push(samples, [this](const float* window) { make_frame(window); });
    return static_cast<std::size_t>(frames() - before);
}

std::size_t LogMel::finish() noexcept {
    const auto before = frames();
    windows_.finish([this](const float* window) { make_frame(window); });
    return static_cast<std::size_t>(frames() - before);
}

void LogMel::reset() noexcept {
    windows_.reset();
    rows_.clear();
}

void LogMel::make_frame(const float* samples) noexcept {
    const FrameWeights weights{.window = shape_,
                               .without_mean = design_.without_mean,
                               .pre_emphasis = static_cast<float>(design_.pre_emphasis)};
    weigh_frame(weights, samples, samples_.data());
    transform_.forward(samples_.data(), spectrum_.data());
    power(spectrum_.data(), power_.data(), spectrum_.size());
    bank_.log_energies(power_.data(), design_.floor, rows_.at(frames() * bands()));
}

}  // namespace sidetone::dsp
