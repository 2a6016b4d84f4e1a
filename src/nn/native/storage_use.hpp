// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <vector>

#include "nn/native/program.hpp"

namespace sidetone::nn::native {

/// Who touches a storage.
struct StorageUse {
    std::size_t writers = 0, readers = 0;
    std::size_t last_writer = 0, last_reader = 0;  ///< steps; where there is one
    bool is_output = false;
};

/// One for each storage of `program`.
[[nodiscard]] std::vector<StorageUse> uses_of(const Program& program);

/// Whether `value` is all that there is in its storage.
[[nodiscard]] bool fills_storage(const Program& program, const Value& value);

}  // namespace sidetone::nn::native
