// SPDX-License-Identifier: Apache-2.0
#include "cli/utterance_report.hpp"

#include <fmt/format.h>

#include <cstddef>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <string_view>

namespace sidetone::cli {
namespace {

using speech::PhonemeRecognizer;

template <class Heard>
nlohmann::json to_json(const char* kind, std::string_view name, const Heard& heard) {
    return {{kind, name},
            {"start_s", PhonemeRecognizer::seconds_of(heard.first_sample)},
            {"end_s", PhonemeRecognizer::seconds_of(heard.end_sample)},
            {"confidence", heard.confidence}};
}

}  // namespace

double start_s(const speech::Utterance& utterance) noexcept {
    return PhonemeRecognizer::seconds_of(utterance.phones.empty() ? utterance.begin
                                                                  : utterance.phones.front().first_sample);
}

double end_s(const speech::Utterance& utterance) noexcept {
    return PhonemeRecognizer::seconds_of(utterance.phones.empty() ? utterance.end : utterance.phones.back().end_sample);
}

std::string line_of(const speech::Utterance& utterance, const std::optional<speech::HeardWords>& words) {
    std::string line;
    if (words) {
        for (const auto& heard : utterance.words) line += fmt::format(" {}", words->text(heard));
    } else {
        for (const auto& heard : utterance.phones) line += fmt::format(" {}", speech::phone_name(heard.phone));
    }
    if (line.empty()) line = fmt::format(" (a voice, but no {})", words ? "words" : "phones");
    return fmt::format("{:8.2f} {:8.2f} {}\n", start_s(utterance), end_s(utterance), line);
}

std::string table_of(const speech::Utterance& utterance, const std::optional<speech::HeardWords>& words) {
    std::string table;
    const auto add = [&](std::string_view name, std::size_t width, const auto& heard) {
        table += fmt::format("    {:8.2f} {:8.2f}  {:<{}} {:.2f}\n", PhonemeRecognizer::seconds_of(heard.first_sample),
                             PhonemeRecognizer::seconds_of(heard.end_sample), name, width,
                             static_cast<double>(heard.confidence));
    };
    if (words) {
        for (const auto& heard : utterance.words) add(words->text(heard), 14, heard);
    } else {
        for (const auto& heard : utterance.phones) add(speech::phone_name(heard.phone), 2, heard);
    }
    return table;
}

nlohmann::json to_json(const speech::Utterance& utterance, const std::optional<speech::HeardWords>& words) {
    auto phones = nlohmann::json::array();
    for (const auto& heard : utterance.phones) {
        phones.push_back(to_json("phone", speech::phone_name(heard.phone), heard));
    }
    nlohmann::json json{{"start_s", start_s(utterance)}, {"end_s", end_s(utterance)}, {"phones", phones}};
    if (!words) return json;
    json["words"] = nlohmann::json::array();
    for (const auto& heard : utterance.words) json["words"].push_back(to_json("word", words->text(heard), heard));
    return json;
}

std::string text_line(double start_s, double end_s, const WordsOfUtterance& words) {
    if (!words.failure.empty()) return fmt::format("{:8.2f} {:8.2f}  (no text: {})\n", start_s, end_s, words.failure);
    return fmt::format("{:8.2f} {:8.2f}  \"{}\"\n", start_s, end_s, words.text);
}

void add_text(nlohmann::json& utterance, const WordsOfUtterance& words) {
    if (words.failure.empty()) {
        utterance["text"] = words.text;
    } else {
        utterance["no_text"] = words.failure;
    }
}

}  // namespace sidetone::cli
