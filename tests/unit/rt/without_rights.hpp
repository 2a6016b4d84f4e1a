// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

namespace sidetone::rt {

/// What an ordinary user may do, in bytes and priorities.
struct Limits {
    rlim_t realtime_priority = 0;
    rlim_t locked_bytes = 0;
};

/// True when `holds()` does so in a child process that is nobody special and has these limits.
template <class Predicate>
[[nodiscard]] bool holds_without_rights(const Limits& limits, Predicate holds) {
    const pid_t child = fork();
    if (child == 0) {
        const rlimit priority{limits.realtime_priority, limits.realtime_priority};
        const rlimit locked{limits.locked_bytes, limits.locked_bytes};
        constexpr uid_t kNobody = 65534;
        const bool is_limited = setrlimit(RLIMIT_RTPRIO, &priority) == 0 && setrlimit(RLIMIT_MEMLOCK, &locked) == 0 &&
                                (geteuid() != 0 || setuid(kNobody) == 0);
        _exit(is_limited && holds() ? 0 : 1);
    }
    int status = 0;
    return child > 0 && waitpid(child, &status, 0) == child && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

}  // namespace sidetone::rt
