// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <cstdio>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>

#include "cli/caption_follower.hpp"
#include "cli/phone_screen.hpp"

namespace sidetone::cli {

/// Captions: on a terminal the phones of who speaks on a line that is written again and again, and a line for each
/// utterance once it is over; and as lines of JSON, an object each:
///
///     {"event": "phones", "utterance": 0, "first": 0, "settled": 2, "phones": ["W", "AY", "SH"]}
///     {"event": "utterance", "utterance": 0, "start_s": 0.4, "end_s": 2.1, "phones": [{…}, …]}
///
/// the first of them whenever the phones change: the latest 32 of the utterance, from number `first` on, of which so
/// many as are settled will stay.
class CaptionPage final : public Page {
public:
    struct Settings {
        std::string json_lines;         ///< a file for them; "-": standard output, and nothing else there
        bool keeps_utterances = false;  ///< for `utterances`
    };

    /// `follower` must outlive it. Throws InputError: the file cannot be written.
    CaptionPage(CaptionFollower& follower, const Settings& settings);

    void show(const HeardNow& news) override;

    /// Standard output is for people.
    [[nodiscard]] bool has_text() const noexcept { return has_text_; }
    /// After the end: all of them, where they are kept.
    [[nodiscard]] const nlohmann::json& utterances() const noexcept { return utterances_; }

private:
    void show_end(std::uint64_t number);
    void show_part(const HeardNow& news);
    void write_line(const nlohmann::json& line);

    CaptionFollower& follower_;
    bool keeps_utterances_, has_text_, is_terminal_;
    std::unique_ptr<std::FILE, int (*)(std::FILE*)> json_lines_;
    std::uint64_t phones_before_ = 0;  // of utterances that are over
    std::uint64_t settled_ = 0;        // told in the latest line
    nlohmann::json phones_;            // told in the latest line
    nlohmann::json utterances_ = nlohmann::json::array();
};

}  // namespace sidetone::cli
