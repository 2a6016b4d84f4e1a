// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "speech/forced_alignment.hpp"
#include "speech/prompt.hpp"

namespace sidetone::speech {

/// What an utterance was of a prompt: one of several, between pauses.
struct ReadPart {
    std::size_t first_word = 0,
                end_word = 0;          ///< [first, end); none where no word was said from its first phone to its last
    std::vector<std::int64_t> frames;  ///< those of the utterance but for what was said beside these words
};

/// `alignment` is the way through `prompt` so far; the utterance lies in frames [first, end). Of words that were said
/// again the last time counts, and words that another utterance began or went on with do not.
[[nodiscard]] ReadPart part_read(const Prompt& prompt, std::span<const AlignedPhone> alignment,
                                 std::int64_t first_frame, std::int64_t end_frame);

/// The rows of `answers`, kPhoneClassCount numbers each, that `frames` name; row 0 is that of `first_frame`. Frames
/// without a row are passed over.
[[nodiscard]] std::vector<float> rows_of(std::span<const float> answers, std::int64_t first_frame,
                                         std::span<const std::int64_t> frames);

}  // namespace sidetone::speech
