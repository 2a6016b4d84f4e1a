// SPDX-License-Identifier: Apache-2.0
#include "speech/phones.hpp"

#include <algorithm>
#include <array>
#include <cassert>

namespace sidetone::speech {
namespace {

constexpr std::array<std::string_view, phone_class_count> names = {
    "-", "AA", "AE", "AH", "AO", "AW", "AY", "B", "CH", "D", "DH", "EH", "ER", "EY", "F",  "G", "HH", "IH", "IY", "JH",
    "K", "L",  "M",  "N",  "NG", "OW", "OY", "P", "R",  "S", "SH", "T",  "TH", "UH", "UW", "V", "W",  "Y",  "Z",  "ZH",
};
static_assert(std::is_sorted(names.begin(), names.end()), "phone_named searches them");

bool is_stress(char letter) noexcept {
    return letter >= '0' && letter <= '2';
}

}  // namespace

std::string_view phone_name(Phone phone) noexcept {
    assert(phone < phone_class_count);
    return names[phone];
}

std::optional<Phone> phone_named(std::string_view name) noexcept {
    if (name.size() > 1 && is_stress(name.back())) name.remove_suffix(1);
    const auto* found = std::lower_bound(names.begin() + 1, names.end(), name);
    if (found == names.end() || *found != name) return std::nullopt;
    return static_cast<Phone>(found - names.begin());
}

bool is_vowel(Phone phone) noexcept {
    constexpr std::string_view first_letters = "AEIOU";
    return phone != blank && first_letters.find(phone_name(phone).front()) != std::string_view::npos;
}

}  // namespace sidetone::speech
