// SPDX-License-Identifier: Apache-2.0
#include "device/jack_messages.hpp"

#include <jack/jack.h>

#include <array>
#include <atomic>
#include <cstring>

namespace sidetone::device {

namespace {

constexpr std::size_t kLines = 16, kLineBytes = 256;

/// libjack may complain from any thread, its audio thread too: so no lock that waits, no heap. A line that comes
/// while another is being stored or read is lost.
struct Messages {
    std::atomic_flag busy = ATOMIC_FLAG_INIT;
    std::size_t count = 0;
    std::array<std::array<char, kLineBytes>, kLines> lines{};
};

Messages& messages() {
    static Messages kept;
    return kept;
}

void keep(const char* line) {
    auto& kept = messages();
    if (kept.busy.test_and_set(std::memory_order_acquire)) return;
    if (kept.count < kLines) {
        auto& to = kept.lines[kept.count++];
        std::strncpy(to.data(), line, kLineBytes - 1);
    }
    kept.busy.clear(std::memory_order_release);
}

void drop(const char*) {}

}  // namespace

void keep_jack_messages() noexcept {
    messages();
    jack_set_error_function(keep);
    jack_set_info_function(drop);
}

std::vector<std::string> take_jack_messages() {
    auto& kept = messages();
    std::vector<std::string> lines;
    while (kept.busy.test_and_set(std::memory_order_acquire)) {
    }
    for (std::size_t i = 0; i < kept.count; ++i) lines.emplace_back(kept.lines[i].data());
    kept.count = 0;
    kept.busy.clear(std::memory_order_release);
    return lines;
}

}  // namespace sidetone::device
