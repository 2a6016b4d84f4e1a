// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>

namespace sidetone::rt {

/// While one lives, this machine's processors sleep only so deeply that they wake within some microseconds and keep
/// their caches: a request to the kernel, which holds for as long as somebody has one ("PM QoS",
/// docs.kernel.org/power/pm_qos_interface.html). It costs power, so it is for the time in which sound runs. Where the
/// right is missing, or there is no such thing, nothing happens. Control thread.
class ShallowIdle {
public:
    ShallowIdle() noexcept;
    ~ShallowIdle();
    ShallowIdle(const ShallowIdle&) = delete;
    ShallowIdle& operator=(const ShallowIdle&) = delete;

    [[nodiscard]] bool is_held() const noexcept { return request_ >= 0; }

private:
    int request_;  // a file descriptor: the kernel forgets the request when it is closed
};

/// What the kernel may have a processor do between two blocks.
struct IdleDepth {
    std::string deepest;          ///< the state that takes longest to wake from; empty: there is no choice of states
    std::int64_t deepest_us = 0;  ///< how long that takes
    bool leaves_to_host = false;  ///< a virtual machine, whose sleeping processor the host gives to others
    bool may_request = false;     ///< this process may ask for less (ShallowIdle)
};

[[nodiscard]] IdleDepth idle_depth();

}  // namespace sidetone::rt
