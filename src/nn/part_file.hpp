// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <filesystem>
#include <span>

namespace sidetone::nn {

/// A file that grows beside its final name, `NAME.part`, and is renamed when it is whole. Only one process at a time
/// has it open. One thread.
class PartFile {
public:
    /// Opens or makes `final_path`.part, and the folders above it. Throws InputError: no right to write, or open
    /// elsewhere.
    explicit PartFile(const std::filesystem::path& final_path);
    ~PartFile();
    PartFile(const PartFile&) = delete;
    PartFile& operator=(const PartFile&) = delete;

    [[nodiscard]] const std::filesystem::path& path() const noexcept { return part_path_; }
    [[nodiscard]] std::uint64_t bytes() const noexcept { return bytes_; }

    /// False when the disk refused; what was there before stays.
    [[nodiscard]] bool append(std::span<const char> piece) noexcept;

    /// Empties it.
    void restart();
    /// Gives it up.
    void remove() noexcept;
    /// Written through to the disk and given its final name, in one step. Throws InputError.
    void finish();

private:
    std::filesystem::path final_path_, part_path_;
    int descriptor_ = -1;
    std::uint64_t bytes_ = 0;
};

}  // namespace sidetone::nn
