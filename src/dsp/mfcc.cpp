// SPDX-License-Identifier: Apache-2.0
#include "dsp/mfcc.hpp"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <stdexcept>
#include <string>

namespace sidetone::dsp {
namespace {

// What Kaldi takes a silent window's energy for.
constexpr double kLeastEnergy = 1.1920929e-7;

Mfcc::Design checked(Mfcc::Design design) {
    if (design.coefficients < 1 || design.coefficients > design.log_mel.mel.bands) {
        throw std::invalid_argument("mfcc: found " + std::to_string(design.coefficients) +
                                    " coefficients, expected 1 to the " + std::to_string(design.log_mel.mel.bands) +
                                    " bands");
    }
    if (!(design.liftering >= 0)) throw std::invalid_argument("mfcc: expected a liftering of 0 or more");
    // As many rows can come at once: of a hop's samples one, at the end those that reach over it.
    design.log_mel.kept_frames = design.log_mel.length / std::max<std::size_t>(1, design.log_mel.hop) + 2;
    return design;
}

std::vector<double> cosines(const Mfcc::Design& design) {
    const std::size_t bands = design.log_mel.mel.bands, count = design.coefficients;
    std::vector<double> matrix(bands * count);
    for (std::size_t band = 0; band < bands; ++band) {
        for (std::size_t i = 0; i < count; ++i) {
            const auto order = static_cast<double>(i), size = static_cast<double>(bands);
            const double turn = std::numbers::pi / size * (static_cast<double>(band) + 0.5) * order;
            const double lift = design.liftering > 0
                                    ? 1 + design.liftering / 2 * std::sin(std::numbers::pi * order / design.liftering)
                                    : 1;
            matrix[band * count + i] = lift * std::sqrt((i == 0 ? 1 : 2) / size) * std::cos(turn);
        }
    }
    return matrix;
}

}  // namespace

Mfcc::Mfcc(const Design& design)
    : design_(checked(design)),
      mel_(design_.log_mel),
      windows_({.length = design.log_mel.length, .hop = design.log_mel.hop, .edges = design.log_mel.edges}),
      energies_(design_.log_mel.kept_frames),
      cosines_(cosines(design)),
      sums_(design.coefficients),
      rows_(design.kept_frames * design.coefficients, design.coefficients) {}

std::size_t Mfcc::push(std::span<const float> samples) noexcept {
    const auto before = frames_;
    while (!samples.empty()) {
        const auto some = samples.first(std::min(samples.size(), design_.log_mel.hop));
        samples = samples.subspan(some.size());
        windows_.push(some, [this](const float* window) { keep_energy(window); });
        make_rows(mel_.push(some));
    }
    return static_cast<std::size_t>(frames_ - before);
}

std::size_t Mfcc::finish() noexcept {
    const auto before = frames_;
    windows_.finish([this](const float* window) { keep_energy(window); });
    make_rows(mel_.finish());
    return static_cast<std::size_t>(frames_ - before);
}

void Mfcc::reset() noexcept {
    mel_.reset();
    windows_.reset();
    rows_.clear();
    next_energy_ = 0;
    frames_ = 0;
}

void Mfcc::keep_energy(const float* window) noexcept {
    const std::size_t length = design_.log_mel.length;
    double sum = 0, squares = 0;
    for (std::size_t n = 0; n < length; ++n) sum += static_cast<double>(window[n]);
    const double mean = design_.log_mel.without_mean ? sum / static_cast<double>(length) : 0;
    for (std::size_t n = 0; n < length; ++n) {
        const double x = design_.log_mel.scale * (static_cast<double>(window[n]) - mean);
        squares += x * x;
    }
    // What is no number compares as false.
    const double energy = squares > kLeastEnergy ? squares : kLeastEnergy;
    energies_[next_energy_++ % energies_.size()] = static_cast<float>(std::log(energy));
}

void Mfcc::make_rows(std::size_t count) noexcept {
    const std::size_t coefficients = design_.coefficients;
    for (; count > 0; --count, ++frames_) {
        const auto mel = mel_.frame(frames_);
        std::fill(sums_.begin(), sums_.end(), 0.0);
        for (std::size_t band = 0; band < mel.size(); ++band) {
            const double* cosine = cosines_.data() + band * coefficients;
            const auto energy = static_cast<double>(mel[band]);
            for (std::size_t i = 0; i < coefficients; ++i) sums_[i] += energy * cosine[i];
        }
        float* row = rows_.at(frames_ * coefficients);
        for (std::size_t i = 0; i < coefficients; ++i) row[i] = static_cast<float>(sums_[i]);
        if (design_.first == First::energy) row[0] = energies_[frames_ % energies_.size()];
    }
}

}  // namespace sidetone::dsp
