// SPDX-License-Identifier: Apache-2.0
#include "speech/level_normaliser.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>

namespace sidetone::speech {
namespace {

constexpr float decibels(float value) noexcept {
    return value * std::numbers::ln10_v<float> / 10;
}

constexpr float kLeastLevel = -5;              // below is no sound: 30 dB less than the last of 16 bits makes
constexpr float kFloorRise = decibels(0.02F);  // a row; 2 dB a second
constexpr float kAboveFloor = decibels(15);
constexpr float kRowsOfTraining = 20;  // so many rows' weight the level expected has at first
constexpr float kMostRows = 300;       // what is older fades: 3 s of voice
constexpr float kUpwards = 0.05F, kFarUpwards = 0.25F, kFar = decibels(10);
constexpr float kLeftAlone = decibels(13);  // and from twice that on, all is made up for
constexpr float kMostUp = decibels(45), kMostDown = decibels(20);

}  // namespace

void LevelNormaliser::reset() noexcept {
    floor_ = std::numeric_limits<float>::infinity();
    voice_ = speech_level_;
    rows_ = kRowsOfTraining;
}

float LevelNormaliser::offset_for(std::span<const float> row) noexcept {
    auto level = -std::numeric_limits<float>::infinity();
    for (const float value : row) level = value > level ? value : level;
    if (std::isfinite(level) && level > kLeastLevel) follow(level);
    const auto missing = speech_level_ - voice_;
    const auto beyond = std::max(0.0F, std::abs(missing) - kLeftAlone);
    const auto made_up = std::copysign(std::min(2 * beyond, std::abs(missing)), missing);
    return std::clamp(made_up, -kMostDown, kMostUp);
}

void LevelNormaliser::follow(float level) noexcept {
    floor_ = std::min(level, floor_ + kFloorRise);
    if (level < floor_ + kAboveFloor) return;
    rows_ = std::min(rows_ + 1, kMostRows);
    const auto above = level - voice_;
    auto share = 1 / rows_;
    if (above > 0) share = std::max(share, above > kFar ? kFarUpwards : kUpwards);
    voice_ += share * above;
}

}  // namespace sidetone::speech
