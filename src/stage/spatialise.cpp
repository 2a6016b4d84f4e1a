// SPDX-License-Identifier: Apache-2.0
#include "stage/spatialise.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <numbers>
#include <utility>

#include "rt/clock.hpp"
#include "rt/event_log.hpp"
#include "stage/events.hpp"
#include "stage/hrir_file.hpp"
#include "stage/loudness_headroom.hpp"
#include "stage/spatialise_settings.hpp"

namespace sidetone::stage {
namespace {

constexpr std::size_t kEars = 2;
constexpr std::size_t kRetired = 4;  // the control thread empties it before each offer
constexpr std::array<std::string_view, 10> kChangeable{"hrir",     "layout", "order",   "yaw_deg",    "pitch_deg",
                                                       "roll_deg", "lfe_db", "fade_ms", "balance_db", "headroom"};

double energy(const std::vector<float>& taps) {
    double sum = 0;
    for (const float tap : taps) sum += static_cast<double>(tap) * static_cast<double>(tap);
    return sum;
}

double correlation(const std::vector<float>& a, const std::vector<float>& b) {
    if (a.size() != b.size()) return 0;
    double sum = 0;
    for (std::size_t n = 0; n < a.size(); ++n) sum += static_cast<double>(a[n]) * static_cast<double>(b[n]);
    const double both = std::sqrt(energy(a) * energy(b));
    return both > 0 ? std::clamp(sum / both, 0.0, 1.0) : 0;
}

float linear(double gain_db) {
    return static_cast<float>(std::pow(10.0, gain_db / 20));
}

/// A low-frequency channel goes to both ears at once.
dsp::EarPair low_frequencies(double gain_db, std::size_t length) {
    std::vector<float> taps(length);
    taps.front() = linear(gain_db);
    return {taps, taps};
}

}  // namespace

SpatialiseStage::SpatialiseStage(SpatialiseSettings settings) : settings_(std::move(settings)) {
    settle_loudness();
}

SpatialiseStage::~SpatialiseStage() {
    delete offered_.exchange(nullptr);
    free_retired();
}

void SpatialiseStage::prepare(const StageContext& context) {
    rate_hz_ = context.rate_hz;
    channels_ = context.channels;
    usual_frames_ = context.block_frames;
    index_ = context.index;
    offline_ = context.offline;
    events_ = context.audio_events;
    delete offered_.exchange(nullptr);
    if (retired_) free_retired();
    arena_.emplace(4096);
    retired_.emplace(*arena_, kRetired);
    next_.reset();
    resampler_.emplace(settings_.set.rate_hz(), rate_hz_);
    current_ = make_renderer();
    has_helper_ = current_->convolver->has_helper();
    last_taps_ = current_->taps;
    next_ears_.assign(kEars * context.max_block_frames, 0);
    for (std::size_t ear = 0; ear < kEars; ++ear) next_out_[ear] = next_ears_.data() + ear * context.max_block_frames;
}

std::size_t SpatialiseStage::length() const noexcept {
    return resampler_->length(settings_.set.length());
}

std::unique_ptr<SpatialiseStage::Renderer> SpatialiseStage::make_renderer() const {
    std::vector<dsp::EarPair> pairs;
    auto renderer = std::make_unique<Renderer>();
    const std::array balance_db{-std::max(0.0, settings_.balance_db), std::min(0.0, settings_.balance_db)};
    for (const auto& speaker : settings_.speakers) {
        if (speaker.low_frequencies) {
            pairs.push_back(low_frequencies(settings_.lfe_db, length()));
        } else {
            // Between directions at the set's own rate, where responses have fewest frames; only what is heard is
            // resampled.
            const auto ears = settings_.set.at(dsp::seen_from(settings_.head, speaker.direction));
            pairs.push_back(resampler_->resampled(ears));
        }
        // Low frequencies do not pass through the set, so its level means nothing to them.
        const double gain_db = speaker.low_frequencies ? 0 : loudness_gain_db_;
        for (std::size_t ear = 0; ear < kEars; ++ear) {
            const float gain = linear(gain_db + balance_db[ear]);
            for (auto& tap : pairs.back()[ear]) tap *= gain;
        }
        for (const auto& ear : pairs.back()) renderer->taps.insert(renderer->taps.end(), ear.begin(), ear.end());
    }
    dsp::ResponseMatrix matrix{.inputs = pairs.size(), .outputs = kEars, .responses = {}};
    for (std::size_t c = 0; c < pairs.size(); ++c) {
        for (std::size_t ear = 0; ear < kEars; ++ear) matrix.responses.push_back({c, ear, pairs[c][ear]});
    }
    renderer->convolver = settings_.helper && !offline_
                              ? std::make_unique<dsp::Convolver>(matrix, usual_frames_,
                                                                 dsp::ConvolverHelper::Settings{.rate_hz = rate_hz_})
                              : std::make_unique<dsp::Convolver>(matrix, usual_frames_);
    renderer->length = matrix.length();
    renderer->fade_frames = std::max<std::size_t>(1, static_cast<std::size_t>(settings_.fade_ms / 1000 * rate_hz_));
    renderer->alike = correlation(last_taps_, renderer->taps);
    return renderer;
}

// With the head straight on: turning it changes nothing of the loudness.
void SpatialiseStage::settle_loudness() {
    loudness_gain_db_ = 0;
    if (!settings_.same_loudness) return;
    std::vector<dsp::EarPair> pairs;
    for (const auto& speaker : settings_.speakers) pairs.push_back(settings_.set.at(speaker.direction));
    loudness_gain_db_ = loudness_headroom_db(settings_.speakers, pairs, settings_.set.rate_hz());
}

std::span<const std::string_view> SpatialiseStage::changeable_keys() const noexcept {
    return kChangeable;
}

void SpatialiseStage::change(const Settings& settings) {
    auto wanted = read_spatialise_keys(settings, static_cast<std::uint32_t>(settings_.speakers.size()));
    const bool loudness_changes =
        wanted.hrir != settings_.hrir || wanted.same_loudness != settings_.same_loudness ||
        !std::ranges::equal(wanted.speakers, settings_.speakers, {}, &dsp::Speaker::name, &dsp::Speaker::name);
    if (wanted.hrir != settings_.hrir) {
        settings_.set = read_hrir_file(wanted.hrir).set;
        settings_.hrir = std::move(wanted.hrir);
        if (resampler_) resampler_.emplace(settings_.set.rate_hz(), rate_hz_);
    }
    settings_.speakers = std::move(wanted.speakers);
    settings_.head = wanted.head;
    settings_.lfe_db = wanted.lfe_db;
    settings_.fade_ms = wanted.fade_ms;
    settings_.balance_db = wanted.balance_db;
    settings_.same_loudness = wanted.same_loudness;
    if (loudness_changes) settle_loudness();
    if (resampler_) offer();
}

void SpatialiseStage::turn_head(const dsp::Orientation& head) {
    settings_.head = head;
    offer();
}

void SpatialiseStage::change_set(dsp::HrirSet set) {
    settings_.set = std::move(set);
    settle_loudness();
    resampler_.emplace(settings_.set.rate_hz(), rate_hz_);
    offer();
}

void SpatialiseStage::offer() {
    free_retired();
    auto renderer = make_renderer();
    last_taps_ = renderer->taps;
    has_helper_ = renderer->convolver->has_helper();
    // What the audio thread has not taken by now it will never see.
    delete offered_.exchange(renderer.release(), std::memory_order_acq_rel);
}

void SpatialiseStage::free_retired() {
    Renderer* renderer = nullptr;
    while (retired_ && retired_->try_pop(renderer)) delete renderer;
}

void SpatialiseStage::take_offer() noexcept {
    if (next_ != nullptr || offered_.load(std::memory_order_relaxed) == nullptr) return;
    next_.reset(offered_.exchange(nullptr, std::memory_order_acq_rel));
    primed_ = faded_ = 0;
}

void SpatialiseStage::finish_fade() noexcept {
    // Full only if the control thread has made more offers than it has freed, which `offer` never does.
    if (!retired_->try_push(current_.get())) return;
    (void)current_.release();
    current_ = std::move(next_);
    current_->late_blocks = current_->convolver->late_blocks();  // what was not heard was not missed
}

void SpatialiseStage::process(const float* const* in, float* const* out, std::uint32_t frames,
                              const BlockTime& /*time*/) noexcept {
    take_offer();
    if (next_ != nullptr) next_->convolver->process(in, next_out_.data(), frames);
    current_->convolver->process(in, out, frames);
    note_late_blocks();
    if (next_ != nullptr) mix(out, frames);
    for (std::uint32_t c = kEars; c < channels_; ++c) std::fill_n(out[c], frames, 0.0F);
}

// Only what is heard counts.
void SpatialiseStage::note_late_blocks() noexcept {
    const auto late = current_->convolver->late_blocks() - current_->late_blocks;
    if (late == 0) return;
    misses_.fetch_add(late, std::memory_order_relaxed);
    current_->late_blocks += late;
    if (events_ != nullptr)
        events_->record({.at_ns = rt::now_ns(),
                         .kind = static_cast<std::uint32_t>(EventKind::helper_late),
                         .stage = index_,
                         .values = {static_cast<std::int64_t>(late)}});
}

void SpatialiseStage::mix(float* const* out, std::uint32_t frames) noexcept {
    std::uint32_t n = 0;
    // Until it has heard as much as its responses are long, its sound is not yet whole.
    for (; n < frames && primed_ < next_->length; ++n) ++primed_;
    const double alike = next_->alike;
    const auto fade_frames = next_->fade_frames;
    for (; n < frames && faded_ < fade_frames; ++n) {
        // Half a cosine, so that the fade begins and ends without a corner.
        const double share =
            0.5 - 0.5 * std::cos(std::numbers::pi * static_cast<double>(++faded_) / static_cast<double>(fade_frames));
        const double angle = std::numbers::pi / 2 * share;
        // Parts that are alike add up in amplitude, not in power.
        const double scale = 1 / std::sqrt(1 + alike * std::sin(2 * angle));
        const auto before = static_cast<float>(scale * std::cos(angle));
        const auto after = static_cast<float>(scale * std::sin(angle));
        for (std::size_t ear = 0; ear < kEars; ++ear) {
            out[ear][n] = before * out[ear][n] + after * next_out_[ear][n];
        }
    }
    if (faded_ < fade_frames) return;
    for (std::size_t ear = 0; ear < kEars; ++ear) std::copy(next_out_[ear] + n, next_out_[ear] + frames, out[ear] + n);
    finish_fade();
}

std::string SpatialiseStage::decision() const {
    if (!resampler_) return {};
    return fmt::format(
               "{} speakers through {} ({} directions, {:.1f} ms){}", settings_.speakers.size(), settings_.set.name(),
               settings_.set.measurements().size(), 1000.0 * static_cast<double>(length()) / rate_hz_,
               settings_.same_loudness ? fmt::format(", {:+.1f} dB to be as loud as a downmix", loudness_gain_db_)
                                       : std::string{}) +
           (has_helper_ ? ", with a helper thread" : "");
}

}  // namespace sidetone::stage
