// SPDX-License-Identifier: Apache-2.0
#include "dsp/convolver_helper.hpp"

#include <algorithm>

#include "dsp/products.hpp"
#include "rt/clock.hpp"
#include "rt/guard.hpp"

namespace sidetone::dsp {
namespace {

constexpr double kLeastBlockSeconds = 0.02;
constexpr std::int64_t kPollNs = 50'000;
constexpr std::uint64_t kBlocksKept = 2;  // of input, after the one that is worked on

}  // namespace

HelpedTail::HelpedTail(const ResponseMatrix& matrix, const ConvolverPlan::Level& level, std::size_t lanes)
    : spectra_(matrix, 2 * level.block, level.block, level.partitions, lanes),
      outputs_(matrix.outputs),
      arena_(2 * (outputs_ * level.block * sizeof(float) + rt::kCacheLine)) {
    for (auto& samples : samples_) samples = arena_.allocate<float>(outputs_ * level.block);
}

void HelpedTail::add(std::uint64_t position, std::size_t frames, float* const* out, std::size_t first) noexcept {
    if (heard_ == nullptr) return;
    for (std::size_t o = 0; o < outputs_; ++o)
        add_samples(heard_ + o * block() + position % block(), out[o] + first, frames);
}

// Of n blocks that are in, the results of the first n - 1 are to be there, and the last of those is heard now. The
// other one's place is the helper's from here on.
void HelpedTail::next_block(std::uint64_t position) noexcept {
    const std::uint64_t in = position / block();
    const bool is_there = in >= 2 && done_.load(std::memory_order_acquire) >= in - 1;
    heard_ = is_there ? samples_[(in - 2) % 2].data() : nullptr;
    if (in >= 2 && !is_there) late_.fetch_add(1, std::memory_order_relaxed);
    offered_.store(in, std::memory_order_release);
}

bool HelpedTail::work_next(const InputLanes& inputs) noexcept {
    const auto next = done_.load(std::memory_order_relaxed);
    const auto offered = offered_.load(std::memory_order_acquire);
    if (next == offered) return false;
    const std::uint64_t position = next * block();
    const Partitions all{0, spectra_.partitions()};
    float* const samples = samples_[next % 2].data();
    spectra_.next_block();
    if (offered - next == 1) {
        spectra_.run_all(spectra_.split(), inputs, position, all, samples);
    }
    // Longer than that, and the audio thread may have written over what was read.
    if (offered_.load(std::memory_order_acquire) - next > kBlocksKept || offered - next != 1) spectra_.silence_block();
    spectra_.run_all(spectra_.multiply(), inputs, position, all, samples);
    spectra_.run_all(spectra_.join(), inputs, position, all, samples);
    done_.store(next + 1, std::memory_order_release);
    return true;
}

void HelpedTail::reset() noexcept {
    spectra_.reset();
    heard_ = nullptr;
    offered_ = done_ = late_ = 0;
}

ConvolverHelper::ConvolverHelper(const ResponseMatrix& matrix, std::span<const ConvolverPlan::Level> levels,
                                 std::size_t lanes, const InputLanes& inputs, const Settings& settings)
    : inputs_(inputs), settings_(settings) {
    for (const auto& level : levels) tails_.push_back(std::make_unique<HelpedTail>(matrix, level, lanes));
    nap_ns_ = static_cast<std::int64_t>(1e9 * static_cast<double>(tails_.front()->block()) / 4 / settings.rate_hz);
    start();
}

std::size_t ConvolverHelper::first_helped(std::span<const ConvolverPlan::Level> levels, std::size_t usual_frames,
                                          std::uint32_t rate_hz) noexcept {
    const double least = std::max(kLeastBlockSeconds * rate_hz, 4.0 * static_cast<double>(usual_frames));
    const auto is_long = [&](const auto& level) { return static_cast<double>(level.block) >= least; };
    return static_cast<std::size_t>(std::ranges::find_if(levels, is_long) - levels.begin());
}

void ConvolverHelper::wait() const noexcept {
    while (!std::ranges::all_of(tails_, [](const auto& tail) { return tail->is_done(); }))
        rt::sleep_until_monotonic(rt::monotonic_ns() + kPollNs);
}

void ConvolverHelper::start() {
    stopping_ = false;
    thread_ = rt::RealtimeThread({.name = "convolver", .priority = settings_.priority}, [this] { run(); });
}

void ConvolverHelper::stop() noexcept {
    stopping_ = true;
    if (thread_.joinable()) thread_.join();
}

// The shortest tail's work first, for it is due first.
void ConvolverHelper::run() noexcept {
    const rt::RealtimeScope scope(rt::RealtimeKind::worker);
    while (!stopping_.load(std::memory_order_relaxed)) {
        const bool worked = std::ranges::any_of(tails_, [this](const auto& tail) { return tail->work_next(inputs_); });
        if (!worked) rt::sleep_until_monotonic(rt::monotonic_ns() + nap_ns_);
    }
}

void ConvolverHelper::reset() {
    stop();
    for (const auto& tail : tails_) tail->reset();
    start();
}

std::uint64_t ConvolverHelper::late() const noexcept {
    std::uint64_t sum = 0;
    for (const auto& tail : tails_) sum += tail->late();
    return sum;
}

std::size_t ConvolverHelper::memory_bytes() const noexcept {
    std::size_t sum = 0;
    for (const auto& tail : tails_) sum += tail->memory_bytes();
    return sum;
}

}  // namespace sidetone::dsp
