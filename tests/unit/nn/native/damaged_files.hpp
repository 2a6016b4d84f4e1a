// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <gtest/gtest.h>

#include <filesystem>
#include <functional>
#include <random>
#include <string>

#include "compared_session.hpp"
#include "nn/native/native_session.hpp"
#include "rt/error.hpp"
#include "unit/nn/test_models.hpp"

namespace sidetone::nn::test {

/// Writes `good` to `file` again and again, each time with what `damage` makes of it in that trial, and has the native
/// executor open and run it: damage either is refused in one line or leaves a graph that runs, and never crashes.
/// Returns how many were refused.
inline int refused_of_damaged(const GraphSpec& graph, const std::filesystem::path& file, const std::string& good,
                              int trials, const std::function<void(std::string&, int)>& damage) {
    int refused = 0;
    for (int trial = 0; trial < trials; ++trial) {
        auto damaged = good;
        damage(damaged, trial);
        write(file, damaged);
        try {
            ComparedSession session{graph, open_native_session(graph, file)};
            EXPECT_TRUE(session.run());
        } catch (const InputError&) {
            ++refused;
        }
    }
    return refused;
}

inline void flip_a_bit(char& byte, std::mt19937& random) {
    byte ^= static_cast<char>(1U << random() % 8U);
}

}  // namespace sidetone::nn::test
