// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <thread>
#include <vector>

#include "device/sound_file.hpp"
#include "dsp/sample_conversion.hpp"
#include "rt/arena.hpp"
#include "rt/realtime.hpp"

namespace sidetone::device {

/// Writes down what a simulated card played, silence included where it played nothing. The audio thread copies each
/// block into a ring of chunks; an ordinary thread carries them to the disk.
class SimRecorder {
public:
    enum class Drain : std::uint8_t {
        own_thread,     ///< for a paced card: the audio thread never waits for the disk
        calling_thread  ///< for a card in no hurry: `record` writes
    };

    /// Throws InputError when the file cannot be made. Blocks of at most `max_block_frames`.
    SimRecorder(const std::filesystem::path& path, std::uint32_t rate_hz, std::uint32_t channels, FileFormat format,
                std::uint32_t max_block_frames, Drain drain);
    ~SimRecorder();
    SimRecorder(const SimRecorder&) = delete;
    SimRecorder& operator=(const SimRecorder&) = delete;

    /// Audio thread. When the ring is full the block becomes silence and is counted.
    void record(const dsp::SampleSink& played, std::uint32_t frames) noexcept SIDETONE_REALTIME;
    /// Audio thread: nothing was played for so long.
    void record_silence(std::uint64_t frames) noexcept SIDETONE_REALTIME { pending_silence_ += frames; }

    /// Frames that the disk was too slow for. Any thread.
    [[nodiscard]] std::uint64_t overflow_frames() const noexcept {
        return overflow_frames_.load(std::memory_order_relaxed);
    }

    /// Control thread, once, after the last `record`: writes what is left and finishes the file. Throws InputError.
    void commit();

private:
    struct Chunk {
        std::uint64_t silence_before = 0;
        std::uint32_t frames = 0;
    };
    [[nodiscard]] std::span<float> samples_of(std::uint64_t chunk) noexcept;
    void drain();
    void drain_until_done();
    void write_silence(std::uint64_t frames);
    void write_chunk(std::uint64_t chunk);

    SoundFileWriter writer_;
    std::uint32_t channels_, max_block_frames_;
    Drain drain_;
    std::uint64_t chunk_count_;
    rt::Arena arena_;
    std::span<Chunk> chunks_;
    std::span<float> samples_;  // chunk by chunk, planar inside
    std::vector<float> silence_;
    std::vector<const float*> starts_;
    std::string failure_;                // draining thread; read after it has ended
    std::uint64_t pending_silence_ = 0;  // audio thread
    std::atomic<std::uint64_t> overflow_frames_{0};
    alignas(rt::kCacheLine) std::atomic<std::uint64_t> recorded_{0};
    alignas(rt::kCacheLine) std::atomic<std::uint64_t> drained_{0};
    std::atomic<bool> done_{false};
    std::thread thread_;
};

}  // namespace sidetone::device
