// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <vector>

#include "rt/realtime.hpp"
#include "speech/ctc_beam_search.hpp"
#include "speech/phones.hpp"

namespace sidetone::speech {

/// Which phone is likely after which: an n-gram model that backs off, from a file in ARPA's form.
///
/// Built on the control thread; any threads may ask. A question takes as many steps as the model's order, at most.
class PhoneLanguageModel {
public:
    /// What it weighs beside the network, chosen on speakers held out of training (tools/train/phoneme_ctc).
    struct Settings {
        float weight = 0.6F;  ///< of its logarithms
        float bonus = 1.5F;   ///< natural logarithm for every phone, or short readings would win
    };

    /// Every phone must be listed by itself; other words than phones' names and <s> are passed over. Throws InputError
    /// that names file and line.
    PhoneLanguageModel(const std::filesystem::path& file, const Settings& settings);
    explicit PhoneLanguageModel(const std::filesystem::path& file) : PhoneLanguageModel(file, Settings{}) {}

    /// For the search, which asks this object: it must live as long. The state before an utterance is the start's.
    [[nodiscard]] ExternalScore external() const noexcept { return {&score, this, start_}; }

    /// Phones that count, the next one included.
    [[nodiscard]] std::size_t order() const noexcept { return order_; }

private:
    using State = std::uint32_t;  // a history: an index of contexts_; 0 is no history
    static constexpr std::size_t kMostBytes = std::size_t{64} << 20;

    struct Next {
        float score;  // weight · ln p + bonus
        State state;  // the longest history in the model that the phone ends
    };
    struct Context {
        std::uint64_t followers = 0;  // a bit for each phone in nexts_
        std::uint32_t first_next = 0;
        State shorter = 0;
        float back_off = 0;  // weight · ln
    };

    static float score(const void* model, std::uint32_t state, Phone token,
                       std::uint32_t& next) noexcept SIDETONE_REALTIME;

    std::vector<Context> contexts_;
    std::vector<Next> nexts_;
    State start_ = 0;
    std::size_t order_ = 0;
};

/// Sidetone's own. Throws InputError where it is not installed.
[[nodiscard]] std::filesystem::path default_phone_language_model_file();

}  // namespace sidetone::speech
