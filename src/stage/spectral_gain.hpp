// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <complex>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "stage/stage.hpp"

namespace sidetone::stage {

/// What a link of a filter bank may count on once it is prepared. The span lives as long as the bank.
struct SpectralContext {
    StageContext stage;  ///< the bank's own: rate, blocks, channels, waiter, events
    std::uint32_t bins = 0;
    std::uint32_t hop_frames = 0;
    std::uint32_t analysis_frames = 0;   ///< length of the transform; bin k lies at k · rate / analysis_frames
    std::uint32_t synthesis_frames = 0;  ///< gains act through a window this long
    /// Before the transform: a tone of amplitude a between the edges gives |spectrum| = a/2 · Σ window, and noise of
    /// power p in each bin E|spectrum|² = p · Σ window².
    std::span<const float> analysis_window;
};

/// One hop of every channel, on its way through the links.
struct SpectralHop {
    const float* const* samples = nullptr;                ///< per channel: the hop_frames newest input samples
    const std::complex<float>* const* spectra = nullptr;  ///< per channel: the frame that ends with them, as it came in
    float* const* gains = nullptr;  ///< per channel, per bin: linear; one, times what links before did
    BlockTime time;                 ///< of the block that completed the hop
};

/// A link inside a filter bank (stage/filter_bank.hpp): reads the spectra of all channels and multiplies its own real
/// gains into the hop's. Gains of all links multiply, and there is one synthesis.
class SpectralGain {
public:
    virtual ~SpectralGain() = default;

    /// "compress", "denoise" …
    [[nodiscard]] virtual const char* kind() const noexcept = 0;

    /// Control thread; never while `process` or the work runs. Allocates all that will be needed, starts from silence.
    virtual void prepare(const SpectralContext& context) = 0;

    /// Audio thread, once a block, before its hops: there may be none or several in it.
    virtual void begin_block(std::uint32_t frames, const BlockTime& time) noexcept SIDETONE_REALTIME {
        (void)frames;
        (void)time;
    }

    /// Audio thread, every hop. Multiplies into `hop.gains` and changes nothing else.
    virtual void process(const SpectralHop& hop) noexcept SIDETONE_REALTIME = 0;

    // What follows is as in Stage, which passes it on.
    [[nodiscard]] virtual WorkSource* work() noexcept { return nullptr; }
    [[nodiscard]] virtual Changeable* changeable() noexcept { return nullptr; }
    [[nodiscard]] virtual std::vector<StagePart> parts() const { return {}; }
    [[nodiscard]] virtual std::string decision() const { return {}; }
    [[nodiscard]] virtual bool needs_calibration() const noexcept { return false; }
    [[nodiscard]] virtual std::uint64_t misses() const noexcept { return 0; }
};

}  // namespace sidetone::stage
