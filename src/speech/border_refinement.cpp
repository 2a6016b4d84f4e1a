// SPDX-License-Identifier: Apache-2.0
#include "speech/border_refinement.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <vector>

namespace sidetone::speech {
namespace {

constexpr std::int64_t kWindow = 8, kReach = 3;  // frames
constexpr double kPriceOfMoving = 0.06;          // of a frame, squared; the best point of change counts 1
constexpr double kLeastChange = 1;               // squared natural logarithms, all bands; less is no change
constexpr float kFloorBelowPeak = 14;            // 60 dB under the loudest band: what is quieter is no speech
constexpr double kTogetherSeconds = 0.011;       // phones that are less apart share a border
constexpr double kLeastSeconds = 0.01;

/// A border and what it parts: the phone or pause from `from_s` on, and the one up to `to_s`.
struct Border {
    double* end = nullptr;    ///< of the phone before, where it has one of its own
    double* start = nullptr;  ///< of the phone after
    double at_s = 0, from_s = 0, to_s = 0;
};

float floor_of(std::span<const SpectralTrack::Frame> frames) noexcept {
    float loudest = frames.front()[0];
    for (const auto& frame : frames) loudest = std::max(loudest, *std::ranges::max_element(frame));
    return loudest - kFloorBelowPeak;
}

/// Sums of frames, so that the spread of any stretch of them takes one pass over the bands.
class Spread {
public:
    using Sum = std::array<double, SpectralTrack::kBands>;

    explicit Spread(std::span<const SpectralTrack::Frame> frames)
        : sums_(frames.size() + 1), squares_(frames.size() + 1) {
        const float floor = floor_of(frames);
        for (std::size_t t = 0; t < frames.size(); ++t) {
            sums_[t + 1] = sums_[t];
            squares_[t + 1] = squares_[t];
            for (std::size_t band = 0; band < SpectralTrack::kBands; ++band) {
                const double value = static_cast<double>(std::max(frames[t][band], floor) - floor);
                sums_[t + 1][band] += value;
                squares_[t + 1] += value * value;
            }
        }
    }
    [[nodiscard]] std::int64_t frames() const noexcept { return static_cast<std::int64_t>(sums_.size()) - 1; }

    /// The squared distances of frames `begin` to `end` from their mean, summed.
    [[nodiscard]] double of(std::int64_t begin, std::int64_t end) const noexcept {
        if (end <= begin) return 0;
        const auto b = static_cast<std::size_t>(begin), e = static_cast<std::size_t>(end);
        double square_of_sum = 0;
        for (std::size_t band = 0; band < SpectralTrack::kBands; ++band) {
            const double sum = sums_[e][band] - sums_[b][band];
            square_of_sum += sum * sum;
        }
        return squares_[e] - squares_[b] - square_of_sum / static_cast<double>(end - begin);
    }

private:
    std::vector<Sum> sums_;
    std::vector<double> squares_;
};

/// The border before frame j lies half a frame before its middle.
double frame_of(double seconds) noexcept {
    return SpectralTrack::frame_at(seconds) + 0.5;
}
double seconds_of(double frame) noexcept {
    return SpectralTrack::frame_s(frame - 0.5);
}

/// Between the point with the best score and its neighbours: where a parabola through them is largest, in frames.
double vertex(double before, double best, double after) noexcept {
    const double bend = before - 2 * best + after;
    return bend < 0 ? std::clamp(0.5 * (before - after) / bend, -0.5, 0.5) : 0;
}

double moved(const Border& border, const Spread& spread) noexcept {
    const double at = frame_of(border.at_s);
    const auto middle = std::lround(at);
    const auto low = std::max<std::int64_t>(std::lround(frame_of(border.from_s)), 0);
    const auto high = std::min<std::int64_t>(std::lround(frame_of(border.to_s)), spread.frames());
    const auto first = std::max(low + 1, middle - kReach), last = std::min(high - 1, middle + kReach);
    if (last <= first) return border.at_s;

    std::array<double, 2 * kReach + 1> scores{};
    double largest = 0;
    for (auto j = first; j <= last; ++j) {
        const auto begin = std::max(low, j - kWindow), end = std::min(high, j + kWindow);
        const double gain = spread.of(begin, end) - spread.of(begin, j) - spread.of(j, end);
        scores[static_cast<std::size_t>(j - first)] = gain;
        largest = std::max(largest, gain);
    }
    if (!(largest > kLeastChange)) return border.at_s;
    const auto count = static_cast<std::size_t>(last - first + 1);
    for (std::size_t i = 0; i < count; ++i) {
        const double away = static_cast<double>(first) + static_cast<double>(i) - at;
        scores[i] = scores[i] / largest - kPriceOfMoving * away * away;
    }
    const auto best =
        static_cast<std::size_t>(std::max_element(scores.begin(), scores.begin() + count) - scores.begin());
    double frame = static_cast<double>(first) + static_cast<double>(best);
    if (best > 0 && best + 1 < count) frame += vertex(scores[best - 1], scores[best], scores[best + 1]);
    return seconds_of(frame);
}

std::vector<ReadPhone*> phones_of(Reading& reading) {
    std::vector<ReadPhone*> phones;
    for (auto& word : reading.words) {
        for (auto& phone : word.phones) phones.push_back(&phone);
    }
    return phones;
}

/// As they are before any is moved.
std::vector<Border> borders_of(const std::vector<ReadPhone*>& phones, double end_s) {
    std::vector<Border> borders;
    for (std::size_t n = 0; n < phones.size(); ++n) {
        auto& phone = *phones[n];
        const double before_s = n > 0 ? phones[n - 1]->end_s : 0;
        const double after_s = n + 1 < phones.size() ? phones[n + 1]->start_s : end_s;
        if (n > 0 && phone.start_s - before_s < kTogetherSeconds) {
            borders.push_back(
                {&phones[n - 1]->end_s, &phone.start_s, phone.start_s, phones[n - 1]->start_s, phone.end_s});
        } else {
            borders.push_back({nullptr, &phone.start_s, phone.start_s, before_s, phone.end_s});
        }
        if (after_s - phone.end_s >= kTogetherSeconds)
            borders.push_back({&phone.end_s, nullptr, phone.end_s, phone.start_s, after_s});
    }
    return borders;
}

}  // namespace

void refine_borders(Reading& reading, const SpectralTrack& track) {
    const auto phones = phones_of(reading);
    if (track.frames().empty() || phones.empty()) return;
    const Spread spread{track.frames()};
    const auto borders = borders_of(phones, SpectralTrack::frame_s(static_cast<double>(spread.frames())));
    double earliest_s = 0;
    for (std::size_t n = 0; n < borders.size(); ++n) {
        const auto& border = borders[n];
        // A border that is moved may come close to the next one, which then has to give way, but never passes it.
        const double latest_s = n + 1 < borders.size() ? borders[n + 1].at_s : border.to_s;
        double at_s = border.at_s;
        if (const double wanted_s = moved(border, spread);
            wanted_s >= earliest_s && wanted_s + kLeastSeconds <= latest_s)
            at_s = wanted_s;
        if (border.end != nullptr) *border.end = at_s;
        if (border.start != nullptr) *border.start = at_s;
        earliest_s = at_s + kLeastSeconds;
    }
    for (auto& word : reading.words) {
        if (word.is_left_out()) continue;
        word.start_s = word.phones.front().start_s;
        word.end_s = word.phones.back().end_s;
    }
}

}  // namespace sidetone::speech
