// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <memory>
#include <span>

#include "nn/manifest.hpp"
#include "rt/realtime.hpp"

namespace sidetone::speech {

/// Tells, 32 ms at a time, how probable it is that somebody speaks. Built on the control thread; the rest one thread at
/// a time.
class VoiceDetector {
public:
    static constexpr std::size_t kFrame = 512;  ///< samples at 16 kHz

    virtual ~VoiceDetector() = default;
    /// The next kFrame samples; 0 to 1.
    [[nodiscard]] virtual float probability(std::span<const float, kFrame> samples) noexcept = 0;
    virtual void reset() noexcept = 0;
    /// "silero", "energy", "none".
    [[nodiscard]] virtual const char* name() const noexcept = 0;
};

/// A network of the task "vad" (models/silero-vad). Throws InputError where the model will not do. It may call the
/// heap, for ONNX Runtime does: not for an audio thread.
[[nodiscard]] std::unique_ptr<VoiceDetector> open_network_detector(const nn::Manifest& model);

/// By level alone: how far a frame stands out from the quietest of the last seconds. For where there is no room for a
/// network, or no weights; takes any sudden noise for a voice. No heap after construction.
[[nodiscard]] std::unique_ptr<VoiceDetector> make_energy_detector();

/// Takes everything for a voice: for recordings of one utterance. No heap after construction.
[[nodiscard]] std::unique_ptr<VoiceDetector> make_indifferent_detector();

/// Silero's network where its weights are on this machine, else the level's.
[[nodiscard]] std::unique_ptr<VoiceDetector> best_voice_detector();

}  // namespace sidetone::speech
