// SPDX-License-Identifier: Apache-2.0
#include "dsp/pink_noise.hpp"

namespace sidetone::dsp {

// Paul Kellet's filter of white noise: -3 dB an octave within 0.05 dB above 9 Hz at 44.1 kHz.
std::vector<float> pink_noise(std::size_t frames, std::mt19937_64& random) {
    std::normal_distribution<float> white;
    float b[6] = {};
    std::vector<float> out(frames);
    for (auto& sample : out) {
        const float w = white(random);
        b[0] = 0.99886F * b[0] + w * 0.0555179F;
        b[1] = 0.99332F * b[1] + w * 0.0750759F;
        b[2] = 0.96900F * b[2] + w * 0.1538520F;
        b[3] = 0.86650F * b[3] + w * 0.3104856F;
        b[4] = 0.55000F * b[4] + w * 0.5329522F;
        b[5] = -0.7616F * b[5] - w * 0.0168980F;
        sample = b[0] + b[1] + b[2] + b[3] + b[4] + b[5] + w * 0.5362F;
    }
    return out;
}

}  // namespace sidetone::dsp
