// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>

namespace sidetone::device {

/// A folder of its own for each test, gone afterwards.
class ScratchFolder {
public:
    ScratchFolder() {
        const auto* const test = testing::UnitTest::GetInstance()->current_test_info();
        path_ = std::filesystem::temp_directory_path() / (std::string("sidetone-") + std::to_string(getpid()) + "-" +
                                                          test->test_suite_name() + "-" + test->name());
        std::filesystem::create_directories(path_);
    }
    ~ScratchFolder() {
        std::error_code ignored;
        std::filesystem::remove_all(path_, ignored);
    }
    ScratchFolder(const ScratchFolder&) = delete;
    ScratchFolder& operator=(const ScratchFolder&) = delete;

    [[nodiscard]] std::filesystem::path operator/(const std::string& name) const { return path_ / name; }
    [[nodiscard]] const std::filesystem::path& path() const { return path_; }

private:
    std::filesystem::path path_;
};

inline std::string bytes_of(const std::filesystem::path& path) {
    std::ifstream file(path, std::ios::binary);
    std::ostringstream bytes;
    bytes << file.rdbuf();
    return bytes.str();
}

inline void put_bytes(const std::filesystem::path& path, const std::string& bytes) {
    std::ofstream(path, std::ios::binary) << bytes;
}

/// The line of the InputError that `action` throws; empty when it throws none.
template <class Action>
std::string refusal(Action&& action);

}  // namespace sidetone::device

// ── definitions ─────────────────────────────────────────────────────────────────────────────────

#include "rt/error.hpp"

template <class Action>
std::string sidetone::device::refusal(Action&& action) {
    try {
        action();
    } catch (const sidetone::InputError& error) {
        return error.what();
    }
    return {};
}
