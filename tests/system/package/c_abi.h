/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Opens `chain_file` through the C ABI, runs silence through it, and gives its delay in frames; UINT32_MAX on failure.
 */
uint32_t delay_through_c_abi(const char* chain_file);

#ifdef __cplusplus
}
#endif
