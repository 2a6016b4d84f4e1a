// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include "speech/heard_phones.hpp"
#include "speech/phoneme_recognizer.hpp"
#include "speech/voice_activity.hpp"

namespace sidetone::cli {

/// What is known after a run of the network, for the screen.
struct HeardNow {
    static constexpr std::size_t kMostPhones = 32;

    std::array<speech::HeardPhone, kMostPhones> phones{};
    std::uint64_t first = 0;          ///< number of phones[0] since the beginning
    std::uint32_t count = 0;          ///< of phones
    std::uint64_t settled = 0;        ///< so many since the beginning will not change any more, or are not expected to
    std::int64_t sample_at_zero = 0;  ///< stamp clock when sample 0 was heard
    std::int64_t heard_ns = 0;        ///< stamp clock when the newest sound that this needed was heard
    std::int64_t decided_ns = 0;      ///< stamp clock when the decoder was done
    std::uint64_t utterance = 0;      ///< number of the one that the phones belong to
    bool ends_utterance = false;      ///< nothing more comes of it: these are its last phones
    bool is_over = false;             ///< nothing more comes
};

/// Makes something of what a LiveListener hears, on its thread: of each stretch of sound first the samples, then
/// whether a voice begins or ends, then the network's answers. Not while the listening thread runs: whatever the
/// follower's own class offers.
class Follower {
public:
    virtual ~Follower() = default;

    /// Samples at 16 kHz.
    virtual void hear(std::span<const float> samples) = 0;
    virtual void note(const speech::VoiceEvent& event) = 0;
    /// `voice`: how probable a voice was in the middle of the stretch that the answer is about.
    virtual void answer(const speech::PhonemeAnswer& answer, float voice) = 0;
    /// The stream is over.
    virtual void end() = 0;

    /// What is to be shown: `phones`, `first`, `count`, as far as the search is sure `settled`, and where there are
    /// utterances, which. True when there is more to show right away.
    [[nodiscard]] virtual bool show(HeardNow& news) = 0;
    /// All of that is on its way to the screen: what takes longer and can wait may be done now.
    virtual void rest() {}
};

}  // namespace sidetone::cli
