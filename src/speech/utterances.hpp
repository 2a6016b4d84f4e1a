// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <limits>
#include <optional>
#include <utility>
#include <vector>

#include "speech/heard_phones.hpp"
#include "speech/heard_words.hpp"
#include "speech/phoneme_recognizer.hpp"
#include "speech/voice_activity.hpp"

namespace sidetone::speech {

/// What somebody said between two pauses; times are samples at 16 kHz since the stream's first.
struct Utterance {
    std::int64_t begin = 0, end = 0;
    std::vector<HeardPhone> phones;  ///< within it, in order
    std::vector<HeardWord> words;    ///< the same of words, where a vocabulary is given
};

/// Cuts what a phoneme network hears where voices begin and end. An utterance is handed out once the pause after it
/// has been long enough, and the network has said all about it. One that goes on for more than a thousand phones is
/// handed out in parts, so that an endless stream takes no more memory than a long sentence.
///
/// Of each stretch of sound voices must be noted before the network's answers come. Ordinary threads only, one at a
/// time.
class Utterances {
public:
    using Use = std::function<void(Utterance)>;

    /// With `words`, these are listened for too. Throws std::invalid_argument for settings out of range.
    explicit Utterances(const HeardPhones::Settings& settings, std::optional<HeardWords> words = {})
        : searches_{Search{HeardPhones{settings}, words}, Search{HeardPhones{settings}, std::move(words)}} {}

    void note(const VoiceEvent& event);
    /// An utterance that is over with this answer is only set aside, which takes no time; one that had been before is
    /// handed out.
    void take(const PhonemeAnswer& answer, const Use& use);
    /// What was set aside. To be called when there is time, before long.
    void hand_out(const Use& use);
    /// The stream is over: what is still going on ends. Then only `reset` may follow.
    void finish(const Use& use);
    void reset();

    /// Where the utterance begins that the latest answers are about; nothing between two of them.
    [[nodiscard]] std::optional<std::int64_t> begin() const noexcept;
    /// What was heard since the utterance before; what lies before `begin` is noise.
    [[nodiscard]] const HeardPhones& phones() const noexcept { return now().phones; }
    /// Whether words are listened for; any thread may ask for the text of what was heard.
    [[nodiscard]] const std::optional<HeardWords>& words() const noexcept { return searches_[0].words; }

private:
    static constexpr std::int64_t kOpen = std::numeric_limits<std::int64_t>::max();

    struct Search {
        HeardPhones phones;
        std::optional<HeardWords> words;
    };

    [[nodiscard]] Search& now() noexcept { return searches_[now_]; }
    [[nodiscard]] const Search& now() const noexcept { return searches_[now_]; }
    void set_front_aside(std::int64_t until, const Use& use);
    void forget();

    std::array<Search, 2> searches_;  // the one that listens, and the one that did up to the end of `over_`
    std::size_t now_ = 0;
    std::optional<Utterance> over_;  // without phones yet
    std::deque<Utterance> ahead_;    // without phones yet; the last may be open
    std::int64_t answered_ = 0;      // sample: where the latest answer's stretch begins
};

}  // namespace sidetone::speech
