// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <vector>

#include "cli/phone_screen.hpp"
#include "cli/score_report.hpp"
#include "rt/histogram.hpp"
#include "speech/phoneme_recognizer.hpp"
#include "speech/second_pass.hpp"

namespace sidetone::cli {

/// Phones while they are spoken and, as soon as the second pass has judged an utterance, a line with its words' scores.
/// The screen's thread.
class CoachPage final : public Page {
public:
    /// Both must outlive the page. `live` is asked for times only.
    CoachPage(speech::SecondPass& second, const speech::PhonemeRecognizer& live, bool keeps_utterances)
        : second_(second), live_(live), keeps_utterances_(keeps_utterances) {}

    void show(const HeardNow& news) override;

    /// What the second pass has done since. After the screen's end also the control thread.
    void show_judged();

    /// After that, where they are kept, the first 10 000: `[{start_s, end_s, phones[{phone, start_s, confidence}],
    /// spoken, words[…], utterance, after_ms, by{phones, times, scores}}]`, words and utterance as `sidetone score` has
    /// them, where some of the text was read.
    [[nodiscard]] const nlohmann::json& utterances() const noexcept { return utterances_; }
    /// From the utterance's end to its judgement.
    [[nodiscard]] rt::Distribution judged_after_us() const { return judged_after_.distribution_us(); }

private:
    speech::SecondPass& second_;
    const speech::PhonemeRecognizer& live_;
    bool keeps_utterances_;
    PhoneLine line_;
    nlohmann::json utterances_ = nlohmann::json::array();
    rt::Histogram judged_after_;
};

/// Times of what was judged by `frames` alone, the live network's; a recording of `seconds`.
void set_times(ScoredRecording& scored, std::vector<std::int64_t> frames, const speech::PhonemeRecognizer& live,
               double seconds);

/// `[{phone, start_s, confidence}]`
[[nodiscard]] nlohmann::json phones_to_json(const std::vector<speech::HeardPhone>& phones);

}  // namespace sidetone::cli
