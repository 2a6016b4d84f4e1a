// SPDX-License-Identifier: Apache-2.0
#include "speech/goodness_of_pronunciation.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "rt/error.hpp"

namespace sidetone::speech {
namespace {

constexpr double kZero = -std::numeric_limits<double>::infinity();
constexpr std::size_t kClasses = kPhoneClassCount;

/// Of a sum, from the logarithms of its parts.
double log_sum(double a, double b) noexcept {
    if (a < b) std::swap(a, b);
    return b == kZero ? a : a + std::log1p(std::exp(b - a));
}

/// Forward and backward scores of phones with a gap before, between and after them: state 2i is the gap before phone i,
/// state 2i + 1 the phone (Graves et al., ICML 2006, equations 5 to 11). All logarithms.
class PhoneLattice {
public:
    PhoneLattice(std::span<const float> log_probabilities, std::span<const Phone> phones)
        : given_(log_probabilities),
          phones_(phones),
          frames_(log_probabilities.size() / kClasses),
          states_(2 * phones.size() + 1),
          forward_((frames_ + 1) * states_, kZero),
          backward_(frames_ * states_, kZero) {
        go_forward();
        go_backward();
    }

    [[nodiscard]] double likelihood() const noexcept {
        return log_sum(forward(frames_, states_ - 1), forward(frames_, states_ - 2));
    }
    /// With phone `index` replaced by `other`, which is not it.
    [[nodiscard]] double likelihood_with(std::size_t index, Phone other) const noexcept;
    [[nodiscard]] double likelihood_without(std::size_t index) const noexcept;

private:
    [[nodiscard]] double heard(std::size_t frame, Phone phone) const noexcept {
        const float value = given_[frame * kClasses + phone];
        return std::isfinite(value) ? std::clamp(static_cast<double>(value), -100.0, 0.0) : -100.0;
    }
    [[nodiscard]] Phone phone_of(std::size_t state) const noexcept {
        return state % 2 == 0 ? kBlank : phones_[state / 2];
    }
    // After `count` frames, the last of them in `state`. Before the first frame one is in the gap before phone 0.
    [[nodiscard]] double forward(std::size_t count, std::size_t state) const noexcept {
        return forward_[count * states_ + state];
    }
    // Of all frames after `frame`, which is in `state`.
    [[nodiscard]] double backward(std::size_t frame, std::size_t state) const noexcept {
        return backward_[frame * states_ + state];
    }
    // Of the frames from `frame` on, the first of them in `state`.
    [[nodiscard]] double rest_from(std::size_t frame, std::size_t state) const noexcept {
        return heard(frame, phone_of(state)) + backward(frame, state);
    }
    void go_forward() noexcept;
    void go_backward() noexcept;
    [[nodiscard]] double entry(std::size_t index, std::size_t count, Phone phone) const noexcept;
    [[nodiscard]] double exit(std::size_t index, std::size_t frame, Phone phone) const noexcept;

    std::span<const float> given_;
    std::span<const Phone> phones_;
    std::size_t frames_, states_;
    std::vector<double> forward_;   // [frames + 1][state]
    std::vector<double> backward_;  // [frames][state]
};

// To `phone` in the place of phone `index`, after `count` frames: from the gap before, or from another phone.
double PhoneLattice::entry(std::size_t index, std::size_t count, Phone phone) const noexcept {
    const double from_gap = forward(count, 2 * index);
    if (index == 0 || phones_[index - 1] == phone) return from_gap;
    return log_sum(from_gap, forward(count, 2 * index - 1));
}

// From `phone` in the place of phone `index`, last heard in `frame`, to the end of all.
double PhoneLattice::exit(std::size_t index, std::size_t frame, Phone phone) const noexcept {
    const bool is_last = index + 1 == phones_.size();
    if (frame + 1 == frames_) return is_last ? 0 : kZero;
    const double through_gap = rest_from(frame + 1, 2 * index + 2);
    if (is_last || phones_[index + 1] == phone) return through_gap;
    return log_sum(through_gap, rest_from(frame + 1, 2 * index + 3));
}

void PhoneLattice::go_forward() noexcept {
    forward_[0] = 0;
    for (std::size_t frame = 0; frame < frames_; ++frame) {
        auto* now = &forward_[(frame + 1) * states_];
        for (std::size_t state = 0; state < states_; ++state) {
            double before = forward(frame, state);
            if (state % 2 == 1) {
                before = log_sum(before, entry(state / 2, frame, phones_[state / 2]));
            } else if (state > 0) {
                before = log_sum(before, forward(frame, state - 1));
            }
            now[state] = before + heard(frame, phone_of(state));
        }
    }
}

void PhoneLattice::go_backward() noexcept {
    for (auto frame = frames_; frame-- > 0;) {
        auto* now = &backward_[frame * states_];
        const bool is_last = frame + 1 == frames_;
        for (std::size_t state = 0; state < states_; ++state) {
            const double held = is_last ? kZero : rest_from(frame + 1, state);
            if (state % 2 == 1) {
                now[state] = log_sum(held, exit(state / 2, frame, phones_[state / 2]));
            } else if (state + 1 == states_) {
                now[state] = is_last ? 0 : held;
            } else if (!is_last) {
                now[state] = log_sum(held, rest_from(frame + 1, state + 1));
            }
        }
    }
}

double PhoneLattice::likelihood_with(std::size_t index, Phone other) const noexcept {
    double in_other = kZero;
    double all = kZero;
    for (std::size_t frame = 0; frame < frames_; ++frame) {
        in_other = log_sum(in_other, entry(index, frame, other)) + heard(frame, other);
        all = log_sum(all, in_other + exit(index, frame, other));
    }
    return all;
}

double PhoneLattice::likelihood_without(std::size_t index) const noexcept {
    if (index + 1 == phones_.size()) return entry(index, frames_, kBlank);
    const auto next = phones_[index + 1];
    double all = kZero;
    for (std::size_t frame = 0; frame < frames_; ++frame)
        all = log_sum(all, entry(index, frame, next) + rest_from(frame, 2 * index + 3));
    return all;
}

void check(std::span<const float> log_probabilities, std::span<const Phone> phones) {
    if (phones.empty()) throw InputError("goodness of pronunciation: found no phones, expected at least one");
    for (const auto phone : phones) {
        if (phone == kBlank || phone >= kPhoneClassCount)
            throw InputError(
                fmt::format("goodness of pronunciation: found phone {}, expected 1 to {}", phone, kPhoneCount));
    }
    if (log_probabilities.size() % kClasses != 0)
        throw InputError(fmt::format("goodness of pronunciation: found {} probabilities, expected a multiple of {}",
                                     log_probabilities.size(), kClasses));
}

}  // namespace

Goodness goodness_of_pronunciation(std::span<const float> log_probabilities, std::span<const Phone> phones) {
    check(log_probabilities, phones);
    const PhoneLattice lattice{log_probabilities, phones};
    Goodness goodness{.log_likelihood = lattice.likelihood()};
    if (goodness.log_likelihood == kZero) return goodness;
    goodness.phones.resize(phones.size());
    for (std::size_t index = 0; index < phones.size(); ++index) {
        auto& ratios = goodness.phones[index];
        ratios[kBlank] = static_cast<float>(lattice.likelihood_without(index) - goodness.log_likelihood);
        for (Phone other = 1; other < kPhoneClassCount; ++other) {
            if (other != phones[index])
                ratios[other] = static_cast<float>(lattice.likelihood_with(index, other) - goodness.log_likelihood);
        }
    }
    return goodness;
}

}  // namespace sidetone::speech
