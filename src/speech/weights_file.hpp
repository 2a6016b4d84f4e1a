// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace sidetone::speech {

/// A file of little-endian numbers behind four letters that say what they are, read whole before anything is believed.
/// Control thread only.
class WeightsFile {
public:
    /// Throws InputError where the file cannot be read, is longer than `max_bytes`, or begins with other letters.
    WeightsFile(std::filesystem::path file, std::string_view four_letters, std::size_t max_bytes);

    /// The next number. Throws InputError at the file's end, and for a float that is not finite.
    [[nodiscard]] std::uint8_t next_byte();
    [[nodiscard]] std::uint16_t next_16_bits();
    [[nodiscard]] float next_float();

    /// Throws InputError where there is more than was read.
    void expect_end() const;
    /// Throws InputError: "FILE: " and `what`.
    [[noreturn]] void refuse(const std::string& what) const;

private:
    std::filesystem::path file_;
    std::vector<std::uint8_t> bytes_;
    std::size_t at_ = 0;
};

/// `file` of the first folder `folder` among those in which models are looked for. Throws InputError where there is
/// none.
[[nodiscard]] std::filesystem::path find_weights(const std::string& folder, const std::string& file);

}  // namespace sidetone::speech
