// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <span>
#include <string>
#include <string_view>

namespace sidetone::cli {

/// What a terminal understands (ECMA-48): back to the line's beginning and empty it; colours until kPlain.
inline constexpr auto kClearLine = "\r\033[K";
inline constexpr auto kGreen = "\033[32m", kYellow = "\033[33m", kRed = "\033[31m", kDim = "\033[2m",
                      kPlain = "\033[0m";

/// One line at the foot of a terminal that is written over again and again; nothing at all where standard error is no
/// terminal.
class StatusLine {
public:
    StatusLine();
    ~StatusLine() { clear(); }

    void show(const std::string& text);
    /// Takes the line away, so that something else can be printed.
    void clear();

private:
    bool is_terminal_;
    bool is_shown_ = false;
};

/// One character for each channel: how high its peak stands between -60 dB of full scale and 0, in eighths of a line;
/// "!" from 0 on.
[[nodiscard]] std::string meter(std::span<const float> peaks_dbfs);

/// `share` (0 to 1) as a bar of `width` characters.
[[nodiscard]] std::string bar(double share, int width);

}  // namespace sidetone::cli
