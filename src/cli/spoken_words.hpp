// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <thread>
#include <vector>

#include "speech/moonshine.hpp"

namespace sidetone::cli {

/// The words of an utterance that is over.
struct WordsOfUtterance {
    std::uint64_t utterance = 0;
    std::string text;
    std::string failure;  ///< why there is no text: one line, or empty
    double after_ms = 0;  ///< since it was handed over
};

/// What `model` says of samples at 16 kHz, or why it fails, whatever it throws; `utterance` and `after_ms` stay 0.
[[nodiscard]] WordsOfUtterance words_by(speech::Moonshine& model, std::span<const float> samples);

/// The thread that finds the words of utterances, one after the other, so that nobody who listens waits for it.
/// Any thread.
class SpokenWords {
public:
    explicit SpokenWords(speech::Moonshine model);
    ~SpokenWords() { finish(); }
    SpokenWords(const SpokenWords&) = delete;
    SpokenWords& operator=(const SpokenWords&) = delete;

    /// Samples at 16 kHz. Where many wait already, as on a machine that is too slow, this one gets a failure instead
    /// when its turn comes.
    void submit(std::uint64_t utterance, std::vector<float> samples);

    /// What is done, in the order it was submitted; never waits for what is not.
    [[nodiscard]] std::optional<WordsOfUtterance> take();

    /// Waits until all that was submitted is done. Nothing may be submitted afterwards. Harmless a second time.
    void finish();

private:
    struct Task {
        std::uint64_t utterance = 0;
        std::optional<std::vector<float>> samples;  ///< nothing: too many waited
        std::int64_t submitted_ns = 0;
    };

    void run();
    [[nodiscard]] WordsOfUtterance heard(const Task& task);

    speech::Moonshine model_;
    std::mutex mutex_;
    std::condition_variable changed_;
    std::deque<Task> tasks_;  // under the mutex, as are these
    std::deque<WordsOfUtterance> done_;
    std::size_t waiting_ = 0;  // tasks that have samples
    bool is_over_ = false;
    std::thread thread_;
};

}  // namespace sidetone::cli
