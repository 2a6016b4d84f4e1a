// SPDX-License-Identifier: Apache-2.0
#include "speech/second_pass.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <limits>
#include <mutex>
#include <numeric>
#include <utility>

#include "rt/clock.hpp"
#include "rt/thread.hpp"
#include "speech/reading.hpp"
#include "speech/vocabulary.hpp"
#include "speech/voice_activity.hpp"

namespace sidetone::speech {
namespace {

constexpr std::int64_t kAnswersOfSecond = 50;
constexpr std::size_t kSamplesOfPiece = PhonemeRecognizer::kRateHz;  // at most; half of them when there is rest
constexpr std::size_t kRowsOfPiece = 2 * kAnswersOfSecond, kNotesOfPiece = 64;
constexpr std::size_t kMostHeardAtOnce = 4096;  // samples
constexpr std::size_t kPieces = 8;  // half a second each: so long this thread may be away before more are allocated
constexpr std::size_t kMostWaiting = std::size_t{5} * 60 * PhonemeRecognizer::kRateHz;  // samples: five minutes
constexpr std::size_t kMostAtTheEnd = std::size_t{10} * PhonemeRecognizer::kRateHz;     // samples that one waits for
/// Answers: two minutes. The oldest quarter goes when they are too many: a part is of a minute at most, and judged some
/// seconds later.
constexpr std::int64_t kMostKept = 120 * kAnswersOfSecond;
constexpr std::int64_t kMostLiveKept = 60 * kAnswersOfSecond;
constexpr std::int64_t kNever = std::numeric_limits<std::int64_t>::max();

/// A voice is there where it is as probable as that, and dies away for 100 ms.
constexpr float kVoice = VoiceActivity::Settings{}.end_probability;
constexpr std::int64_t kDyingAway = 5;

/// The network says blank where it is not sure. Before the text is at its end, a way that stays in the last phone of
/// which it was sure would often be better than one that goes on; so words are given the bonus for each phone that the
/// search for words has.
constexpr float kBlankDiscount = Vocabulary::Weights{}.phone_bonus;

/// Before the text is at its end, going through some of it beside the text would often be the better bargain.
AlignmentSettings settings_of_parts() {
    auto settings = settings_of_readings();
    settings.prices.insert = LatticePrices::kForbidden;
    return settings;
}

std::span<const float> row_of(std::span<const float> rows, std::size_t number) {
    return rows.subspan(number * kPhoneClassCount, kPhoneClassCount);
}

}  // namespace

SecondPass::SecondPass(std::optional<PhonemeRecognizer> recognizer, const Prompt& prompt,
                       const PronunciationJudge& judge, std::int64_t live_first_sample)
    : recognizer_(std::move(recognizer)),
      prompt_(prompt),
      judge_(judge),
      live_first_sample_(live_first_sample),
      reading_(prompt, settings_of_readings()),
      phones_({.beam = kBeam}),
      alignment_(prompt, settings_of_parts()) {
    if (recognizer_) answers_.reserve(static_cast<std::size_t>(kMostKept) * kPhoneClassCount);
    live_answers_.reserve(static_cast<std::size_t>(kMostLiveKept) * kPhoneClassCount);
    filled_.push_back(make_piece());
    for (std::size_t n = 0; n < kPieces; ++n) empty_.push_back(make_piece());
    thread_ = std::thread{[this] { run(); }};
}

SecondPass::Piece SecondPass::make_piece() {
    Piece piece;
    const auto make_room = [](auto& values, std::size_t count) {
        values.resize(count);  // touches each page, or the listening thread would be the first to
        values.clear();
    };
    make_room(piece.samples, kSamplesOfPiece + kMostHeardAtOnce);
    make_room(piece.rows, kRowsOfPiece * kPhoneClassCount);
    make_room(piece.voices, kRowsOfPiece);
    make_room(piece.notes, kNotesOfPiece);
    return piece;
}

// Much may be heard without rest: silence in place of sound that was lost.
void SecondPass::hear(std::span<const float> samples) {
    if (!recognizer_) return;
    auto& heard = filled_.front().samples;
    heard.insert(heard.end(), samples.begin(), samples.end());
    if (heard.size() >= kSamplesOfPiece) hand_over();
}

void SecondPass::note(const VoiceEvent& event) {
    auto& piece = filled_.front();
    piece.notes.push_back({.event = event, .rows_before = piece.voices.size()});
    if (!event.begins) voice_ended_ = event.sample;
}

void SecondPass::answer(const PhonemeAnswer& answer, float voice) {
    auto& piece = filled_.front();
    piece.rows.insert(piece.rows.end(), answer.log_probabilities.begin(), answer.log_probabilities.end());
    piece.voices.push_back(voice);
    answered_to_ = answer.first_sample;
    if (piece.voices.size() >= kRowsOfPiece) hand_over();
}

// Nobody is to wait for the judgement of an utterance: behind a voice's end all goes over at once, until the first
// answer behind that end, with which the utterance is over.
void SecondPass::rest() {
    const auto& piece = filled_.front();
    const bool is_enough = piece.samples.size() >= kSamplesOfPiece / 2 || piece.voices.size() >= kRowsOfPiece / 2;
    if (is_enough || voice_ended_) hand_over();
    if (voice_ended_ && answered_to_ >= *voice_ended_) voice_ended_.reset();
}

void SecondPass::end() {
    filled_.front().is_last = true;
    hand_over();
}

void SecondPass::hand_over() {
    filled_.front().handed_over_ns = rt::now_ns();
    {
        const std::lock_guard lock{mutex_};
        auto& piece = filled_.front();
        is_behind_ = is_behind_ || samples_waiting_ + piece.samples.size() > kMostWaiting;
        piece.is_behind = is_behind_;
        if (is_behind_) piece.samples.clear();
        samples_waiting_ += piece.samples.size();
        pieces_.splice(pieces_.end(), filled_);
        if (!empty_.empty()) filled_.splice(filled_.end(), empty_, empty_.begin());
    }
    there_is_more_.release();
    if (filled_.empty()) filled_.push_back(make_piece());
}

std::optional<JudgedPart> SecondPass::take() {
    std::list<JudgedPart> one;
    {
        const std::lock_guard lock{mutex_};
        if (done_.empty()) return std::nullopt;
        one.splice(one.end(), done_, done_.begin());
    }
    return std::move(one.front());
}

SecondPass::~SecondPass() {
    is_left_ = true;
    is_over_ = true;
    there_is_more_.release();
    if (thread_.joinable()) thread_.join();
}

void SecondPass::finish(const std::function<bool()>& is_enough) {
    if (!thread_.joinable()) return;
    bool is_too_much = false;
    {
        const std::lock_guard lock{mutex_};
        is_too_much = samples_waiting_ > kMostAtTheEnd;
    }
    if (is_too_much) leave_waiting();
    is_over_ = true;
    there_is_more_.release();
    while (!has_ended_) {
        if (is_enough()) leave_waiting();
        std::this_thread::sleep_for(std::chrono::milliseconds{5});
    }
    thread_.join();
}

void SecondPass::leave_waiting() {
    const std::lock_guard lock{mutex_};
    if (samples_waiting_ == 0) return;
    is_behind_ = true;
    samples_waiting_ = 0;
    for (auto& piece : pieces_) {
        piece.samples.clear();
        piece.is_behind = true;
    }
}

std::span<const float> SecondPass::answers() const noexcept {
    if (first_kept_ > 0 || is_behind_) return {};
    return answers_;
}

std::span<const float> SecondPass::live_answers() const noexcept {
    if (live_answered_ > kMostLiveKept) return {};
    return live_answers_;
}

void SecondPass::run() {
    rt::run_below_others();
    for (;;) {
        there_is_more_.acquire();
        std::list<Piece> one;
        {
            const std::lock_guard lock{mutex_};
            if (is_left_ || (is_over_ && pieces_.empty())) break;
            one.splice(one.end(), pieces_, pieces_.begin());
            samples_waiting_ -= one.front().samples.size();
        }
        follow(one.front());
        if (recognizer_) {
            cut(one.front());
            listen(one.front());
            judge_waiting();
        }
        give_back(one);
    }
    end_frame_ = kNever;
    if (!is_left_) judge_waiting();
    has_ended_ = true;
}

void SecondPass::give_back(std::list<Piece>& one) {
    auto& piece = one.front();
    piece.samples.clear();
    piece.rows.clear();
    piece.voices.clear();
    piece.notes.clear();
    const std::lock_guard lock{mutex_};
    if (empty_.size() < kPieces) empty_.splice(empty_.end(), one);
}

// The reading as a whole, in what the live network heard.
void SecondPass::follow(const Piece& piece) {
    for (std::size_t n = 0; n < piece.voices.size(); ++n) {
        const auto row = row_of(piece.rows, n);
        reading_.push(row, piece.voices[n]);
        if (live_answered_++ < kMostLiveKept) live_answers_.insert(live_answers_.end(), row.begin(), row.end());
    }
}

// Its utterances, once they are over.
void SecondPass::cut(const Piece& piece) {
    const auto use = [&](SpokenPart part) { wait_for(std::move(part), piece); };
    auto number = live_answered_ - std::ssize(piece.voices);
    auto note = piece.notes.begin();
    for (std::size_t n = 0; n < piece.voices.size(); ++n, ++number) {
        for (; note != piece.notes.end() && note->rows_before == n; ++note) parts_.note(note->event);
        const PhonemeAnswer answer{.log_probabilities = row_of(piece.rows, n),
                                   .number = number,
                                   .first_sample = live_first_sample_ + number * recognizer_->hop()};
        parts_.push(answer, piece.voices[n], use);
    }
    for (; note != piece.notes.end(); ++note) parts_.note(note->event);
    if (piece.is_last) parts_.finish(use);
}

void SecondPass::listen(const Piece& piece) {
    const auto use = [this](const PhonemeAnswer& answer) { keep(answer); };
    if (!piece.samples.empty()) recognizer_->push(piece.samples, use);
    if (piece.is_last) recognizer_->finish(use);
    end_frame_ = std::max(end_frame_, answered_);
    if (piece.is_last || piece.is_behind) end_frame_ = kNever;
}

// What this network needs of the future has not been heard when a part is over. The pause at its end is not waited for.
void SecondPass::wait_for(SpokenPart part, const Piece& piece) {
    const auto last = std::find_if(part.voices.rbegin(), part.voices.rend(), [](float v) { return v >= kVoice; });
    const auto frames = std::min<std::int64_t>(part.voices.rend() - last + kDyingAway, std::ssize(part.voices));
    waiting_.push_back({.part = std::move(part), .is_behind = piece.is_behind, .handed_over_ns = piece.handed_over_ns});
    waiting_.back().end_frame = waiting_.back().part.first_frame + frames;
}

void SecondPass::judge_waiting() {
    for (; !waiting_.empty() && waiting_.front().end_frame <= end_frame_; waiting_.pop_front()) {
        const auto& waiting = waiting_.front();
        std::list<JudgedPart> one;
        one.push_back(judged(waiting.part, waiting.is_behind));
        one.front().after_ms = static_cast<double>(rt::now_ns() - waiting.handed_over_ns) / 1e6;
        const std::lock_guard lock{mutex_};
        done_.splice(done_.end(), one);
    }
}

// Both networks' answers are 20 ms apart, and this one's come later: its first ones are about nothing that the live one
// answers.
void SecondPass::keep(const PhonemeAnswer& answer) {
    const auto frame = (answer.first_sample - live_first_sample_) / recognizer_->hop();
    if (answer.first_sample < live_first_sample_) return;
    if (frame - first_kept_ >= kMostKept) forget();
    answers_.insert(answers_.end(), answer.log_probabilities.begin(), answer.log_probabilities.end());
    answered_ = frame + 1;
}

void SecondPass::forget() {
    answers_.erase(answers_.begin(), answers_.begin() + kMostKept / 4 * static_cast<std::int64_t>(kPhoneClassCount));
    first_kept_ += kMostKept / 4;
}

JudgedPart SecondPass::judged(const SpokenPart& part, bool is_behind) {
    JudgedPart judged{.begin_sample = part.begin_sample, .end_sample = part.end_sample};
    if (!is_behind) judged.phones = phones_of(part);
    judged.read = read_of(part);
    const auto first = prompt_.begin() + static_cast<std::ptrdiff_t>(judged.read.first_word);
    judged.words.assign(first, prompt_.begin() + static_cast<std::ptrdiff_t>(judged.read.end_word));
    if (judged.words.empty()) return judged;
    const auto streaming = rows_of(part.answers, part.first_frame, judged.read.frames);
    const auto full = is_behind ? std::vector<float>{} : rows_of(answers_, first_kept_, judged.read.frames);
    judged.by_both = !full.empty();
    judged.judgement = judge_.judge({streaming, full}, judged.words);
    return judged;
}

ReadPart SecondPass::read_of(const SpokenPart& part) {
    const auto before = alignment_.frames();
    std::array<float, kPhoneClassCount> row{};
    for (std::size_t n = 0; n < part.voices.size(); ++n) {
        std::copy_n(part.answers.begin() + static_cast<std::ptrdiff_t>(n * row.size()), row.size(), row.begin());
        row[kBlank] -= kBlankDiscount;
        alignment_.push(row, part.voices[n]);
    }
    auto read = part_read(prompt_, alignment_.partial(), before, alignment_.frames());
    for (auto& frame : read.frames) frame += part.first_frame - before;
    return read;
}

std::vector<HeardPhone> SecondPass::phones_of(const SpokenPart& part) {
    phones_.reset();
    const auto frames = static_cast<std::int64_t>(part.answers.size() / kPhoneClassCount);
    std::vector<std::int64_t> wanted(static_cast<std::size_t>(frames));
    std::iota(wanted.begin(), wanted.end(), part.first_frame);
    std::erase_if(wanted, [this](std::int64_t frame) { return frame < first_kept_ || frame >= answered_; });
    const auto rows = rows_of(answers_, first_kept_, wanted);
    for (std::size_t n = 0; n < wanted.size(); ++n) {
        phones_.push({.log_probabilities = std::span{rows}.subspan(n * kPhoneClassCount, kPhoneClassCount),
                      .number = wanted[n],
                      .first_sample = live_first_sample_ + wanted[n] * recognizer_->hop()});
    }
    std::vector<HeardPhone> all(static_cast<std::size_t>(phones_.size()));
    all.resize(phones_.copy(0, all));
    return all;
}

}  // namespace sidetone::speech
