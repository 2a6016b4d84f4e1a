// SPDX-License-Identifier: Apache-2.0
#include "cli/live_listener.hpp"

#include <algorithm>
#include <chrono>
#include <thread>
#include <utility>

#include "rt/clock.hpp"

namespace sidetone::cli {
namespace {

constexpr int kPriority = 40;  // below any card's and worker's

constexpr auto kNap = std::chrono::milliseconds{1};
constexpr std::int64_t kLeastWaitNs = 1'000'000;  // shorter blocks shall not cost a wake each
constexpr std::int64_t kMostWaitNs = 20'000'000;  // so long `finish` may have to wait
constexpr std::int64_t kCallbackNs = 200'000;     // a callback takes that long at most, as a rule
constexpr std::size_t kNews = 64;
constexpr std::int64_t kDoubt = 9600;  // samples; what is older stays in the best hypothesis but for rare cases
constexpr std::int64_t kMostLostFrames = 1 << 20;  // taken for silence, so that later times are right

// Budgets of each part, in microseconds.
constexpr double kCaptureUs = 20'000, kPreprocessUs = 15'000, kFeaturesUs = 12'000, kInferenceUs = 35'000,
                 kDecodeUs = 8'000;

std::int64_t span_ns(std::int64_t samples, std::int64_t rate_hz) {
    return samples * 1'000'000'000 / rate_hz;
}

}  // namespace

LiveListener::LiveListener(speech::PhonemeRecognizer recognizer, std::unique_ptr<speech::VoiceDetector> detector,
                           Follower& follower, engine::Ledger& ledger)
    : recognizer_(std::move(recognizer)),
      activity_(std::move(detector)),
      follower_(follower),
      capture_(ledger.line("capture", kCaptureUs)),
      preprocess_(ledger.line("preprocess", kPreprocessUs)),
      features_(ledger.line("features", kFeaturesUs)),
      inference_(ledger.line("inference", kInferenceUs)),
      decode_(ledger.line("decode", kDecodeUs)),
      arena_(kNews * sizeof(HeardNow) + rt::kCacheLine),
      ring_(arena_, kNews) {}

void LiveListener::start(stage::Tap& tap) {
    tap_ = &tap;
    thread_ = rt::RealtimeThread{{.name = "listener", .priority = kPriority}, [this] { run(); }};
}

void LiveListener::finish() {
    is_over_.store(true);
    if (thread_.joinable()) thread_.join();
}

HeardNow LiveListener::next() {
    HeardNow news;
    do {
        there_is_news_.acquire();
    } while (!ring_.try_pop(news));
    return news;
}

void LiveListener::run() {
    stage::TapPiece piece;
    for (;;) {
        const bool was_over = is_over_.load();
        if (tap_->try_take(piece)) {
            take(piece);
        } else if (was_over) {
            break;
        } else {
            wait_for_sound();
        }
    }
    hear_end();
}

// The audio thread wakes nobody. Sound is to be expected when the card comes again; only where it does not, one looks
// again and again.
void LiveListener::wait_for_sound() const {
    const auto ahead_ns = next_block_ns_ + kCallbackNs - rt::now_ns();
    rt::sleep_until_monotonic(rt::monotonic_ns() + std::clamp(ahead_ns, kLeastWaitNs, kMostWaitNs));
}

void LiveListener::take(const stage::TapPiece& piece) {
    taken_ns_ = rt::now_ns();
    next_block_ns_ = piece.next_block_ns;
    follow_card(piece);
    const auto network_before = recognizer_.network_ns();
    const auto answers_before = answers_;
    resampler_->push(std::span{piece.samples}.first(piece.frames), [this](std::span<const float> s) { hear(s); });
    preprocess_ns_ += rt::now_ns() - taken_ns_;  // all of it; `hear` takes off what is not
    if (answers_ == answers_before) return;
    const auto network_ns = recognizer_.network_ns() - network_before;
    capture_.record(taken_ns_ - newest_needed_ns());
    preprocess_.record(preprocess_ns_);
    features_.record(features_ns_ - network_ns - decode_ns_);
    inference_.record(network_ns);
    decode_.record(decode_ns_);
    preprocess_ns_ = features_ns_ = decode_ns_ = 0;
    tell(false);
}

// Another rate begins another resampler; what was lost is silence.
void LiveListener::follow_card(const stage::TapPiece& piece) {
    const auto use = [this](std::span<const float> samples) { hear(samples); };
    if (!resampler_ || piece.preparation != preparation_) {
        if (resampler_) resampler_->finish(use);
        if (!resampler_ || piece.rate_hz != rate_hz_) {
            resampler_.emplace(piece.rate_hz, speech::PhonemeRecognizer::kRateHz);
        } else {
            resampler_->reset();
        }
        rate_hz_ = piece.rate_hz;
        preparation_ = piece.preparation;
        expected_frame_ = first_frame_ = piece.first_frame;
        samples_before_ = samples_;
    }
    const std::array<float, stage::TapPiece::kMostFrames> silence{};
    for (auto lost = std::min(piece.first_frame - expected_frame_, kMostLostFrames); lost > 0;) {
        const auto count = std::min<std::int64_t>(lost, stage::TapPiece::kMostFrames);
        resampler_->push(std::span{silence}.first(static_cast<std::size_t>(count)), use);
        lost -= count;
    }
    expected_frame_ = piece.first_frame + piece.frames;
    // Where sample 0 of all would lie, had the clock of this piece run since then.
    const auto heard =
        samples_before_ + (expected_frame_ - first_frame_) * speech::PhonemeRecognizer::kRateHz / rate_hz_;
    sample_at_zero_ns_ = piece.due_ns - span_ns(heard, speech::PhonemeRecognizer::kRateHz);
}

void LiveListener::hear(std::span<const float> samples) {
    follower_.hear(samples);
    activity_.push(samples, [this](const speech::VoiceEvent& event) { follower_.note(event); });
    samples_ += static_cast<std::int64_t>(samples.size());
    const auto began_ns = rt::now_ns();
    recognizer_.push(samples, [this](const speech::PhonemeAnswer& a) { answer(a); });
    const auto spent_ns = rt::now_ns() - began_ns;
    features_ns_ += spent_ns;
    preprocess_ns_ -= spent_ns;
}

void LiveListener::hear_end() {
    const auto use = [this](std::span<const float> samples) { hear(samples); };
    if (resampler_) resampler_->finish(use);
    activity_.finish([this](const speech::VoiceEvent& event) { follower_.note(event); });
    recognizer_.finish([this](const speech::PhonemeAnswer& a) { answer(a); });
    follower_.end();
    tell(true);
}

void LiveListener::answer(const speech::PhonemeAnswer& answer) {
    const auto began_ns = rt::now_ns();
    const auto middle = answer.first_sample + recognizer_.hop() / 2;
    newest_needed_ = answer.first_sample + recognizer_.hop() + recognizer_.look_ahead_samples();
    ++answers_;
    follower_.answer(answer, activity_.probability_at(middle));
    decode_ns_ += rt::now_ns() - began_ns;
}

std::int64_t LiveListener::newest_needed_ns() const noexcept {
    return sample_at_zero_ns_ + span_ns(newest_needed_, speech::PhonemeRecognizer::kRateHz);
}

void LiveListener::tell(bool is_over) {
    const auto decided_ns = rt::now_ns();  // the follower has just taken the newest answers
    for (bool has_more = true; has_more;) {
        HeardNow news{.sample_at_zero = sample_at_zero_ns_, .heard_ns = newest_needed_ns(), .decided_ns = decided_ns};
        has_more = follower_.show(news);
        news.is_over = is_over && !has_more;
        for (; news.settled < news.first + news.count; ++news.settled) {
            const bool is_recent = news.settled >= news.first &&
                                   news.phones[news.settled - news.first].end_sample > newest_needed_ - kDoubt;
            if (is_recent) break;
        }
        send(news);
    }
    follower_.rest();
}

// The screen may be slow, but it is never to miss an end.
void LiveListener::send(const HeardNow& news) {
    while (!ring_.try_push(news)) {
        if (!news.is_over && !news.ends_utterance) return;
        std::this_thread::sleep_for(kNap);
    }
    there_is_news_.release();
}

double LiveListener::seconds() const noexcept {
    return static_cast<double>(samples_) / speech::PhonemeRecognizer::kRateHz;
}

}  // namespace sidetone::cli
