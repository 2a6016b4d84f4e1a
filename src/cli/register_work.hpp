// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include "rt/realtime.hpp"

namespace sidetone::cli {

/// A job in registers alone: a chain of dependent multiplications that neither memory nor a branch can delay. What it
/// takes longer now and then is the machine's doing, and no program's that runs as long can be spared it.
class RegisterWork {
public:
    /// A job of `duration_ns` on a processor that nobody disturbs, whose speed is measured first (some milliseconds).
    explicit RegisterWork(std::int64_t duration_ns);

    void run() const noexcept SIDETONE_REALTIME;

private:
    std::int64_t steps_;
};

}  // namespace sidetone::cli
