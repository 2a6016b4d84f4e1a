// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <gmock/gmock.h>
#include <stdlib.h>  // mkdtemp

#include <filesystem>
#include <fstream>
#include <stdexcept>
#include <string>
#include <string_view>

#include "rt/error.hpp"

namespace sidetone::speech::test {

/// A file with `text` in a folder of its own, gone afterwards.
class WrittenFile {
public:
    explicit WrittenFile(std::string_view text, const std::string& name = "text.txt") {
        auto pattern = (std::filesystem::temp_directory_path() / "sidetone-speech-XXXXXX").string();
        if (::mkdtemp(pattern.data()) == nullptr) throw std::runtime_error{"no temporary folder"};
        folder_ = pattern;
        path_ = folder_ / name;
        std::ofstream{path_, std::ios::binary} << text;
    }
    ~WrittenFile() {
        std::error_code ignored;
        std::filesystem::remove_all(folder_, ignored);
    }
    WrittenFile(const WrittenFile&) = delete;
    WrittenFile& operator=(const WrittenFile&) = delete;
    [[nodiscard]] const std::filesystem::path& path() const noexcept { return path_; }

private:
    std::filesystem::path folder_, path_;
};

/// The line of the InputError that `action` throws; empty where it throws none.
template <class Action>
std::string complaint_of(Action&& action) {
    try {
        action();
    } catch (const InputError& error) {
        return error.what();
    }
    return {};
}

}  // namespace sidetone::speech::test
