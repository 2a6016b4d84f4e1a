/* SPDX-License-Identifier: Apache-2.0 */
#include "c_abi.h"

#include <sidetone/sidetone.h>
#include <stdio.h>

uint32_t delay_through_c_abi(const char* chain_file) {
    const sidetone_chain_format format = {
        .rate_hz = 48000, .block_frames = 128, .fixed_block = 1, .channels = 1, .offline = 1};
    char error[512];
    sidetone_chain* chain = sidetone_chain_open(chain_file, &format, error, sizeof error);
    if (chain == NULL) {
        fprintf(stderr, "%s\n", error);
        return UINT32_MAX;
    }
    float samples[128] = {0};
    float* outputs[] = {samples};
    const float* inputs[] = {samples};
    sidetone_chain_process(chain, inputs, outputs, 128);
    const uint32_t delay = sidetone_chain_delay_frames(chain);
    sidetone_chain_close(chain);
    return delay;
}
