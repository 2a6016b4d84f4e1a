// SPDX-License-Identifier: Apache-2.0
#include "dsp/sample_conversion.hpp"

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstring>

#include "dsp/sample_conversion_kernels.hpp"

namespace sidetone::dsp {

namespace {

static_assert(std::endian::native == std::endian::little, "card formats are little endian and are not swapped");

/// Channels that are neither alone nor one of two pass through a buffer of this many samples.
constexpr std::size_t kChunk = 128;

void add(ConversionReport& sum, const ConversionReport& part) noexcept {
    sum.not_finite += part.not_finite;
    sum.clipped += part.clipped;
    sum.peak = std::max(sum.peak, part.peak);
}

/// Where a channel's samples lie: the first, and how far apart in bytes.
template <class Byte, class Layout>
struct Lane {
    Lane(const Layout& layout, std::uint32_t channel, std::size_t first_frame) noexcept
        : bytes(bytes_per_sample(layout.format)), stride(layout.interleaved ? bytes * layout.channels : bytes) {
        auto* buffer = static_cast<Byte*>(layout.data[layout.interleaved ? 0 : channel]);
        first = buffer + first_frame * stride + (layout.interleaved ? channel * bytes : 0);
    }
    [[nodiscard]] bool is_packed() const noexcept { return stride == bytes; }
    [[nodiscard]] Byte* at(std::size_t frame) const noexcept { return first + frame * stride; }

    std::size_t bytes, stride;
    Byte* first;
};

template <std::size_t kBytes>
void copy_strided(const std::byte* from, std::size_t from_stride, std::byte* to, std::size_t to_stride,
                  std::size_t count) noexcept {
    for (std::size_t n = 0; n < count; ++n) std::memcpy(to + n * to_stride, from + n * from_stride, kBytes);
}

void copy_strided(std::size_t bytes, const std::byte* from, std::size_t from_stride, std::byte* to,
                  std::size_t to_stride, std::size_t count) noexcept {
    if (bytes == 2) return copy_strided<2>(from, from_stride, to, to_stride, count);
    if (bytes == 3) return copy_strided<3>(from, from_stride, to, to_stride, count);
    copy_strided<4>(from, from_stride, to, to_stride, count);
}

}  // namespace

const char* to_string(SampleFormat format) noexcept {
    switch (format) {
        case SampleFormat::s16:
            return "s16";
        case SampleFormat::s24:
            return "s24";
        case SampleFormat::s24in32:
            return "s24in32";
        case SampleFormat::s32:
            return "s32";
        case SampleFormat::f32:
            return "f32";
    }
    return "unknown";
}

[[gnu::hot]] ConversionReport to_float(const SampleSource& source, std::uint32_t channel, std::size_t first_frame,
                                       std::size_t frames, float* out) noexcept {
    const Lane<const std::byte, SampleSource> lane(source, channel, first_frame);
    if (lane.is_packed()) return packed_conversion(source.format).to_float(lane.first, frames, out);

    PartialConversion done;
    if (source.channels == 2) {
        done = stereo_to_float(source.format, lane.first - channel * lane.bytes, channel, frames, out);
    }
    while (done.frames < frames) {
        std::byte packed[kChunk * 4];
        const std::size_t count = std::min(kChunk, frames - done.frames);
        copy_strided(lane.bytes, lane.at(done.frames), lane.stride, packed, lane.bytes, count);
        add(done.report, packed_conversion(source.format).to_float(packed, count, out + done.frames));
        done.frames += count;
    }
    return done.report;
}

[[gnu::hot]] ConversionReport from_float(const float* in, const SampleSink& sink, std::uint32_t channel,
                                         std::size_t first_frame, std::size_t frames) noexcept {
    const Lane<std::byte, SampleSink> lane(sink, channel, first_frame);
    if (lane.is_packed()) return packed_conversion(sink.format).from_float(in, frames, lane.first);

    PartialConversion done;
    if (sink.channels == 2) {
        done = stereo_from_float(sink.format, in, channel, frames, lane.first - channel * lane.bytes);
    }
    while (done.frames < frames) {
        std::byte packed[kChunk * 4];
        const std::size_t count = std::min(kChunk, frames - done.frames);
        add(done.report, packed_conversion(sink.format).from_float(in + done.frames, count, packed));
        copy_strided(lane.bytes, packed, lane.bytes, lane.at(done.frames), lane.stride, count);
        done.frames += count;
    }
    return done.report;
}

}  // namespace sidetone::dsp
