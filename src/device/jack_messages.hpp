// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

namespace sidetone::device {

/// From now on libjack's error lines are kept for `take_jack_messages` instead of going to standard error, and its
/// chatter is dropped. For the whole process; calling it again is harmless. Control thread only.
void keep_jack_messages() noexcept;

/// The error lines that libjack has had since the last call, the oldest 16 at most.
[[nodiscard]] std::vector<std::string> take_jack_messages();

}  // namespace sidetone::device
