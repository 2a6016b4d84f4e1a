// SPDX-License-Identifier: Apache-2.0
#include "stage/filter_bank.hpp"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <numeric>
#include <optional>

#include "dsp/causal_wiener_filter.hpp"
#include "dsp/minimum_phase_filter.hpp"
#include "dsp/products.hpp"
#include "dsp/real_fft.hpp"
#include "rt/clock.hpp"

namespace sidetone::stage {
namespace {

// A causal filter of 8 ms beside a window of 32; half as long loses 3 % of what it gains in SI-SDR.
constexpr std::size_t kFiltersPerWindow = 4;

constexpr std::size_t kSmallestTransform = 64, kLargestTransform = 4096;

std::size_t nearest_transform(double samples, std::size_t at_least) {
    std::size_t best = kLargestTransform;
    for (auto size = kSmallestTransform; size <= kLargestTransform; size += kSmallestTransform / 2) {
        if (!dsp::RealFft::supports(size) || size < at_least) continue;
        if (std::fabs(static_cast<double>(size) - samples) < std::fabs(static_cast<double>(best) - samples))
            best = size;
    }
    return best;
}

// In frames, what a filter in the time domain is late; no more than half of it.
std::size_t filter_delay(const FilterBankSettings& settings, const dsp::AsymmetricWindows& windows,
                         std::uint32_t rate_hz) {
    if (settings.output != BankOutput::causal_wiener) return 0;
    const auto wanted = static_cast<std::size_t>(std::llround(settings.delay_ms * rate_hz / 1000));
    return std::min(wanted, windows.analysis / kFiltersPerWindow / 2);
}

}  // namespace

dsp::AsymmetricWindows filter_bank_windows(const FilterBankSettings& settings, std::uint32_t rate_hz) {
    const auto samples = [&](double ms) { return ms * rate_hz / 1000; };
    const auto whole = [](double value) { return static_cast<std::size_t>(std::llround(value)); };
    const auto hop = std::max<std::size_t>(1, whole(samples(settings.hop_ms)));
    auto hops = std::max<std::size_t>(2, whole(samples(settings.synthesis_ms) / static_cast<double>(hop)));
    if (hops * hop % 2 != 0) ++hops;  // the window's halves are equal
    const auto longest = kLargestTransform / hop / 2 * 2;
    const auto synthesis = std::min(hops, longest) * hop;
    return {
        .analysis = nearest_transform(samples(settings.analysis_ms), synthesis), .synthesis = synthesis, .hop = hop};
}

std::uint32_t regrouping_frames(std::uint32_t hop, std::uint32_t block) noexcept {
    return hop - (block == 0 ? 1 : std::gcd(hop, block));
}

struct FilterBankStage::Channel {
    Channel(dsp::AsymmetricFilterBank its_bank, const dsp::AsymmetricWindows& windows, BankOutput kind,
            std::size_t delay)
        : bank(std::move(its_bank)), input(windows.hop), output(2 * windows.hop), gains(bank.bins()) {
        if (kind == BankOutput::minimum_phase) minimum_phase.emplace(windows.analysis, windows.hop);
        if (kind == BankOutput::causal_wiener) {
            causal_wiener.emplace(windows.analysis, windows.analysis / kFiltersPerWindow, delay, windows.hop);
        }
    }

    void analyse() noexcept {
        spectrum = bank.analyse(input.data()).data();
        dsp::set_samples(1, gains.data(), gains.size());
    }
    void synthesise(float* out) noexcept {
        dsp::apply_gains(gains.data(), spectrum, gains.size());
        bank.synthesise(out);
    }
    void set_filter() noexcept {
        if (minimum_phase) minimum_phase->set_gains(gains.data());
        if (causal_wiener) causal_wiener->set_gains(gains.data(), spectrum);
    }
    void filter(const float* in, float* out, std::uint32_t frames) noexcept {
        if (minimum_phase) minimum_phase->process(in, out, frames);
        if (causal_wiener) causal_wiener->process(in, out, frames);
    }

