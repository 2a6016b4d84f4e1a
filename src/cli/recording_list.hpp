// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace sidetone::cli {

/// A line of a list of recordings: what was said in a file, and what else a command wants to know of it.
struct ListedRecording {
    std::string file, text, third;
};

/// Lines of FILE<tab>TEXT or FILE<tab>TEXT<tab>`third`; empty ones do not count. Throws InputError that names the file
/// and the line.
[[nodiscard]] std::vector<ListedRecording> read_recording_list(const std::string& file, std::string_view third);

}  // namespace sidetone::cli
