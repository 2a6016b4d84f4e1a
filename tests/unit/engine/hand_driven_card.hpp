// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "device/card.hpp"

namespace sidetone::engine::test {

/// One vector of floats per channel, full scale ±1.
using Planes = std::vector<std::vector<float>>;

/// What the stamps of a block say.
struct BlockTiming {
    std::int64_t late_ns = 0;  ///< from when it was due to when the callback was entered
    std::int64_t took_ns = 0;  ///< how long the callback has been running already when the user is called
    std::uint64_t lost_frames = 0;
};

/// Calls a card's user as a card would, block by block, on the thread of the test: no clock, no other thread.
class HandDrivenCard {
public:
    /// Calls `user.prepare`.
    HandDrivenCard(device::CardUser& user, const device::CardFormat& format);

    /// The card has another format from now on: calls `user.prepare` again.
    void change(const device::CardFormat& format);

    /// One block of `frames` frames, from frame `first` of `input` on; what is not there is silence. Appends what the
    /// user played to `output`. Samples reach a card of floats as they are, NaN included.
    void block(const Planes& input, std::size_t first, std::uint32_t frames, Planes& output,
               const BlockTiming& timing = {});

    /// All of `input`, in blocks of the nominal size, as fast as it goes.
    [[nodiscard]] Planes play(const Planes& input);

    /// The same, one block per period.
    [[nodiscard]] Planes play_in_real_time(const Planes& input);

    /// The same as `play`, the block sizes cycling through `sizes`.
    [[nodiscard]] Planes play_in_blocks(const Planes& input, std::span<const std::uint32_t> sizes);

private:
    void store(const Planes& input, std::size_t first, std::uint32_t frames);
    void fetch(std::uint32_t frames, Planes& output) const;
    [[nodiscard]] Planes silent_output() const { return Planes(format_.output_channels); }

    device::CardUser& user_;
    device::CardFormat format_;
    std::vector<std::vector<std::byte>> input_planes_, output_planes_;
    std::vector<const void*> input_pointers_;
    std::vector<void*> output_pointers_;
};

}  // namespace sidetone::engine::test
