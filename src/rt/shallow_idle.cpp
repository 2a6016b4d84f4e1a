// SPDX-License-Identifier: Apache-2.0
#include "rt/shallow_idle.hpp"

#if defined(__linux__)
#include <fcntl.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <system_error>
#endif

namespace sidetone::rt {

#if defined(__linux__)
namespace {

constexpr const char* kRequest = "/dev/cpu_dma_latency";
const std::filesystem::path kCpuIdle = "/sys/devices/system/cpu/cpuidle";
const std::filesystem::path kStates = "/sys/devices/system/cpu/cpu0/cpuidle";

// C1 of x86 and WFI of ARM take 1 or 2 us; the next state takes tens, and the caches go.
constexpr std::int32_t kShallowUs = 2;
// Of a virtual machine every sleep leaves the processor to the host: only not to sleep at all helps, and that is 0.
constexpr std::int32_t kAwakeUs = 0;

template <class T>
T read_as(const std::filesystem::path& file, T value) {
    std::ifstream{file} >> value;
    return value;
}

bool halts_to_host() {
    return read_as(kCpuIdle / "current_driver", std::string{}).starts_with("haltpoll");
}

int request() {
    const int file = open(kRequest, O_WRONLY | O_CLOEXEC);
    if (file < 0) return -1;
    const auto wanted_us = halts_to_host() ? kAwakeUs : kShallowUs;
    if (write(file, &wanted_us, sizeof wanted_us) == sizeof wanted_us) return file;
    close(file);
    return -1;
}

}  // namespace

ShallowIdle::ShallowIdle() noexcept : request_(-1) {
    try {
        request_ = request();
    } catch (...) {  // NOLINT(bugprone-empty-catch): no memory for a path: as where the right is missing
    }
}

ShallowIdle::~ShallowIdle() {
    if (is_held()) close(request_);
}

IdleDepth idle_depth() {
    IdleDepth depth{.leaves_to_host = halts_to_host(), .may_request = ShallowIdle{}.is_held()};
    std::error_code none;
    for (const auto& state : std::filesystem::directory_iterator{kStates, none}) {
        const auto us = read_as(state.path() / "latency", std::int64_t{0});
        if (us < depth.deepest_us) continue;
        depth.deepest_us = us;
        std::ifstream name{state.path() / "name"};
        std::getline(name, depth.deepest);
    }
    return depth;
}

#else

ShallowIdle::ShallowIdle() noexcept : request_(-1) {}
ShallowIdle::~ShallowIdle() = default;

IdleDepth idle_depth() {
    return {};
}

#endif

}  // namespace sidetone::rt
