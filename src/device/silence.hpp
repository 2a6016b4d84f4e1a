// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstring>

#include "dsp/sample_conversion.hpp"
#include "rt/realtime.hpp"

namespace sidetone::device {

/// Fills `frames` frames of every channel with silence; zero is all bits zero in every format.
inline void fill_with_silence(const dsp::SampleSink& sink, std::size_t frames) noexcept SIDETONE_REALTIME {
    const std::size_t bytes = frames * dsp::bytes_per_sample(sink.format);
    if (sink.interleaved) {
        if (sink.channels > 0) std::memset(sink.data[0], 0, bytes * sink.channels);
        return;
    }
    for (std::uint32_t c = 0; c < sink.channels; ++c) std::memset(sink.data[c], 0, bytes);
}

}  // namespace sidetone::device
