// SPDX-License-Identifier: Apache-2.0
#include "speech/phone_language_model.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <map>
#include <numbers>
#include <string_view>

#include "rt/error.hpp"
#include "speech/text_file.hpp"
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

}  // namespace

/// What the file lists, in order of length, then of phones.
class PhoneLanguageModel::Reader {
public:
    explicit Reader(const std::filesystem::path& file) : text_(file, kMostBytes) { read(); }

    std::map<Words, Listed> listed;
    std::size_t order = 0;

private:
    void read();
    void read_section(std::size_t length);
    [[nodiscard]] double logarithm(std::string_view field, double most) const;
    [[nodiscard]] bool find_line();

    TextFile text_;
};

bool PhoneLanguageModel::Reader::find_line() {
    while (text_.next_line()) {
        if (text_.line().find_first_not_of(" \t") != std::string_view::npos) return true;
    }
    return false;
}

void PhoneLanguageModel::Reader::read() {
    while (find_line() && text_.line() != "\\data\\") {
    }
    while (find_line() && text_.line().starts_with("ngram ")) {
    }
    for (std::size_t length = 1; text_.line() == fmt::format("\\{}-grams:", length); ++length) {
        if (length >= kMostOrder) text_.refuse(fmt::format("found {0}-grams, expected fewer than {0} phones", length));
        order = length;
        read_section(length);
    }
    if (text_.line() != "\\end\\") {
        text_.refuse(
            fmt::format("found \"{}\", expected \"\\{}-grams:\" or \"\\end\\\"", shown(text_.line()), order + 1));
    }
    for (Phone phone = 1; phone < kPhoneClassCount; ++phone) {
        if (!listed.contains(appended(kNoWords, phone)))
            text_.refuse(fmt::format("found no line of its own for the phone {}", phone_name(phone)));
    }
}

// Up to the next line that begins with a backslash.
void PhoneLanguageModel::Reader::read_section(std::size_t length) {
    while (find_line() && !text_.line().starts_with('\\')) {
        Listed entry{.ln_probability = logarithm(text_.next_field(), 0)};
        Words words = kNoWords;
        bool is_known = true;
        for (std::size_t n = 0; n < length; ++n) {
            const auto name = text_.next_field();
            if (name.empty()) text_.refuse(fmt::format("found {} words, expected {}", n, length));
            const bool is_start = n == 0 && name == "<s>";
            const auto phone = is_start ? kStart : phone_named(name).value_or(kBlank);
            is_known = is_known && (is_start || phone != kBlank);
            words = appended(words, phone);
        }
        if (const auto field = text_.next_field(); !field.empty()) entry.ln_back_off = logarithm(field, 100);
        if (!text_.next_field().empty()) text_.refuse("found another field, expected the line's end");
        if (is_known) listed[words] = entry;
    }
}

double PhoneLanguageModel::Reader::logarithm(std::string_view field, double most) const {
    double value = 0;
    const auto [end, error] = std::from_chars(field.data(), field.data() + field.size(), value);
    if (error != std::errc{} || end != field.data() + field.size() || !std::isfinite(value) || value > most) {
        text_.refuse(
            fmt::format("found \"{}\", expected a logarithm to the base of ten, {:g} at most", shown(field), most));
    }
    return value * std::numbers::ln10;
}

PhoneLanguageModel::PhoneLanguageModel(const std::filesystem::path& file, const Settings& settings) {
    const Reader read{file};
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
