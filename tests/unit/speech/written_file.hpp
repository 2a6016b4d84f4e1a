// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <gmock/gmock.h>

#include <filesystem>
#include <string>
#include <string_view>

#include "rt/error.hpp"
#include "unit/rt/temporary_folder.hpp"

namespace sidetone::speech::test {

/// A file with `text` in a folder of its own, gone afterwards.
class WrittenFile {
public:
    explicit WrittenFile(std::string_view text, const std::string& name = "text.txt") : path_(folder_ / name) {
        sidetone::test::write(path_, text);
    }
    [[nodiscard]] const std::filesystem::path& path() const noexcept { return path_; }

private:
    sidetone::test::TemporaryFolder folder_;
    std::filesystem::path path_;
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
