// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <memory>

#include "rt/guard.hpp"

namespace sidetone::rt {
namespace {

TEST(RealtimeScope, WithoutInterposerNothingIsCountedAndThatIsSaid) {
    EXPECT_FALSE(interposer_is_present());
    trap_on_violation(true);
    reset_realtime_counts();
    {
        const RealtimeScope scope(RealtimeKind::audio);
        const auto made = std::make_unique<int>(3);
        EXPECT_EQ(*made, 3);
    }
    EXPECT_EQ(realtime_counts(RealtimeKind::audio).heap_calls, 0U);
}

}  // namespace
}  // namespace sidetone::rt
