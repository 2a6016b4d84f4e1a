// SPDX-License-Identifier: Apache-2.0
#include "dsp/response_matrix.hpp"

#include <algorithm>

namespace sidetone::dsp {

std::size_t ResponseMatrix::length() const noexcept {
    std::size_t longest = 0;
    for (const auto& response : responses) longest = std::max(longest, response.taps.size());
    return longest;
}

}  // namespace sidetone::dsp
