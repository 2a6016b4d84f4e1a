// SPDX-License-Identifier: Apache-2.0
#include "speech/heard_phones.hpp"

#include <algorithm>
#include <array>

namespace sidetone::speech {

HeardPhones::HeardPhones(const Settings& settings)
    : language_(settings.language),
      search_({.beam = settings.beam,
               .least_log_prob = settings.least_log_prob,
               .external = language_ ? language_->external() : ExternalScore{}}) {}

void HeardPhones::push(const PhonemeAnswer& answer) noexcept {
    if (search_.frames() == 0) first_answer_sample_ = answer.first_sample;
    if (search_.frames() == 1) hop_ = answer.first_sample - first_answer_sample_;
    search_.step(answer.log_probabilities.data());
}

void HeardPhones::reset() noexcept {
    search_.reset();
}

std::size_t HeardPhones::copy(std::uint64_t first, std::span<HeardPhone> out) const noexcept {
    std::array<CtcToken, 32> tokens{};
    first = std::max(first, search_.first_kept());
    const auto sample_of = [&](std::int64_t frame) {
        return std::max<std::int64_t>(0, first_answer_sample_ + frame * hop_);
    };
    std::size_t copied = 0;
    while (copied < out.size()) {
        const auto wanted = std::min(tokens.size(), out.size() - copied);
        const auto count = search_.copy(first + copied, std::span{tokens}.first(wanted));
        for (std::size_t i = 0; i < count; ++i) {
            out[copied + i] = {.phone = tokens[i].token,
                               .confidence = tokens[i].confidence,
                               .first_sample = sample_of(tokens[i].first_frame),
                               .end_sample = sample_of(tokens[i].last_frame + 1)};
        }
        copied += count;
        if (count < wanted) break;
    }
    return copied;
}

}  // namespace sidetone::speech
