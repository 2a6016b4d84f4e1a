// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "sidetone/change.hpp"

namespace sidetone::serve {

inline constexpr std::size_t kLongestOscPacket = 8192;  ///< bytes

/// The changes in an Open Sound Control 1.0 packet (opensoundcontrol.stanford.edu/spec-1_0): `/limit/ceiling_dbfs f
/// -12` is a change of "limit.ceiling_dbfs". Of a message with several numbers the value is all of them, of a bundle
/// the changes are those of its messages in order; its time tag is not looked at.
///
/// The packet may be anything: it comes from the network. Strict, so that what is refused is known: one or more of the
/// types i, f and d, or one s; no address patterns; printable ASCII; a text names no folder, since it may name a file;
/// bundles lie in bundles no more than four deep. Throws InputError, `at byte N: found …, expected …`.
[[nodiscard]] std::vector<Change> read_osc(std::span<const std::byte> packet);

}  // namespace sidetone::serve
