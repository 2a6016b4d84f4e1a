// SPDX-License-Identifier: Apache-2.0
#include "cli/second_pass.hpp"

#include <algorithm>
#include <array>
#include <numeric>
#include <utility>

#include "rt/clock.hpp"
#include "speech/reading.hpp"

namespace sidetone::cli {
namespace {

constexpr std::size_t kHandedOver = 8000;                           // samples at once
constexpr std::size_t kMostWaiting = std::size_t{5} * 60 * 16'000;  // samples: five minutes
/// Answers: two minutes. The newer half stays when they are too many, and a part is of a minute at most.
constexpr std::int64_t kMostKept = std::int64_t{120} * 50;

/// The network says blank where it is not sure. Before the text is at its end, a way that stays in the last phone of
/// which it was sure would often be better than one that goes on; so words are given the bonus for each phone that the
/// search for words has (speech/vocabulary.hpp).
constexpr float kBlankDiscount = 2.5F;

/// Before the text is at its end, going through some of it beside the text would often be the better bargain.
speech::AlignmentSettings settings_of_parts() {
    auto settings = speech::settings_of_readings();
    settings.prices.insert = speech::LatticePrices::kForbidden;
    return settings;
}

}  // namespace

SecondPass::SecondPass(speech::PhonemeRecognizer recognizer, const speech::Prompt& prompt,
                       const speech::PronunciationJudge& judge, std::int64_t live_first_sample)
    : recognizer_(std::move(recognizer)),
      prompt_(prompt),
      judge_(judge),
      live_first_sample_(live_first_sample),
      phones_({.beam = kBeam}),
      alignment_(prompt, settings_of_parts()) {
    answers_.reserve(static_cast<std::size_t>(kMostKept) * speech::kPhoneClassCount);
    heard_.reserve(kHandedOver);
    thread_ = std::thread{[this] { run(); }};
}

void SecondPass::hear(std::span<const float> samples) {
    heard_.insert(heard_.end(), samples.begin(), samples.end());
    if (heard_.size() >= kHandedOver) add(Task{});
}

void SecondPass::submit(speech::SpokenPart part) {
    add(Task{.part = std::move(part), .submitted_ns = rt::now_ns()});
}

void SecondPass::end() {
    add(Task{.is_last = true});
}

void SecondPass::add(Task task) {
    task.samples = std::exchange(heard_, {});
    heard_.reserve(kHandedOver);
    {
        const std::lock_guard lock{mutex_};
        is_behind_ = is_behind_ || samples_waiting_ + task.samples.size() > kMostWaiting;
        task.is_behind = is_behind_;
        if (is_behind_) task.samples.clear();
        samples_waiting_ += task.samples.size();
        tasks_.push_back(std::move(task));
    }
    changed_.notify_one();
}

std::optional<JudgedPart> SecondPass::take() {
    const std::lock_guard lock{mutex_};
    if (done_.empty()) return std::nullopt;
    auto part = std::move(done_.front());
    done_.pop_front();
    return part;
}

void SecondPass::finish() {
    {
        const std::lock_guard lock{mutex_};
        is_over_ = true;
    }
    changed_.notify_one();
    if (thread_.joinable()) thread_.join();
}

std::span<const float> SecondPass::answers() const noexcept {
    if (first_kept_ > 0 || is_behind_) return {};
    return answers_;
}

void SecondPass::run() {
    for (;;) {
        std::unique_lock lock{mutex_};
        changed_.wait(lock, [this] { return is_over_ || !tasks_.empty(); });
        if (tasks_.empty()) return;
        const auto task = std::move(tasks_.front());
        tasks_.pop_front();
        samples_waiting_ -= task.samples.size();
        lock.unlock();
        listen(task);
        if (!task.part) continue;
        auto part = judged(*task.part, task.is_behind);
        part.after_ms = static_cast<double>(rt::now_ns() - task.submitted_ns) / 1e6;
        lock.lock();
        done_.push_back(std::move(part));
    }
}

void SecondPass::listen(const Task& task) {
    const auto use = [this](const speech::PhonemeAnswer& answer) { keep(answer); };
    if (!task.samples.empty()) recognizer_.push(task.samples, use);
    if (task.is_last) recognizer_.finish(use);
}

// Both networks' answers are 20 ms apart, and this one's come later: its first ones are about nothing that the live one
// answers.
void SecondPass::keep(const speech::PhonemeAnswer& answer) {
    const auto frame = (answer.first_sample - live_first_sample_) / recognizer_.hop();
    if (answer.first_sample < live_first_sample_) return;
    if (frame - first_kept_ >= kMostKept) forget();
    answers_.insert(answers_.end(), answer.log_probabilities.begin(), answer.log_probabilities.end());
    answered_ = frame + 1;
}

// The older half.
void SecondPass::forget() {
    answers_.erase(answers_.begin(),
                   answers_.begin() + kMostKept / 2 * static_cast<std::int64_t>(speech::kPhoneClassCount));
    first_kept_ += kMostKept / 2;
}

JudgedPart SecondPass::judged(const speech::SpokenPart& part, bool is_behind) {
    JudgedPart judged{.begin_sample = part.begin_sample, .end_sample = part.end_sample};
    if (!is_behind) judged.phones = phones_of(part);
    judged.read = read_of(part);
    const auto first = prompt_.begin() + static_cast<std::ptrdiff_t>(judged.read.first_word);
    judged.words.assign(first, prompt_.begin() + static_cast<std::ptrdiff_t>(judged.read.end_word));
    if (judged.words.empty()) return judged;
    const auto streaming = speech::rows_of(part.answers, part.first_frame, judged.read.frames);
    const auto full = is_behind ? std::vector<float>{} : speech::rows_of(answers_, first_kept_, judged.read.frames);
    judged.by_both = !full.empty();
    judged.judgement = judge_.judge({streaming, full}, judged.words);
    return judged;
}

speech::ReadPart SecondPass::read_of(const speech::SpokenPart& part) {
    const auto before = alignment_.frames();
    std::array<float, speech::kPhoneClassCount> row{};
    for (std::size_t n = 0; n < part.voices.size(); ++n) {
        std::copy_n(part.answers.begin() + static_cast<std::ptrdiff_t>(n * row.size()), row.size(), row.begin());
        row[speech::kBlank] -= kBlankDiscount;
        alignment_.push(row, part.voices[n]);
    }
    auto read = speech::part_read(prompt_, alignment_.partial(), before, alignment_.frames());
    for (auto& frame : read.frames) frame += part.first_frame - before;
    return read;
}

std::vector<speech::HeardPhone> SecondPass::phones_of(const speech::SpokenPart& part) {
    phones_.reset();
    const auto frames = static_cast<std::int64_t>(part.answers.size() / speech::kPhoneClassCount);
    std::vector<std::int64_t> wanted(static_cast<std::size_t>(frames));
    std::iota(wanted.begin(), wanted.end(), part.first_frame);
    std::erase_if(wanted, [this](std::int64_t frame) { return frame < first_kept_ || frame >= answered_; });
    const auto rows = speech::rows_of(answers_, first_kept_, wanted);
    for (std::size_t n = 0; n < wanted.size(); ++n) {
        phones_.push(
            {.log_probabilities = std::span{rows}.subspan(n * speech::kPhoneClassCount, speech::kPhoneClassCount),
             .number = wanted[n],
             .first_sample = live_first_sample_ + wanted[n] * recognizer_.hop()});
    }
    std::vector<speech::HeardPhone> all(static_cast<std::size_t>(phones_.size()));
    all.resize(phones_.copy(0, all));
    return all;
}

}  // namespace sidetone::cli
