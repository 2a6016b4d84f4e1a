// SPDX-License-Identifier: Apache-2.0
#include "device/sim_recorder.hpp"

#include <algorithm>
#include <chrono>
#include <exception>

#include "rt/error.hpp"

namespace sidetone::device {

namespace {

/// How long the disk may be away before sound is lost from the recording.
constexpr double kRingSeconds = 4;
constexpr std::chrono::milliseconds kDrainInterval{10};
constexpr std::uint64_t kSilenceFrames = 4096;

std::uint64_t chunks_for(SimRecorder::Drain drain, std::uint32_t rate_hz, std::uint32_t max_block_frames) {
    if (drain == SimRecorder::Drain::calling_thread) return 2;
    return static_cast<std::uint64_t>(kRingSeconds * rate_hz / max_block_frames) + 8;
}

}  // namespace

SimRecorder::SimRecorder(const std::filesystem::path& path, std::uint32_t rate_hz, std::uint32_t channels,
                         FileFormat format, std::uint32_t max_block_frames, Drain drain)
    : writer_(path, rate_hz, channels, format),
      channels_(channels),
      max_block_frames_(max_block_frames),
      drain_(drain),
      chunk_count_(chunks_for(drain, rate_hz, max_block_frames)),
      arena_(chunk_count_ * (sizeof(Chunk) + sizeof(float) * channels * max_block_frames) + 4096),
      chunks_(arena_.allocate<Chunk>(chunk_count_)),
      samples_(arena_.allocate<float>(chunk_count_ * channels * max_block_frames)),
      silence_(kSilenceFrames),
      starts_(channels) {
    if (drain_ == Drain::own_thread) thread_ = std::thread([this] { drain_until_done(); });
}

SimRecorder::~SimRecorder() {
    done_.store(true, std::memory_order_release);
    if (thread_.joinable()) thread_.join();
}

std::span<float> SimRecorder::samples_of(std::uint64_t chunk) noexcept {
    const std::size_t size = std::size_t{channels_} * max_block_frames_;
    return samples_.subspan(chunk % chunk_count_ * size, size);
}

void SimRecorder::record(const dsp::SampleSink& played, std::uint32_t frames) noexcept {
    const auto chunk = recorded_.load(std::memory_order_relaxed);
    if (chunk - drained_.load(std::memory_order_acquire) == chunk_count_) {
        pending_silence_ += frames;
        overflow_frames_.fetch_add(frames, std::memory_order_relaxed);
        return;
    }
    chunks_[chunk % chunk_count_] = {.silence_before = pending_silence_, .frames = frames};
    pending_silence_ = 0;
    const dsp::SampleSource source{.data = const_cast<const void* const*>(played.data),
                                   .format = played.format,
                                   .interleaved = played.interleaved,
                                   .channels = played.channels};
    const auto samples = samples_of(chunk);
    for (std::uint32_t c = 0; c < channels_; ++c) {
        dsp::to_float(source, c, 0, frames, samples.data() + std::size_t{c} * max_block_frames_);
    }
    recorded_.store(chunk + 1, std::memory_order_release);
    if (drain_ == Drain::calling_thread) drain();
}

void SimRecorder::write_silence(std::uint64_t frames) {
    std::fill(starts_.begin(), starts_.end(), silence_.data());
    for (; frames > 0; frames -= std::min(frames, kSilenceFrames))
        writer_.write(starts_, std::min(frames, kSilenceFrames));
}

void SimRecorder::write_chunk(std::uint64_t chunk) {
    const Chunk& head = chunks_[chunk % chunk_count_];
    if (head.silence_before > 0) write_silence(head.silence_before);
    const auto samples = samples_of(chunk);
    for (std::uint32_t c = 0; c < channels_; ++c) starts_[c] = samples.data() + std::size_t{c} * max_block_frames_;
    writer_.write(starts_, head.frames);
}

void SimRecorder::drain() {
    const auto recorded = recorded_.load(std::memory_order_acquire);
    for (auto chunk = drained_.load(std::memory_order_relaxed); chunk < recorded; ++chunk) {
        try {
            if (failure_.empty()) write_chunk(chunk);
        } catch (const std::exception& error) {
            failure_ = error.what();
        }
        drained_.store(chunk + 1, std::memory_order_release);
    }
}

void SimRecorder::drain_until_done() {
    while (!done_.load(std::memory_order_acquire)) {
        drain();
        std::this_thread::sleep_for(kDrainInterval);
    }
}

void SimRecorder::commit() {
    done_.store(true, std::memory_order_release);
    if (thread_.joinable()) thread_.join();
    drain();
    if (!failure_.empty()) throw InputError(failure_);
    write_silence(pending_silence_);
    pending_silence_ = 0;
    writer_.commit();
}

}  // namespace sidetone::device
