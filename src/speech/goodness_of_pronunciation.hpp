// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <span>
#include <vector>

#include "speech/phones.hpp"

namespace sidetone::speech {

/// How much more probable what was heard would be, had one phone of the prompt been another: natural logarithms of
/// likelihood ratios to the phones as they were expected, at most about 0 for a good pronunciation. The entry of the
/// blank is for a phone that was left out, that of the expected phone itself is 0.
using PhoneGoodness = std::array<float, kPhoneClassCount>;

struct Goodness {
    /// Natural logarithm of the probability of the expected phones, over all alignments; minus infinity where there
    /// are too few frames for them.
    double log_likelihood = 0;
    std::vector<PhoneGoodness> phones;  ///< one a phone; empty where there are too few frames
};

/// Goodness of pronunciation without borders between phones: each ratio sums over all alignments that connectionist
/// temporal classification allows, so that a border that is a frame off spoils nothing.
///
/// `log_probabilities` has a row of kPhoneClassCount natural logarithms for each frame; what is not finite, or below
/// -100, counts as -100. `phones` are those of what was to be said, blanks apart.
///
/// Throws InputError: no phones, what is no phone, a row that is not whole. Allocates; for after the utterance, its
/// time and memory grow with frames times phones.
[[nodiscard]] Goodness goodness_of_pronunciation(std::span<const float> log_probabilities,
                                                 std::span<const Phone> phones);

}  // namespace sidetone::speech
