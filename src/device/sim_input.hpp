// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "device/sound_file.hpp"
#include "dsp/sample_conversion.hpp"
#include "rt/realtime.hpp"

namespace sidetone::device {

/// Makes the sound of a simulated microphone: `samples` of `channel` from frame `first_frame` on. Called on the card's
/// thread; must be fit for real time if the card is paced.
using SimGenerator = std::function<void(std::uint64_t first_frame, std::uint32_t channel, std::span<float> samples)>;

/// What a simulated card captures, laid out as that card lays it out: a recording, converted once and then pointed
/// into, or a generator's sound. Silence where neither has anything.
class SimInput {
public:
    /// `sound` may have fewer channels than the card: one feeds them all, else those it lacks are silent. Without sound
    /// and generator all is silence. No block is longer than `max_block_frames`.
    SimInput(const Sound* sound, SimGenerator generator, std::uint32_t channels, dsp::SampleFormat format,
             bool interleaved, std::uint32_t max_block_frames);

    /// Makes that block's sound already, where it has to be made: a card has captured a block when it calls for it.
    void capture(std::uint64_t first_frame, std::uint32_t frames) noexcept SIDETONE_REALTIME;

    /// The block of `frames` frames from `first_frame` on; valid until the next call. The card's thread.
    [[nodiscard]] dsp::SampleSource block(std::uint64_t first_frame, std::uint32_t frames) noexcept SIDETONE_REALTIME;

    /// Frames of the recording; 0 without one.
    [[nodiscard]] std::uint64_t recorded_frames() const noexcept { return recorded_frames_; }

private:
    using Planes = std::vector<std::vector<std::byte>>;  // one per channel, or one in all when interleaved

    [[nodiscard]] Planes make_planes(std::size_t frames) const;
    void store(Planes& planes, std::uint32_t channel, std::span<const float> samples) const noexcept;
    void generate(std::uint64_t first_frame, std::uint32_t frames) noexcept;
    [[nodiscard]] dsp::SampleSource point_at(const Planes& planes, std::size_t frame) noexcept;

    SimGenerator generator_;
    std::uint32_t channels_;
    dsp::SampleFormat format_;
    bool interleaved_;
    std::uint64_t recorded_frames_ = 0;
    std::uint64_t stored_frames_ = 0;  // of the recording and a longest block of silence after it
    Planes recording_, scratch_;
    std::vector<float> generated_;
    std::uint64_t captured_first_ = 0;  // what lies in `scratch_`
    std::uint32_t captured_frames_ = 0;
    std::vector<const void*> pointers_;
};

}  // namespace sidetone::device
