// SPDX-License-Identifier: Apache-2.0
#include "dsp/sample_conversion.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>

namespace sidetone::dsp {

namespace {

constexpr double kFullScale = 2147483648.0;

/// The sample, its most significant bit moved to bit 31.
std::int32_t load_integer(const std::byte* at, SampleFormat format) noexcept {
    std::uint32_t bits = 0;
    std::memcpy(&bits, at, bytes_per_sample(format));
    switch (format) {
        case SampleFormat::s16:
            return static_cast<std::int32_t>(bits << 16);
        case SampleFormat::s24:
        case SampleFormat::s24in32:
            return static_cast<std::int32_t>(bits << 8);
        default:
            return static_cast<std::int32_t>(bits);
    }
}

int bits_of(SampleFormat format) noexcept {
    switch (format) {
        case SampleFormat::s16:
            return 16;
        case SampleFormat::s24:
        case SampleFormat::s24in32:
            return 24;
        default:
            return 32;
    }
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

ConversionReport to_float(const SampleSource& source, std::uint32_t channel, std::size_t first_frame,
                          std::size_t frames, float* out) noexcept {
    ConversionReport report;
    const std::size_t bytes = bytes_per_sample(source.format);
    const std::size_t stride = bytes * (source.interleaved ? source.channels : 1);
    const auto* at = static_cast<const std::byte*>(source.data[source.interleaved ? 0 : channel]) +
                     first_frame * stride + (source.interleaved ? channel * bytes : 0);
    for (std::size_t n = 0; n < frames; ++n, at += stride) {
        if (source.format == SampleFormat::f32) {
            float sample = 0;
            std::memcpy(&sample, at, sizeof sample);
            const bool finite = std::isfinite(sample);
            report.not_finite += finite ? 0 : 1;
            out[n] = finite ? sample : 0.0F;
        } else {
            out[n] = static_cast<float>(load_integer(at, source.format)) * static_cast<float>(1 / kFullScale);
        }
    }
    return report;
}

ConversionReport from_float(const float* in, const SampleSink& sink, std::uint32_t channel, std::size_t first_frame,
                            std::size_t frames) noexcept {
    ConversionReport report;
    const std::size_t bytes = bytes_per_sample(sink.format);
    const std::size_t stride = bytes * (sink.interleaved ? sink.channels : 1);
    auto* at = static_cast<std::byte*>(sink.data[sink.interleaved ? 0 : channel]) + first_frame * stride +
               (sink.interleaved ? channel * bytes : 0);
    const double scale = std::ldexp(1.0, bits_of(sink.format) - 1);
    for (std::size_t n = 0; n < frames; ++n, at += stride) {
        const bool finite = std::isfinite(in[n]);
        report.not_finite += finite ? 0 : 1;
        const float sample = finite ? in[n] : 0.0F;
        if (sink.format == SampleFormat::f32) {
            std::memcpy(at, &sample, sizeof sample);
        } else {
            report.clipped += std::fabs(sample) > 1.0F ? 1 : 0;
            const auto integer = static_cast<std::int32_t>(
                std::nearbyint(std::clamp(static_cast<double>(sample) * scale, -scale, scale - 1)));
            std::memcpy(at, &integer, bytes);
        }
    }
    return report;
}

}  // namespace sidetone::dsp
