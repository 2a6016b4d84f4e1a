// SPDX-License-Identifier: Apache-2.0
#include "cli/reading_report.hpp"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

namespace sidetone::cli {
namespace {

nlohmann::json to_json(const speech::ReadWord& word) {
    if (word.is_left_out()) return {{"word", word.text}, {"left_out", true}};
    auto phones = nlohmann::json::array();
    for (const auto& phone : word.phones) {
        phones.push_back({{"phone", speech::phone_name(phone.phone)},
                          {"start_s", phone.start_s},
                          {"end_s", phone.end_s},
                          {"confidence", phone.confidence}});
    }
    return {
        {"word", word.text}, {"left_out", false}, {"start_s", word.start_s}, {"end_s", word.end_s}, {"phones", phones}};
}

nlohmann::json to_json(const speech::ReadBeside& beside, const speech::Reading& reading) {
    auto words = nlohmann::json::array();
    for (const auto number : beside.again) words.push_back(reading.words[number].text);
    return {{"words", words}, {"before", beside.before}, {"start_s", beside.start_s}, {"end_s", beside.end_s}};
}

std::string to_text(const speech::ReadBeside& beside, const speech::Reading& reading) {
    std::string words;
    for (const auto number : beside.again) words += (words.empty() ? "" : " ") + reading.words[number].text;
    return fmt::format("{:8.2f} {:8.2f}  {}\n", beside.start_s, beside.end_s,
                       words.empty() ? "(something else)" : words + " (then begun again)");
}

}  // namespace

std::string objection_to(const speech::Reading& reading, bool has_voice, double least_probability) {
    if (!has_voice) return "no voice in it";
    if (!reading.is_whole) return "too short for the text";
    return objection_to(reading.mean_probability, least_probability);
}

std::string objection_to(double mean_probability, double least_probability) {
    if (mean_probability >= least_probability) return {};
    return fmt::format(
        "the text does not seem to be spoken there: its phones have a probability of {:.1f} % (geometric mean), less "
        "than {:.1f} %",
        100 * mean_probability, 100 * least_probability);
}

std::string to_text(const speech::Reading& reading) {
    std::string text;
    auto beside = reading.beside.begin();
    for (std::size_t number = 0; number < reading.words.size(); ++number) {
        const auto& word = reading.words[number];
        for (; beside != reading.beside.end() && beside->before <= number; ++beside) text += to_text(*beside, reading);
        if (word.is_left_out()) {
            text += fmt::format("{:>17}  {} (left out)\n", "-", word.text);
            continue;
        }
        text += fmt::format("{:8.2f} {:8.2f}  {:<14}", word.start_s, word.end_s, word.text);
        for (const auto& phone : word.phones) {
            text += fmt::format(" {} {:.2f} ({:.0f} %)", speech::phone_name(phone.phone), phone.start_s,
                                100 * phone.confidence);
        }
        text += '\n';
    }
    for (; beside != reading.beside.end(); ++beside) text += to_text(*beside, reading);
    return text;
}

std::string beside_to_text(const speech::Reading& reading) {
    std::string text;
    for (const auto& beside : reading.beside) text += to_text(beside, reading);
    return text.empty() ? text : "beside the text:\n" + text;
}

nlohmann::json to_json(const speech::Reading& reading, const std::string& objection) {
    nlohmann::json json{{"spoken", objection.empty()},
                        {"heard_share", reading.heard_share},
                        {"mean_probability", reading.mean_probability}};
    auto words = nlohmann::json::array();
    auto beside = nlohmann::json::array();
    if (objection.empty()) {
        for (const auto& word : reading.words) words.push_back(to_json(word));
        for (const auto& one : reading.beside) beside.push_back(to_json(one, reading));
    } else {
        json["reason"] = objection;
    }
    json["words"] = words;
    json["beside"] = beside;
    return json;
}

}  // namespace sidetone::cli
