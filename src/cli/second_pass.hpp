// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <mutex>
#include <optional>
#include <span>
#include <thread>
#include <vector>

#include "speech/forced_alignment.hpp"
#include "speech/heard_phones.hpp"
#include "speech/phoneme_recognizer.hpp"
#include "speech/prompt.hpp"
#include "speech/pronunciation_judge.hpp"
#include "speech/read_part.hpp"
#include "speech/spoken_parts.hpp"

namespace sidetone::cli {

/// An utterance after the second pass.
struct JudgedPart {
    std::int64_t begin_sample = 0, end_sample = 0;
    std::vector<speech::HeardPhone> phones;  ///< by the network that hears what comes after a sound, with beam 16
    speech::ReadPart read;
    speech::Prompt words;                        ///< those of the prompt that were read in it
    std::optional<speech::Judgement> judgement;  ///< of these; nothing where there are none, or too little sound
    bool by_both = false;                        ///< both networks judged; else this machine is too slow for the second
    double after_ms = 0;                         ///< since it was handed over
};

/// The thread that hears once more what is over, by the network that also hears what comes after a sound, and judges
/// it. Nobody who listens or shows waits for it: sound and what was heard live are handed over as copies.
class SecondPass {
public:
    static constexpr std::size_t kBeam = 16;

    /// `prompt` and `judge` must outlive it. `live_first_sample`: where the live network's first answer begins.
    SecondPass(speech::PhonemeRecognizer recognizer, const speech::Prompt& prompt,
               const speech::PronunciationJudge& judge, std::int64_t live_first_sample);
    ~SecondPass() { finish(); }
    SecondPass(const SecondPass&) = delete;
    SecondPass& operator=(const SecondPass&) = delete;

    /// The listening thread: all that it hears, at 16 kHz.
    void hear(std::span<const float> samples);
    /// The listening thread: an utterance is over, and all of its sound has been heard.
    void submit(speech::SpokenPart part);
    /// The listening thread: nothing more comes. A part may be submitted still.
    void end();

    /// Any thread: what is done, in the order it was submitted; never waits for what is not.
    [[nodiscard]] std::optional<JudgedPart> take();

    /// Waits until all is done. Harmless a second time.
    void finish();
    /// After `finish`: the network's answers, row n about what the live network's answer n is about. Empty after more
    /// than two minutes, and where the machine was too slow.
    [[nodiscard]] std::span<const float> answers() const noexcept;

private:
    struct Task {
        std::vector<float> samples = {};
        std::optional<speech::SpokenPart> part = {};
        bool is_last = false;
        bool is_behind = false;  ///< sound was lost before it
        std::int64_t submitted_ns = 0;
    };

    void add(Task task);
    void run();
    void listen(const Task& task);
    void keep(const speech::PhonemeAnswer& answer);
    void forget();
    [[nodiscard]] JudgedPart judged(const speech::SpokenPart& part, bool is_behind);
    [[nodiscard]] std::vector<speech::HeardPhone> phones_of(const speech::SpokenPart& part);
    [[nodiscard]] speech::ReadPart read_of(const speech::SpokenPart& part);

    speech::PhonemeRecognizer recognizer_;
    const speech::Prompt& prompt_;
    const speech::PronunciationJudge& judge_;
    std::int64_t live_first_sample_;
    speech::HeardPhones phones_;
    speech::ForcedAlignment alignment_;  // through all utterances, without the pauses between
    std::vector<float> heard_;           // the listening thread's, not yet handed over
    std::vector<float> answers_;         // from answer `first_kept_` of the live network's on
    std::int64_t first_kept_ = 0;
    std::int64_t answered_ = 0;  // in all

    std::mutex mutex_;
    std::condition_variable changed_;
    std::deque<Task> tasks_;  // under the mutex, as are these
    std::deque<JudgedPart> done_;
    std::size_t samples_waiting_ = 0;
    bool is_behind_ = false;  // sound was lost: the second pass says nothing from then on
    bool is_over_ = false;
    std::thread thread_;
};

}  // namespace sidetone::cli
