// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "sidetone/change.hpp"
#include "sidetone/error.hpp"

#pragma GCC visibility push(default)
namespace sidetone {

/// How the caller will call a `Chain`.
struct ChainFormat {
    std::uint32_t rate_hz = 48'000;      ///< 8000 to 192000
    std::uint32_t block_frames = 128;    ///< frames of a usual call, 1 to 65536
    std::uint32_t max_block_frames = 0;  ///< no call brings more; 0: as block_frames
    bool fixed_block = true;             ///< every call brings exactly block_frames: less delay
    std::uint32_t channels = 1;          ///< 1 to 16
    bool offline = false;  ///< nothing waits: models run in `process`, the delay does not depend on the block
};

/// How long one part of the way of a block took: a line of the ledger. Microseconds.
struct ChainTiming {
    std::string name;
    double p50_us = 0, p95_us = 0, p99_us = 0, p999_us = 0, max_us = 0;
    std::uint64_t count = 0;
    double budget_us = 0;  ///< from the chain file; 0: none
};

/// A chain of stages from a chain file (docs/chain-files.md), for programs that have a sound card of their own.
///
///     sidetone::Chain chain{"chains/denoise.toml", {.rate_hz = 48'000, .block_frames = 128}};
///     // on the audio thread, every 128 frames:
///     chain.process(inputs, outputs, 128);
///
/// All is allocated by the constructor. If a stage is pipelined, the chain has a worker thread of its own.
class Chain {
public:
    /// Control thread. Loads the models and gets ready; may take a second. Throws InputError with one line for people:
    /// file, line, key, found, expected.
    Chain(const std::filesystem::path& chain_file, const ChainFormat& format);
    ~Chain();
    Chain(Chain&&) noexcept;
    Chain& operator=(Chain&&) noexcept;

    /// Audio thread; real-time safe: no heap, no lock, no system call but, at most, the one that wakes the worker.
    /// `inputs` and `outputs` point at `channels` buffers of `frames` floats, full scale ±1, and may be the same. NaN
    /// and infinity become 0, both ways. `frames` must be what the format promised.
    void process(const float* const* inputs, float* const* outputs, std::uint32_t frames) noexcept;

    /// Control thread, also while `process` runs on the audio thread, but one call at a time: changes settings by name,
    /// without a click. All of one stage change at once. Throws InputError with one line for people; what it names, and
    /// what would have followed, is then as it was.
    void change(std::span<const Change> changes);
    void change(const Change& one) { change({&one, 1}); }

    /// Frames by which the output lags the input. Constant. Any thread.
    [[nodiscard]] std::uint32_t delay_frames() const noexcept;

    /// Hops of a model whose result did not come in time and had to be covered. Any thread.
    [[nodiscard]] std::uint64_t misses() const noexcept;

    /// The ledger so far. Any thread but the audio thread.
    [[nodiscard]] std::vector<ChainTiming> timings() const;

private:
    struct Parts;
    std::unique_ptr<Parts> parts_;
};

}  // namespace sidetone
#pragma GCC visibility pop
