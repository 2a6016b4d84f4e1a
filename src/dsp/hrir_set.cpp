// SPDX-License-Identifier: Apache-2.0
#include "dsp/hrir_set.hpp"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <numeric>
#include <utility>

namespace sidetone::dsp {
namespace {

constexpr double kMeasuredDeg = 0.1;
constexpr double kRadian = std::numbers::pi / 180;
constexpr double kLargestDelaySeconds = 0.0012;  // between two directions, at one ear

using Vector = std::array<double, 3>;  // front, left, up

Vector vector_of(const Direction& direction) {
    const double azimuth = direction.azimuth_deg * kRadian;
    const double elevation = direction.elevation_deg * kRadian;
    return {std::cos(elevation) * std::cos(azimuth), std::cos(elevation) * std::sin(azimuth), std::sin(elevation)};
}

Direction direction_of(const Vector& v) {
    return {std::atan2(v[1], v[0]) / kRadian, std::asin(std::clamp(v[2], -1.0, 1.0)) / kRadian};
}

/// Turns the plane of two axes by an angle, from the first towards the second.
void turn(Vector& v, std::size_t a, std::size_t b, double degrees) {
    const double cosine = std::cos(degrees * kRadian);
    const double sine = std::sin(degrees * kRadian);
    const double turned = cosine * v[a] - sine * v[b];
    v[b] = sine * v[a] + cosine * v[b];
    v[a] = turned;
}

double correlation(const std::vector<float>& a, const std::vector<float>& b, std::ptrdiff_t lag) {
    double sum = 0;
    const auto length = static_cast<std::ptrdiff_t>(std::min(a.size(), b.size()));
    for (std::ptrdiff_t n = std::max<std::ptrdiff_t>(0, -lag); n < std::min(length, length - lag); ++n) {
        sum += static_cast<double>(a[static_cast<std::size_t>(n)]) *
               static_cast<double>(b[static_cast<std::size_t>(n + lag)]);
    }
    return sum;
}

}  // namespace

double angle_between_deg(const Direction& a, const Direction& b) {
    const auto u = vector_of(a);
    const auto v = vector_of(b);
    const double cosine = std::inner_product(u.begin(), u.end(), v.begin(), 0.0);
    return std::acos(std::clamp(cosine, -1.0, 1.0)) / kRadian;
}

Direction seen_from(const Orientation& head, const Direction& sound) {
    auto v = vector_of(sound);
    turn(v, 0, 1, -head.yaw_deg);
    turn(v, 0, 2, -head.pitch_deg);
    turn(v, 1, 2, head.roll_deg);
    return direction_of(v);
}

std::vector<float> shifted(const std::vector<float>& response, double delay_frames) {
    constexpr std::ptrdiff_t kHalf = 32;
    const auto whole = static_cast<std::ptrdiff_t>(std::floor(delay_frames));
    const double part = delay_frames - static_cast<double>(whole);
    const auto length = static_cast<std::ptrdiff_t>(response.size());
    std::array<double, 2 * kHalf> kernel{};
    for (std::ptrdiff_t k = 0; k < 2 * kHalf; ++k) {
        const double x = static_cast<double>(k - kHalf + 1) - part;
        const double window = std::pow(std::cos(std::numbers::pi / 2 * x / (kHalf + 1)), 2);
        const double sinc = std::abs(x) < 1e-9 ? 1 : std::sin(std::numbers::pi * x) / (std::numbers::pi * x);
        kernel[static_cast<std::size_t>(k)] = sinc * window;
    }
    std::vector<float> result(response.size());
    for (std::ptrdiff_t n = 0; n < length; ++n) {
        double sum = 0;
        for (std::ptrdiff_t k = 0; k < 2 * kHalf; ++k) {
            const std::ptrdiff_t from = n - whole - (k - kHalf + 1);
            if (from < 0 || from >= length) continue;
            sum += kernel[static_cast<std::size_t>(k)] * static_cast<double>(response[static_cast<std::size_t>(from)]);
        }
        result[static_cast<std::size_t>(n)] = static_cast<float>(sum);
    }
    return result;
}

double delay_between(const std::vector<float>& reference, const std::vector<float>& response, std::size_t most_frames) {
    const auto most = static_cast<std::ptrdiff_t>(most_frames);
    std::ptrdiff_t best = 0;
    double peak = -1;
    for (std::ptrdiff_t lag = -most; lag <= most; ++lag) {
        const double value = correlation(reference, response, lag);
        if (value <= peak) continue;
        peak = value;
        best = lag;
    }
    const double before = correlation(reference, response, best - 1);
    const double after = correlation(reference, response, best + 1);
    const double curvature = before - 2 * peak + after;
    const double part = curvature < 0 ? 0.5 * (before - after) / curvature : 0;
    return static_cast<double>(best) + std::clamp(part, -0.5, 0.5);
}

HrirSet::HrirSet(std::uint32_t rate_hz, std::vector<Measurement> measurements, std::string name)
    : rate_hz_(rate_hz), measurements_(std::move(measurements)), name_(std::move(name)) {
    for (const auto& measurement : measurements_) {
        for (const auto& ear : measurement.ears) length_ = std::max(length_, ear.size());
    }
    for (auto& measurement : measurements_) {
        for (auto& ear : measurement.ears) ear.resize(length_);
    }
}

const HrirSet::Measurement& HrirSet::nearest(const Direction& direction) const {
    return *std::ranges::min_element(measurements_, {}, [&](const Measurement& measurement) {
        return angle_between_deg(measurement.direction, direction);
    });
}

EarPair HrirSet::at(const Direction& direction) const {
    std::vector<std::pair<double, const Measurement*>> around;
    around.reserve(measurements_.size());
    for (const auto& measurement : measurements_) {
        around.emplace_back(angle_between_deg(measurement.direction, direction), &measurement);
    }
    const std::size_t used = std::min<std::size_t>(3, around.size());
    std::partial_sort(around.begin(), around.begin() + static_cast<std::ptrdiff_t>(used), around.end());
    const auto& closest = *around.front().second;
    if (around.front().first < kMeasuredDeg || used < 2) return closest.ears;

    double sum = 0;
    for (std::size_t n = 0; n < used; ++n) sum += 1 / around[n].first;
    const auto most = static_cast<std::size_t>(kLargestDelaySeconds * rate_hz_);
    EarPair ears;
    for (std::size_t ear = 0; ear < 2; ++ear) {
        std::vector<float> mixed(length_);
        double delay = 0;
        for (std::size_t n = 0; n < used; ++n) {
            const double weight = 1 / around[n].first / sum;
            const auto& response = around[n].second->ears[ear];
            const double later = n == 0 ? 0 : delay_between(closest.ears[ear], response, most);
            const auto aligned = later == 0 ? response : shifted(response, -later);
            for (std::size_t k = 0; k < length_; ++k) mixed[k] += static_cast<float>(weight) * aligned[k];
            delay += weight * later;
        }
        ears[ear] = shifted(mixed, delay);
    }
    return ears;
}

}  // namespace sidetone::dsp
