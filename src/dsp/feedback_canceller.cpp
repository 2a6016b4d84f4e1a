// SPDX-License-Identifier: Apache-2.0
#include "dsp/feedback_canceller.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <stdexcept>
#include <utility>

namespace sidetone::dsp {
namespace {

constexpr double kNearSeconds = 0.020;  // over which the wanted sound keeps its spectrum
constexpr float kNearWeight = 2;        // the pitch of a voice, which the whitener leaves, looks like feedback

// Time in which a path changes altogether, and what uncertainty never falls below, -75 and -40 dB: as long as nothing
// is suspicious, and while the loop seems to howl.
constexpr double kSettledSeconds = 30, kQuickSeconds = 1;
constexpr float kSettledLeast = 3e-8F, kQuickLeast = 1e-4F;
constexpr float kFirstUncertainty = 0.01F;  // a path of -20 dB would not surprise

// It seems to howl while it is that much louder now than it usually is.
constexpr double kNowSeconds = 0.1, kUsualSeconds = 5;
constexpr double kFarLouderDb = 22;
constexpr double kUsualAtFirstDb = -40;
constexpr double kQuietest = 1e-9;  // of a hop: -105 dB for each sample

// It has gone astray when more comes out than goes in for that long, in terms of power.
constexpr double kWatchSeconds = 0.050;
constexpr double kDivergedRatio = 8;
constexpr float kMostWeight = 1e6F;  // of all bins' squares together: no path is anywhere near

constexpr float kNoiseFloor = 1e-12F;  // of a bin's power: below anything heard
constexpr float kPlausible = 16;       // 24 dB beyond full scale: nobody learns from more

double retained_by_hop(double seconds, double rate_hz) {
    return std::exp(-static_cast<double>(FeedbackCanceller::kHop) / (seconds * rate_hz));
}

}  // namespace

FeedbackCanceller::FeedbackCanceller(const FeedbackPath& path)
    : partitions_((path.taps + kHop - 1) / kHop),
      bulk_delay_(path.bulk_delay_frames),
      fft_(kSize),
      whitener_(path.rate_hz, kHop),
      usual_db_(kUsualAtFirstDb),
      near_retained_(static_cast<float>(retained_by_hop(kNearSeconds, path.rate_hz))),
      settled_retained_(static_cast<float>(retained_by_hop(kSettledSeconds, path.rate_hz))),
      quick_retained_(static_cast<float>(retained_by_hop(kQuickSeconds, path.rate_hz))),
      watch_retained_(retained_by_hop(kWatchSeconds, path.rate_hz)),
      recent_retained_(retained_by_hop(kNowSeconds, path.rate_hz)),
      usual_retained_(retained_by_hop(kUsualSeconds, path.rate_hz)) {
    if (path.taps == 0) throw std::invalid_argument("a feedback path has no taps");
    if (bulk_delay_ < kHop) throw std::invalid_argument("the bulk delay is shorter than a hop");
    for (auto* values : {&played_re_, &played_im_, &whitened_re_, &whitened_im_, &weight_re_, &weight_im_})
        values->assign(partitions_ * kCancellerStride, 0);
    uncertainty_.assign(partitions_ * kCancellerStride, kFirstUncertainty);
    for (auto* values : {&re_, &im_, &near_power_, &near_smoothed_}) values->assign(kCancellerStride, 0);
    // What is read lies up to the bulk delay back; what is being written, a block ahead, and a block is shorter.
    ring_.assign(std::bit_ceil(4 * (bulk_delay_ + kHop)), 0);
}

void FeedbackCanceller::cancel(const float* in, float* out, std::size_t frames) noexcept {
    for (std::size_t i = 0; i < frames; ++i) {
        if (in_hop_ == 0) begin_hop();
        const float microphone = std::isfinite(in[i]) ? in[i] : 0;
        const float clean = microphone - estimate_[in_hop_];
        out[i] = clean;
        is_plausible_ = is_plausible_ && std::fabs(clean) <= kPlausible && std::fabs(microphone) <= kPlausible;
        error_[Whitener::kOrder + in_hop_] = std::clamp(clean, -kPlausible, kPlausible);
        hop_microphone_ += static_cast<double>(microphone) * microphone;
        hop_error_ += static_cast<double>(clean) * clean;
        if (++in_hop_ == kHop) end_hop();
    }
}

void FeedbackCanceller::play(const float* out, std::size_t frames) noexcept {
    const std::size_t mask = ring_.size() - 1;
    for (std::size_t i = 0; i < frames; ++i) {
        // As the card's converter has it.
        ring_[(written_ + i) & mask] = std::isfinite(out[i]) ? std::clamp(out[i], -1.0F, 1.0F) : 0;
    }
    written_ += frames;
}

CancellerSpectra FeedbackCanceller::spectra() noexcept {
    return {.partitions = partitions_,
            .newest = newest_,
            .played_re = played_re_.data(),
            .played_im = played_im_.data(),
            .whitened_re = whitened_re_.data(),
            .whitened_im = whitened_im_.data(),
            .weight_re = weight_re_.data(),
            .weight_im = weight_im_.data(),
            .uncertainty = uncertainty_.data()};
}

void FeedbackCanceller::transform(const float* block, float* re, float* im) noexcept {
    fft_.forward(block, bins_.data());
    for (std::size_t k = 0; k < kBins; ++k) {
        re[k] = bins_[k].real();
        im[k] = bins_[k].imag();
    }
}

void FeedbackCanceller::transform_back(const float* re, const float* im, float* block) noexcept {
    for (std::size_t k = 0; k < kBins; ++k) bins_[k] = {re[k], im[k]};
    fft_.inverse(bins_.data(), block);
}

// All that the coming hop's feedback is made of has been played already: its estimate is there before the first sample.
void FeedbackCanceller::begin_hop() noexcept {
    constexpr auto kOld = Whitener::kOrder + kHop;
    std::copy(reference_.begin() + kHop, reference_.end(), reference_.begin());
    const std::size_t mask = ring_.size() - 1;
    const std::uint64_t first = taken_in_hops_ - bulk_delay_;  // wraps around to what is still silent
    for (std::size_t i = 0; i < kHop; ++i) reference_[kOld + i] = ring_[(first + i) & mask];
    taken_in_hops_ += kHop;

    newest_ = (newest_ == 0 ? partitions_ : newest_) - 1;
    const std::size_t place = newest_ * kCancellerStride;
    transform(&reference_[Whitener::kOrder], &played_re_[place], &played_im_[place]);
    std::copy(whitened_reference_.begin() + kHop, whitened_reference_.end(), whitened_reference_.begin());
    whitener_.whiten(&reference_[kOld], &whitened_reference_[kHop], kHop);
    transform(whitened_reference_.data(), &whitened_re_[place], &whitened_im_[place]);

    estimate_feedback(spectra(), re_.data(), im_.data());
    transform_back(re_.data(), im_.data(), block_.data());
    for (std::size_t i = 0; i < kHop; ++i) {
        const float value = block_[kHop + i];
        estimate_[i] = std::isfinite(value) ? value : 0;
    }
    if (!is_forgetting_) return;
    for (std::size_t i = 0; i < kHop; ++i)
        estimate_[i] *= 1 - static_cast<float>(i) / static_cast<float>(kHop);  // no click
    forget();
    is_fading_ = true;
}

void FeedbackCanceller::end_hop() noexcept {
    in_hop_ = 0;
    if (is_plausible_) adapt();
    watch();
    std::copy(error_.begin() + kHop, error_.end(), error_.begin());
    is_plausible_ = true;
    hop_microphone_ = hop_error_ = 0;
}

void FeedbackCanceller::adapt() noexcept {
    const float* error = &error_[Whitener::kOrder];
    std::fill_n(block_.begin(), kHop, 0.0F);
    whitener_.whiten(error, &block_[kHop], kHop);
    whitener_.follow(error);
    transform(block_.data(), re_.data(), im_.data());
    for (std::size_t k = 0; k < kCancellerStride; ++k) {
        const float power = re_[k] * re_[k] + im_[k] * im_[k] + kNoiseFloor;
        near_smoothed_[k] = near_retained_ * near_smoothed_[k] + (1 - near_retained_) * power;
        near_power_[k] = kNearWeight * std::max(near_smoothed_[k], power);  // an onset teaches nothing
    }
    const bool is_quick = is_suspicious();
    adapt_canceller(spectra(), {.error_re = re_.data(),
                                .error_im = im_.data(),
                                .near_power = near_power_.data(),
                                .retained = is_quick ? quick_retained_ : settled_retained_,
                                .least_uncertainty = is_quick ? kQuickLeast : kSettledLeast});
    constrain();
}

// A block is two hops long and a partition's taps one: what else the steps have put there goes, one partition a hop.
void FeedbackCanceller::constrain() noexcept {
    float* re = &weight_re_[to_constrain_ * kCancellerStride];
    float* im = &weight_im_[to_constrain_ * kCancellerStride];
    transform_back(re, im, block_.data());
    std::fill_n(block_.begin() + kHop, kHop, 0.0F);
    transform(block_.data(), re, im);
    to_constrain_ = (to_constrain_ + 1) % partitions_;
}

// A loop that has begun to howl is far louder than anything before it.
bool FeedbackCanceller::is_suspicious() noexcept {
    recent_power_ = recent_retained_ * recent_power_ + (1 - recent_retained_) * hop_error_;
    const double recent_db = 10 * std::log10(recent_power_ + kQuietest);
    usual_db_ = usual_retained_ * usual_db_ + (1 - usual_retained_) * recent_db;
    return recent_db > usual_db_ + kFarLouderDb;
}

// A canceller that adds more than it takes has gone astray.
void FeedbackCanceller::watch() noexcept {
    if (std::exchange(is_fading_, false)) return;  // what is left of the old estimate is judged already
    microphone_power_ = watch_retained_ * microphone_power_ + (1 - watch_retained_) * hop_microphone_;
    error_power_ = watch_retained_ * error_power_ + (1 - watch_retained_) * hop_error_;
    const bool is_astray = error_power_ > kDivergedRatio * microphone_power_ + static_cast<double>(kNoiseFloor);
    float weights = 0;
    for (std::size_t i = 0; i < weight_re_.size(); ++i)
        weights += weight_re_[i] * weight_re_[i] + weight_im_[i] * weight_im_[i];
    const bool is_sane = weights < kMostWeight;  // NaN is not
    if (is_forgetting_ || (!is_astray && is_sane)) return;
    is_forgetting_ = true;
    ++divergences_;
}

void FeedbackCanceller::forget() noexcept {
    std::fill(weight_re_.begin(), weight_re_.end(), 0.0F);
    std::fill(weight_im_.begin(), weight_im_.end(), 0.0F);
    std::fill(uncertainty_.begin(), uncertainty_.end(), kFirstUncertainty);
    microphone_power_ = error_power_ = 0;
    usual_db_ = 10 * std::log10(kQuietest);  // whatever comes now teaches quickly
    is_forgetting_ = false;
}

std::vector<float> FeedbackCanceller::impulse_response() {
    std::vector<float> taps;
    for (std::size_t age = 0; age < partitions_; ++age) {
        transform_back(&weight_re_[age * kCancellerStride], &weight_im_[age * kCancellerStride], block_.data());
        taps.insert(taps.end(), block_.begin(), block_.begin() + kHop);
    }
    return taps;
}

}  // namespace sidetone::dsp
