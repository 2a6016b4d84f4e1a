// SPDX-License-Identifier: Apache-2.0
#include "speech/phone_language_model.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <optional>

#include "speech/arpa_file.hpp"
#include "speech/weights_file.hpp"

namespace sidetone::speech {
namespace {

constexpr Phone kStart = kBlank;  // <s> has the class that is in no prompt
// Phones, the oldest first, a byte each under a leading 1, so that lengths differ too.
using Words = std::uint64_t;

Words appended(Words words, Phone phone) noexcept {
    return words << 8U | phone;
}

std::size_t length_of(Words words) noexcept {
    return static_cast<std::size_t>(63 - std::countl_zero(words)) / 8;
}

constexpr Words kNoWords = 1;

Words without_first(Words words) noexcept {
    const auto leading = std::bit_floor(words) >> 8U;
    return (words & (leading - 1)) | leading;
}

struct Listed {
    double ln_probability = 0, ln_back_off = 0;
};

/// What a file lists, in order of length, then of phones.
struct Read {
    std::map<Words, Listed> listed;
    std::size_t order = 0;
};

/// Nothing where a word is no phone and not the start.
std::optional<Words> phones_of(const NGram& found) {
    auto words = kNoWords;
    for (std::size_t n = 0; n < found.words.size(); ++n) {
        const bool is_start = n == 0 && found.words[n] == "<s>";
        const auto phone = is_start ? kStart : phone_named(found.words[n]).value_or(kBlank);
        if (!is_start && phone == kBlank) return std::nullopt;
        words = appended(words, phone);
    }
    return words;
}

Read read_file(const std::filesystem::path& file, std::size_t most_bytes) {
    ArpaFile arpa{file, most_bytes};
    Read read;
    for (NGram found; arpa.next(found);) {
        if (const auto words = phones_of(found)) read.listed[*words] = {found.ln_probability, found.ln_back_off};
    }
    read.order = arpa.order();
    for (Phone phone = 1; phone < kPhoneClassCount; ++phone) {
        if (!read.listed.contains(appended(kNoWords, phone)))
            arpa.refuse(fmt::format("found no line of its own for the phone {}", phone_name(phone)));
    }
    return read;
}

}  // namespace

PhoneLanguageModel::PhoneLanguageModel(const std::filesystem::path& file, const Settings& settings) {
    const Read read = read_file(file, kMostBytes);
    order_ = read.order;
    // A history is a state if something is listed after it or its back-off says something. Keys are in order of length,
    // so what is shorter has its state already.
    std::map<Words, State> states{{kNoWords, 0}};
    contexts_.emplace_back();
    const auto state_of = [&](Words words) {
        while (!states.contains(words)) words = without_first(words);
        return states[words];
    };
    for (const auto& [words, entry] : read.listed) {
        if (length_of(words) == order_) break;
        Context context;
        context.back_off = settings.weight * static_cast<float>(entry.ln_back_off);
        context.shorter = state_of(without_first(words));
        states[words] = static_cast<State>(contexts_.size());
        contexts_.push_back(context);
    }
    start_ = state_of(appended(kNoWords, kStart));
    for (const auto& [history, state] : states) {
        auto& context = contexts_[state];
        context.first_next = static_cast<std::uint32_t>(nexts_.size());
        for (Phone phone = 1; phone < kPhoneClassCount; ++phone) {
            const auto words = appended(history, phone);
            const auto found = read.listed.find(words);
            if (found == read.listed.end()) continue;
            context.followers |= std::uint64_t{1} << phone;
            const auto ln = static_cast<float>(std::max(found->second.ln_probability, -100.0));
            nexts_.push_back({settings.weight * ln + settings.bonus,
                              state_of(length_of(words) < order_ ? words : without_first(words))});
        }
    }
}

float PhoneLanguageModel::score(const void* model, std::uint32_t state, Phone token, std::uint32_t& next) noexcept {
    const auto& self = *static_cast<const PhoneLanguageModel*>(model);
    const auto bit = std::uint64_t{1} << token;
    float left = 0;
    // Ends: with no history every phone is listed, and each step takes the history's oldest phone away.
    while ((self.contexts_[state].followers & bit) == 0) {
        left += self.contexts_[state].back_off;
        state = self.contexts_[state].shorter;
    }
    const auto& context = self.contexts_[state];
    const auto& found =
        self.nexts_[context.first_next + static_cast<std::size_t>(std::popcount(context.followers & (bit - 1)))];
    next = found.state;
    return left + found.score;
}

std::filesystem::path default_phone_language_model_file() {
    return find_weights("phone-language-model", "phones.arpa");
}

}  // namespace sidetone::speech
