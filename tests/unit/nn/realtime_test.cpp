// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <atomic>
#include <cstdint>
#include <limits>

#include "nn/hop_model.hpp"
#include "rt/guard.hpp"
#include "test_models.hpp"

namespace sidetone::nn {
namespace {

constexpr std::size_t kHops = 1000;

// Heap calls and locks of 1000 hops of real speech, each rehearsed, after 10 to warm up.
rt::RealtimeCounts counts_of(HopModel& model) {
    const auto speech = test::speech();
    const auto hops = (speech.size() - model.length()) / model.hop();
    std::vector<float> out(model.hop());
    const auto process = [&](std::size_t hop) { return model.process(&speech[hop % hops * model.hop()], out.data()); };
    for (std::size_t hop = 0; hop < 10; ++hop) EXPECT_TRUE(process(hop));
    const std::atomic<std::uint32_t> notified{0};
    bool good = true;
    rt::reset_realtime_counts();
    {
        const rt::RealtimeScope scope{rt::RealtimeKind::worker};
        for (std::size_t hop = 0; hop < kHops; ++hop) {
            model.rehearse({notified, 0, std::numeric_limits<std::int64_t>::max()});
            good = process(hop) && good;
        }
    }
    EXPECT_TRUE(good);
    return rt::realtime_counts(rt::RealtimeKind::worker);
}

class RealTime : public testing::TestWithParam<const char*> {};

TEST_P(RealTime, PromiseOfAModelIsKept) {
    if (!rt::interposer_is_present()) GTEST_SKIP() << "no interposer: nothing is counted";
    const test::PublishedWeights published;
    const auto manifest = find_model(GetParam());
    SIDETONE_REQUIRE_WEIGHTS(manifest);
    HopModel model{manifest, "auto"};
    const auto counts = counts_of(model);
    RecordProperty("heap_calls_per_hop", std::to_string(counts.heap_calls / kHops));
    RecordProperty("locks_per_hop", std::to_string(counts.locks / kHops));
    // Both ways: what is promised is kept, and what is not promised could not be.
    EXPECT_EQ(model.is_realtime_safe(), counts.heap_calls == 0 && counts.locks == 0)
        << counts.heap_calls << " heap calls, " << counts.locks << " locks in " << kHops << " hops";
}

// What the direct mode rests on: the network that set-up brings may run on the audio thread itself.
TEST(Dtln, IsRealTimeSafe) {
    EXPECT_TRUE((HopModel{find_model("dtln"), "auto"}.is_realtime_safe()));
}

INSTANTIATE_TEST_SUITE_P(Models, RealTime, testing::Values("dtln", "dtln-onnx", "gtcrn", "ul-unas"),
                         test::name_of_case);

}  // namespace
}  // namespace sidetone::nn
