// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "device/card.hpp"
#include "engine/chain_file.hpp"
#include "engine/report.hpp"
#include "stage/stage.hpp"

namespace sidetone::engine {

/// The state of a live run, some ten times a second.
struct LiveStatus {
    double seconds = 0;
    std::vector<float> input_peaks_dbfs, output_peaks_dbfs;  ///< of each channel, since the last status
    double load = 0;                                         ///< p99 of the callback as a share of the period
    std::uint64_t misses = 0;
    double latency_ms = 0;
    bool sounding = false;  ///< the card is there
};

class Engine;

/// Changes a chain from outside while it runs.
class Remote {
public:
    virtual ~Remote() = default;

    /// Control thread: from now on until `stop` returns, `engine.change` may be called by threads of its own.
    virtual void start(Engine& engine) = 0;
    virtual void stop() = 0;
    /// Control thread: lines for people since the last call.
    [[nodiscard]] virtual std::vector<std::string> take_lines() = 0;
};

/// Which settings a device is to have; nothing: those of the chain file. Throws InputError.
using SettingsOfDevice = std::function<std::vector<Change>(const std::string& playback_name)>;

struct LiveOptions {
    stage::Calibration calibration;  ///< of the card
    double seconds = 0;              ///< 0: until the card finishes or `stop` is set
    std::function<void(const LiveStatus&)> on_status;
    Remote* remote = nullptr;
    std::function<void(const std::string&)> on_message;  ///< one line: what happened, with its cause
    std::function<void(ChainFile&)> on_chain;            ///< the chain that is going to run, before sound starts
    SettingsOfDevice settings_of;  ///< asked when sound begins to go to another device than before
    bool deep_idle = false;        ///< let processors sleep deeply between blocks (rt/shallow_idle.hpp)
    bool watch_stalls = false;     ///< find out when the machine stands still (rt/stall_watch.hpp)
    std::function<void()> on_end;  ///< sound has ended, or never began; the chain is still there
};

/// Makes the card of a run; started again by the run when it was lost.
using CardOpener = std::function<std::unique_ptr<device::Card>()>;

/// Runs the chain on a card until it ends, time is up, or `stop` is set. A card that vanishes is waited for and taken
/// up again; sound resumes by itself. Blocks the calling (control) thread. Throws InputError when it cannot start.
[[nodiscard]] Report run_live(const std::filesystem::path& chain_path, std::uint32_t channels,
                              const CardOpener& open_card, const LiveOptions& options, const std::atomic<bool>& stop);

}  // namespace sidetone::engine
