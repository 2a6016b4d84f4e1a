// SPDX-License-Identifier: Apache-2.0
#include "stage/loudness_headroom.hpp"

#include <ebur128.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <memory>
#include <new>
#include <numbers>
#include <random>
#include <vector>

#include "dsp/convolver.hpp"
#include "dsp/pink_noise.hpp"
#include "dsp/response_matrix.hpp"

namespace sidetone::stage {
namespace {

constexpr double kSeconds = 3;
constexpr double kApartSeconds = 0.1;  // far beyond what noise is like itself
constexpr double kMostDb = 40;
constexpr std::size_t kBlock = 256;
constexpr double kFrontDeg = 45, kAboveDeg = 15, kMiddle = 0.01;  // the sine of an azimuth

/// Both ears, or both channels of a downmix.
using Pair = std::array<std::vector<float>, 2>;

/// The same noise for all speakers, but each begins elsewhere in it.
class Noises {
public:
    Noises(std::size_t speakers, std::size_t frames, std::uint32_t rate_hz)
        : frames_(frames), apart_(static_cast<std::size_t>(kApartSeconds * rate_hz)) {
        std::mt19937_64 random{1};
        noise_ = dsp::pink_noise(frames + speakers * apart_, random);
    }
    [[nodiscard]] const float* of(std::size_t speaker) const { return noise_.data() + speaker * apart_; }
    [[nodiscard]] std::size_t frames() const { return frames_; }

private:
    std::size_t frames_, apart_;
    std::vector<float> noise_;
};

struct Meter {
    void operator()(ebur128_state* state) const noexcept { ebur128_destroy(&state); }
};

double loudness_lufs(const Pair& sound, std::size_t first, std::uint32_t rate_hz) {
    const std::unique_ptr<ebur128_state, Meter> meter{ebur128_init(2, rate_hz, EBUR128_MODE_I)};
    if (meter == nullptr) throw std::bad_alloc{};
    std::vector<float> interleaved;
    for (std::size_t n = first; n < sound[0].size(); ++n) {
        interleaved.push_back(sound[0][n]);
        interleaved.push_back(sound[1][n]);
    }
    double lufs = -INFINITY;
    if (ebur128_add_frames_float(meter.get(), interleaved.data(), interleaved.size() / 2) != EBUR128_SUCCESS ||
        ebur128_loudness_global(meter.get(), &lufs) != EBUR128_SUCCESS) {
        return -INFINITY;
    }
    return lufs;
}

Pair downmixed(std::span<const dsp::Speaker> speakers, const Noises& noises) {
    constexpr auto kLower = static_cast<float>(1 / std::numbers::sqrt2);
    Pair sound{std::vector<float>(noises.frames()), std::vector<float>(noises.frames())};
    for (std::size_t s = 0; s < speakers.size(); ++s) {
        if (speakers[s].low_frequencies) continue;
        const auto& at = speakers[s].direction;
        const double leftness = std::sin(at.azimuth_deg * std::numbers::pi / 180);
        const bool is_front =
            std::abs(std::remainder(at.azimuth_deg, 360)) <= kFrontDeg && at.elevation_deg < kAboveDeg;
        const bool is_middle = std::abs(leftness) < kMiddle;
        const float gain = is_front && !is_middle ? 1 : kLower;
        for (std::size_t side = 0; side < 2; ++side) {
            if (!is_middle && (leftness > 0) != (side == 0)) continue;
            for (std::size_t n = 0; n < noises.frames(); ++n) sound[side][n] += gain * noises.of(s)[n];
        }
    }
    return sound;
}

Pair heard(std::span<const dsp::Speaker> speakers, std::span<const dsp::EarPair> ears, const Noises& noises) {
    dsp::ResponseMatrix matrix{.inputs = speakers.size(), .outputs = 2, .responses = {}};
    for (std::size_t s = 0; s < speakers.size(); ++s) {
        if (speakers[s].low_frequencies) continue;
        for (std::size_t ear = 0; ear < 2; ++ear) matrix.responses.push_back({s, ear, ears[s][ear]});
    }
    dsp::Convolver convolver{matrix, kBlock};
    Pair sound{std::vector<float>(noises.frames()), std::vector<float>(noises.frames())};
    std::vector<const float*> in(speakers.size());
    for (std::size_t first = 0; first < noises.frames(); first += kBlock) {
        for (std::size_t s = 0; s < speakers.size(); ++s) in[s] = noises.of(s) + first;
        const std::array<float*, 2> out{sound[0].data() + first, sound[1].data() + first};
        convolver.process(in.data(), out.data(), std::min(kBlock, noises.frames() - first));
    }
    return sound;
}

}  // namespace

double loudness_headroom_db(std::span<const dsp::Speaker> speakers, std::span<const dsp::EarPair> ears,
                            std::uint32_t rate_hz) {
    std::size_t length = 0;
    for (const auto& pair : ears) length = std::max({length, pair[0].size(), pair[1].size()});
    // Until all responses sound whole, nothing counts.
    const Noises noises{speakers.size(), length + static_cast<std::size_t>(kSeconds * rate_hz), rate_hz};
    const double wanted = loudness_lufs(downmixed(speakers, noises), length, rate_hz);
    const double found = loudness_lufs(heard(speakers, ears, noises), length, rate_hz);
    const double gain_db = wanted - found;
    return std::isfinite(gain_db) ? std::clamp(gain_db, -kMostDb, kMostDb) : 0;
}

}  // namespace sidetone::stage
