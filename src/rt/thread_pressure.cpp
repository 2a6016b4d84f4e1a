// SPDX-License-Identifier: Apache-2.0
#include <unistd.h>

#include <fstream>
#include <limits>
#include <sstream>
#include <string>

#include "rt/thread.hpp"

namespace sidetone::rt {
namespace {

void read_switches(const std::string& folder, ThreadPressure& pressure) {
    constexpr std::string_view kKey = "nonvoluntary_ctxt_switches:";
    std::ifstream status(folder + "status");
    for (std::string line; std::getline(status, line);) {
        if (line.starts_with(kKey)) pressure.involuntary_switches = std::stoull(line.substr(kKey.size()));
    }
}

/// "time running, time waiting to run, slices" in nanoseconds (Documentation/scheduler/sched-stats.rst).
void read_run_delay(const std::string& folder, ThreadPressure& pressure) {
    std::uint64_t running_ns = 0;
    std::ifstream(folder + "schedstat") >> running_ns >> pressure.run_delay_ns;
}

/// Fields 10 and 12 of stat (proc(5)), counted after the name in brackets, which may itself hold blanks and brackets.
void read_faults(const std::string& folder, ThreadPressure& pressure) {
    std::string line;
    std::ifstream stat(folder + "stat");
    std::getline(stat, line);
    const auto name_end = line.rfind(')');
    if (name_end == std::string::npos) return;
    std::istringstream fields(line.substr(name_end + 1));
    std::string skipped;
    for (int field = 3; field < 10; ++field) fields >> skipped;
    fields >> pressure.minor_faults >> skipped >> pressure.major_faults;
}

}  // namespace

ThreadPressure thread_pressure(int kernel_id) noexcept {
    ThreadPressure pressure;
    try {
        const std::string folder = "/proc/self/task/" + std::to_string(kernel_id) + "/";
        read_switches(folder, pressure);
        read_run_delay(folder, pressure);
        read_faults(folder, pressure);
    } catch (...) {
        // Told as far as it could be read; the thread may have ended meanwhile.
    }
    return pressure;
}

std::uint64_t stolen_ns() noexcept {
    try {
        // "cpu user nice system idle iowait irq softirq steal …" in clock ticks.
        std::ifstream stat("/proc/stat");
        std::string skipped;
        for (int field = 0; field < 8; ++field) stat >> skipped;
        std::uint64_t ticks = 0;
        stat >> ticks;
        const auto ticks_per_second = static_cast<std::uint64_t>(sysconf(_SC_CLK_TCK));
        return ticks * (1'000'000'000 / ticks_per_second);
    } catch (...) {
        return 0;
    }
}

}  // namespace sidetone::rt
