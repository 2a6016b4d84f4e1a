// SPDX-License-Identifier: Apache-2.0
#include "cli/recording_list.hpp"

#include <fmt/format.h>

#include <utility>

#include "speech/text_file.hpp"

namespace sidetone::cli {
namespace {

constexpr std::size_t kMostBytes = std::size_t{64} << 20;

}  // namespace

std::vector<ListedRecording> read_recording_list(const std::string& file, std::string_view third) {
    std::vector<ListedRecording> recordings;
    speech::TextFile list{file, kMostBytes};
    while (list.next_line()) {
        const auto line = list.line();
        if (line.empty()) continue;
        const auto first = line.find('\t');
        if (first == std::string_view::npos) {
            list.refuse(fmt::format("found \"{}\", expected FILE<tab>TEXT or FILE<tab>TEXT<tab>{}", speech::shown(line),
                                    third));
        }
        const auto second = line.find('\t', first + 1);
        ListedRecording recording{.file = std::string{line.substr(0, first)},
                                  .text = std::string{line.substr(first + 1, second - first - 1)},
                                  .third = {}};
        if (second != std::string_view::npos) recording.third = line.substr(second + 1);
        recordings.push_back(std::move(recording));
    }
    return recordings;
}

}  // namespace sidetone::cli
