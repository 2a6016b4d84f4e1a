// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace sidetone::cli {

/// Which recordings: those that results are reported on, or those that things may be tuned on. They share neither
/// speakers of speechocean762, nor clips, nor noises.
enum class CorpusPart : std::uint8_t { test, development };

/// Speech and noise, not yet mixed.
struct CorpusItem {
    std::filesystem::path speech, noise;
    std::uint64_t noise_seed = 0;  ///< where in the noise to begin
};

/// A clip of speech in noise. The first `lead_in` frames are noise alone, for models to settle.
struct NoisySpeech {
    std::vector<float> clean, noisy;
    std::size_t lead_in = 0;
};

/// Takes `clips` clips in turn from speechocean762, LJSpeech and LibriSpeech under `data` (its SOURCES.md names them),
/// and gives each a noise of `data`/audio/noise; the same every time. Throws InputError when `data` lacks them.
[[nodiscard]] std::vector<CorpusItem> choose_corpus(const std::filesystem::path& data, CorpusPart part,
                                                    std::size_t clips);

/// Reads and mixes at `snr_db` over the clip, at `rate_hz`. Throws InputError.
[[nodiscard]] NoisySpeech mix_item(const CorpusItem& item, double snr_db, std::uint32_t rate_hz);

}  // namespace sidetone::cli
