// SPDX-License-Identifier: Apache-2.0
#include "speech/spectral_track.hpp"

#include <algorithm>

namespace sidetone::speech {
namespace {

constexpr std::size_t kFineBands = 80, kFine = kFineBands / SpectralTrack::kBands;
constexpr std::size_t kSlice = 1600;  // samples; no more frames at a time than are kept

}  // namespace

SpectralTrack::SpectralTrack() : log_mel_(dsp::LogMel::kaldi(16'000, kFineBands)) {}

void SpectralTrack::push(std::span<const float> samples) {
    while (!samples.empty() && frames_.size() < kMostFrames) {
        const auto slice = samples.first(std::min(samples.size(), kSlice));
        samples = samples.subspan(slice.size());
        const auto made = log_mel_.push(slice);
        const auto rows = log_mel_.last(made);
        for (std::size_t row = 0; row < made; ++row) {
            Frame& frame = frames_.emplace_back();
            for (std::size_t band = 0; band < kBands; ++band) {
                float sum = 0;
                for (std::size_t i = 0; i < kFine; ++i) sum += rows[row * kFineBands + band * kFine + i];
                frame[band] = sum / kFine;
            }
        }
    }
}

}  // namespace sidetone::speech
