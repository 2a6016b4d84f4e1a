// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <complex>
#include <cstddef>
#include <cstdint>
#include <span>

#include "dsp/aligned_vector.hpp"
#include "dsp/mel_bank.hpp"
#include "dsp/real_fft.hpp"
#include "dsp/sliding_window.hpp"
#include "rt/mirrored_ring.hpp"
#include "rt/realtime.hpp"

namespace sidetone::dsp {

/// Hann's window is (1 - cos)/2; Povey's is that to the power of 0.85. Kaldi's have zeros at both ends, librosa's is
/// periodic and has one at the first.
enum class FrameShape : std::uint8_t { povey, hann, periodic_hann };

/// Log-mel features of a stream of samples: a frame every hop, made the moment the last sample of its window has come.
/// Frames are equal, bit by bit, however the samples were chunked.
///
/// Built on the control thread; the rest one thread at a time. No heap after construction.
class LogMel {
public:
    struct Design {
        MelBank::Design mel;
        std::size_t length = 400, hop = 160;  ///< in samples; at most mel.transform, the rest of which is zeros
        WindowEdges edges = WindowEdges::snipped;
        FrameShape shape = FrameShape::povey;
        bool without_mean = true;    ///< of each frame
        double pre_emphasis = 0.97;  ///< 0 for none
        double scale = 32'768;       ///< samples are from -1 to 1; what they are multiplied by
        float floor = 1.1920929e-7F;
        std::size_t kept_frames = 64;  ///< at least so many of the latest are to be had
    };

    /// What Kaldi computes without dither, at any rate from 8 to 96 kHz: windows of 25 ms every 10 ms, mel filters from
    /// 20 Hz to half the rate, natural logarithm. `snipped` as there.
    [[nodiscard]] static Design kaldi(std::uint32_t rate_hz = 16'000, std::size_t bands = 80, bool snipped = true);
    /// ln of what librosa.feature.melspectrogram(n_fft=512, win_length=25 ms, hop_length=10 ms, pad_mode="constant")
    /// computes: Slaney's scale and areas, centred windows, no pre-emphasis, samples from -1 to 1.
    [[nodiscard]] static Design librosa(std::uint32_t rate_hz = 16'000, std::size_t bands = 80);

    /// Throws std::invalid_argument for a design that cannot be, and std::bad_alloc.
    explicit LogMel(const Design& design);

    /// Takes any number of samples; returns how many frames they completed.
    std::size_t push(std::span<const float> samples) noexcept SIDETONE_REALTIME;
    /// The recording is over: frames that reach over its end (none when snipped). Then only `reset` may follow.
    std::size_t finish() noexcept SIDETONE_REALTIME;
    void reset() noexcept;

    [[nodiscard]] std::size_t bands() const noexcept { return bank_.bands(); }
    /// Frames made so far, from the first sample on.
    [[nodiscard]] std::uint64_t frames() const noexcept { return windows_.windows(); }
    /// So many of the latest frames can be had.
    [[nodiscard]] std::size_t kept_frames() const noexcept { return rows_.capacity() / bands(); }
    /// The latest `count` frames as rows of bands(), the oldest first, in one piece: a tensor can point at it. It is
    /// good until the next `push`. `count` <= frames() and kept_frames().
    [[nodiscard]] std::span<const float> last(std::size_t count) const noexcept SIDETONE_REALTIME {
        return {rows_.last(frames() * bands(), count * bands()), count * bands()};
    }
    /// Frame number t, one of the latest kept_frames().
    [[nodiscard]] std::span<const float> frame(std::uint64_t t) const noexcept SIDETONE_REALTIME {
        return {rows_.at(t * bands()), bands()};
    }
    /// Where frame t's window begins, in samples since the first.
    [[nodiscard]] std::int64_t first_sample(std::uint64_t t) const noexcept SIDETONE_REALTIME {
        return windows_.first_sample(t);
    }

private:
    void make_frame(const float* samples) noexcept SIDETONE_REALTIME;

    Design design_;
    MelBank bank_;
    SlidingWindow windows_;
    RealFft transform_;
    AlignedVector<float> shape_, samples_, power_;
    AlignedVector<std::complex<float>> spectrum_;
    rt::MirroredRing rows_;
};

}  // namespace sidetone::dsp
