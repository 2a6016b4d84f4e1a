// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "nn/manifest.hpp"
#include "rt/realtime.hpp"
#include "speech/phones.hpp"

namespace sidetone::speech {

/// What the network says about a stretch of sound: natural logarithms of the probabilities of all kPhoneClassCount
/// classes, and where the stretch begins.
struct PhonemeAnswer {
    std::span<const float> log_probabilities;  ///< good until the call that handed it out returns
    std::int64_t number = 0;                   ///< from 0 on
    /// In samples at 16 kHz since the first that was pushed. The first answers are about what was before it: negative.
    std::int64_t first_sample = 0;
};

/// Samples at 16 kHz in any chunks become a phoneme network's answers, one every 20 ms: log-mel features, then the
/// network of a model of the task "phonemes", which remembers what it heard. Answers are equal, bit by bit, however the
/// samples were chunked.
///
/// An answer comes `rows_per_run` features' time at most after the sound that it needs, and needs look_ahead_samples()
/// more than the stretch that it is about.
///
/// Built on the control thread; the rest one thread at a time. No heap after construction.
class PhonemeRecognizer {
public:
    struct Settings {
        /// Features of 10 ms for which the network waits before it runs, a multiple of 2, 64 at most.
        std::uint32_t rows_per_run = 8;
        std::string backend = "auto";
    };

    /// Throws InputError where the model is of another task or has other classes or another rate, and where weights or
    /// backend will not do; std::invalid_argument for settings out of range.
    PhonemeRecognizer(const nn::Manifest& model, const Settings& settings);
    explicit PhonemeRecognizer(const nn::Manifest& model) : PhonemeRecognizer(model, Settings{}) {}
    ~PhonemeRecognizer();
    PhonemeRecognizer(PhonemeRecognizer&&) noexcept;
    PhonemeRecognizer& operator=(PhonemeRecognizer&&) noexcept;

    static constexpr std::uint32_t kRateHz = 16'000;
    /// When `sample` is, in seconds since the first.
    [[nodiscard]] static constexpr double seconds_of(std::int64_t sample) noexcept {
        return static_cast<double>(sample) / kRateHz;
    }

    /// Calls use(const PhonemeAnswer&) for each answer that `samples` make possible, in order. What is not finite
    /// counts as silence.
    template <class Use>
    void push(std::span<const float> samples, Use&& use) noexcept(noexcept(use(PhonemeAnswer{}))) SIDETONE_REALTIME;

    /// The recording is over: the remaining answers, the last of them about its end. Then only `reset` may follow.
    template <class Use>
    void finish(Use&& use) noexcept(noexcept(use(PhonemeAnswer{}))) SIDETONE_REALTIME;

    /// As new.
    void reset() noexcept SIDETONE_REALTIME;

    /// Answers handed out so far.
    [[nodiscard]] std::int64_t answers() const noexcept;
    /// Samples from one answer to the next.
    [[nodiscard]] std::int64_t hop() const noexcept;
    /// Samples of the features of one run.
    [[nodiscard]] std::int64_t samples_per_run() const noexcept;
    /// An answer needs so many samples after the stretch that it is about.
    [[nodiscard]] std::int64_t look_ahead_samples() const noexcept;
    /// Where the stretch begins that answer `number` is about, in samples since the first.
    [[nodiscard]] std::int64_t first_sample(std::int64_t number) const noexcept SIDETONE_REALTIME;

    /// Time spent in the network so far, for ledgers.
    [[nodiscard]] std::int64_t network_ns() const noexcept;
    /// Runs in which the backend failed or made something that is not finite. Their answers are blanks, and the
    /// network's memory begins anew.
    [[nodiscard]] std::int64_t failed_runs() const noexcept;
    [[nodiscard]] const std::string& backend() const noexcept;

private:
    struct Parts;

    /// Takes samples off the front until a run has been made; false when they are used up without one.
    [[nodiscard]] bool advance(std::span<const float>& samples) noexcept SIDETONE_REALTIME;
    /// Runs on what is left, prolonged by its last row; false when there is nothing left to answer.
    [[nodiscard]] bool advance_to_end() noexcept SIDETONE_REALTIME;
    /// Answers of the run before that have not been handed out; empty when there is none.
    [[nodiscard]] PhonemeAnswer next() noexcept SIDETONE_REALTIME;

    std::unique_ptr<Parts> parts_;
};

// ── definitions ─────────────────────────────────────────────────────────────────────────────────

template <class Use>
void PhonemeRecognizer::push(std::span<const float> samples, Use&& use) noexcept(noexcept(use(PhonemeAnswer{}))) {
    while (advance(samples)) {
        for (auto answer = next(); !answer.log_probabilities.empty(); answer = next()) use(answer);
    }
}

template <class Use>
void PhonemeRecognizer::finish(Use&& use) noexcept(noexcept(use(PhonemeAnswer{}))) {
    while (advance_to_end()) {
        for (auto answer = next(); !answer.log_probabilities.empty(); answer = next()) use(answer);
    }
}

}  // namespace sidetone::speech
