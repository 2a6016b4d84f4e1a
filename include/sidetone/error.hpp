// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <stdexcept>
#include <string>
#include <utility>

#pragma GCC visibility push(default)
namespace sidetone {

/// Something the user gave is wrong: a file, a key, a value, a device. One line that says what, where, found,
/// expected, and what to do; the program prints it and exits with 2. Thrown on the control thread only,
/// never where sound runs.
class InputError : public std::runtime_error {
public:
    /// Control characters, which a file's name or contents may bring in, become blanks: it stays one line.
    explicit InputError(std::string line) : std::runtime_error(on_one_line(std::move(line))) {}

private:
    [[nodiscard]] static std::string on_one_line(std::string line) {
        for (char& c : line) {
            if (static_cast<unsigned char>(c) < ' ' || c == '\x7f') c = ' ';
        }
        return line;
    }
};

}  // namespace sidetone
#pragma GCC visibility pop
