// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <list>
#include <optional>
#include <semaphore>
#include <span>
#include <thread>
#include <vector>

#include "rt/priority_inheriting_mutex.hpp"
#include "speech/forced_alignment.hpp"
#include "speech/heard_phones.hpp"
#include "speech/phoneme_recognizer.hpp"
#include "speech/prompt.hpp"
#include "speech/pronunciation_judge.hpp"
#include "speech/read_part.hpp"
#include "speech/spoken_parts.hpp"
#include "speech/voice_activity.hpp"

namespace sidetone::speech {

/// An utterance after the second pass.
struct JudgedPart {
    std::int64_t begin_sample = 0, end_sample = 0;
    std::vector<HeardPhone> phones;  ///< by the network that hears what comes after a sound, with beam 16
    ReadPart read;
    Prompt words;                        ///< those of the prompt that were read in it
    std::optional<Judgement> judgement;  ///< of these; nothing where there are none, or too little sound
    bool by_both = false;                ///< both networks judged; else this machine is too slow for the second
    double after_ms = 0;                 ///< since the last of what was heard live of it was handed over
};

/// The thread behind the one that listens to somebody who reads. It lays the text into what the live network heard;
/// and, given the network that also hears what comes after a sound, it hears once more what is over, and judges it.
/// Nobody who listens or shows waits for it: what was heard is handed over as copies, every second at least and
/// whenever an utterance is over.
class SecondPass {
public:
    static constexpr std::size_t kBeam = 16;

    /// Without `recognizer` nothing is heard again, and no utterance judged. `prompt` and `judge` must outlive it.
    /// `live_first_sample`: where the live network's first answer begins; the next ones follow 20 ms apart.
    SecondPass(std::optional<PhonemeRecognizer> recognizer, const Prompt& prompt, const PronunciationJudge& judge,
               std::int64_t live_first_sample);
    /// Leaves what waits.
    ~SecondPass();
    SecondPass(const SecondPass&) = delete;
    SecondPass& operator=(const SecondPass&) = delete;

    /// The listening thread: all that it hears, of each stretch of sound first the samples at 16 kHz, then whether a
    /// voice begins or ends, then the live network's answers, each with how probable a voice was. Nothing is allocated,
    /// but where this thread is seconds behind.
    void hear(std::span<const float> samples);
    void note(const VoiceEvent& event);
    void answer(const PhonemeAnswer& answer, float voice);
    /// The listening thread, whenever it has told what it heard: hands over what it has by now. Waking the other thread
    /// takes longer than anything above.
    void rest();
    /// The listening thread: nothing more comes.
    void end();

    /// Any thread: what is done, in the order in which it was said; never waits for what is not.
    [[nodiscard]] std::optional<JudgedPart> take();

    /// Control thread: waits until all is done. Of what is not heard yet it keeps ten seconds at most; and all of that
    /// is left once `is_enough` says so, which is asked again and again. Parts are judged all the same, by what was
    /// heard live. Harmless a second time.
    void finish(const std::function<bool()>& is_enough = [] { return false; });
    /// After `finish`: some of the sound was not heard again, since there was no time for it.
    [[nodiscard]] bool is_behind() const noexcept { return is_behind_; }
    /// After `finish`: the network's answers, row n about what the live network's answer n is about. Empty after more
    /// than two minutes, and where the machine was too slow.
    [[nodiscard]] std::span<const float> answers() const noexcept;
    /// After `finish`: the live network's, a row of kPhoneClassCount each. Empty after more than a minute.
    [[nodiscard]] std::span<const float> live_answers() const noexcept;
    /// After `finish`: how the text lies in all that was heard live; good until the next call.
    [[nodiscard]] FinishedAlignment alignment() noexcept { return reading_.finish(); }

private:
    /// What was heard in a stretch of time.
    struct Piece {
        struct Note {
            VoiceEvent event;
            std::size_t rows_before = 0;
        };
        std::vector<float> samples;
        std::vector<float> rows;    // the live network's answers
        std::vector<float> voices;  // of each of them
        std::vector<Note> notes;
        bool is_last = false;
        bool is_behind = false;  // sound was lost before it
        std::int64_t handed_over_ns = 0;
    };

    /// A part that is over, until the network has answered for its end.
    struct Waiting {
        SpokenPart part;
        std::int64_t end_frame = 0;  // of its voice
        bool is_behind = false;
        std::int64_t handed_over_ns = 0;
    };

    [[nodiscard]] static Piece make_piece();
    void hand_over();
    void leave_waiting();
    void run();
    void give_back(std::list<Piece>& one);
    void follow(const Piece& piece);
    void cut(const Piece& piece);
    void listen(const Piece& piece);
    void wait_for(SpokenPart part, const Piece& piece);
    void judge_waiting();
    void keep(const PhonemeAnswer& answer);
    void forget();
    [[nodiscard]] JudgedPart judged(const SpokenPart& part, bool is_behind);
    [[nodiscard]] std::vector<HeardPhone> phones_of(const SpokenPart& part);
    [[nodiscard]] ReadPart read_of(const SpokenPart& part);

    // The listening thread's.
    std::list<Piece> filled_;                  // one, not yet handed over
    std::optional<std::int64_t> voice_ended_;  // sample; until answers have come to it
    std::int64_t answered_to_ = 0;             // sample

    std::optional<PhonemeRecognizer> recognizer_;
    const Prompt& prompt_;
    const PronunciationJudge& judge_;
    std::int64_t live_first_sample_;
    std::int64_t live_answered_ = 0;
    std::vector<float> live_answers_;  // of the first minute
    ForcedAlignment reading_;          // of all that was heard live
    SpokenParts parts_;
    HeardPhones phones_;
    ForcedAlignment alignment_;   // through all utterances, without the pauses between
    std::vector<float> answers_;  // from answer `first_kept_` of the live network's on
    std::int64_t first_kept_ = 0;
    std::int64_t answered_ = 0;  // in all

    std::int64_t end_frame_ = 0;  // answered for, or never to be
    std::list<Waiting> waiting_;

    // Real-time threads take the mutex too: nothing is allocated or freed while it is held, only moved between lists.
    rt::PriorityInheritingMutex mutex_;
    std::list<Piece> pieces_;  // under the mutex, as are these
    std::list<Piece> empty_;   // to be filled again
    std::list<JudgedPart> done_;
    std::size_t samples_waiting_ = 0;
    bool is_behind_ = false;                      // sound was lost: the second pass says nothing from then on
    std::counting_semaphore<> there_is_more_{0};  // a piece, or that there will be none
    std::atomic<bool> is_over_{false}, is_left_{false}, has_ended_{false};
    std::thread thread_;
};

}  // namespace sidetone::speech
