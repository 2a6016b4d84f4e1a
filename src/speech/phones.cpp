// SPDX-License-Identifier: Apache-2.0
#include "speech/phones.hpp"

#include <algorithm>
#include <array>
#include <cassert>

namespace sidetone::speech {
namespace {

constexpr std::array<std::string_view, kPhoneClassCount> kNames = {
    "-", "AA", "AE", "AH", "AO", "AW", "AY", "B", "CH", "D", "DH", "EH", "ER", "EY", "F",  "G", "HH", "IH", "IY", "JH",
    "K", "L",  "M",  "N",  "NG", "OW", "OY", "P", "R",  "S", "SH", "T",  "TH", "UH", "UW", "V", "W",  "Y",  "Z",  "ZH",
};
static_assert(std::is_sorted(kNames.begin(), kNames.end()), "phone_named searches them");

bool is_stress(char letter) noexcept {
    return letter >= '0' && letter <= '2';
}

}  // namespace

std::string_view phone_name(Phone phone) noexcept {
    assert(phone < kPhoneClassCount);
    return kNames[phone];
}

std::optional<Phone> phone_named(std::string_view name) noexcept {
    if (name.size() > 1 && is_stress(name.back())) name.remove_suffix(1);
    const auto* found = std::lower_bound(kNames.begin() + 1, kNames.end(), name);
    if (found == kNames.end() || *found != name) return std::nullopt;
    return static_cast<Phone>(found - kNames.begin());
}

bool is_vowel(Phone phone) noexcept {
    constexpr std::string_view kFirstLetters = "AEIOU";
    return phone != kBlank && kFirstLetters.find(phone_name(phone).front()) != std::string_view::npos;
}

}  // namespace sidetone::speech
