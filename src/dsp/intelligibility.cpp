// SPDX-License-Identifier: Apache-2.0
#include "dsp/intelligibility.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <complex>
#include <cstddef>
#include <limits>
#include <numbers>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "dsp/polyphase_resampler.hpp"
#include "dsp/real_fft.hpp"

namespace sidetone::dsp {

namespace {

// Taal et al. 2011, section II.
constexpr std::uint32_t kRateHz = 10'000;
constexpr std::size_t kFrame = 256;
constexpr std::size_t kHop = kFrame / 2;
constexpr std::size_t kFftSize = 512;
constexpr std::size_t kBands = 15;
constexpr std::size_t kSegment = 30;  // frames, 384 ms
constexpr double kLowestCentreHz = 150;
constexpr double kSilencePower = 1e-4;           // -40 dB
constexpr double kClip = 1 + 5.623413251903491;  // 1 + 10^(15/20): signal-to-distortion ratio of -15 dB, equation 3

using Signal = std::vector<float>;
using Bands = std::array<double, kBands>;
/// One row per band, one column per frame.
using Segment = std::array<std::array<double, kSegment>, kBands>;

Signal at_measuring_rate(std::span<const float> in, std::uint32_t rate_hz) {
    // Flat beyond the highest band's upper edge (4277 Hz); what is aliased stays above 4.5 kHz.
    const PolyphaseResampler resampler{rate_hz, kRateHz, {.pass_band = 0.9}};
    return resampled(in, resampler);
}

/// Hann without its zeros at the ends: sin²(π (n + 1) / (length + 1)), as the authors' program has it.
std::array<double, kFrame> make_frame_window() {
    std::array<double, kFrame> window{};
    for (std::size_t n = 0; n < kFrame; ++n) {
        const double s = std::sin(std::numbers::pi * static_cast<double>(n + 1) / (kFrame + 1));
        window[n] = s * s;
    }
    return window;
}

using FrameWindow = std::array<double, kFrame>;

/// Where the frames begin in which `clean` is not silent. As in the authors' program, here and below, a frame that ends
/// with the signal is not looked at.
std::vector<std::size_t> audible_frames(const Signal& clean, const FrameWindow& window) {
    std::vector<double> powers;
    for (std::size_t start = 0; start + kFrame < clean.size(); start += kHop) {
        double power = 0;
        for (std::size_t n = 0; n < kFrame; ++n) {
            const double sample = window[n] * static_cast<double>(clean[start + n]);
            power += sample * sample;
        }
        powers.push_back(power);
    }
    std::vector<std::size_t> starts;
    if (powers.empty()) return starts;
    const double threshold = kSilencePower * *std::max_element(powers.begin(), powers.end());
    for (std::size_t m = 0; m < powers.size(); ++m) {
        if (powers[m] > threshold) starts.push_back(m * kHop);
    }
    return starts;
}

/// The windowed frames at `starts`, one after another, overlapped by half.
Signal joined(const Signal& signal, const std::vector<std::size_t>& starts, const FrameWindow& window) {
    Signal out(starts.empty() ? 0 : (starts.size() - 1) * kHop + kFrame);
    for (std::size_t m = 0; m < starts.size(); ++m) {
        for (std::size_t n = 0; n < kFrame; ++n) {
            out[m * kHop + n] += static_cast<float>(window[n] * static_cast<double>(signal[starts[m] + n]));
        }
    }
    return out;
}

/// First and one past the last bin of every third-octave band, its edges at the nearest bins.
std::array<std::pair<std::size_t, std::size_t>, kBands> band_bins() {
    const auto bin = [](double frequency_hz) {
        return static_cast<std::size_t>(std::lround(frequency_hz * kFftSize / kRateHz));
    };
    std::array<std::pair<std::size_t, std::size_t>, kBands> bins;
    for (std::size_t j = 0; j < kBands; ++j) {
        const double centre_hz = kLowestCentreHz * std::exp2(static_cast<double>(j) / 3);
        bins[j] = {bin(centre_hz * std::exp2(-1.0 / 6)), bin(centre_hz * std::exp2(1.0 / 6))};
    }
    return bins;
}

/// The norm of every band in every frame (equation 1).
std::vector<Bands> band_envelopes(const Signal& signal, const FrameWindow& window) {
    const auto bins = band_bins();
    RealFft fft{kFftSize};
    Signal padded(kFftSize);
    std::vector<std::complex<float>> spectrum(fft.bins());
    std::vector<Bands> envelopes;
    for (std::size_t start = 0; start + kFrame < signal.size(); start += kHop) {
        for (std::size_t n = 0; n < kFrame; ++n) {
            padded[n] = static_cast<float>(window[n] * static_cast<double>(signal[start + n]));
        }
        fft.forward(padded.data(), spectrum.data());
        auto& bands = envelopes.emplace_back();
        for (std::size_t j = 0; j < kBands; ++j) {
            double power = 0;
            for (std::size_t k = bins[j].first; k < bins[j].second; ++k) {
                power += std::norm(std::complex<double>{spectrum[k]});
            }
            bands[j] = std::sqrt(power);
        }
    }
    return envelopes;
}

Segment segment_at(const std::vector<Bands>& envelopes, std::size_t first) {
    Segment segment;
    for (std::size_t j = 0; j < kBands; ++j) {
        for (std::size_t n = 0; n < kSegment; ++n) segment[j][n] = envelopes[first + n][j];
    }
    return segment;
}

/// Takes the mean off `count` values that are `stride` apart and scales them to unit energy. A constant becomes zeros:
/// what is left of it is rounding, which would otherwise be blown up.
void standardise(double* values, std::size_t count, std::size_t stride = 1) {
    constexpr double kRounding = 1e-20;
    double sum = 0;
    double power = 0;
    for (std::size_t n = 0; n < count; ++n) {
        const double value = values[n * stride];
        sum += value;
        power += value * value;
    }
    const double mean = sum / static_cast<double>(count);
    double left = 0;
    for (std::size_t n = 0; n < count; ++n) {
        const double value = values[n * stride] -= mean;
        left += value * value;
    }
    const double scale = left > kRounding * power ? 1 / std::sqrt(left) : 0;
    for (std::size_t n = 0; n < count; ++n) values[n * stride] *= scale;
}

double inner_product(const Segment& a, const Segment& b) {
    double sum = 0;
    for (std::size_t j = 0; j < kBands; ++j) {
        for (std::size_t n = 0; n < kSegment; ++n) sum += a[j][n] * b[j][n];
    }
    return sum;
}

/// The processed band at the level of the clean one, and no further from it than the clipping allows (equation 3).
void normalise_and_clip(const std::array<double, kSegment>& clean, std::array<double, kSegment>& processed) {
    double clean_power = 0;
    double processed_power = 0;
    for (std::size_t n = 0; n < kSegment; ++n) {
        clean_power += clean[n] * clean[n];
        processed_power += processed[n] * processed[n];
    }
    const double scale = processed_power > 0 ? std::sqrt(clean_power / processed_power) : 0;
    for (std::size_t n = 0; n < kSegment; ++n) processed[n] = std::min(scale * processed[n], kClip * clean[n]);
}

/// Taal et al., equations 3 to 5, the mean over the bands of one segment.
double segment_stoi(Segment clean, Segment processed) {
    for (std::size_t j = 0; j < kBands; ++j) {
        normalise_and_clip(clean[j], processed[j]);
        standardise(clean[j].data(), kSegment);
        standardise(processed[j].data(), kSegment);
    }
    return inner_product(clean, processed) / kBands;
}

/// Jensen and Taal, equations 3 to 5: rows first, then columns.
double segment_estoi(Segment clean, Segment processed) {
    for (Segment* segment : {&clean, &processed}) {
        for (auto& band : *segment) standardise(band.data(), kSegment);
        for (std::size_t n = 0; n < kSegment; ++n) standardise(segment->front().data() + n, kBands, kSegment);
    }
    return inner_product(clean, processed) / kSegment;
}

}  // namespace

Intelligibility intelligibility(std::span<const float> clean, std::span<const float> processed, std::uint32_t rate_hz) {
    if (clean.size() != processed.size()) {
        throw std::invalid_argument("intelligibility: the clean signal has " + std::to_string(clean.size()) +
                                    " samples, the processed one " + std::to_string(processed.size()));
    }
    const auto window = make_frame_window();
    const auto clean_at_rate = at_measuring_rate(clean, rate_hz);
    const auto starts = audible_frames(clean_at_rate, window);
    const auto x = band_envelopes(joined(clean_at_rate, starts, window), window);
    const auto y = band_envelopes(joined(at_measuring_rate(processed, rate_hz), starts, window), window);
    if (x.size() < kSegment) {
        constexpr double kNone = std::numeric_limits<double>::quiet_NaN();
        return {.stoi = kNone, .estoi = kNone};
    }
    Intelligibility sum{.stoi = 0, .estoi = 0};
    const std::size_t segments = x.size() - kSegment + 1;
    for (std::size_t m = 0; m < segments; ++m) {
        const auto x_segment = segment_at(x, m);
        const auto y_segment = segment_at(y, m);
        sum.stoi += segment_stoi(x_segment, y_segment);
        sum.estoi += segment_estoi(x_segment, y_segment);
    }
    const auto count = static_cast<double>(segments);
    return {.stoi = sum.stoi / count, .estoi = sum.estoi / count};
}

}  // namespace sidetone::dsp
