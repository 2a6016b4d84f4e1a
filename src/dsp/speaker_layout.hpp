// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "dsp/hrir_set.hpp"

namespace sidetone::dsp {

/// A loudspeaker: its usual name (FL, FC, LFE …) and where it stands (ITU-R BS.775, BS.2051).
struct Speaker {
    std::string name;
    Direction direction;
    bool low_frequencies = false;  ///< LFE: its direction means nothing
};

/// How the channels of a file or a card are ordered.
enum class ChannelOrder : std::uint8_t {
    wav,    ///< by the bits of WAVEFORMATEXTENSIBLE's mask
    smpte,  ///< L R C LFE, sides, rears, wides, heights
    film,   ///< L C R, sides, rears, then LFE
};

/// "mono", "stereo", "3.0", "quad", "5.0", "5.1", "6.1", "7.1", "5.1.2", "5.1.4", "7.1.2", "7.1.4", "9.1.6".
[[nodiscard]] std::span<const std::string_view> layout_names();

/// A layout's speakers in the order of its channels; empty when there is no such layout.
[[nodiscard]] std::vector<Speaker> speakers_of(std::string_view layout, ChannelOrder order);

/// The usual layout of so many channels; empty when there is none.
[[nodiscard]] std::string_view layout_of(std::size_t channels);

}  // namespace sidetone::dsp
