// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <hwy/targets.h>

namespace sidetone::dsp {

/// Included by every file with vector kernels: asks the processor what it can do while the program starts. Left to
/// Highway, the first call of a kernel would ask, which on a virtual machine is a trap of tens of microseconds, and
/// that call may be on the audio thread.
inline const bool kVectorTargetChosen = [] {
    hwy::GetChosenTarget().Update(hwy::SupportedTargets());
    return true;
}();

}  // namespace sidetone::dsp
