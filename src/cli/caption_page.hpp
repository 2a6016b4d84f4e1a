// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <cstdio>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>

#include "cli/caption_follower.hpp"
#include "cli/phone_screen.hpp"
#include "cli/spoken_words.hpp"
#include "rt/histogram.hpp"

namespace sidetone::cli {

/// Captions: on a terminal the phones of who speaks on a line that is written again and again, and a line for each
/// utterance once it is over; and as lines of JSON, an object each:
///
///     {"event": "phones", "utterance": 0, "first": 0, "settled": 2, "phones": ["W", "AY", "SH"]}
///     {"event": "utterance", "utterance": 0, "start_s": 0.4, "end_s": 2.1, "phones": [{…}, …]}
///     {"event": "text", "utterance": 0, "start_s": 0.4, "end_s": 2.1, "text": "Why …", "after_ms": 130}
///
/// the first of them whenever the phones change: the latest 32 of the utterance, from number `first` on, of which so
/// many as are settled will stay.
class CaptionPage final : public Page {
public:
    struct Settings {
        std::string json_lines;         ///< a file for them; "-": standard output, and nothing else there
        bool keeps_utterances = false;  ///< for `utterances`
    };

    /// Both must outlive it; `texts` may be null. Throws InputError: the file cannot be written.
    CaptionPage(CaptionFollower& follower, SpokenWords* texts, const Settings& settings);

    void show(const HeardNow& news) override;

    /// The texts that have been found since; any thread, once nobody else shows anything.
    void show_texts();

    /// After all has been shown: closes the lines of JSON. Throws InputError naming the file: it could not be written,
    /// or not all of it.
    void finish();

    /// Standard output is for people.
    [[nodiscard]] bool has_text() const noexcept { return has_text_; }
    /// How long after the end of an utterance was heard its text was found, of those that have one.
    [[nodiscard]] rt::Distribution text_after_us() const { return text_after_.distribution_us(); }
    /// After the end: all of them, where they are kept.
    [[nodiscard]] const nlohmann::json& utterances() const noexcept { return utterances_; }

private:
    void show_end(std::uint64_t number);
    void show_part(const HeardNow& news);
    void show_text(const WordsOfUtterance& words);
    void write_line(const nlohmann::json& line);

    /// When an utterance was whose text is not known yet.
    struct Times {
        double start_s = 0, end_s = 0;
    };

    CaptionFollower& follower_;
    SpokenWords* texts_;
    std::map<std::uint64_t, Times> waiting_;  // by the utterance's number
    rt::Histogram text_after_;
    bool keeps_utterances_, has_text_, is_terminal_;
    std::string json_lines_name_;
    std::unique_ptr<std::FILE, int (*)(std::FILE*)> json_lines_;
    int write_error_ = 0;              // of the first line that could not be written
    std::uint64_t phones_before_ = 0;  // of utterances that are over
    std::uint64_t settled_ = 0;        // told in the latest line
    nlohmann::json phones_;            // told in the latest line
    nlohmann::json utterances_ = nlohmann::json::array();
};

}  // namespace sidetone::cli
