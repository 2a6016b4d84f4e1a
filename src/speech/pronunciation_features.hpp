// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstddef>
#include <optional>
#include <span>
#include <vector>

#include "speech/forced_alignment.hpp"
#include "speech/goodness_of_pronunciation.hpp"
#include "speech/prompt.hpp"

namespace sidetone::speech {

/// Of one phone: the likelihood ratios to 38 other phones and to leaving it out (goodness_of_pronunciation.hpp), one a
/// class; then the logarithm of the phone's probability among all of these, the largest ratio, its log-probability at
/// its peak and on average, the logarithm of how many frames it has, and that of the frames of pause before it, plus 1.
/// All clipped and scaled to about -2 to 2.
inline constexpr std::size_t kPhoneFeatureCount = kPhoneClassCount + 6;
using PhoneFeatures = std::array<float, kPhoneFeatureCount>;

/// Of an utterance, its first phone to its last: logarithm of phones a frame, mean and deviation of the logarithms of
/// the phones' frames, share of pauses, and mean of the logarithms of the phones' probabilities.
inline constexpr std::size_t kUtteranceFeatureCount = 5;
using UtteranceFeatures = std::array<float, kUtteranceFeatureCount>;

/// What a scorer is told of somebody who reads a prompt aloud.
struct PronunciationFeatures {
    std::vector<PhoneFeatures> phones;
    UtteranceFeatures utterance{};
    std::vector<AlignedPhone> alignment;  ///< one a phone, all words, each in its likeliest pronunciation
    std::vector<PhoneGoodness> goodness;  ///< one a phone
};

/// From a phoneme model's answers, a row of kPhoneClassCount natural logarithms each, to features. Nothing where there
/// are fewer frames than the prompt needs. Throws InputError as ForcedAlignment does. Allocates, and takes time that
/// grows with frames times phones: for after the utterance.
[[nodiscard]] std::optional<PronunciationFeatures> pronunciation_features(std::span<const float> log_probabilities,
                                                                          const Prompt& prompt);

}  // namespace sidetone::speech
