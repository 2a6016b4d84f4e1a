// SPDX-License-Identifier: Apache-2.0
#include "cli/terminal.hpp"

#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstdio>

namespace sidetone::cli {

StatusLine::StatusLine() : is_terminal_(isatty(STDERR_FILENO) != 0) {}

void StatusLine::show(const std::string& text) {
    if (!is_terminal_) return;
    winsize size{};
    const std::size_t width = ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 1 ? size.ws_col - 1U : 79U;
    std::fprintf(stderr, "\r\033[K%s", text.substr(0, width).c_str());
    std::fflush(stderr);
    is_shown_ = true;
}

void StatusLine::clear() {
    if (!is_shown_) return;
    std::fputs("\r\033[K", stderr);
    std::fflush(stderr);
    is_shown_ = false;
}

std::string bar(double share, int width) {
    const auto full = static_cast<int>(std::lround(std::clamp(share, 0.0, 1.0) * width));
    return std::string(static_cast<std::size_t>(full), '#') + std::string(static_cast<std::size_t>(width - full), '.');
}

}  // namespace sidetone::cli
