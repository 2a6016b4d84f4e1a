// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cmath>
#include <complex>
#include <cstddef>
#include <cstdint>
#include <numbers>
#include <random>
#include <span>
#include <vector>

namespace sidetone::dsp::test {

/// Something like a voice: a gliding pulse train and noise through moving resonances, in syllables, over the noise of a
/// microphone.
inline std::vector<float> gliding_voice(double rate_hz, double seconds, std::uint32_t seed) {
    std::mt19937 generator{seed};
    std::normal_distribution<double> normal;
    struct Resonance {
        double a = 0, b = 0;
        double run(double x, double turns, double radius) {
            const double y = x + 2 * radius * std::cos(2 * std::numbers::pi * turns) * a - radius * radius * b;
            b = a;
            return (a = y) * (1 - radius);
        }
    };
    Resonance first, second, third, fricative;
    std::vector<float> voice(static_cast<std::size_t>(rate_hz * seconds));
    double phase = 0;
    for (std::size_t n = 0; n < voice.size(); ++n) {
        const double t = static_cast<double>(n) / rate_hz;
        const auto swing = [&](double hz, double shift = 0) { return std::sin(2 * std::numbers::pi * hz * t + shift); };
        phase += (120 + 25 * swing(0.7) + 10 * swing(2.1)) / rate_hz;
        const double pulse = phase >= 1 ? 1 : 0;
        phase -= pulse;
        const double glottis = 12 * std::max(0.0, swing(3)) * (pulse + 0.02 * normal(generator));
        const double hiss = 0.3 * std::max(0.0, swing(3, 2.5)) * normal(generator);
        const auto radius = [&](double width_hz) { return std::exp(-std::numbers::pi * width_hz / rate_hz); };
        const double sound = first.run(glottis, (600 + 200 * swing(1.3)) / rate_hz, radius(80)) +
                             0.7 * second.run(glottis, (1700 + 500 * swing(0.9)) / rate_hz, radius(120)) +
                             0.4 * third.run(glottis, 2900 / rate_hz, radius(200)) +
                             fricative.run(hiss, 5200 / rate_hz, radius(1500));
        voice[n] = static_cast<float>(0.004 * sound + 1e-5 * normal(generator));
    }
    return voice;
}

/// The largest magnitude of a filter's response.
inline double largest_response(std::span<const double> taps) {
    constexpr std::size_t kPoints = 1024;
    double largest = 0;
    for (std::size_t k = 0; k <= kPoints; ++k) {
        const double w = std::numbers::pi * static_cast<double>(k) / kPoints;
        std::complex<double> sum;
        for (std::size_t n = 0; n < taps.size(); ++n) sum += taps[n] * std::polar(1.0, -w * static_cast<double>(n));
        largest = std::max(largest, std::abs(sum));
    }
    return largest;
}

/// From ear to microphone: a resonance at 3 kHz and a decaying tail of 5 ms, -26 dB at its strongest frequency.
inline std::vector<double> acoustic_path(double rate_hz, std::uint32_t seed) {
    constexpr double kStrongest = 0.05;
    std::mt19937 generator{seed};
    std::normal_distribution<double> normal;
    std::vector<double> path(static_cast<std::size_t>(0.005 * rate_hz));
    const std::size_t arrival = path.size() / 12;
    double a = 0, b = 0;
    for (std::size_t n = arrival; n < path.size(); ++n) {
        const double burst =
            normal(generator) * std::exp(-8.0 * static_cast<double>(n - arrival) / static_cast<double>(path.size()));
        const double y = burst + 1.8 * std::cos(2 * std::numbers::pi * 3000 / rate_hz) * a - 0.81 * b;
        b = a;
        path[n] = a = y;
    }
    const double scale = kStrongest / largest_response(path);
    for (auto& tap : path) tap *= scale;
    return path;
}

/// A hearing aid in its own feedback: the path's sound and a source at the microphone, `Canceller` (cancel and play)
/// and a flat gain behind a delay between microphone and ear. What is played stops at full scale.
struct ClosedLoop {
    std::vector<double> path;
    std::size_t block = 64, bulk_delay = 128, forward_delay = 192;
    double gain = 1, first_gain = 1;  ///< from the first to the other on a straight line in dB
    std::size_t ramp = 96'000;
    std::vector<double> later_path = {};  ///< takes the other's place at `path_from`
    std::size_t path_from = SIZE_MAX;

    struct Outcome {
        std::vector<float> cleaned, played;
    };

    /// `each_block(frames so far)` is called between blocks.
    template <class Canceller, class EachBlock>
    [[nodiscard]] Outcome run(std::span<const float> source, Canceller& canceller, EachBlock each_block) const {
        Outcome outcome;
        std::vector<float> microphone(block), cleaned(block), played(block);
        for (std::size_t at = 0; at + block <= source.size(); at += block) {
            const auto& taps = at < path_from ? path : later_path;
            for (std::size_t i = 0; i < block; ++i) {
                double feedback = 0;
                for (std::size_t k = 0; k < taps.size() && at + i >= bulk_delay + k; ++k)
                    feedback += taps[k] * static_cast<double>(outcome.played[at + i - bulk_delay - k]);
                microphone[i] = static_cast<float>(source[at + i] + feedback);
            }
            canceller.cancel(microphone.data(), cleaned.data(), block);
            outcome.cleaned.insert(outcome.cleaned.end(), cleaned.begin(), cleaned.end());
            const double share = std::min(1.0, static_cast<double>(at) / static_cast<double>(ramp));
            const double now = first_gain * std::pow(gain / first_gain, share);
            for (std::size_t i = 0; i < block; ++i) {
                const double sound = at + i >= forward_delay ? now * outcome.cleaned[at + i - forward_delay] : 0;
                played[i] = static_cast<float>(std::clamp(sound, -1.0, 1.0));
            }
            canceller.play(played.data(), block);
            outcome.played.insert(outcome.played.end(), played.begin(), played.end());
            each_block(at + block);
        }
        return outcome;
    }
};

}  // namespace sidetone::dsp::test
