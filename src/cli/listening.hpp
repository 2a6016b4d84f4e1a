// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "cli/command_line.hpp"
#include "cli/live_listener.hpp"
#include "cli/phone_screen.hpp"
#include "engine/report.hpp"

namespace sidetone::cli {

/// Which card a command listens to, and how.
struct ListeningArguments {
    std::string chain, device, input;
    std::uint32_t rate_hz = 0, block_frames = 0;
    double seconds = 0;
    /// A recording, which has an end, in place of somebody at a microphone.
    [[nodiscard]] bool has_recording() const noexcept { return !input.empty(); }
};

/// `--chain` is `arguments.chain` unless the user says otherwise.
void add_listening_options(Command command, ListeningArguments& arguments);

/// Runs the chain, with `listener` at its tap and `screen` behind it, until it ends, the user stops it, or `is_enough`
/// says so; both are finished then. Tells what that came to. Throws InputError.
[[nodiscard]] engine::Report listen(const ListeningArguments& arguments, LiveListener& listener, PhoneScreen& screen,
                                    const std::function<bool()>& is_enough);

/// The user wants it to stop, and has said so once more, or when `listen` was stopping already.
[[nodiscard]] bool is_stop_urgent() noexcept;

/// Nothing was missed, and nothing allocated or locked on the audio thread, as far as that was counted.
[[nodiscard]] bool is_clean(const engine::Report& report) noexcept;

}  // namespace sidetone::cli
