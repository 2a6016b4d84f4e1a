// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>
#include <sys/resource.h>
#include <sys/utsname.h>

#include <cstdint>
#include <fstream>
#include <functional>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

#include "cli/command.hpp"
#include "rt/arena.hpp"
#include "rt/clock.hpp"
#include "rt/shallow_idle.hpp"
#include "rt/thread.hpp"

namespace sidetone::cli {
namespace {

constexpr std::int64_t kShallowIdleUs = 10;

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

/// "none", "voluntary", "full", …: what a kernel that can do several does now; empty where that cannot be read.
std::string preemption_chosen(const std::string& release) {
    constexpr std::string_view kOnCommandLine = "preempt=";
    for (std::istringstream words{first_line("/proc/cmdline")}; !words.eof();) {
        std::string word;
        words >> word;
        if (word.starts_with(kOnCommandLine)) return word.substr(kOnCommandLine.size());
    }
    // "none (voluntary) full": the one in brackets. Takes root, and a kernel that is not locked down.
    const auto all = first_line("/sys/kernel/debug/sched/preempt");
    const auto open = all.find('('), close = all.find(')');
    if (open != std::string::npos && close != std::string::npos) return all.substr(open + 1, close - open - 1);
    std::ifstream config{"/boot/config-" + release};
    for (std::string line; std::getline(config, line);) {
        if (line == "CONFIG_PREEMPT_NONE=y") return "none";
        if (line == "CONFIG_PREEMPT_VOLUNTARY=y") return "voluntary";
        if (line == "CONFIG_PREEMPT=y") return "full";
    }
    return {};
}

Finding idle_states() {
    const auto depth = rt::idle_depth();
    if (depth.deepest.empty()) return {true, "idle states: the kernel has none to choose from", ""};
    if (!depth.leaves_to_host && depth.deepest_us <= kShallowIdleUs)
        return {true, fmt::format("idle states: none takes more than {} us to wake from", depth.deepest_us), ""};
    const auto what =
        depth.leaves_to_host
            ? std::string{"idle states: a virtual machine's processors sleep for as long as the host lets them"}
            : fmt::format("idle states: down to {}, which takes {} us to wake from", depth.deepest, depth.deepest_us);
    if (depth.may_request) return {true, what + ", but not while sound runs", ""};
    return {false, what + ", so blocks come late and find caches cold",
            "sudo sh -c 'echo KERNEL==\\\"cpu_dma_latency\\\", GROUP=\\\"audio\\\", MODE=\\\"0660\\\" > "
            "/etc/udev/rules.d/40-cpu-dma-latency.rules'; sudo usermod -aG audio $USER; restart"};
}

// In a kernel that is not preemptible, what it does for any program (clearing memory, ending a process) keeps a thread
// of any priority waiting for milliseconds.
Finding kernel() {
    utsname name{};
    uname(&name);
    const std::string version = name.version;
    const std::string mend = "boot with preempt=full, or install linux-image-rt-amd64";
    const auto finding = [&](bool is_good, const char* what) -> Finding {
        return {is_good, fmt::format("kernel: {} ({})", name.release, what), is_good ? "" : mend};
    };
    if (version.find("PREEMPT_RT") != std::string::npos) return finding(true, "fully preemptible");
    if (version.find("PREEMPT_DYNAMIC") != std::string::npos) {
        const auto chosen = preemption_chosen(name.release);
        if (chosen == "full") return finding(true, "preemptible");
        if (chosen.empty()) return finding(false, "preemptible or not: it can be either and does not tell which");
        return finding(false, "not preemptible: it could be");
    }
    if (version.find("PREEMPT") != std::string::npos) return finding(true, "preemptible");
    return finding(false, "not preemptible");
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
                                                       idle_states,     kernel,      stamp_clock,         stolen_time};
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

void add_doctor(Command app, int& exit_code) {
    auto command = app.add_subcommand("doctor", "What this machine lacks for real time, and the command that mends it");
    command.footer("Example: sidetone doctor");
    command.callback([&exit_code] { exit_code = doctor(); });
}

}  // namespace sidetone::cli