    dsp::AsymmetricFilterBank bank;
    std::optional<dsp::MinimumPhaseFilter> minimum_phase;
    std::optional<dsp::CausalWienerFilter> causal_wiener;
    std::complex<float>* spectrum = nullptr;
    std::vector<float> input;   // the hop that is coming in
    std::vector<float> output;  // queue of finished frames
    std::vector<float> gains;
};

FilterBankStage::FilterBankStage(const FilterBankSettings& settings, std::vector<std::unique_ptr<SpectralGain>> links)
    : settings_(settings), links_(std::move(links)), link_time_(links_.size()) {}

FilterBankStage::~FilterBankStage() = default;

void FilterBankStage::prepare(const StageContext& context) {
    const auto windows = filter_bank_windows(settings_, context.rate_hz);
    const auto block = context.fixed_block && !context.offline ? context.block_frames : 0;
    hop_frames_ = static_cast<std::uint32_t>(windows.hop);
    const auto regrouping = regrouping_frames(hop_frames_, block);
    channels_.clear();
    const auto delay = filter_delay(settings_, windows, context.rate_hz);
    const dsp::AsymmetricFilterBank bank(windows);
    for (std::uint32_t c = 0; c < context.channels; ++c) {
        channels_.emplace_back(bank.sibling(), windows, settings_.output, delay);
    }
    delay_frames_ = static_cast<std::uint32_t>(delay);
    if (settings_.output == BankOutput::synthesis) {
        delay_frames_ = static_cast<std::uint32_t>(channels_.front().bank.delay_frames()) + regrouping;
    }
    filled_ = write_ = 0;
    read_ = (2 * hop_frames_ - regrouping) % (2 * hop_frames_);

    samples_.clear();
    gains_.clear();
    for (auto& channel : channels_) {
        samples_.push_back(channel.input.data());
        gains_.push_back(channel.gains.data());
    }
    spectra_.assign(channels_.size(), nullptr);
    work_.clear();
    for (auto& link : links_) {
        link->prepare({.stage = context,
                       .bins = static_cast<std::uint32_t>(channels_.front().bank.bins()),
                       .hop_frames = hop_frames_,
                       .analysis_frames = static_cast<std::uint32_t>(windows.analysis),
                       .synthesis_frames = static_cast<std::uint32_t>(windows.synthesis),
                       .analysis_window = channels_.front().bank.analysis_window()});
        if (auto* work = link->work(); work != nullptr) work_.push_back(work);
    }
}

[[gnu::hot]] void FilterBankStage::process(const float* const* in, float* const* out, std::uint32_t frames,
                                           const BlockTime& time) noexcept {
    for (auto& link : links_) link->begin_block(frames, time);
    for (std::uint32_t done = 0; done < frames;) {
        const auto piece = std::min(frames - done, hop_frames_ - filled_);
        for (std::size_t c = 0; c < channels_.size(); ++c) {
            std::copy_n(in[c] + done, piece, channels_[c].input.data() + filled_);
        }
        filled_ += piece;
        const bool is_filter = settings_.output != BankOutput::synthesis;
        if (is_filter) {
            for (std::size_t c = 0; c < channels_.size(); ++c) channels_[c].filter(in[c] + done, out[c] + done, piece);
        }
        if (filled_ == hop_frames_) {
            find_gains(time);
            sound_hop();
            filled_ = 0;
        }
        if (!is_filter) {
            for (std::size_t c = 0; c < channels_.size(); ++c) take_output(channels_[c], out[c] + done, piece);
            read_ = (read_ + piece) % (2 * hop_frames_);
        }
        done += piece;
    }
}

// Takes the hop that is complete through the links.
[[gnu::hot]] void FilterBankStage::find_gains(const BlockTime& time) noexcept {
    for (std::size_t c = 0; c < channels_.size(); ++c) {
        channels_[c].analyse();
        spectra_[c] = channels_[c].spectrum;
    }
    auto stamp = links_.empty() ? 0 : rt::now_ns();
    for (std::size_t i = 0; i < links_.size(); ++i) {
        links_[i]->process(
            {.samples = samples_.data(), .spectra = spectra_.data(), .gains = gains_.data(), .time = time});
        const auto now = rt::now_ns();
        link_time_[i].record(now - stamp);
        stamp = now;
    }
}

// Queues the hop that is finished, or gives the gains to the filters.
[[gnu::hot]] void FilterBankStage::sound_hop() noexcept {
    if (settings_.output != BankOutput::synthesis) {
        for (auto& channel : channels_) channel.set_filter();
        return;
    }
    for (auto& channel : channels_) channel.synthesise(channel.output.data() + write_);
    write_ = hop_frames_ - write_;
}

[[gnu::hot]] void FilterBankStage::take_output(Channel& channel, float* out, std::uint32_t frames) const noexcept {
    const auto until_wrap = std::min(frames, 2 * hop_frames_ - read_);
    std::copy_n(channel.output.data() + read_, until_wrap, out);
    std::copy_n(channel.output.data(), frames - until_wrap, out + until_wrap);
}

WorkSource* FilterBankStage::work() noexcept {
    return work_.empty() ? nullptr : this;
}

bool FilterBankStage::run_next() noexcept {
    return std::ranges::any_of(work_, [](WorkSource* work) noexcept { return work->run_next(); });
}

void FilterBankStage::rehearse(const rt::Rehearsal& rehearsal) noexcept {
    for (auto* work : work_) work->rehearse(rehearsal);
}

std::vector<Changeable*> FilterBankStage::changeable_links() {
    std::vector<Changeable*> result;
    for (auto& link : links_) result.push_back(link->changeable());
    return result;
}

std::vector<StagePart> FilterBankStage::parts() const {
    std::vector<StagePart> parts;
    for (std::size_t i = 0; i < links_.size(); ++i) {
        const std::string kind = links_[i]->kind();
        parts.push_back({.name = kind, .histogram = &link_time_[i]});
        for (auto part : links_[i]->parts()) {
            part.name = kind + " " + part.name;
            parts.push_back(std::move(part));
        }
    }
    return parts;
}

std::string FilterBankStage::decision() const {
    std::string all;
    for (const auto& link : links_) {
        const auto decision = link->decision();
        if (!decision.empty()) all += (all.empty() ? "" : "; ") + decision;
    }
    return all;
}

bool FilterBankStage::needs_calibration() const noexcept {
    return std::ranges::any_of(links_, [](const auto& link) noexcept { return link->needs_calibration(); });
}

std::uint64_t FilterBankStage::misses() const noexcept {
    std::uint64_t sum = 0;
    for (const auto& link : links_) sum += link->misses();
    return sum;
}

}  // namespace sidetone::stage
