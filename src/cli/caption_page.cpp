// SPDX-License-Identifier: Apache-2.0
#include "cli/caption_page.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <system_error>

#include "cli/terminal.hpp"
#include "cli/utterance_report.hpp"
#include "rt/error.hpp"

namespace sidetone::cli {
namespace {

constexpr auto kToStandardOutput = "-";

std::FILE* opened(const std::string& file) {
    if (file.empty()) return nullptr;
    if (file == kToStandardOutput) return stdout;
    auto* stream = std::fopen(file.c_str(), "we");
    if (stream == nullptr) {
        throw InputError{fmt::format("{}: cannot be written: {}", file, std::generic_category().message(errno))};
    }
    return stream;
}

int close_unless_shared(std::FILE* stream) {
    return stream == stdout ? 0 : std::fclose(stream);
}

}  // namespace

CaptionPage::CaptionPage(CaptionFollower& follower, SpokenWords* texts, const Settings& settings)
    : follower_(follower),
      texts_(texts),
      keeps_utterances_(settings.keeps_utterances),
      has_text_(settings.json_lines != kToStandardOutput),
      is_terminal_(has_text_ && isatty(STDOUT_FILENO) != 0),
      json_lines_name_(has_text_ ? settings.json_lines : "standard output"),
      json_lines_(opened(settings.json_lines), close_unless_shared) {}

void CaptionPage::show(const HeardNow& news) {
    show_texts();
    if (news.ends_utterance) {
        show_end(news.utterance);
    } else {
        show_part(news);
    }
    if (has_text_) std::fflush(stdout);
}

void CaptionPage::show_texts() {
    if (texts_ == nullptr) return;
    // In the order of the utterances; one that is found before its utterance is shown waits for that.
    while (!waiting_.empty()) {
        const auto words = texts_->take();
        if (!words) return;
        show_text(*words);
    }
}

void CaptionPage::show_text(const WordsOfUtterance& words) {
    const auto known = waiting_.extract(words.utterance);
    if (known.empty()) return;
    const auto times = known.mapped();
    if (words.failure.empty()) text_after_.record(static_cast<std::int64_t>(words.after_ms * 1e6));
    if (has_text_) {
        std::fputs(((is_terminal_ ? kClearLine : "") + text_line(times.start_s, times.end_s, words)).c_str(), stdout);
    }
    if (words.utterance < utterances_.size()) add_text(utterances_[words.utterance], words);
    nlohmann::json json{{"event", "text"},
                        {"utterance", words.utterance},
                        {"start_s", times.start_s},
                        {"end_s", times.end_s},
                        {"after_ms", words.after_ms}};
    add_text(json, words);
    write_line(json);
}

void CaptionPage::show_end(std::uint64_t number) {
    const auto utterance = follower_.take_finished();
    if (!utterance) return;
    if (texts_ != nullptr) waiting_[number] = {.start_s = start_s(*utterance), .end_s = end_s(*utterance)};
    if (has_text_)
        std::fputs(((is_terminal_ ? kClearLine : "") + line_of(*utterance, follower_.words())).c_str(), stdout);
    settled_ = 0;
    phones_ = nullptr;
    phones_before_ += utterance->phones.size();
    if (!json_lines_ && !keeps_utterances_) return;
    auto json = to_json(*utterance, follower_.words());
    if (keeps_utterances_) utterances_.push_back(json);
    json["event"] = "utterance";
    json["utterance"] = number;
    write_line(json);
}

void CaptionPage::show_part(const HeardNow& news) {
    if (is_terminal_) {
        std::fputs(fmt::format("{}{}", kClearLine, news.is_over ? "" : phones_line(news, true)).c_str(), stdout);
    }
    if (!json_lines_ || news.count == 0) return;
    auto phones = nlohmann::json::array();
    for (std::uint32_t i = 0; i < news.count; ++i) phones.push_back(speech::phone_name(news.phones[i].phone));
    const auto settled = std::min<std::uint64_t>(std::max(news.settled, news.first) - news.first, news.count);
    if (phones == phones_ && settled == settled_) return;
    phones_ = std::move(phones);
    settled_ = settled;
    write_line({{"event", "phones"},
                {"utterance", news.utterance},
                {"first", news.first - phones_before_},
                {"settled", settled_},
                {"phones", phones_}});
}

void CaptionPage::write_line(const nlohmann::json& line) {
    if (!json_lines_) return;
    // A word of a lexicon or a hot word may be no UTF-8.
    const auto text = line.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace) + "\n";
    const bool is_written = std::fputs(text.c_str(), json_lines_.get()) >= 0 && std::fflush(json_lines_.get()) == 0;
    if (!is_written && write_error_ == 0) write_error_ = errno;
}

void CaptionPage::finish() {
    if (!json_lines_) return;
    const bool is_closed = close_unless_shared(json_lines_.release()) == 0;
    if (!is_closed && write_error_ == 0) write_error_ = errno;
    if (write_error_ == 0) return;
    throw InputError{
        fmt::format("{}: cannot be written: {}", json_lines_name_, std::generic_category().message(write_error_))};
}

}  // namespace sidetone::cli
