// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "dsp/electroacoustics.hpp"

namespace sidetone::cli {

/// An SVG document: the curves of a data sheet and its figures below them.
[[nodiscard]] std::string draw(const dsp::Electroacoustics& measured, const std::string& title,
                               const std::string& conditions);

}  // namespace sidetone::cli
