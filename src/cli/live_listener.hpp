// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <semaphore>
#include <span>

#include "cli/follower.hpp"
#include "dsp/stream_resampler.hpp"
#include "engine/ledger.hpp"
#include "rt/arena.hpp"
#include "rt/single_writer_single_reader_ring.hpp"
#include "rt/thread.hpp"
#include "speech/phoneme_recognizer.hpp"
#include "speech/voice_activity.hpp"
#include "stage/tap.hpp"

namespace sidetone::cli {

/// The thread that listens: takes what passes a tap, finds voices, runs the phoneme network, and hands all of that to a
/// follower while it is spoken. Times of its parts go into a ledger: capture (from sound to this thread), preprocess
/// (rate, voice), features, inference, decode (what the follower does with answers).
///
/// Control thread, but where it says otherwise.
class LiveListener {
public:
    /// `follower` and `ledger` must outlive it.
    LiveListener(speech::PhonemeRecognizer recognizer, std::unique_ptr<speech::VoiceDetector> detector,
                 Follower& follower, engine::Ledger& ledger);
    ~LiveListener() { finish(); }
    LiveListener(const LiveListener&) = delete;
    LiveListener& operator=(const LiveListener&) = delete;

    /// Begins to take from `tap`, which must live until `finish`.
    void start(stage::Tap& tap);
    /// Nothing more passes the tap: hears the rest, and ends the thread. Harmless a second time.
    void finish();

    /// The screen's thread: waits until there is something, and takes it.
    [[nodiscard]] HeardNow next();

    /// After `finish`.
    [[nodiscard]] double seconds() const noexcept;
    [[nodiscard]] const speech::PhonemeRecognizer& recognizer() const noexcept { return recognizer_; }
    [[nodiscard]] const char* detector() const noexcept { return activity_.detector(); }

private:
    void run();
    void wait_for_sound() const;
    void take(const stage::TapPiece& piece);
    void follow_card(const stage::TapPiece& piece);
    void hear(std::span<const float> samples);
    void hear_end();
    void answer(const speech::PhonemeAnswer& answer);
    [[nodiscard]] std::int64_t newest_needed_ns() const noexcept;
    void tell(bool is_over);
    void send(const HeardNow& news);

    speech::PhonemeRecognizer recognizer_;
    speech::VoiceActivity activity_;
    Follower& follower_;
    rt::Histogram &capture_, &preprocess_, &features_, &inference_, &decode_;

    stage::Tap* tap_ = nullptr;
    std::optional<dsp::StreamResampler> resampler_;
    std::uint32_t rate_hz_ = 0, preparation_ = 0;
    std::int64_t first_frame_ = 0, expected_frame_ = 0;  // of this preparation
    std::int64_t samples_before_ = 0;                    // at 16 kHz, before this preparation
    std::int64_t samples_ = 0;                           // at 16 kHz, heard so far
    std::int64_t sample_at_zero_ns_ = 0;
    std::int64_t newest_needed_ = 0;                                    // sample, by the latest answer
    std::int64_t next_block_ns_ = 0;                                    // stamp clock: when the card is to come again
    std::int64_t taken_ns_ = 0;                                         // when the piece at hand was taken
    std::int64_t preprocess_ns_ = 0, features_ns_ = 0, decode_ns_ = 0;  // since the last run
    std::int64_t answers_ = 0;

    rt::Arena arena_;
    rt::SingleWriterSingleReaderRing<HeardNow> ring_;
    std::counting_semaphore<> there_is_news_{0};
    std::atomic<bool> is_over_{false};
    rt::RealtimeThread thread_;
};

}  // namespace sidetone::cli
