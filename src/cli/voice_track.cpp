// SPDX-License-Identifier: Apache-2.0
#include "cli/voice_track.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <utility>

#include "cli/recording.hpp"
#include "dsp/sliding_window.hpp"
#include "rt/error.hpp"

namespace sidetone::cli {
namespace {

constexpr std::uint32_t kRateHz = 16'000;
constexpr std::size_t kHop = 160, kLevelSamples = 400;

double level_dbfs(std::span<const float> samples) {
    double sum = 0;
    for (const float x : samples) sum += static_cast<double>(x) * static_cast<double>(x);
    return 10 * std::log10(sum / static_cast<double>(samples.size()));
}

/// What listens to a stream, and keeps all it hears.
class Listener {
public:
    explicit Listener(double ceiling_hz)
        : level_({.length = kLevelSamples, .hop = kHop, .edges = dsp::WindowEdges::silent}),
          pitch_({.rate_hz = kRateHz}),
          formants_({.rate_hz = kRateHz, .ceiling_hz = ceiling_hz}),
          spectrogram_(kRateHz) {}

    void push(std::span<const float> samples) {
        level_.push(samples, keep_level_);
        pitch_.push(samples, keep_pitch_);
        formants_.push(samples, keep_formants_);
        spectrogram_.push(samples);
    }
    void finish(VoiceTrack& track) {
        level_.finish(keep_level_);
        pitch_.finish(keep_pitch_);
        formants_.finish(keep_formants_);
        const auto count = std::min({levels_.size(), pitches_.size(), found_formants_.size()});
        for (std::size_t t = 0; t < count; ++t) {
            track.moments.push_back({.time_s = track.from_s + static_cast<double>(t * kHop) / kRateHz,
                                     .level_dbfs = levels_[t],
                                     .pitch = pitches_[t],
                                     .formants = found_formants_[t]});
        }
        track.spectrogram = spectrogram_.take();
    }

private:
    dsp::SlidingWindow level_;
    dsp::Pitch pitch_;
    dsp::Formants formants_;
    SpectrogramMaker spectrogram_;
    std::vector<double> levels_;
    std::vector<dsp::PitchFrame> pitches_;
    std::vector<dsp::FormantFrame> found_formants_;

    std::function<void(const float*)> keep_level_ = [this](const float* window) {
        levels_.push_back(level_dbfs({window, kLevelSamples}));
    };
    std::function<void(const dsp::PitchFrame&)> keep_pitch_ = [this](const dsp::PitchFrame& frame) {
        pitches_.push_back(frame);
    };
    std::function<void(const dsp::FormantFrame&)> keep_formants_ = [this](const dsp::FormantFrame& frame) {
        found_formants_.push_back(frame);
    };
};

double at_share(std::vector<double>& values, double share) {
    const auto n = static_cast<std::ptrdiff_t>(std::lround(share * static_cast<double>(values.size() - 1)));
    std::nth_element(values.begin(), values.begin() + n, values.end());
    return values[static_cast<std::size_t>(n)];
}

Spread spread(std::vector<double> values) {
    if (values.empty()) return {};
    return {.low = at_share(values, 0.05), .median = at_share(values, 0.5), .high = at_share(values, 0.95)};
}

}  // namespace

VoiceTrack track_voice(const std::filesystem::path& file, double ceiling_hz, double from_s, double to_s) {
    VoiceTrack track;
    Listener listener{ceiling_hz};
    const auto first = static_cast<std::uint64_t>(std::llround(from_s * kRateHz));
    const auto end = to_s < 1e9 ? static_cast<std::uint64_t>(std::llround(to_s * kRateHz)) : UINT64_MAX;
    std::uint64_t taken = 0;
    const auto extent = read_recording(file, kRateHz, [&](std::span<const float> samples) {
        const auto skipped = std::min<std::uint64_t>(samples.size(), first - std::min(first, taken));
        const auto wanted = std::min<std::uint64_t>(samples.size(), end - std::min(end, taken));
        taken += samples.size();
        if (wanted <= skipped) return;
        if (static_cast<double>(std::min(taken, end) - first) > kMostSeconds * kRateHz) {
            throw InputError(
                fmt::format("{}: found more than {:g} s, which is the most at a time; give --from and --to",
                            file.string(), kMostSeconds));
        }
        listener.push(samples.first(wanted).subspan(skipped));
    });
    track.recorded_s = extent.seconds;
    track.not_finite = extent.not_finite;
    track.from_s = static_cast<double>(std::min(first, taken)) / kRateHz;
    track.to_s = static_cast<double>(std::min(end, taken)) / kRateHz;
    listener.finish(track);
    return track;
}

VoiceSummary summary(std::span<const VoiceMoment> moments) {
    VoiceSummary result;
    std::vector<double> levels, pitches;
    std::array<std::vector<double>, 4> frequencies, bandwidths;
    for (const auto& moment : moments) {
        if (!moment.pitch.is_voiced()) continue;
        levels.push_back(moment.level_dbfs);
        pitches.push_back(static_cast<double>(moment.pitch.f0_hz));
        if (!moment.has_formants()) continue;
        for (std::size_t n = 0; n < moment.formants.count; ++n) {
            frequencies[n].push_back(static_cast<double>(moment.formants.formants[n].frequency_hz));
            bandwidths[n].push_back(static_cast<double>(moment.formants.formants[n].bandwidth_hz));
        }
    }
    if (!moments.empty())
        result.voiced_share = static_cast<double>(pitches.size()) / static_cast<double>(moments.size());
    result.level_dbfs = spread(std::move(levels));
    result.f0_hz = spread(std::move(pitches));
    for (std::size_t n = 0; n < frequencies.size(); ++n) {
        result.formants_hz[n] = spread(std::move(frequencies[n]));
        result.bandwidths_hz[n] = spread(std::move(bandwidths[n])).median;
    }
    return result;
}

double VoiceSummary::semitones() const {
    return 12 * std::log2(f0_hz.high / f0_hz.low);
}

}  // namespace sidetone::cli
