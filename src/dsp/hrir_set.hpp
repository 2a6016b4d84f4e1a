// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

namespace sidetone::dsp {

/// Where a sound comes from, in degrees: azimuth from the front to the left (0 to 360, or negative to the right),
/// elevation upwards (-90 to 90). As in AES69.
struct Direction {
    double azimuth_deg = 0, elevation_deg = 0;
};

/// The angle between two directions, in degrees.
[[nodiscard]] double angle_between_deg(const Direction& a, const Direction& b);

/// How a head is turned, in degrees: yaw to the left, pitch upwards, roll to the right ear; in that order.
struct Orientation {
    double yaw_deg = 0, pitch_deg = 0, roll_deg = 0;
};

/// Where a sound seems to come from for a head that is turned so.
[[nodiscard]] Direction seen_from(const Orientation& head, const Direction& sound);

/// The responses from one direction to the left and to the right ear.
using EarPair = std::array<std::vector<float>, 2>;

/// Responses measured from some directions, at one rate, their delays within them. Control thread.
class HrirSet {
public:
    struct Measurement {
        Direction direction;
        EarPair ears;
    };

    /// At least one measurement. Pads all responses to one length.
    HrirSet(std::uint32_t rate_hz, std::vector<Measurement> measurements, std::string name);

    [[nodiscard]] std::uint32_t rate_hz() const noexcept { return rate_hz_; }
    [[nodiscard]] std::size_t length() const noexcept { return length_; }
    [[nodiscard]] const std::vector<Measurement>& measurements() const noexcept { return measurements_; }
    [[nodiscard]] const std::string& name() const noexcept { return name_; }
    [[nodiscard]] const Measurement& nearest(const Direction& direction) const;

    /// The responses from any direction: a measured one within 0.1 degrees, else the three nearest, weighted by
    /// nearness. Each ear's are moved to where their delays agree before they are added, so that nothing is combed, and
    /// back to the weighted delay.
    [[nodiscard]] EarPair at(const Direction& direction) const;

private:
    std::uint32_t rate_hz_;
    std::vector<Measurement> measurements_;
    std::string name_;
    std::size_t length_ = 0;
};

/// `response` later by a delay that need not be a whole number of frames (windowed sinc, 64 taps); negative: earlier.
/// What falls off either end is lost.
[[nodiscard]] std::vector<float> shifted(const std::vector<float>& response, double delay_frames);

/// By how many frames `response` is later than `reference`: the peak of their cross-correlation, between frames.
[[nodiscard]] double delay_between(const std::vector<float>& reference, const std::vector<float>& response,
                                   std::size_t most_frames);

}  // namespace sidetone::dsp
