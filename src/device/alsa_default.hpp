// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

namespace sidetone::device {

/// The definition of ALSA's PCM "default" as its configuration has it now, files that changed meanwhile read again.
/// Empty: there is none. Opens no PCM, and takes microseconds when nothing has changed.
[[nodiscard]] std::string alsa_default_definition();

}  // namespace sidetone::device
