// SPDX-License-Identifier: Apache-2.0
// What a callback costs on a card is not its instructions but the memory that they come from: between two blocks the
// processor forgets. So the code that every block runs is marked ([[gnu::hot]]) and laid side by side; here is counted,
// instruction by instruction, how much of it there is.
#include <gtest/gtest.h>

#if defined(__linux__) && defined(__x86_64__) && defined(__OPTIMIZE__) && !defined(SIDETONE_SANITIZED)

#include <ucontext.h>

#include <algorithm>
#include <array>
#include <csignal>
#include <cstddef>
#include <cstdint>
#include <set>
#include <string>
#include <string_view>

#include "engine/engine.hpp"
#include "rt/clock.hpp"
#include "sidetone/chain.hpp"
#include "unit/engine/hand_driven_card.hpp"
#include "unit/engine/sounds.hpp"

namespace sidetone::engine {
namespace {

constexpr device::CardFormat kCard{
    .rate_hz = 48'000, .block_frames = 128, .max_block_frames = 128, .input_channels = 1, .output_channels = 1};
constexpr std::uintptr_t kLineBytes = 64, kPageBytes = 4096;
// Every 16th block from the 17th on puts the ledger's rows away, which is not told here.
constexpr std::uint32_t kBlocksPerCycle = 16, kFirstOfCycle = 4, kLastOfCycle = 12;
constexpr std::uint32_t kWarmUpBlocks = 2 * kBlocksPerCycle, kWanted = 2 * (kLastOfCycle - kFirstOfCycle);
constexpr std::uint32_t kMostBlocks = 24 * kBlocksPerCycle;
constexpr std::int64_t kPeriodNs = 2'666'667;
// With some to spare, for other processors' vector code lies in other pages: g++ 12 needs 17 and 33, clang 14, which
// leaves instances of templates where they are, at most 25 and 39.
#ifdef __clang__
constexpr std::size_t kMostPages = 30, kMostPagesWithBank = 44;
#else
constexpr std::size_t kMostPages = 21, kMostPagesWithBank = 36;
#endif

constexpr std::uint64_t kTrapFlag = 1U << 8U;  // in the flags register: a trap after every instruction
constexpr std::size_t kMostSteps = 100'000;    // more than twice what a block takes
std::array<std::uintptr_t, kMostSteps> steps;
std::size_t step_count = 0;

void note_step(int /*signal*/, siginfo_t* /*info*/, void* context) {
    auto& registers = static_cast<ucontext_t*>(context)->uc_mcontext.gregs;
    if (step_count == kMostSteps) {
        registers[REG_EFL] &= ~static_cast<greg_t>(kTrapFlag);
        return;
    }
    steps[step_count++] = static_cast<std::uintptr_t>(registers[REG_RIP]);
}

class StepHandler {
public:
    StepHandler() {
        struct sigaction action = {};
        action.sa_sigaction = note_step;
        action.sa_flags = SA_SIGINFO;
        sigaction(SIGTRAP, &action, &before_);
    }
    ~StepHandler() { sigaction(SIGTRAP, &before_, nullptr); }
    StepHandler(const StepHandler&) = delete;
    StepHandler& operator=(const StepHandler&) = delete;

private:
    struct sigaction before_ = {};
};

/// Steps through the engine's part of some blocks, and keeps where their instructions lie.
class SteppedUser final : public device::CardUser {
public:
    explicit SteppedUser(Engine& engine) : engine_(engine) {}
    void prepare(const device::CardFormat& format) override { engine_.prepare(format); }
    void process(const device::CardBlock& block) noexcept override {
        const auto of_cycle = blocks_++ % kBlocksPerCycle;
        if (blocks_ <= kWarmUpBlocks || of_cycle < kFirstOfCycle || of_cycle >= kLastOfCycle) {
            engine_.process(block);
            return;
        }
        step_count = 0;
        __builtin_ia32_writeeflags_u64(__builtin_ia32_readeflags_u64() | kTrapFlag);
        engine_.process(block);
        __builtin_ia32_writeeflags_u64(__builtin_ia32_readeflags_u64() & ~kTrapFlag);
        keep();
    }
    void on_event(device::CardEvent event) noexcept override { engine_.on_event(event); }
    [[nodiscard]] std::uint32_t delay_frames() const noexcept override { return engine_.delay_frames(); }

    [[nodiscard]] std::uint32_t kept() const noexcept { return kept_; }
    [[nodiscard]] std::size_t longest() const noexcept { return longest_; }
    /// Of all blocks kept.
    [[nodiscard]] std::size_t touched(std::uintptr_t unit) const {
        std::set<std::uintptr_t> units;
        for (const auto line : lines_) units.insert(line * kLineBytes / unit);
        return units.size();
    }

private:
    // A block in which a result is missed takes other ways, and so do those after it: then all begins anew.
    void keep() {
        const auto misses = engine_.file().stages.front().stage->misses();
        if (misses != misses_) {
            misses_ = misses;
            kept_ = 0;
            longest_ = 0;
            lines_.clear();
            return;
        }
        ++kept_;
        longest_ = std::max(longest_, step_count);
        for (std::size_t i = 0; i < step_count; ++i) lines_.insert(steps[i] / kLineBytes);
    }

    Engine& engine_;
    std::uint32_t blocks_ = 0, kept_ = 0;
    std::uint64_t misses_ = 0;
    std::size_t longest_ = 0;
    std::set<std::uintptr_t> lines_;
};

// Noise, until enough blocks were kept; `pause_ns` between blocks.
void play(SteppedUser& user, std::int64_t pause_ns) {
    test::HandDrivenCard card{user, kCard};
    const StepHandler handler;
    const auto noise = dsp::test::white_noise(std::size_t{kCard.block_frames} * kMostBlocks, 1, 0.1F);
    test::Planes heard(1);
    for (std::uint32_t block = 0; block < kMostBlocks && user.kept() < kWanted; ++block) {
        if (pause_ns > 0) rt::sleep_until_monotonic(rt::monotonic_ns() + pause_ns);
        card.block({noise}, std::size_t{kCard.block_frames} * block, kCard.block_frames, heard);
    }
}

// Says what was counted.
std::size_t pages_of(const SteppedUser& user) {
    const auto pages = user.touched(kPageBytes);
    testing::Test::RecordProperty("instructions", std::to_string(user.longest()));
    testing::Test::RecordProperty("lines", std::to_string(user.touched(kLineBytes)));
    testing::Test::RecordProperty("pages", std::to_string(pages));
    EXPECT_LT(user.longest(), kMostSteps);
    return pages;
}

// Hops are completed, handed to the worker, fetched and played in these blocks; nothing of the network is in them.
TEST(CallbackCode, LiesInFewPages) {
    if (std::string_view{rt::stamp_clock_name()} != "tsc") GTEST_SKIP() << "stamps are read from a library's pages";
    Engine engine{read_chain_text("[[stage]]\nkind = \"denoise\"\nmode = \"pipelined\"\n", "test.toml", 1)};
    SteppedUser user{engine};
    play(user, kPeriodNs);
    if (user.kept() < kWanted) GTEST_SKIP() << "too busy a machine: the worker came late again and again";
    EXPECT_GT(user.longest(), 2000U) << "two resamplers and two conversions have run";
    EXPECT_LE(pages_of(user), kMostPages);
}

// Filter bank, compressor, equaliser and limiter; left unmarked, their functions lie in ten pages more.
TEST(CallbackCode, OfAChainWithoutANetworkLiesInFewPages) {
    if (std::string_view{rt::stamp_clock_name()} != "tsc") GTEST_SKIP() << "stamps are read from a library's pages";
    Engine engine{read_chain(SIDETONE_SOURCE_DIR "/chains/dynamics.toml", 1)};
    SteppedUser user{engine};
    play(user, 0);
    EXPECT_EQ(user.kept(), kWanted);
    EXPECT_GT(user.longest(), 10'000U) << "two hops have gone through the bank";
    EXPECT_LE(pages_of(user), kMostPagesWithBank);
}

}  // namespace
}  // namespace sidetone::engine

#endif
