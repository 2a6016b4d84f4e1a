// SPDX-License-Identifier: Apache-2.0
#include "cli/terminal.hpp"

#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>

namespace sidetone::cli {

namespace {

/// As much of `text` as has `most` characters (UTF-8).
std::string_view beginning(std::string_view text, std::size_t most) {
    for (std::size_t n = 0, characters = 0; n < text.size(); ++n) {
        const bool begins = (static_cast<unsigned char>(text[n]) & 0xc0U) != 0x80U;
        if (begins && characters++ == most) return text.substr(0, n);
    }
    return text;
}

}  // namespace

StatusLine::StatusLine() : is_terminal_(isatty(STDERR_FILENO) != 0) {}

void StatusLine::show(const std::string& text) {
    if (!is_terminal_) return;
    winsize size{};
    const std::size_t width = ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 1 ? size.ws_col - 1U : 79U;
    std::fprintf(stderr, "%s%s", kClearLine, std::string{beginning(text, width)}.c_str());
    std::fflush(stderr);
    is_shown_ = true;
}

void StatusLine::clear() {
    if (!is_shown_) return;
    std::fputs(kClearLine, stderr);
    std::fflush(stderr);
    is_shown_ = false;
}

std::string meter(std::span<const float> peaks_dbfs) {
    constexpr std::array kEighths{" ", "▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"};
    std::string text;
    for (const float peak : peaks_dbfs) {
        const auto eighths = std::lround(std::clamp((peak + 60) / 60, 0.0F, 1.0F) * 8);
        text += peak >= 0 ? "!" : kEighths[static_cast<std::size_t>(eighths)];
    }
    return text;
}

std::string bar(double share, int width) {
    const auto full = static_cast<int>(std::lround(std::clamp(share, 0.0, 1.0) * width));
    return std::string(static_cast<std::size_t>(full), '#') + std::string(static_cast<std::size_t>(width - full), '.');
}

}  // namespace sidetone::cli
