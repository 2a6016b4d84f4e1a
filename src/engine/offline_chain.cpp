// SPDX-License-Identifier: Apache-2.0
#include "engine/offline_chain.hpp"

#include <algorithm>

#include "engine/chain.hpp"
#include "engine/ledger.hpp"
#include "rt/clock.hpp"
#include "rt/guard.hpp"
#include "rt/thread.hpp"

namespace sidetone::engine {
namespace {

constexpr std::uint32_t kBlockFrames = 128;

}  // namespace

OfflineChain::OfflineChain(const std::filesystem::path& chain, std::uint32_t rate_hz, std::uint32_t channels,
                           const stage::Calibration& calibration)
    : file_(read_chain(chain, channels)), rate_hz_(rate_hz) {
    file_.calibration = calibration;
}

std::vector<float> OfflineChain::run(std::span<const float> input, std::uint32_t channel) {
    device::CardFormat format;
    format.rate_hz = rate_hz_;
    format.block_frames = format.max_block_frames = kBlockFrames;
    format.input_channels = format.output_channels = file_.channels;
    Ledger ledger;
    Chain chain{file_, format, ledger, {.offline = true}};
    delay_frames_ = chain.delay_frames();

    const auto blocks = (input.size() + delay_frames_ + kBlockFrames - 1) / kBlockFrames;
    std::vector<float> padded(blocks * kBlockFrames, 0.0F), unheard(kBlockFrames), output(padded.size());
    std::copy(input.begin(), input.end(), padded.begin());
    std::vector<const void*> inputs(file_.channels);
    std::vector<void*> outputs(file_.channels, unheard.data());
    const double period_ns = 1e9 * kBlockFrames / rate_hz_;
    const rt::ScopedFlushDenormals flush;
    for (std::size_t at = 0; at < padded.size(); at += kBlockFrames) {
        std::fill(inputs.begin(), inputs.end(), &padded[at]);
        outputs[channel] = &output[at];
        const auto now = rt::now_ns();
        const rt::RealtimeScope scope{rt::RealtimeKind::audio};
        chain.process({.input = {.data = inputs.data(), .channels = file_.channels},
                       .output = {.data = outputs.data(), .channels = file_.channels},
                       .frames = kBlockFrames,
                       .due_ns = now,
                       .entered_ns = now,
                       .due_monotonic_ns = rt::monotonic_ns(),
                       .period_ns = period_ns});
    }
    const auto first = output.begin() + static_cast<std::ptrdiff_t>(delay_frames_);
    std::vector<float> result(first, first + static_cast<std::ptrdiff_t>(input.size()));
    for (auto& sample : result) sample = std::clamp(sample, -1.0F, 1.0F);
    return result;
}

std::uint64_t OfflineChain::misses() const noexcept {
    std::uint64_t misses = 0;
    for (const auto& link : file_.stages) misses += link.stage->misses();
    return misses;
}

}  // namespace sidetone::engine
