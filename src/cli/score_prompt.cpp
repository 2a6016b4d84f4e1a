// SPDX-License-Identifier: Apache-2.0
#include "cli/score_prompt.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <sstream>

#include "cli/speech_model.hpp"
#include "rt/error.hpp"
#include "speech/prompt_text.hpp"

namespace sidetone::cli {
namespace {

/// Time and memory grow with phones times frames.
constexpr std::size_t kMostPhones = 400;

speech::Prompt from_phones(const std::string& text, const std::string& phones) {
    const auto words = speech::words_of(text);
    std::istringstream fields{phones};
    speech::Prompt prompt(1);
    speech::Pronunciation pronunciation;
    const auto finish_word = [&] {
        if (pronunciation.empty())
            throw InputError{fmt::format("--phones: found a word without phones in \"{}\"", phones)};
        prompt.back().pronunciations.push_back(std::move(pronunciation));
        pronunciation.clear();
    };
    for (std::string name; fields >> name;) {
        if (name == "|") {
            finish_word();
            prompt.emplace_back();
        } else if (const auto phone = speech::phone_named(name)) {
            pronunciation.push_back(*phone);
            prompt.back().text += (prompt.back().text.empty() ? "" : "-") + name;
        } else {
            throw InputError{fmt::format("--phones: found \"{}\", expected one of ARPAbet's 39 phones or |", name)};
        }
    }
    finish_word();
    if (words.empty()) return prompt;
    if (words.size() != prompt.size()) {
        throw InputError{
            fmt::format("--phones: found {} words, expected {} as --text has", prompt.size(), words.size())};
    }
    for (std::size_t n = 0; n < words.size(); ++n) prompt[n].text = words[n];
    return prompt;
}

std::size_t phones_of(const speech::Prompt& prompt) {
    std::size_t count = 0;
    for (const auto& word : prompt) count += word.pronunciations.front().size();
    return count;
}

}  // namespace

ScorePrompt ScorePrompts::make(const std::string& text, const std::string& phones) {
    auto made = phones.empty() ? from_text(text) : ScorePrompt{from_phones(text, phones), {}};
    if (const auto count = phones_of(made.prompt); count > kMostPhones) {
        throw InputError{fmt::format("--text: found {} phones, expected at most {}: a sentence", count, kMostPhones)};
    }
    return made;
}

ScorePrompt ScorePrompts::from_text(const std::string& text) {
    if (!lexicon_) lexicon_ = read_lexicon(file_);
    if (!rules_ && !is_strict_) rules_.emplace(speech::default_letter_to_sound_file());
    auto made = speech::prompt_of(text, *lexicon_, rules_ ? &*rules_ : nullptr);
    if (!made.unknown.empty()) {
        throw InputError{fmt::format("--text: how to say \"{}\" is not known{}; write it in letters, or use --phones",
                                     fmt::join(made.unknown, "\", \""),
                                     is_strict_ ? ", and --strict allows no guess" : "")};
    }
    if (made.prompt.empty()) {
        throw InputError{fmt::format("--text: found no word in \"{}\", expected what is read aloud", text)};
    }
    return {std::move(made.prompt), std::move(made.guessed)};
}

}  // namespace sidetone::cli
