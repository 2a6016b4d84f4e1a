// SPDX-License-Identifier: Apache-2.0
#include <array>
#include <cmath>
#include <cstdio>
#include <sidetone/chain.hpp>

#include "c_abi.h"

// Runs a chain file through the C++ and the C interface as they are installed; 0 when both agree and sound comes out
// finite.
int main(int argument_count, char** arguments) {
    if (argument_count != 2) return 2;
    try {
        sidetone::Chain chain{arguments[1], {.rate_hz = 48'000, .block_frames = 128, .offline = true}};
        std::array<float, 128> samples{};
        const float* inputs[] = {samples.data()};
        float* outputs[] = {samples.data()};
        float phase = 0;
        for (int block = 0; block < 100; ++block) {
            for (auto& sample : samples) sample = 0.1F * std::sin(phase += 0.05F);
            chain.process(inputs, outputs, 128);
            for (const auto sample : samples) {
                if (!std::isfinite(sample)) return 1;
            }
        }
        std::printf("delay %u frames\n", chain.delay_frames());
        return delay_through_c_abi(arguments[1]) == chain.delay_frames() ? 0 : 1;
    } catch (const sidetone::InputError& error) {
        std::fprintf(stderr, "%s\n", error.what());
        return 1;
    }
}
