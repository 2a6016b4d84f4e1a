// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <span>
#include <vector>

namespace sidetone::dsp {

/// The response from one input to one output; what is absent is silent.
struct Response {
    std::size_t input = 0, output = 0;
    std::span<const float> taps;
};

/// What a convolver convolves with: each output is the sum over the responses that lead to it. Several responses
/// between the same two add up.
struct ResponseMatrix {
    std::size_t inputs = 0, outputs = 0;
    std::vector<Response> responses;

    /// The longest response.
    [[nodiscard]] std::size_t length() const noexcept;
};

}  // namespace sidetone::dsp
