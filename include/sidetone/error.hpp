// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <stdexcept>
#include <string>

#pragma GCC visibility push(default)
namespace sidetone {

/// Something the user gave is wrong: a file, a key, a value, a device. One line that says what, where, found,
/// expected, and what to do; the program prints it and exits with 2. Thrown during set-up only, never once
/// sound runs.
class InputError : public std::runtime_error {
public:
    using std::runtime_error::runtime_error;
};

}  // namespace sidetone
#pragma GCC visibility pop
