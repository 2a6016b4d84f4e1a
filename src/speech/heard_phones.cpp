// SPDX-License-Identifier: Apache-2.0
#include "speech/heard_phones.hpp"

#include <algorithm>

namespace sidetone::speech {

HeardPhones::HeardPhones(const Settings& settings)
    : language_(settings.language),
      search_({.beam = settings.beam,
               .least_log_prob = settings.least_log_prob,
               .external = language_ ? language_->external() : ExternalScore{}}) {}

void HeardPhones::push(const PhonemeAnswer& answer) noexcept {
    times_.note(answer, search_.frames());
    search_.step(answer.log_probabilities.data());
}

void HeardPhones::reset() noexcept {
    search_.reset();
}

std::size_t HeardPhones::copy(std::uint64_t first, std::span<HeardPhone> out) const noexcept {
    return copy_heard<CtcToken>(
        std::max(first, search_.first_kept()), out,
        [&](std::uint64_t number, std::span<CtcToken> tokens) { return search_.copy(number, tokens); },
        [&](const CtcToken& found) {
            return HeardPhone{.phone = found.token,
                              .confidence = found.confidence,
                              .first_sample = times_.sample_of(found.first_frame),
                              .end_sample = times_.sample_of(found.last_frame + 1)};
        });
}

}  // namespace sidetone::speech
