/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SIDETONE_SIDETONE_H
#define SIDETONE_SIDETONE_H

#include <stddef.h>
#include <stdint.h>

#pragma GCC visibility push(default)
#ifdef __cplusplus
extern "C" {
#endif

/* The C ABI: a chain of stages from a chain file, as sidetone/chain.hpp has it. Handles are not shared between threads
 * but where said. No function throws or aborts on bad input; a NULL chain does nothing and has 0 of everything. */

typedef struct sidetone_chain sidetone_chain;

typedef struct sidetone_chain_format {
    uint32_t rate_hz;          /* 8000 to 192000 */
    uint32_t block_frames;     /* frames of a usual call, 1 to 65536 */
    uint32_t max_block_frames; /* no call brings more; 0: as block_frames */
    int fixed_block;           /* not 0: every call brings exactly block_frames (less delay) */
    uint32_t channels;         /* 1 to 16 */
    int offline;               /* not 0: nothing waits for the sound */
} sidetone_chain_format;

/* Control thread. Loads and prepares a chain; NULL on failure, and then one line for people, cut to `error_size` bytes
 * with its final zero, is in `error` (which may be NULL). */
sidetone_chain* sidetone_chain_open(const char* chain_file, const sidetone_chain_format* format, char* error,
                                    size_t error_size);

/* Control thread, when no other function runs on the chain. NULL is allowed. */
void sidetone_chain_close(sidetone_chain* chain);

/* Audio thread; real-time safe. `inputs` and `outputs` point at `channels` buffers of `frames` floats, full scale 1.0;
 * they may be the same. */
void sidetone_chain_process(sidetone_chain* chain, const float* const* inputs, float* const* outputs, uint32_t frames);

/* A setting by its name, such as "limit.ceiling_dbfs" (docs/live-changes.md), and what it is to be: `text` where that
 * is not NULL, else `count` numbers. */
typedef struct sidetone_change {
    const char* name;
    const char* text;
    const double* numbers;
    size_t count;
} sidetone_change;

/* Control thread, also while sidetone_chain_process runs, but one call at a time. Changes settings without a click, all
 * of one stage at once; a file that one names is read meanwhile. 0 when all were taken. Else the first that was not,
 * and what would have followed, is as it was, and one line for people is in `error`, as of sidetone_chain_open. */
int sidetone_chain_change(sidetone_chain* chain, const sidetone_change* changes, size_t count, char* error,
                          size_t error_size);

/* Any thread. Frames by which the output lags the input. */
uint32_t sidetone_chain_delay_frames(const sidetone_chain* chain);

/* Any thread. Hops of a model whose result did not come in time and had to be covered. */
uint64_t sidetone_chain_misses(const sidetone_chain* chain);

/* "0.1.0" */
const char* sidetone_version(void);

#ifdef __cplusplus
}
#endif
#pragma GCC visibility pop
#endif
