// SPDX-License-Identifier: Apache-2.0
#include "dsp/test_box.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <complex>
#include <cstddef>
#include <limits>
#include <numbers>
#include <stdexcept>
#include <utility>

#include "dsp/real_fft.hpp"
#include "dsp/window.hpp"

namespace sidetone::dsp {
namespace {

using std::numbers::pi;

// A device may fade in when it starts, and each tone needs time to settle; its end is what is measured.
constexpr double kStartSeconds = 1.5, kSettleSeconds = 0.4, kMeasureSeconds = 0.1;
constexpr double kNoiseSeconds = 1;
constexpr double kLoudSeconds = 2, kSoftSeconds = 5, kSteadySeconds = 0.25;
constexpr double kAttackToleranceDb = 3, kReleaseToleranceDb = 4;
constexpr double kNoiseLowHz = 200, kNoiseHighHz = 5000;
constexpr double kExemptRiseDb = 12, kResponseDbSpl = 60;

// Four-term Blackman-Harris (Harris 1978), sidelobes below -92 dB: a tone is measured to 0.001 dB wherever its cycles
// begin and end, without knowing more than that it has more than four of them.
std::vector<double> make_low_leakage_window(std::size_t length) {
    std::vector<double> window(length);
    for (std::size_t n = 0; n < length; ++n) {
        const double x = 2 * pi * static_cast<double>(n) / static_cast<double>(length);
        window[n] = 0.35875 - 0.48829 * std::cos(x) + 0.14128 * std::cos(2 * x) - 0.01168 * std::cos(3 * x);
    }
    return window;
}

double mean_square(std::span<const float> signal) {
    const auto window = make_low_leakage_window(signal.size());
    double sum = 0, weight = 0;
    for (std::size_t n = 0; n < signal.size(); ++n) {
        sum += window[n] * signal[n] * signal[n];
        weight += window[n];
    }
    return sum / weight;
}

// Half of the squared amplitude of the tone at `turns` (of a circle) a sample.
double tone_mean_square(std::span<const float> signal, std::span<const double> window, double turns) {
    std::complex<double> sum;
    double weight = 0;
    for (std::size_t n = 0; n < signal.size(); ++n) {
        sum += window[n] * signal[n] * std::polar(1.0, -2 * pi * turns * static_cast<double>(n));
        weight += window[n];
    }
    return 2 * std::norm(sum / weight);
}

// Averaged over frames that overlap by a half.
double band_mean_square(std::span<const float> signal, double rate_hz, double low_hz, double high_hz) {
    constexpr std::size_t kFrame = 4096;
    RealFft fft{kFrame};
    const auto window = make_window(WindowShape::sqrt_hann, kFrame);  // squares that add up to half its length
    std::vector<float> frame(kFrame);
    std::vector<std::complex<float>> spectrum(fft.bins());
    const auto first = static_cast<std::size_t>(std::ceil(low_hz / rate_hz * kFrame));
    const auto last = std::min(static_cast<std::size_t>(high_hz / rate_hz * kFrame), kFrame / 2 - 1);
    double sum = 0;
    std::size_t count = 0;
    for (std::size_t at = 0; at + kFrame <= signal.size(); at += kFrame / 2, ++count) {
        for (std::size_t n = 0; n < kFrame; ++n) frame[n] = window[n] * signal[at + n];
        fft.forward(frame.data(), spectrum.data());
        for (std::size_t k = first; k <= last; ++k) sum += 2 * std::norm(std::complex<double>{spectrum[k]});
    }
    constexpr double kWindowPower = 0.5 * kFrame;
    return count == 0 ? 0 : sum / (static_cast<double>(count) * kFrame * kWindowPower);
}

// How long after `first` the level is last seen outside `centre_db` ± `tolerance_db` before `last`; nothing when that
// is in the part of which `centre_db` is the mean.
std::optional<std::size_t> settling(std::span<const double> level_db, std::size_t first, std::size_t last,
                                    std::size_t steady, double centre_db, double tolerance_db) {
    for (std::size_t n = last; n > first; --n) {
        if (std::abs(level_db[n - 1] - centre_db) <= tolerance_db) continue;
        if (n > last - steady) return std::nullopt;
        return n - first;
    }
    return 0;
}

}  // namespace

TestBox::TestBox(DeviceUnderTest device, double rate_hz, FullScale full_scale)
    : device_(std::move(device)), rate_hz_(rate_hz), full_scale_(full_scale) {
    if (!(rate_hz >= 8000)) throw std::invalid_argument("the rate is below 8000 Hz");
}

std::size_t TestBox::frames(double seconds) const noexcept {
    return static_cast<std::size_t>(std::lround(seconds * rate_hz_));
}

double TestBox::to_db_spl(double mean_square) const noexcept {
    return full_scale_.output_db_spl + 10 * std::log10(mean_square);
}

// The phase goes on from tone to tone, so that their borders make no click.
std::vector<float> TestBox::present(std::span<const Tone> tones) const {
    std::vector<float> input;
    double turns = 0;
    for (const auto& tone : tones) {
        const double amplitude =
            std::numbers::sqrt2 * std::pow(10.0, (tone.input_db_spl - full_scale_.input_db_spl) / 20);
        for (std::size_t n = frames(tone.seconds); n > 0; --n) {
            input.push_back(static_cast<float>(amplitude * std::sin(2 * pi * turns)));
            turns += tone.frequency_hz / rate_hz_;
            turns -= std::floor(turns);
        }
    }
    auto output = device_(input);
    if (output.size() != input.size()) throw std::logic_error("a device under test changed the number of samples");
    return output;
}

std::vector<double> TestBox::settled_db_spl(std::span<const Tone> tones) const {
    const auto output = present(tones);
    const auto measured = frames(kMeasureSeconds);
    std::vector<double> levels;
    std::size_t end = 0;
    for (const auto& tone : tones) {
        end += frames(tone.seconds);
        levels.push_back(to_db_spl(mean_square(std::span{output}.subspan(end - measured, measured))));
    }
    return levels;
}

std::vector<double> TestBox::output_db_spl(std::span<const double> frequency_hz, double input_db_spl) const {
    std::vector<Tone> tones;
    for (const double frequency : frequency_hz)
        tones.push_back({frequency, input_db_spl, kSettleSeconds + kMeasureSeconds});
    if (!tones.empty()) tones.front().seconds += kStartSeconds;
    return settled_db_spl(tones);
}

std::vector<double> TestBox::input_output_db_spl(double frequency_hz, std::span<const double> input_db_spl) const {
    std::vector<Tone> tones;
    for (const double level : input_db_spl) tones.push_back({frequency_hz, level, kSettleSeconds + kMeasureSeconds});
    if (!tones.empty()) tones.front().seconds += kStartSeconds;
    return settled_db_spl(tones);
}

HarmonicDistortion TestBox::harmonic_distortion(double frequency_hz, double input_db_spl) const {
    const std::array tone{Tone{frequency_hz, input_db_spl, kStartSeconds + kMeasureSeconds}};
    const auto output = present(tone);
    const auto settled = std::span{output}.last(frames(kMeasureSeconds));
    const auto window = make_low_leakage_window(settled.size());
    double harmonics = 0;
    for (double multiple = 2; multiple * frequency_hz < 0.5 * rate_hz_; ++multiple)
        harmonics += tone_mean_square(settled, window, multiple * frequency_hz / rate_hz_);
    const double fundamental = tone_mean_square(settled, window, frequency_hz / rate_hz_);

    HarmonicDistortion result{.frequency_hz = frequency_hz, .input_db_spl = input_db_spl};
    result.share = harmonics == 0 ? 0 : std::sqrt(harmonics / fundamental);
    const std::array pair{frequency_hz, 2 * frequency_hz};
    const auto response = output_db_spl(pair, kResponseDbSpl);
    result.is_exempt = response[1] - response[0] >= kExemptRiseDb;
    return result;
}

double TestBox::noise_db_spl() const {
    const std::array silence{Tone{1000, -std::numeric_limits<double>::infinity(), kStartSeconds + kNoiseSeconds}};
    const auto output = present(silence);
    return to_db_spl(
        band_mean_square(std::span{output}.last(frames(kNoiseSeconds)), rate_hz_, kNoiseLowHz, kNoiseHighHz));
}

StepResponse TestBox::step_response(double frequency_hz, double low_db_spl, double high_db_spl) const {
    const std::array tones{Tone{frequency_hz, low_db_spl, kStartSeconds + kLoudSeconds},
                           Tone{frequency_hz, high_db_spl, kLoudSeconds}, Tone{frequency_hz, low_db_spl, kSoftSeconds}};
    const auto output = present(tones);
    const auto up = frames(tones[0].seconds), down = up + frames(kLoudSeconds);
    const auto period = std::max<std::size_t>(1, frames(1 / frequency_hz));
    const auto steady = frames(kSteadySeconds);
    const double ms_per_frame = 1000 / rate_hz_;

    // The level of one period from each sample on: it knows nothing of what lies before a step.
    std::vector<double> level_db(output.size() - period + 1);
    for (std::size_t n = 0; n < level_db.size(); ++n) {
        double sum = 0;
        for (std::size_t i = n; i < n + period; ++i) sum += static_cast<double>(output[i]) * output[i];
        level_db[n] = to_db_spl(sum / static_cast<double>(period));
    }
    const auto loud_end = down - period + 1, soft_end = level_db.size();
    StepResponse result;
    result.high_db_spl = to_db_spl(mean_square(std::span{output}.subspan(down - steady, steady)));
    result.low_db_spl = to_db_spl(mean_square(std::span{output}.last(steady)));
    const auto in_ms = [&](std::optional<std::size_t> count) -> std::optional<double> {
        if (!count) return std::nullopt;
        return static_cast<double>(*count) * ms_per_frame;
    };
    result.attack_ms = in_ms(settling(level_db, up, loud_end, steady, result.high_db_spl, kAttackToleranceDb));
    result.release_ms = in_ms(settling(level_db, down, soft_end, steady, result.low_db_spl, kReleaseToleranceDb));

    const auto shown_from = up - steady;
    result.up_ms = static_cast<double>(up - shown_from) * ms_per_frame;
    result.down_ms = static_cast<double>(down - shown_from) * ms_per_frame;
    for (std::size_t n = shown_from; n < level_db.size(); n += frames(0.001)) {
        result.time_ms.push_back(static_cast<double>(n - shown_from) * ms_per_frame);
        result.output_db_spl.push_back(level_db[n]);
    }
    return result;
}

}  // namespace sidetone::dsp
