// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "cli/transport_pipeline.hpp"
#include "cli/transport_wrap_probe.hpp"
#include "engine/chain.hpp"
#include "engine/chain_file.hpp"
#include "engine/ledger.hpp"
#include "engine/worker.hpp"
#include "rt/arena.hpp"
#include "rt/event_log.hpp"
#include "stage/hop_timeline.hpp"

namespace sidetone::cli::transport {

/// Sidetone itself: a chain with one denoise stage, in the mode asked for, on the engine's own worker. Its ledger is
/// what is reported; from outside come the time of the whole callback, the copies, and when a result was there.
class SidetonePipeline final : public Pipeline {
public:
    /// Throws InputError.
    SidetonePipeline(const nn::Manifest& manifest, const std::string& model, const std::string& backend,
                     stage::Mode mode, std::uint32_t rate_hz);
    ~SidetonePipeline() override { SidetonePipeline::stop(); }

    [[nodiscard]] const char* name() const noexcept override { return stage::to_string(mode_); }
    void start(const device::CardFormat& format, Figures& figures) override;
    void stop() noexcept override;
    void before_block(const device::CardBlock& block) noexcept override;
    bool process(const device::CardBlock& block) noexcept override;
    void after_block() noexcept override;
    void begin_counting() noexcept override;
    [[nodiscard]] std::uint32_t delay_frames() const noexcept override { return chain_ ? chain_->delay_frames() : 0; }
    [[nodiscard]] std::uint64_t misses() const noexcept override { return file_.stages.front().stage->misses(); }
    [[nodiscard]] int worker_id() const noexcept override { return worker_.kernel_id(); }
    void wait_until_idle() noexcept override;

private:
    // Stands between worker and stage and looks on.
    class WatchedWork final : public stage::WorkSource {
    public:
        explicit WatchedWork(SidetonePipeline& pipeline) : pipeline_(pipeline) {}
        [[nodiscard]] bool run_next() noexcept override;
        void rehearse(const rt::Rehearsal& rehearsal) noexcept override { inner->rehearse(rehearsal); }

        stage::WorkSource* inner = nullptr;
        std::int64_t next_hop = 0;  // the one that the next successful run is

    private:
        SidetonePipeline& pipeline_;
    };

    static constexpr std::size_t kHopsRemembered = 4096;
    static constexpr std::uint64_t kHopsPerWrap = 8;  // whose wrap is measured once
    [[nodiscard]] std::atomic<std::int64_t>& due_of(std::int64_t hop) noexcept {
        return due_ns_[static_cast<std::uint64_t>(hop) % kHopsRemembered];
    }
    /// Histograms of the stage's parts "hand-off" and "inference".
    [[nodiscard]] const rt::Histogram* part(const char* name) const;
    void foresee_next_block() noexcept;
    /// Audio thread: the block in hand completes a hop that the callback itself runs.
    [[nodiscard]] bool runs_model_now() const noexcept {
        return mode_ == stage::Mode::direct && complete_hops_ != next_hop_;
    }
    void begin_times_anew() noexcept;
    void note_wrap() noexcept;
    [[nodiscard]] bool is_counting() const noexcept { return figures_->counting.load(std::memory_order_relaxed); }

    stage::Mode mode_;
    engine::ChainFile file_;
    WrapProbe probe_;
    CopyCount arithmetic_copies_;  // of one hop, inside transforms and operators: no transport, taken off
    dsp::PolyphaseResampler down_, up_;
    stage::HopTimeline timeline_;
    Figures* figures_ = nullptr;

    std::optional<engine::Ledger> ledger_;
    std::optional<rt::Arena> arena_;
    std::optional<rt::EventLog> events_;
    std::unique_ptr<engine::Chain> chain_;
    engine::Worker worker_;
    WatchedWork work_{*this};
    std::uint64_t hops_run_ = 0;  // whoever runs the model
    const rt::Histogram *hand_off_ = nullptr, *inference_ = nullptr;
    // Each on lines of its own: looking on must not slow what it looks at.
    alignas(rt::kCacheLine) std::atomic<bool> wants_new_times_{false};  // the worker shall begin the stage's parts anew
    alignas(rt::kCacheLine) bool counts_ = false;  // audio thread: `begin_counting` has been called since `start`
    // Audio thread: hops below next_hop_ are submitted, those below complete_hops_ complete with the block in hand.
    std::int64_t frames_in_ = 0, next_hop_ = 0, complete_hops_ = 0;
    std::uint32_t block_frames_ = 0;
    alignas(rt::kCacheLine) std::array<std::atomic<std::int64_t>, kHopsRemembered> due_ns_{};
    alignas(rt::kCacheLine) std::atomic<std::int64_t> hops_submitted_{0};  // audio thread writes
    alignas(rt::kCacheLine) std::atomic<std::int64_t> hops_done_{0};       // worker writes
};

}  // namespace sidetone::cli::transport
