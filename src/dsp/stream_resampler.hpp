// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include "dsp/polyphase_resampler.hpp"
#include "rt/mirrored_ring.hpp"
#include "rt/realtime.hpp"

namespace sidetone::dsp {

/// A stream of samples at another rate, in any chunks: sample for sample what `resampled` makes of the whole, bit by
/// bit however it was chunked. Before the first sample and after the last there is silence.
///
/// Built on the control thread; the rest one thread at a time. No heap after construction.
class StreamResampler {
public:
    /// Throws std::invalid_argument as PolyphaseResampler does.
    StreamResampler(std::uint32_t in_rate_hz, std::uint32_t out_rate_hz);

    /// Calls use(std::span<const float>) with what `samples` make possible, in order; a span is good until use returns.
    template <class Use>
    void push(std::span<const float> samples, Use&& use) noexcept(noexcept(use({}))) SIDETONE_REALTIME;

    /// The stream is over: the rest, as many samples in all as fit into its duration. Then only `reset` may follow.
    template <class Use>
    void finish(Use&& use) noexcept(noexcept(use({}))) SIDETONE_REALTIME;

    void reset() noexcept SIDETONE_REALTIME;

    /// An output sample needs so many input samples after it.
    [[nodiscard]] std::uint32_t look_ahead() const noexcept { return resampler_.half(); }

private:
    static constexpr std::size_t kPiece = 256;  // samples taken in, or made, at a time

    void write(std::span<const float> samples) noexcept SIDETONE_REALTIME;
    /// The next few of the `ready` outputs; empty when all have been made.
    [[nodiscard]] std::span<const float> make(std::int64_t ready) noexcept SIDETONE_REALTIME;

    PolyphaseResampler resampler_;
    std::int64_t before_;  // silence that the ring holds before sample 0
    rt::MirroredRing ring_;
    std::array<float, kPiece> out_{};
    std::int64_t taken_ = 0, made_ = 0;
};

// ── definitions ─────────────────────────────────────────────────────────────────────────────────

template <class Use>
void StreamResampler::push(std::span<const float> samples, Use&& use) noexcept(noexcept(use({}))) {
    while (!samples.empty()) {
        const auto some = samples.first(std::min(samples.size(), kPiece));
        samples = samples.subspan(some.size());
        write(some);
        const auto ready = resampler_.outputs_ready(taken_);
        for (auto made = make(ready); !made.empty(); made = make(ready)) use(made);
    }
}

template <class Use>
void StreamResampler::finish(Use&& use) noexcept(noexcept(use({}))) {
    const auto in_all = taken_ * resampler_.phases() / resampler_.step();
    const std::array<float, kPiece> silence{};
    while (made_ < in_all) {
        write(silence);
        const auto ready = std::min(resampler_.outputs_ready(taken_), in_all);
        for (auto made = make(ready); !made.empty(); made = make(ready)) use(made);
    }
}

}  // namespace sidetone::dsp
