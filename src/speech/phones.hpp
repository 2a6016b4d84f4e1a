// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace sidetone::speech {

/// A class of the phoneme model: the blank of connectionist temporal classification, or one of ARPAbet's 39 phones
/// (the set of the CMU pronouncing dictionary, without stress).
using Phone = std::uint8_t;

inline constexpr Phone kBlank = 0;
inline constexpr int kPhoneCount = 39;
inline constexpr int kPhoneClassCount = kPhoneCount + 1;

/// "AA" for 1 to "ZH" for 39, in alphabetical order, which is the order of the model's outputs; "-" for the blank.
/// `phone` must be below kPhoneClassCount.
[[nodiscard]] std::string_view phone_name(Phone phone) noexcept;

/// The phone called `name`, in capitals; a digit of stress at its end ("AH0") is allowed. Nothing for any other name.
[[nodiscard]] std::optional<Phone> phone_named(std::string_view name) noexcept;

[[nodiscard]] bool is_vowel(Phone phone) noexcept;

}  // namespace sidetone::speech
