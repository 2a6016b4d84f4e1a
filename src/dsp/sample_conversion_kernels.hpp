// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstddef>

#include "dsp/sample_conversion.hpp"

namespace sidetone::dsp {

/// `count` samples that lie side by side, of one format.
struct PackedConversion {
    ConversionReport (*to_float)(const std::byte* in, std::size_t count, float* out);
    ConversionReport (*from_float)(const float* in, std::size_t count, std::byte* out);
};

/// In the order of SampleFormat.
using PackedConversions = std::array<PackedConversion, 5>;
static_assert(std::tuple_size_v<PackedConversions> == static_cast<std::size_t>(SampleFormat::f32) + 1,
              "f32 is the last format, and each has its place");

/// Those of the best vectors that may be used now: a test may forbid some.
[[nodiscard]] PackedConversions choose_packed_conversions() noexcept;

/// This processor's. Chosen while the program starts, and not at every call: that reads code and tables which a
/// callback finds cold.
extern const PackedConversions kPackedConversions;

[[nodiscard]] inline const PackedConversion& packed_conversion(SampleFormat format) noexcept {
    return kPackedConversions[static_cast<std::size_t>(format)];
}

/// What a conversion of whole vectors got done; the caller does the rest.
struct PartialConversion {
    std::size_t frames = 0;
    ConversionReport report;
};

/// One channel of interleaved stereo; every format but s24, for which nothing is done.
PartialConversion stereo_to_float(SampleFormat format, const std::byte* frames, std::uint32_t channel,
                                  std::size_t count, float* out) noexcept;
/// The other channel is read and written back as it was.
PartialConversion stereo_from_float(SampleFormat format, const float* in, std::uint32_t channel, std::size_t count,
                                    std::byte* frames) noexcept;

}  // namespace sidetone::dsp
