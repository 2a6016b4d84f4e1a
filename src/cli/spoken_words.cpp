// SPDX-License-Identifier: Apache-2.0
#include "cli/spoken_words.hpp"

#include <exception>
#include <utility>

#include "rt/clock.hpp"

namespace sidetone::cli {
namespace {

constexpr std::size_t kMostWaiting = 32;

}  // namespace

WordsOfUtterance words_by(speech::Moonshine& model, std::span<const float> samples) {
    WordsOfUtterance words;
    try {
        words.text = model.text_of(samples);
    } catch (const std::exception& error) {
        words.failure = error.what();
    }
    return words;
}

SpokenWords::SpokenWords(speech::Moonshine model) : model_(std::move(model)), thread_([this] { run(); }) {}

void SpokenWords::submit(std::uint64_t utterance, std::vector<float> samples) {
    {
        const std::lock_guard lock{mutex_};
        Task task{.utterance = utterance, .samples = std::nullopt, .submitted_ns = rt::now_ns()};
        if (waiting_ < kMostWaiting) {
            task.samples = std::move(samples);
            ++waiting_;
        }
        tasks_.push_back(std::move(task));
    }
    changed_.notify_one();
}

std::optional<WordsOfUtterance> SpokenWords::take() {
    const std::lock_guard lock{mutex_};
    if (done_.empty()) return std::nullopt;
    auto words = std::move(done_.front());
    done_.pop_front();
    return words;
}

void SpokenWords::finish() {
    {
        const std::lock_guard lock{mutex_};
        is_over_ = true;
    }
    changed_.notify_one();
    if (thread_.joinable()) thread_.join();
}

void SpokenWords::run() {
    for (;;) {
        std::unique_lock lock{mutex_};
        changed_.wait(lock, [this] { return is_over_ || !tasks_.empty(); });
        if (tasks_.empty()) return;
        const auto task = std::move(tasks_.front());
        tasks_.pop_front();
        if (task.samples) --waiting_;
        lock.unlock();
        auto words = heard(task);
        lock.lock();
        done_.push_back(std::move(words));
    }
}

WordsOfUtterance SpokenWords::heard(const Task& task) {
    auto words = task.samples ? words_by(model_, *task.samples)
                              : WordsOfUtterance{.failure = "too much was waiting for its words"};
    words.utterance = task.utterance;
    words.after_ms = static_cast<double>(rt::now_ns() - task.submitted_ns) / 1e6;
    return words;
}

}  // namespace sidetone::cli
