// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>

namespace sidetone::cli {

/// The processor's own count of the instructions that the thread which made it executes in user space. Many virtual
/// machines have none, and the kernel may not give it to everybody (kernel.perf_event_paranoid).
class InstructionCounter {
public:
    InstructionCounter();
    ~InstructionCounter();
    InstructionCounter(const InstructionCounter&) = delete;
    InstructionCounter& operator=(const InstructionCounter&) = delete;

    /// Empty where nothing is counted. A system call.
    [[nodiscard]] std::optional<std::uint64_t> read() const;

private:
    int file_ = -1;
};

}  // namespace sidetone::cli
