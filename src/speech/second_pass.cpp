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

constexpr std::size_t kHandedOver = 8000;                                               // samples at once
constexpr std::size_t kMostWaiting = std::size_t{5} * 60 * PhonemeRecognizer::kRateHz;  // samples: five minutes
constexpr std::size_t kMostAtTheEnd =
    std::size_t{10} * PhonemeRecognizer::kRateHz;  // samples for which one waits at the end
/// Answers: two minutes. The oldest quarter goes when they are too many: a part is of a minute at most, and judged some
/// seconds later.
constexpr std::int64_t kMostKept = std::int64_t{120} * 50;

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

}  // namespace

SecondPass::SecondPass(PhonemeRecognizer recognizer, const Prompt& prompt, const PronunciationJudge& judge,
                       std::int64_t live_first_sample)
    : recognizer_(std::move(recognizer)),
      prompt_(prompt),
      judge_(judge),
      live_first_sample_(live_first_sample),
      phones_({.beam = kBeam}),
      alignment_(prompt, settings_of_parts()) {
    answers_.reserve(static_cast<std::size_t>(kMostKept) * kPhoneClassCount);
    heard_.reserve(kHandedOver);
    thread_ = std::thread{[this] { run(); }};
}

void SecondPass::hear(std::span<const float> samples) {
    heard_.insert(heard_.end(), samples.begin(), samples.end());
    if (heard_.size() >= kHandedOver) add(Task{});
}

void SecondPass::submit(SpokenPart part) {
    add(Task{.part = std::move(part), .submitted_ns = rt::now_ns()});
}

void SecondPass::end() {
    add(Task{.is_last = true});
}

void SecondPass::add(Task task) {
    task.samples = std::exchange(heard_, {});
    heard_.reserve(kHandedOver);
    std::list<Task> one;
    one.push_back(std::move(task));
    {
        const std::lock_guard lock{mutex_};
        is_behind_ = is_behind_ || samples_waiting_ + one.front().samples.size() > kMostWaiting;
        one.front().is_behind = is_behind_;
        if (is_behind_) one.front().samples.clear();
        samples_waiting_ += one.front().samples.size();
        tasks_.splice(tasks_.end(), one);
    }
    there_is_more_.release();
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
    for (auto& task : tasks_) {
        task.samples.clear();
        task.is_behind = true;
    }
}

std::span<const float> SecondPass::answers() const noexcept {
    if (first_kept_ > 0 || is_behind_) return {};
    return answers_;
}

void SecondPass::run() {
    rt::run_below_others();
    for (;;) {
        there_is_more_.acquire();
        std::list<Task> one;
        {
            const std::lock_guard lock{mutex_};
            if (is_left_ || (is_over_ && tasks_.empty())) break;
            one.splice(one.end(), tasks_, tasks_.begin());
            samples_waiting_ -= one.front().samples.size();
        }
        listen(one.front());
        wait_for(one.front());
        judge_waiting();
    }
    end_frame_ = std::numeric_limits<std::int64_t>::max();
    if (!is_left_) judge_waiting();
    has_ended_ = true;
}

void SecondPass::listen(const Task& task) {
    const auto use = [this](const PhonemeAnswer& answer) { keep(answer); };
    if (!task.samples.empty()) recognizer_.push(task.samples, use);
    if (task.is_last) recognizer_.finish(use);
    end_frame_ = std::max(end_frame_, answered_);
    if (task.is_last || task.is_behind) end_frame_ = std::numeric_limits<std::int64_t>::max();
}

// What this network needs of the future has not been heard when a part is handed over. The pause at its end is not
// waited for.
void SecondPass::wait_for(Task& task) {
    if (!task.part) return;
    Waiting waiting{.part = std::move(*task.part), .is_behind = task.is_behind, .submitted_ns = task.submitted_ns};
    const auto& voices = waiting.part.voices;
    const auto last = std::find_if(voices.rbegin(), voices.rend(), [](float voice) { return voice >= kVoice; });
    const auto frames = std::min<std::int64_t>(voices.rend() - last + kDyingAway, std::ssize(voices));
    waiting.end_frame = waiting.part.first_frame + frames;
    waiting_.push_back(std::move(waiting));
}

void SecondPass::judge_waiting() {
    for (; !waiting_.empty() && waiting_.front().end_frame <= end_frame_; waiting_.pop_front()) {
        const auto& waiting = waiting_.front();
        std::list<JudgedPart> one;
        one.push_back(judged(waiting.part, waiting.is_behind));
        one.front().after_ms = static_cast<double>(rt::now_ns() - waiting.submitted_ns) / 1e6;
        const std::lock_guard lock{mutex_};
        done_.splice(done_.end(), one);
    }
}

// Both networks' answers are 20 ms apart, and this one's come later: its first ones are about nothing that the live one
// answers.
void SecondPass::keep(const PhonemeAnswer& answer) {
    const auto frame = (answer.first_sample - live_first_sample_) / recognizer_.hop();
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
                      .first_sample = live_first_sample_ + wanted[n] * recognizer_.hop()});
    }
    std::vector<HeardPhone> all(static_cast<std::size_t>(phones_.size()));
    all.resize(phones_.copy(0, all));
    return all;
}

}  // namespace sidetone::speech
