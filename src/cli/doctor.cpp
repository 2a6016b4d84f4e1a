// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>
#include <sys/resource.h>
#include <sys/utsname.h>

#include <fstream>
#include <functional>
#include <string>
#include <vector>

#include "cli/command.hpp"
#include "rt/arena.hpp"
#include "rt/clock.hpp"
#include "rt/thread.hpp"

namespace sidetone::cli {
namespace {

struct Finding {
    bool is_good;
    std::string what, mend;
};

std::string first_line(const char* path) {
    std::ifstream in{path};
    std::string line;
    std::getline(in, line);
    return line;
}

Finding realtime_rights() {
    if (rt::may_use_realtime_priority()) return {true, "real-time priority: allowed", ""};
    return {false, "real-time priority: refused, so blocks may come late whenever anything else runs",
            "sudo sh -c 'echo \"@audio - rtprio 95\" >> /etc/security/limits.d/audio.conf'; sudo usermod -aG audio "
            "$USER; log in again"};
}

Finding memory_lock() {
    rlimit limit{};
    getrlimit(RLIMIT_MEMLOCK, &limit);
    const rt::Arena probe{std::size_t{16} << 20U};
    if (probe.is_locked()) return {true, "memory lock: 16 MiB could be locked", ""};
    return {false, fmt::format("memory lock: limited to {} KiB, so page faults may click", limit.rlim_cur / 1024),
            "sudo sh -c 'echo \"@audio - memlock unlimited\" >> /etc/security/limits.d/audio.conf'; log in again"};
}

Finding realtime_throttling() {
    const auto runtime = first_line("/proc/sys/kernel/sched_rt_runtime_us");
    if (runtime.empty() || runtime == "-1") return {true, "real-time throttling: off", ""};
    return {true,
            fmt::format(
                "real-time throttling: real-time threads get {} us of each second's 1000000 (Sidetone stays far below)",
                runtime),
            ""};
}

Finding governor() {
    const auto name = first_line("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor");
    if (name.empty()) return {true, "frequency governor: none (fixed clock or a virtual machine)", ""};
    if (name == "performance") return {true, "frequency governor: performance", ""};
    return {false, fmt::format("frequency governor: {}, so the processor is slow to wake", name),
            "sudo cpupower frequency-set -g performance"};
}

Finding kernel() {
    utsname name{};
    uname(&name);
    const std::string version = name.version;
    const bool realtime = version.find("PREEMPT_RT") != std::string::npos;
    const bool preemptible = version.find("PREEMPT") != std::string::npos;
    const auto what = fmt::format("kernel: {} ({})", name.release,
                                  realtime      ? "fully preemptible"
                                  : preemptible ? "preemptible"
                                                : "not preemptible");
    return {preemptible, what, preemptible ? "" : "boot with preempt=full, or install linux-image-rt-amd64"};
}

Finding stamp_clock() {
    rt::calibrate_clock();
    const std::string name = rt::stamp_clock_name();
    return {name == "tsc",
            fmt::format("stamp clock: {}", name == "tsc" ? "the processor's invariant counter"
                                                         : "the kernel's monotonic clock (slower to read)"),
            name == "tsc" ? "" : "nothing to do: stamps cost some more nanoseconds"};
}

Finding stolen_time() {
    const auto stolen = rt::stolen_ns();
    if (stolen == 0) return {true, "stolen time: none", ""};
    return {
        true,
        fmt::format(
            "stolen time: the hypervisor has taken {:.1f} s since the machine started; such misses are counted apart",
            static_cast<double>(stolen) / 1e9),
        ""};
}

int doctor() {
    const std::vector<std::function<Finding()>> checks{realtime_rights, memory_lock, realtime_throttling, governor,
                                                       kernel,          stamp_clock, stolen_time};
    int bad = 0;
    for (const auto& check : checks) {
        const auto finding = check();
        fmt::print("{}  {}\n", finding.is_good ? "ok  " : "MEND", finding.what);
        if (!finding.mend.empty()) fmt::print("      -> {}\n", finding.mend);
        bad += finding.is_good ? 0 : 1;
    }
    if (bad == 0) fmt::print("This machine is fit for real time.\n");
    return bad == 0 ? kFine : kFellShort;
}

}  // namespace

void add_doctor(CLI::App& app, int& exit_code) {
    auto* command =
        app.add_subcommand("doctor", "What this machine lacks for real time, and the command that mends it");
    command->footer("Example: sidetone doctor");
    command->callback([&exit_code] { exit_code = doctor(); });
}

}  // namespace sidetone::cli
