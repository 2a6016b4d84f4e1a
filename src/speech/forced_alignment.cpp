// SPDX-License-Identifier: Apache-2.0
#include "speech/forced_alignment.hpp"

#include <algorithm>
#include <cassert>
#include <cmath>

namespace sidetone::speech {
namespace {

constexpr float kImpossible = -1e30F;
constexpr float kLeastLogProbability = -100;
/// Any phone will do for what is beside the prompt; without a price it would take the place of each word said badly.
constexpr float kPriceOfFrameBeside = -0.25F;
constexpr std::size_t kClasses = kPhoneClassCount;

}  // namespace

ForcedAlignment::ForcedAlignment(const Prompt& prompt, const AlignmentSettings& settings)
    : lattice_(prompt, settings.prices),
      settings_(settings),
      window_(2 * static_cast<std::size_t>(std::max(settings.lag_frames, 1))),
      prices_(2 * kClasses),
      scores_(lattice_.states().size(), kImpossible),
      scores_before_(scores_),
      origins_(lattice_.states().size()),
      origins_before_(origins_),
      back_(window_ * lattice_.states().size()),
      log_probabilities_(window_ * kClasses),
      path_(window_) {
    // Settled ones, of which some are forgotten when there are more than states, and one for each frame that is not.
    phones_.reserve(lattice_.states().size() + 2 * window_);
    phones_said_.reserve(phones_.capacity());
}

void ForcedAlignment::reset() noexcept {
    std::ranges::fill(scores_, kImpossible);
    phones_.clear();
    phones_said_.clear();
    settled_ = 0;
    frames_ = checkpoint_ = settled_frames_ = 0;
    settled_price_ = 0;
}

void ForcedAlignment::push(std::span<const float> log_probabilities, float speech) noexcept {
    assert(log_probabilities.size() == kClasses);
    price_frame(log_probabilities, speech);
    if (frames_ == 0) {
        begin();
    } else {
        step();
    }
    ++frames_;
    if (frames_ - checkpoint_ == static_cast<std::int64_t>(window_ / 2)) settle();
}

void ForcedAlignment::price_frame(std::span<const float> log_probabilities, float speech) noexcept {
    speech = speech >= 0 && speech <= 1 ? speech : 0.5F;
    auto* kept = &log_probabilities_[static_cast<std::size_t>(frames_) % window_ * kClasses];
    for (std::size_t index = 0; index < kClasses; ++index) {
        const float value = log_probabilities[index];
        kept[index] = std::isfinite(value) ? std::clamp(value, kLeastLogProbability, 0.0F) : kLeastLogProbability;
    }
    const float blank = settings_.blank_share * std::exp(kept[kBlank]);
    for (std::size_t index = 1; index < kClasses; ++index) {
        const float own = std::exp(kept[index]);
        prices_[index] = std::log(std::max(own + blank * speech, settings_.phone_floor));
        prices_[kClasses + index] = std::max(kept[index], std::log(settings_.phone_floor));
    }
    prices_[kBlank] = std::log(std::max(blank * (1 - speech), settings_.gap_floor));
    prices_[kClasses] = *std::max_element(prices_.begin() + 1, prices_.begin() + kClasses) + kPriceOfFrameBeside;
}

float ForcedAlignment::price_of(const AlignmentLattice::State& state) const noexcept {
    return prices_[state.phone + (state.is_peak || state.is_beside ? kClasses : 0)];
}

void ForcedAlignment::begin() noexcept {
    for (const auto& beginning : lattice_.beginnings()) {
        scores_[beginning.state] = beginning.price + price_of(lattice_.states()[beginning.state]);
    }
    for (std::size_t index = 0; index < origins_.size(); ++index) origins_[index] = static_cast<std::uint16_t>(index);
}

void ForcedAlignment::step() noexcept {
    const auto states = lattice_.states();
    auto* back = &back_[static_cast<std::size_t>(frames_) % window_ * states.size()];
    std::swap(scores_, scores_before_);
    std::swap(origins_, origins_before_);
    for (std::size_t index = 0; index < states.size(); ++index) {
        const auto arcs = lattice_.arcs_into(states[index]);
        float best = scores_before_[index];
        auto origin = origins_before_[index];
        std::uint8_t way = 0;
        for (std::size_t arc = 0; arc < arcs.size(); ++arc) {
            const float score = scores_before_[arcs[arc].from] + arcs[arc].price;
            if (score <= best) continue;
            best = score;
            origin = origins_before_[arcs[arc].from];
            way = static_cast<std::uint8_t>(arc + 1);
        }
        back[index] = way;
        origins_[index] = origin;
        scores_[index] = std::max(best + price_of(states[index]), kImpossible);
    }
}

std::size_t ForcedAlignment::best_state() const noexcept {
    return static_cast<std::size_t>(std::ranges::max_element(scores_) - scores_.begin());
}

// What happened up to the checkpoint before this one is now decided by the best state.
void ForcedAlignment::settle() noexcept {
    const auto best = best_state();
    if (checkpoint_ > settled_frames_) {
        const auto origin = origins_[best];
        for (std::size_t index = 0; index < scores_.size(); ++index) {
            if (origins_[index] != origin) scores_[index] = kImpossible;
        }
        phones_.resize(settled_);
        phones_said_.resize(settled_);
        if (settled_ > 0) phones_.back() = last_settled_;
        append_path(origin, checkpoint_ - 1);
        if (phones_.size() > lattice_.states().size()) forget_what_was_said_again();
        settled_ = phones_.size();
        settled_frames_ = checkpoint_;
        if (settled_ > 0) last_settled_ = phones_.back();
    }
    normalise(scores_[best]);
    for (std::size_t index = 0; index < origins_.size(); ++index) origins_[index] = static_cast<std::uint16_t>(index);
    checkpoint_ = frames_;
}

void ForcedAlignment::normalise(float best) noexcept {
    settled_price_ += static_cast<double>(best);
    for (auto& score : scores_) score = score > kImpossible / 2 ? score - best : kImpossible;
}

std::span<const AlignedPhone> ForcedAlignment::partial() noexcept {
    if (frames_ == 0) return {};
    return spell(best_state());
}

FinishedAlignment ForcedAlignment::finish() noexcept {
    if (frames_ == 0) return {};
    const auto best = best_state();
    auto state = best;
    float score = kImpossible / 2;
    for (const auto& end : lattice_.ends()) {
        if (scores_[end.state] + end.price <= score) continue;
        score = scores_[end.state] + end.price;
        state = end.state;
    }
    const bool is_complete = score > kImpossible / 2;
    if (!is_complete) score = scores_[best];
    return {.phones = spell(state),
            .is_complete = is_complete,
            .log_price = settled_price_ + static_cast<double>(score),
            .end_log_ratio = score - scores_[best]};
}

std::span<const AlignedPhone> ForcedAlignment::spell(std::size_t state) noexcept {
    phones_.resize(settled_);
    phones_said_.resize(settled_);
    if (settled_ > 0) phones_.back() = last_settled_;
    append_path(state, frames_ - 1);
    return phones_;
}

// The way that is in `state` at `last_frame`, from the first frame that is not settled.
void ForcedAlignment::append_path(std::size_t state, std::int64_t last_frame) noexcept {
    const auto states = lattice_.states();
    for (auto frame = last_frame; frame >= settled_frames_; --frame) {
        path_[static_cast<std::size_t>(frame - settled_frames_)] = static_cast<std::uint16_t>(state);
        if (frame == 0) break;
        const auto way = back_[static_cast<std::size_t>(frame) % window_ * states.size() + state];
        if (way > 0) state = lattice_.arcs_into(states[state])[way - 1U].from;
    }
    auto previous = state;
    for (auto frame = settled_frames_; frame <= last_frame; ++frame) {
        const auto now = path_[static_cast<std::size_t>(frame - settled_frames_)];
        append(now, previous, frame);
        previous = now;
    }
}

// By how much `phone` is more probable than `other` in `frame`, beside their peaks: a natural logarithm.
float ForcedAlignment::lead(Phone phone, Phone other, std::int64_t frame) const noexcept {
    const auto* row = &log_probabilities_[static_cast<std::size_t>(frame) % window_ * kClasses];
    const float blank = settings_.blank_share * std::exp(row[kBlank]);
    const auto price = [&](Phone one) { return std::log(std::max(std::exp(row[one]) + blank, settings_.phone_floor)); };
    return price(phone) - price(other);
}

// Of a phone that begins with `frame`. What came before the first frame that is not settled may be forgotten.
float ForcedAlignment::begin_offset(Phone phone, std::int64_t frame) const noexcept {
    if (frame <= settled_frames_ || phones_.empty() || phones_.back().end_frame != frame) return 0;
    const auto before = phones_.back().phone;
    if (before == kBlank || phone == kBlank) return 0;  // something beside the prompt, which may be any phone
    const float then = lead(before, phone, frame - 1);
    const float now = lead(phone, before, frame);
    if (!(then > 0 && now > 0)) return 0;
    return then / (then + now) - 0.5F;
}

// Keeps the last time that each word was said.
void ForcedAlignment::forget_what_was_said_again() noexcept {
    const auto is_again = [this](std::size_t n) {
        const auto& phone = phones_[n];
        if (phone.phone == kBlank) return n + 1 < phones_.size();
        for (std::size_t later = n + 1; later < phones_.size(); ++later) {
            if (phones_[later].phone == kBlank) continue;
            const bool is_same = phones_[later].word == phone.word;
            if (is_same && phones_[later].position <= phone.position) return true;
        }
        return false;
    };
    std::size_t kept = 0;
    for (std::size_t n = 0; n < phones_.size(); ++n) {
        if (is_again(n)) continue;
        phones_[kept] = phones_[n];
        phones_said_[kept++] = phones_said_[n];
    }
    phones_.resize(kept);
    phones_said_.resize(kept);
}

// A phone is a new one where the way has been elsewhere before.
void ForcedAlignment::append(std::size_t state, std::size_t previous, std::int64_t frame) noexcept {
    const auto& what = lattice_.states()[state];
    if (what.phone == kBlank && !what.is_beside) return;
    const float value = log_probabilities_[static_cast<std::size_t>(frame) % window_ * kClasses + what.phone];
    if (phones_.empty() || phones_said_.back() != what.said || lattice_.states()[previous].said != what.said) {
        const float offset = begin_offset(what.phone, frame);
        phones_said_.push_back(what.said);
        phones_.push_back({.phone = what.phone,
                           .word = what.word,
                           .pronunciation = what.pronunciation,
                           .position = what.position,
                           .first_frame = frame,
                           .end_frame = frame,
                           .begin_offset = offset,
                           .peak_frame = frame,
                           .peak_log_probability = value});
    }
    auto& phone = phones_.back();
    phone.end_frame = frame + 1;
    phone.sum_log_probability += value;
    if (value > phone.peak_log_probability) {
        phone.peak_log_probability = value;
        phone.peak_frame = frame;
    }
}

}  // namespace sidetone::speech
