// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <semaphore>
#include <span>
#include <vector>

#include "dsp/stream_resampler.hpp"
#include "engine/ledger.hpp"
#include "rt/arena.hpp"
#include "rt/single_writer_single_reader_ring.hpp"
#include "rt/thread.hpp"
#include "speech/forced_alignment.hpp"
#include "speech/heard_phones.hpp"
#include "speech/phoneme_recognizer.hpp"
#include "speech/reading.hpp"
#include "speech/voice_activity.hpp"
#include "stage/tap.hpp"

namespace sidetone::cli {

/// What the listener knows after a run of the network, for the screen.
struct HeardNow {
    static constexpr std::size_t kMostPhones = 32;

    std::array<speech::HeardPhone, kMostPhones> phones{};
    std::uint64_t first = 0;          ///< number of phones[0] since the beginning
    std::uint32_t count = 0;          ///< of phones
    std::uint64_t settled = 0;        ///< so many since the beginning will not change any more, or are not expected to
    std::int64_t sample_at_zero = 0;  ///< stamp clock when sample 0 was heard
    std::int64_t heard_ns = 0;        ///< stamp clock when the newest sound that this needed was heard
    std::int64_t decided_ns = 0;      ///< stamp clock when the decoder was done
    bool is_over = false;             ///< nothing more comes
};

/// The thread that listens: takes what passes a tap, and makes phones of it, and the prompt's alignment, while they are
/// spoken. Times of its parts go into a ledger: capture (from sound to this thread), preprocess (rate, voice),
/// features, inference, decode (beam search and alignment).
///
/// Control thread, but where it says otherwise.
class CoachListener {
public:
    struct Settings {
        std::size_t beam = 4;
        double pause_s = 0;  ///< `wants_to_end` after so long a pause behind speech; 0: never
    };

    CoachListener(speech::PhonemeRecognizer recognizer, const speech::Prompt& prompt, const Settings& settings,
                  engine::Ledger& ledger);
    ~CoachListener() { finish(); }
    CoachListener(const CoachListener&) = delete;
    CoachListener& operator=(const CoachListener&) = delete;

    /// Begins to take from `tap`, which must live until `finish`.
    void start(stage::Tap& tap);
    /// Nothing more passes the tap: hears the rest, and ends the thread. Harmless a second time.
    void finish();

    /// The screen's thread: waits until there is something, and takes it.
    [[nodiscard]] HeardNow next();

    /// Any thread: there was speech, and then the pause.
    [[nodiscard]] bool wants_to_end() const noexcept { return wants_to_end_.load(std::memory_order_relaxed); }

    /// After `finish`.
    [[nodiscard]] speech::Reading reading();
    [[nodiscard]] std::vector<speech::HeardPhone> phones() const;
    /// The network's answers, for who judges them: a row of kPhoneClassCount each. Empty after more than a minute.
    [[nodiscard]] std::span<const float> answers() const noexcept;
    /// When the sound of an answer begins; borders that alignments find there.
    [[nodiscard]] double border_s(std::int64_t answer) const noexcept;
    [[nodiscard]] bool has_voice() const noexcept { return has_voice_; }
    [[nodiscard]] double seconds() const noexcept;
    [[nodiscard]] const char* detector() const noexcept { return activity_.detector(); }

private:
    void run();
    void take(const stage::TapPiece& piece);
    void follow_card(const stage::TapPiece& piece);
    void hear(std::span<const float> samples);
    void hear_end();
    void answer(const speech::PhonemeAnswer& answer);
    void note_voice(const speech::VoiceEvent& event);
    [[nodiscard]] std::int64_t newest_needed_ns() const noexcept;
    void tell(bool is_over);

    speech::Prompt prompt_;
    speech::PhonemeRecognizer recognizer_;
    speech::HeardPhones phones_;
    speech::ForcedAlignment alignment_;
    speech::VoiceActivity activity_;
    Settings settings_;
    rt::Histogram &capture_, &preprocess_, &features_, &inference_, &decode_;

    stage::Tap* tap_ = nullptr;
    std::optional<dsp::StreamResampler> resampler_;
    std::uint32_t rate_hz_ = 0, preparation_ = 0;
    std::int64_t first_frame_ = 0, expected_frame_ = 0;  // of this preparation
    std::int64_t samples_before_ = 0;                    // at 16 kHz, before this preparation
    std::int64_t samples_ = 0;                           // at 16 kHz, heard so far
    std::int64_t sample_at_zero_ns_ = 0;
    std::int64_t newest_needed_ = 0;                                    // sample, by the latest answer
    std::int64_t taken_ns_ = 0;                                         // when the piece at hand was taken
    std::int64_t preprocess_ns_ = 0, features_ns_ = 0, decode_ns_ = 0;  // since the last run
    std::int64_t answers_ = 0;
    std::vector<float> kept_answers_;  // of the first minute
    bool has_voice_ = false;
    std::int64_t voice_ended_at_ = -1;  // sample

    rt::Arena arena_;
    rt::SingleWriterSingleReaderRing<HeardNow> ring_;
    std::counting_semaphore<> there_is_news_{0};
    std::atomic<bool> wants_to_end_{false}, is_over_{false};
    rt::RealtimeThread thread_;
};

}  // namespace sidetone::cli
