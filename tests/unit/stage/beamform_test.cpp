// SPDX-License-Identifier: Apache-2.0
#include "stage/beamform.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

#include "dsp/alignment.hpp"
#include "rt/error.hpp"
#include "stage/catalogue.hpp"
#include "unit/dsp/signals.hpp"

namespace sidetone::stage {
namespace {

StageContext at_rate(std::uint32_t rate_hz) {
    StageContext context;
    context.rate_hz = rate_hz;
    context.block_frames = context.max_block_frames = 64;
    context.channels = 2;
    return context;
}

// Three frames between the microphones.
constexpr dsp::BeamformerSettings kWide{.spacing_m = 3 * dsp::kSpeedOfSoundMPerS / 48'000};

std::vector<std::vector<float>> run(BeamformStage& stage, const std::vector<float>& front,
                                    const std::vector<float>& back) {
    std::vector<std::vector<float>> out(2, std::vector<float>(front.size()));
    for (std::size_t at = 0; at < front.size(); at += 64) {
        const float* const in[]{&front[at], &back[at]};
        float* const outs[]{&out[0][at], &out[1][at]};
        stage.process(in, outs, 64, {});
    }
    return out;
}

double power(const std::vector<float>& signal) {
    double sum = 0;
    for (const float sample : signal) sum += static_cast<double>(sample) * sample;
    return sum;
}

TEST(BeamformStage, TakesAwayWhatComesFromBehindOnBothChannels) {
    BeamformStage stage{kWide};
    stage.prepare(at_rate(48'000));
    const auto sound = dsp::test::white_noise(48'000, 1, 0.1F);
    std::vector<float> later(sound.size());
    std::copy(sound.begin(), sound.end() - 3, later.begin() + 3);
    const auto from_behind = run(stage, later, sound);
    EXPECT_LT(power(from_behind[0]), 1e-6 * power(sound));
    stage.prepare(at_rate(48'000));
    const auto from_front = run(stage, sound, later);
    EXPECT_GT(power(from_front[0]), 0.01 * power(sound));
    EXPECT_EQ(from_front[0], from_front[1]);
}

TEST(BeamformStage, DelayIsThatOfTheFrontMicrophonesSound) {
    // Closer together than the interpolation reaches, everything waits; seen with a back microphone that hears nothing.
    BeamformStage stage{dsp::BeamformerSettings{.spacing_m = 0.5 * dsp::kSpeedOfSoundMPerS / 48'000}};
    stage.prepare(at_rate(48'000));
    const auto sound = dsp::test::white_noise(48'000, 1, 0.1F);
    const auto out = run(stage, sound, std::vector<float>(sound.size()));
    EXPECT_EQ(stage.delay_frames(), 2U);
    EXPECT_EQ(dsp::delay_by_cross_correlation(sound, out[0], 100), stage.delay_frames());
}

TEST(BeamformStage, RefusesWhatItCannotDo) {
    BeamformStage stage{dsp::BeamformerSettings{.spacing_m = 0.1}};
    try {
        stage.prepare(at_rate(192'000));
        FAIL() << "accepted";
    } catch (const InputError& error) {
        EXPECT_NE(std::string{error.what()}.find("\"spacing_mm\": found 100 at 192000 Hz"), std::string::npos);
    }
    const toml::table table = toml::parse("kind = \"beamform\"", std::string{"chain.toml"});
    Settings settings{table, "chain.toml", "stage \"beamform\""};
    EXPECT_THROW((void)make_stage("beamform", settings, 1), InputError);
}

}  // namespace
}  // namespace sidetone::stage
