// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace sidetone::cli::convolve {

/// What is convolved in one run of `bench convolve`.
struct Job {
    std::uint32_t inputs = 16, outputs = 2, taps = 512, block = 64, rate_hz = 48'000;
    double seconds = 2;
};

/// The responses of a job, always the same ones: noise that decays by 60 dB. Index: input · outputs + output.
[[nodiscard]] std::vector<std::vector<float>> make_responses(const Job& job);

/// One way to convolve; it has what it needs when it is made.
class Engine {
public:
    virtual ~Engine() = default;
    /// Audio thread: one block from every input, one to every output.
    virtual void process(const float* const* in, float* const* out) noexcept = 0;
    /// The same while nobody paces: waits for helper threads, if there are any.
    virtual void process_unpaced(const float* const* in, float* const* out) noexcept { process(in, out); }
    /// Blocks that helper threads did not get done in time; 0 where they do not tell.
    [[nodiscard]] virtual std::uint64_t late_blocks() const noexcept { return 0; }
};
using MakeEngine = std::function<std::unique_ptr<Engine>(const Job&)>;

/// What one slice gave; it goes from process to process as lines of text.
struct Slice {
    std::string skipped;                  ///< why nothing was measured; empty: it was
    std::uint32_t added_frames = 0;       ///< delay against the definition
    double error_db = 0;                  ///< against double precision, at that delay
    double cpu_ns = 0, wall_ns = 0;       ///< of the whole process, threads included
    std::uint64_t late_blocks = 0;        ///< that helper threads did not get done in time, where that is known
    std::vector<std::int64_t> caller_ns;  ///< each call
};

/// Checks the engine, unless it is none, then runs it for `seconds` on a real-time thread, paced as a card would, and
/// prints the slice.
void run_slice(const Job& job, const MakeEngine& make, bool checked = true);

/// Starts `command` (a program that calls run_slice) and reads what it prints. Throws InputError when it fails.
[[nodiscard]] Slice slice_from(const std::string& command);

}  // namespace sidetone::cli::convolve
