// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <vector>

#include "device/card.hpp"
#include "engine/chain.hpp"
#include "engine/chain_file.hpp"
#include "engine/ledger.hpp"
#include "engine/worker.hpp"
#include "rt/event_log.hpp"

namespace sidetone::engine {

/// A chain on a card: makes it ready for whatever format the card has, and again when that changes, runs it in the
/// card's callback, and keeps the ledger over all of it. What it counts may be read from any thread while sound runs.
class Engine final : public device::CardUser {
public:
    explicit Engine(ChainFile file);
    ~Engine() override;

    // device::CardUser
    void prepare(const device::CardFormat& format) override;
    void process(const device::CardBlock& block) noexcept SIDETONE_REALTIME override;
    void on_event(device::CardEvent event) noexcept SIDETONE_REALTIME override;
    [[nodiscard]] std::uint32_t delay_frames() const noexcept override {
        return delay_frames_.load(std::memory_order_relaxed);
    }

    /// The card's last event of a kind that ends its blocks, taken once: lost, finished.
    [[nodiscard]] bool take_lost() noexcept { return lost_.exchange(false); }
    [[nodiscard]] bool is_finished() const noexcept { return finished_.load(); }

    /// Control thread only; false when no event waits.
    [[nodiscard]] bool take_event(rt::Event& event) noexcept { return events_.take(event); }
    [[nodiscard]] std::uint64_t dropped_events() const noexcept { return events_.dropped(); }

    [[nodiscard]] std::uint64_t blocks() const noexcept { return blocks_.load(std::memory_order_relaxed); }
    [[nodiscard]] std::uint64_t xruns() const noexcept { return xruns_.load(std::memory_order_relaxed); }
    /// How often the card's format changed after the first `prepare`.
    [[nodiscard]] std::uint32_t changes() const noexcept { return changes_.load(std::memory_order_relaxed); }
    /// How long the last `prepare` took.
    [[nodiscard]] std::int64_t prepare_ns() const noexcept { return prepare_ns_.load(std::memory_order_relaxed); }
    [[nodiscard]] int worker_id() const;
    /// Linear, of each channel, since the last call; none before the first `prepare`.
    [[nodiscard]] std::vector<float> take_input_peaks();
    [[nodiscard]] std::vector<float> take_output_peaks();

    /// Any thread but the audio thread, also while sound runs: changes settings by name, without a click; waits while
    /// the card is made ready, and keeps others waiting while a file is read. Throws InputError; then the sound goes on
    /// as it was (engine/chain_settings.hpp).
    void change(std::span<const Change> changes);
    /// The same, from what the chain file says and not from what is.
    void restore(std::span<const Change> changes);

    /// Not while `prepare` or `change` may run.
    [[nodiscard]] const ChainFile& file() const noexcept { return file_; }
    [[nodiscard]] device::CardFormat format() const;
    [[nodiscard]] std::vector<LedgerLine> ledger() const;
    [[nodiscard]] std::vector<std::string> decisions() const;
    [[nodiscard]] std::vector<std::string> warnings() const;

private:
    // `prepare` runs on whatever thread the card likes, never beside `process`; the mutex keeps it from readers.
    mutable std::mutex mutex_;
    ChainFile file_;
    device::CardFormat format_;
    Ledger ledger_;
    rt::Arena arena_;
    rt::EventLog events_;
    Worker worker_;
    std::unique_ptr<Chain> chain_;
    std::atomic<std::uint32_t> delay_frames_{0};
    std::atomic<std::uint64_t> blocks_{0}, xruns_{0};
    std::atomic<std::uint32_t> changes_{0};
    std::atomic<std::int64_t> prepare_ns_{0};
    std::atomic<bool> lost_{false}, finished_{false};
};

}  // namespace sidetone::engine
