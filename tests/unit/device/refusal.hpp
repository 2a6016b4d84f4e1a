// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "rt/error.hpp"

namespace sidetone::device {

/// The line of the InputError that `action` throws; empty when it throws none.
template <class Action>
std::string refusal(Action&& action) {
    try {
        action();
    } catch (const InputError& error) {
        return error.what();
    }
    return {};
}

}  // namespace sidetone::device
