// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "speech/forced_alignment.hpp"
#include "speech/phoneme_recognizer.hpp"
#include "speech/prompt.hpp"

namespace sidetone::speech {

/// A phone of a prompt as it was read.
struct ReadPhone {
    Phone phone = kBlank;
    double start_s = 0, end_s = 0;
    double confidence = 0;  ///< the network's probability of the phone where it is largest, 0 to 1
};

/// A word of a prompt as it was read.
struct ReadWord {
    std::string text;
    std::vector<ReadPhone> phones;  ///< of the pronunciation that was heard; none where the word was left out
    double start_s = 0, end_s = 0;
    [[nodiscard]] bool is_left_out() const noexcept { return phones.empty(); }
};

/// What was said beside the prompt: words before the reader went back to them or beyond, or something else. Its frames
/// are [first, end), of the answers.
struct ReadBeside {
    std::vector<std::size_t> again;  ///< numbers of the words, in order; none where it was something else
    std::size_t before = 0;          ///< the word of the prompt that it came before
    std::int64_t first_frame = 0, end_frame = 0;
    double start_s = 0, end_s = 0;
};

/// What became of a prompt.
struct Reading {
    std::vector<ReadWord> words;     ///< as many as the prompt has; where one was said again the last time counts
    std::vector<ReadBeside> beside;  ///< in order
    bool is_whole = false;           ///< the prompt's end was reached: there was sound enough for all its phones
    double heard_share = 0;       ///< of the prompt's phones, those that the network takes for possible where they lie
    double mean_probability = 0;  ///< of the prompt's phones where each is largest (mean_probability_of)
};

/// Below this mean_probability_of its phones a prompt was not read, whatever the alignment made of it: times say
/// nothing then. By the streaming network, and by the second pass; each chosen on the speakers held out of training
/// (docs/speak.md).
inline constexpr double kLeastMeanProbability = 0.035;
inline constexpr double kLeastMeanProbabilityOfSecondPass = 0.025;

/// How a prompt is aligned that somebody reads aloud, who may say words twice, begin again, or say something else. The
/// prices of these were chosen on speakers held out of the network's training, and on recordings of others in which
/// words were doubled (docs/speak.md).
[[nodiscard]] AlignmentSettings settings_of_readings() noexcept;

/// Of aligned phones, those behind which nobody went back to their word or to one before it; nothing that is beside the
/// prompt counts.
[[nodiscard]] std::vector<bool> which_count(std::span<const AlignedPhone> aligned);

/// The geometric mean of the network's probabilities of `phones`, each where it is largest, and of `left_out` others,
/// which were not said and count as kLeftOutProbability. 0 where there are none. One bad phone among good ones says
/// little, and neither does one good among bad ones.
[[nodiscard]] double mean_probability_of(std::span<const AlignedPhone> phones, std::size_t left_out) noexcept;
inline constexpr double kLeftOutProbability = 0.001;

/// Borders of an alignment come so much later than those of the sound: the network says a phone once it has heard some
/// of it. Measured against flite's own borders, on 4533 phones of 242 sentences in four voices, where it leaves the
/// least 95th percentile of errors; an answer is 20 ms.
inline constexpr std::int64_t kBorderLatenessSamples = 384;

/// Where a pause follows, a phone seems to last so much longer: it dies away, and what is left of it still sounds like
/// it. Measured on 300 sentences of the same voices.
inline constexpr std::int64_t kFadingSamples = 720;

/// A phone was heard if the network's log-probability of it, where it is largest, is at least this; below, something
/// else was said there.
inline constexpr float kLeastHeardLogProbability = -3;

/// When the border lies that an alignment finds before answer `answer`, in a recording of `seconds`; the lateness is
/// taken off.
[[nodiscard]] double border_s(const PhonemeRecognizer& recognizer, std::int64_t answer, double seconds) noexcept;

/// The words of `prompt` where `alignment` found them, in the time of the answers that were pushed into it, the
/// recognizer's first one first. Times lie within the recording's `seconds`; the borders' lateness is taken off, and
/// the fading before pauses, up to what leaves a phone 10 ms.
[[nodiscard]] Reading reading_of(const Prompt& prompt, const FinishedAlignment& alignment,
                                 const PhonemeRecognizer& recognizer, double seconds);

}  // namespace sidetone::speech
