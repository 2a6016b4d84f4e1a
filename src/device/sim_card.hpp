// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <cstdint>
#include <filesystem>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "device/card.hpp"
#include "device/sim_input.hpp"
#include "device/sim_recorder.hpp"
#include "device/sim_timeline.hpp"
#include "device/virtual_time.hpp"
#include "rt/thread.hpp"

namespace sidetone::device {

struct SimSettings {
    std::string name = "sim";
    SimPacing pacing = {};  ///< rate, block, and what goes wrong; a rate or block of 0 means "as the file", else 48000
                            ///< Hz and 128 frames
    std::uint32_t input_channels = 1;
    std::uint32_t output_channels = 1;
    dsp::SampleFormat format = dsp::SampleFormat::f32;
    bool interleaved = false;

    std::filesystem::path input_file = {};  ///< what the microphone hears; empty: `generator`, or silence
    SimGenerator generator = {};
    std::filesystem::path output_file = {};  ///< what the ear hears; empty: nobody listens
    FileFormat output_format = FileFormat::f32;

    double seconds = 0;             ///< of sound until `finished`; 0: until the file ends, without one for ever
    std::uint64_t tail_frames = 0;  ///< played on after the file's end, so that the chain's delay comes out

    double vanish_after_s = 0;  ///< the card is unplugged after so much sound (0: never) …
    double return_after_s = 0;  ///< … and can be started again so much later (0: never)

    bool paced = true;  ///< false: blocks come as fast as they are processed
    int priority = 70;  ///< of a paced card's thread (SCHED_FIFO)
    std::optional<int> core = {};
    VirtualTime* virtual_time =
        nullptr;  ///< blocks come when this clock runs, on the thread that runs it; it outlives the card
};

/// A sound card made of a thread and a clock: paced as a real one, with the faults of a real one, repeatable.
///
/// The block that ends at frame n is handed over n true sample periods after the start. A thread that comes more than
/// `buffered_periods` late loses the periods gone by (`lost_frames`, an `xrun` event), in the input as in the output.
///
/// Frame n of the recording is what was played for the block that held input frame n: the card's own two periods are
/// not in it, the chain's delay is; lost blocks are silence. It is committed by `stop`, unless the card has vanished
/// and may come back, then by the destructor; a fault in writing it becomes a warning.
class SimCard final : public Card, private VirtualActor {
public:
    /// Reads the whole input file. Throws InputError: as the readers and writers do, or a rate that is not the file's.
    explicit SimCard(SimSettings settings);
    ~SimCard() override;

    void start(CardUser& user) override;
    void stop() noexcept override;
    [[nodiscard]] const CardFormat& format() const noexcept override { return format_; }
    [[nodiscard]] std::string description() const override;
    [[nodiscard]] std::string playback_name() const override { return settings_.name; }
    [[nodiscard]] std::vector<std::string> warnings() const override;
    [[nodiscard]] int audio_thread_id() const noexcept override { return thread_.kernel_id(); }

private:
    static constexpr double kNever = std::numeric_limits<double>::infinity();

    void settle_format(const Sound* sound);
    void settle_end();
    void open_recorder();
    void commit_recording() noexcept;
    void resume_after_absence();

    void run() noexcept;
    void run_paced(const SimTick& planned) noexcept SIDETONE_REALTIME;
    [[nodiscard]] bool ends_with(const SimTick& tick) noexcept;
    void deliver(const SimTick& tick, std::int64_t due_monotonic_ns, std::int64_t due_ns,
                 std::int64_t entered_ns) noexcept SIDETONE_REALTIME;
    void record(const SimTick& tick) noexcept SIDETONE_REALTIME;

    [[nodiscard]] double next_ns() const noexcept override;
    void act() noexcept override;
    [[nodiscard]] double clock_ns() const noexcept;

    SimSettings settings_;
    CardFormat format_;
    std::optional<SimInput> input_;
    std::optional<SimTimeline> timeline_;
    std::unique_ptr<SimRecorder> recorder_;
    std::uint64_t end_frame_ = 0;
    std::vector<std::vector<std::byte>> output_planes_;
    std::vector<void*> output_pointers_;

    CardUser* user_ = nullptr;
    double start_ns_ = 0;              // of frame 0, on CLOCK_MONOTONIC or the virtual clock
    double vanished_at_ns_ = kNever;   // since start_ns_; kNever while the card has not vanished
    std::optional<SimTick> upcoming_;  // virtual time only
    bool running_ = false;
    bool first_block_ = true;
    bool starts_anew_ = true;  // not after having vanished
    std::atomic<bool> stop_requested_{false};
    std::atomic<bool> vanished_{false};
    std::vector<std::string> warnings_;
    rt::RealtimeThread thread_;
};

}  // namespace sidetone::device
