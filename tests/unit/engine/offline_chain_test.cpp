// SPDX-License-Identifier: Apache-2.0
#include "engine/offline_chain.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <vector>

#include "device/sound_file.hpp"
#include "engine/chain.hpp"
#include "engine/ledger.hpp"
#include "engine/offline.hpp"
#include "rt/guard.hpp"
#include "stage/gain.hpp"
#include "unit/engine/sounds.hpp"
#include "unit/engine/test_stages.hpp"

namespace sidetone::engine {
namespace {

using nn::test::error_of;
using testing::HasSubstr;

class OfflineChainTest : public testing::Test {
protected:
    [[nodiscard]] std::filesystem::path write(const char* chain) const {
        nn::test::write(folder_.path() / "chain.toml", chain);
        return folder_.path() / "chain.toml";
    }
    nn::test::TemporaryFolder folder_;
};

TEST_F(OfflineChainTest, GivesTheSamplesThatProcessingAFileGives) {
    const auto path = write("[[stage]]\nkind = \"denoise\"\n[[stage]]\nkind = \"gain\"\ngain_db = -3\n");
    const auto speech = test::speech_at(48'000, 1);
    device::write_sound_file(folder_.path() / "in.wav", {.rate_hz = 48'000, .channels = {speech}});
    const auto report = process_file(path, folder_.path() / "in.wav", folder_.path() / "out.wav", {.align = true}, {});
    const auto expected = device::read_sound_file(folder_.path() / "out.wav").channels[0];

    OfflineChain chain{path, 48'000, 1};
    const auto output = chain.run(speech, 0);
    EXPECT_EQ(chain.delay_frames(), report.delay_frames);
    ASSERT_EQ(output.size(), speech.size());
    EXPECT_EQ(test::largest_difference(output, expected), 0.0F);
    EXPECT_EQ(test::largest_difference(chain.run(speech, 0), expected), 0.0F) << "each run starts from silence";
    EXPECT_EQ(chain.misses(), 0U);
}

TEST_F(OfflineChainTest, StopsAtFullScaleAsAConverterDoes) {
    OfflineChain chain{write("[[stage]]\nkind = \"gain\"\ngain_db = 20\n"), 48'000, 2};
    std::vector<float> input(4800, 0.05F);
    input.resize(9600, -0.5F);
    const auto output = chain.run(input, 1);
    EXPECT_FLOAT_EQ(output[4000], 0.5F);
    EXPECT_EQ(output[9000], -1.0F);
}

TEST_F(OfflineChainTest, MakesNoHeapCallWhileSoundRuns) {
    if (!rt::interposer_is_present()) GTEST_SKIP() << "heap calls are not counted in this build";
    OfflineChain chain{write("[[stage]]\nkind = \"gain\"\n"), 48'000, 1};
    rt::reset_realtime_counts();
    (void)chain.run(std::vector<float>(4800, 0.1F), 0);
    EXPECT_EQ(rt::realtime_counts(rt::RealtimeKind::audio).heap_calls, 0U);
}

TEST_F(OfflineChainTest, RefusesAChainForOtherChannels) {
    const auto path = write("channels = 2\n[[stage]]\nkind = \"gain\"\n");
    EXPECT_THAT(error_of([&] { OfflineChain(path, 48'000, 1); }), HasSubstr("chain.toml:1: chain, key \"channels\""));
}

// ── what stages are shown ───────────────────────────────────────────────────────────────────────

class ListeningStage final : public test::HookStage {
public:
    explicit ListeningStage(std::vector<float>& heard) : HookStage({}), heard_(heard) {}
    void hear(const float* const* out, std::uint32_t frames) noexcept override {
        std::copy_n(out[0], std::min<std::size_t>(frames, heard_.size()), heard_.begin());
    }

private:
    std::vector<float>& heard_;
};

TEST(Chain, ShowsEveryStageWhatLeavesIt) {
    std::vector<float> heard(64), input(64, 0.25F), output(64);
    auto file = test::chain_of(std::make_unique<ListeningStage>(heard));
    file.stages.push_back({.name = "gain", .budget_us = 0, .stage = std::make_unique<stage::GainStage>(-20)});
    device::CardFormat format;
    format.rate_hz = 48'000;
    format.block_frames = format.max_block_frames = 64;
    format.input_channels = format.output_channels = 1;
    Ledger ledger;
    Chain chain{file, format, ledger, {.offline = true}};
    const void* const in[]{input.data()};
    void* const out[]{output.data()};
    for (int block = 0; block < 20; ++block) {
        chain.process({.input = {.data = in, .channels = 1}, .output = {.data = out, .channels = 1}, .frames = 64});
    }
    EXPECT_NEAR(heard[63], 0.025F, 1e-6F);
    EXPECT_EQ(heard, output);
}

}  // namespace
}  // namespace sidetone::engine
