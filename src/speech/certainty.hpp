// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <string_view>

namespace sidetone::speech {

/// How sure one may be of a phone's score: the probability that experts take the phone for fine (their mean is 1.5 of 2
/// and more), a logistic curve over the score. Made by tools/train/phone_scorer/certainty.py, from speakers whom none
/// of those had heard that gave the scores.
struct Certainty {
    double offset = 0, slope = 0;

    [[nodiscard]] float fine_probability(float score) const noexcept;
};

/// What is to be said of a phone. Where fine and not fine are both less probable than kSure, nothing is known of it.
enum class Verdict { fine, not_sure, otherwise };
inline constexpr float kSure = 0.8F;

[[nodiscard]] constexpr Verdict verdict_of(float fine_probability) noexcept {
    if (fine_probability >= kSure) return Verdict::fine;
    return fine_probability <= 1 - kSure ? Verdict::otherwise : Verdict::not_sure;
}

/// "fine", "not sure", "otherwise"
[[nodiscard]] std::string_view name_of(Verdict verdict) noexcept;

/// The curve of the scores called `name` in a file of lines NAME OFFSET SLOPE; lines that begin with # are comments.
/// Throws InputError where there is none, or it is none that rises.
[[nodiscard]] Certainty read_certainty(const std::filesystem::path& file, std::string_view name);

}  // namespace sidetone::speech
