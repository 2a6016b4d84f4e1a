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
#include <span>
#include <vector>

#include "engine/engine.hpp"
#include "sidetone/chain.hpp"
#include "unit/engine/hand_driven_card.hpp"
#include "unit/engine/sounds.hpp"

namespace sidetone::engine {
namespace {

constexpr device::CardFormat kCard{
    .rate_hz = 48'000, .block_frames = 128, .max_block_frames = 128, .input_channels = 1, .output_channels = 1};
constexpr std::uint32_t kWarmUpBlocks = 32, kBlocks = 6;
constexpr std::uintptr_t kLineBytes = 64, kPageBytes = 4096;

constexpr std::uint64_t kTrapFlag = 1U << 8U;  // in the flags register: a trap after every instruction
constexpr std::size_t kMostSteps = 30'000;     // a block in which the network runs takes many more, and is not told
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

/// Steps through the engine's part of every block, and keeps the shortest one: in it no network has run.
class SteppedUser final : public device::CardUser {
public:
    explicit SteppedUser(Engine& engine) : engine_(engine) {}
    void prepare(const device::CardFormat& format) override { engine_.prepare(format); }
    void process(const device::CardBlock& block) noexcept override {
        if (++blocks_ <= kWarmUpBlocks) {
            engine_.process(block);
            return;
        }
        step_count = 0;
        __builtin_ia32_writeeflags_u64(__builtin_ia32_readeflags_u64() | kTrapFlag);
        engine_.process(block);
        __builtin_ia32_writeeflags_u64(__builtin_ia32_readeflags_u64() & ~kTrapFlag);
        if (step_count < shortest_.size() || shortest_.empty()) {
            shortest_.assign(steps.begin(), steps.begin() + static_cast<std::ptrdiff_t>(step_count));
        }
    }
    void on_event(device::CardEvent event) noexcept override { engine_.on_event(event); }
    [[nodiscard]] std::uint32_t delay_frames() const noexcept override { return engine_.delay_frames(); }

    [[nodiscard]] std::span<const std::uintptr_t> shortest() const noexcept { return shortest_; }

private:
    Engine& engine_;
    std::uint32_t blocks_ = 0;
    std::vector<std::uintptr_t> shortest_;
};

std::size_t distinct(std::span<const std::uintptr_t> addresses, std::uintptr_t unit) {
    std::set<std::uintptr_t> units;
    for (const auto address : addresses) units.insert(address / unit);
    return units.size();
}

TEST(CallbackCode, LiesInFewPages) {
    Engine engine{read_chain_text("[[stage]]\nkind = \"denoise\"\nmode = \"direct\"\n", "test.toml", 1)};
    SteppedUser user{engine};
    test::HandDrivenCard card{user, kCard};
    const StepHandler handler;
    const auto frames = std::size_t{kCard.block_frames} * (kWarmUpBlocks + kBlocks);
    (void)card.play({dsp::test::white_noise(frames, 1, 0.1F)});

    const auto lines = distinct(user.shortest(), kLineBytes), pages = distinct(user.shortest(), kPageBytes);
    RecordProperty("instructions", std::to_string(user.shortest().size()));
    RecordProperty("lines", std::to_string(lines));
    RecordProperty("pages", std::to_string(pages));
    EXPECT_GT(user.shortest().size(), 2000U) << "two resamplers and two conversions have run";
    EXPECT_LT(user.shortest().size(), kMostSteps);
    EXPECT_LE(lines, 170U);
    EXPECT_LE(pages, 18U);
}

}  // namespace
}  // namespace sidetone::engine

#endif
