// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

#include "rt/realtime.hpp"
#include "speech/ctc_beam_search.hpp"
#include "speech/heard_times.hpp"
#include "speech/phone_language_model.hpp"
#include "speech/phoneme_recognizer.hpp"

namespace sidetone::speech {

/// A phone that was heard, and where the network was sure of it: its peak, which is shorter than the phone.
struct HeardPhone {
    Phone phone = kBlank;
    float confidence = 0;                           ///< the network's largest probability, 0 to 1
    std::int64_t first_sample = 0, end_sample = 0;  ///< [first, end) at 16 kHz, since the stream's first sample
};

/// A recognizer's answers become phones, by prefix beam search, while they come.
///
/// Built on the control thread; the rest one thread at a time. No heap after construction.
class HeardPhones {
public:
    struct Settings {
        std::size_t beam = 4;          ///< hypotheses kept, 1 to 128
        float least_log_prob = -6.9F;  ///< phones less probable than this are not begun: one in a thousand
        /// Which phones follow which, where what should be said helps to hear it; none: the sound alone decides.
        std::shared_ptr<const PhoneLanguageModel> language;
    };

    /// Throws std::invalid_argument for settings out of range.
    explicit HeardPhones(const Settings& settings);

    void push(const PhonemeAnswer& answer) noexcept SIDETONE_REALTIME;
    /// Forgets what was heard; the next answer may have any number.
    void reset() noexcept SIDETONE_REALTIME;

    /// Phones in the best hypothesis, from the first one on.
    [[nodiscard]] std::uint64_t size() const noexcept { return search_.length(); }
    /// So many of the first ones will not change any more.
    [[nodiscard]] std::uint64_t settled() const noexcept { return search_.stable_length(); }
    /// Copies phones number `first`, first + 1, … until there are no more or `out` is full; returns how many. Phones
    /// can be had until some thousand more have settled.
    std::size_t copy(std::uint64_t first, std::span<HeardPhone> out) const noexcept SIDETONE_REALTIME;

private:
    std::shared_ptr<const PhoneLanguageModel> language_;  // what the search asks
    CtcBeamSearch search_;
    FrameTimes times_;
};

}  // namespace sidetone::speech
