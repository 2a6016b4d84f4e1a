// SPDX-License-Identifier: Apache-2.0
#include "engine/live.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <filesystem>
#include <limits>
#include <system_error>
#include <thread>

#include "device/sim_card.hpp"
#include "device/sound_file.hpp"
#include "rt/clock.hpp"
#include "unit/engine/hand_driven_card.hpp"
#include "unit/engine/sounds.hpp"

namespace sidetone::engine {
namespace {

using namespace std::chrono_literals;
using nn::test::error_of;
using testing::Contains;
using testing::HasSubstr;
using testing::Not;

constexpr auto kGain = "[[stage]]\nkind = \"gain\"\n";
constexpr device::CardFormat kFormat{
    .rate_hz = 48'000, .block_frames = 480, .max_block_frames = 480, .input_channels = 1, .output_channels = 1};

// What a card does, in turn, on a thread of its own.
struct Scene {
    device::CardFormat format = kFormat;  // prepares when it differs from the one before
    int blocks = 0;
    float sample = 0.1F;
};

// A card that plays scenes and then is lost or finished; each start plays the next list.
class ScriptedCard final : public device::Card {
public:
    using Script = std::vector<Scene>;
    explicit ScriptedCard(std::vector<Script> scripts, int refusals = 0, std::vector<std::string> names = {})
        : scripts_(std::move(scripts)), refusals_(refusals), names_(std::move(names)) {}
    ~ScriptedCard() override { stop(); }

    void start(device::CardUser& user) override {
        if (starts_ > 0 && refusals_-- > 0) throw InputError("scripted card: still away");
        format_ = scripts_[starts_].front().format;
        driven_.emplace(user, format_);
        stop_ = false;
        thread_ = std::thread{[this, &user, script = scripts_[starts_], is_last = starts_ + 1 == scripts_.size()] {
            play(script);
            if (!stop_) user.on_event(is_last ? device::CardEvent::finished : device::CardEvent::lost);
        }};
        ++starts_;
    }
    void stop() noexcept override {
        stop_ = true;
        if (thread_.joinable()) thread_.join();
    }
    [[nodiscard]] const device::CardFormat& format() const noexcept override { return format_; }
    [[nodiscard]] std::string description() const override { return "scripted card"; }
    [[nodiscard]] std::vector<std::string> warnings() const override { return {"scripted warning"}; }
    [[nodiscard]] std::string playback_name() const override {
        return names_.empty() ? std::string{} : names_.at(starts_ - 1);
    }
    /// It moves to the next script's device when that has a scene with no block to begin with.
    [[nodiscard]] bool default_has_moved() override {
        return starts_ < scripts_.size() && scripts_[starts_].front().blocks == 0;
    }

private:
    void play(const Script& script) {
        for (const auto& scene : script) {
            if (scene.format.block_frames != format_.block_frames || scene.format.rate_hz != format_.rate_hz) {
                driven_->change(scene.format);
                format_ = scene.format;
            }
            const test::Planes input{std::vector<float>(format_.block_frames, scene.sample)};
            for (int i = 0; i < scene.blocks && !stop_; ++i) {
                test::Planes output(1);
                driven_->block(input, 0, format_.block_frames, output);
                std::this_thread::sleep_for(1ms);
            }
        }
    }

    std::vector<Script> scripts_;
    int refusals_;
    std::vector<std::string> names_;
    std::size_t starts_ = 0;
    device::CardFormat format_;
    std::optional<test::HandDrivenCard> driven_;
    std::atomic<bool> stop_{false};
    std::thread thread_;
};

class RunLive : public testing::Test {
protected:
    RunLive() { nn::test::write(at("gain.toml"), kGain); }
    [[nodiscard]] std::filesystem::path at(const std::string& name) const { return folder_.path() / name; }
    [[nodiscard]] LiveOptions options() {
        return {.seconds = 20,
                .on_status = [this](const LiveStatus& status) { statuses_.push_back(status); },
                .on_message = [this](const std::string& line) { messages_.push_back(line); }};
    }
    Report play(std::vector<ScriptedCard::Script> scripts, int refusals = 0) {
        return run_live(
            at("gain.toml"), 1, [&] { return std::make_unique<ScriptedCard>(scripts, refusals); }, options(), stop_);
    }

    nn::test::TemporaryFolder folder_;
    std::atomic<bool> stop_{false};
    std::vector<std::string> messages_;
    std::vector<LiveStatus> statuses_;
};

// ── beginning and end ───────────────────────────────────────────────────────────────────────────

TEST_F(RunLive, EndsWithTheCardAndReportsIt) {
    const auto report = play({{{.blocks = 300}}});
    EXPECT_EQ(report.blocks, 300U);
    EXPECT_EQ(report.card, "scripted card");
    EXPECT_EQ(report.chain, at("gain.toml").string());
    EXPECT_EQ(report.rate_hz, 48'000U);
    EXPECT_EQ(report.block_frames, 480U);
    EXPECT_EQ(report.outages, 0U);
    EXPECT_EQ(report.delay_frames, 0U);
    EXPECT_DOUBLE_EQ(report.latency.total_ms(), 20) << "two periods, and a chain without delay";
    EXPECT_THAT(messages_, Contains("scripted card"));
    EXPECT_THAT(messages_, Contains("scripted warning"));
    ASSERT_FALSE(statuses_.empty());
    EXPECT_TRUE(statuses_.front().sounding);
    ASSERT_EQ(statuses_.front().input_peaks_dbfs.size(), 1U);
    EXPECT_NEAR(statuses_.front().input_peaks_dbfs[0], -20, 0.01);
    ASSERT_EQ(report.output_peaks_dbfs.size(), 1U);
    EXPECT_NEAR(report.output_peaks_dbfs[0], -20, 0.01);
    EXPECT_DOUBLE_EQ(statuses_.front().latency_ms, 20);
}

TEST_F(RunLive, EndsWhenTimeIsUp) {
    auto soon = options();
    soon.seconds = 0.2;
    const auto report = run_live(
        at("gain.toml"), 1,
        [] { return std::make_unique<ScriptedCard>(std::vector<ScriptedCard::Script>{{{.blocks = 1 << 20}}}); }, soon,
        stop_);
    EXPECT_GE(report.seconds, 0.2);
    EXPECT_GT(report.blocks, 0U);
}

TEST_F(RunLive, EndsWhenItIsToldTo) {
    std::thread user{[this] {
        std::this_thread::sleep_for(100ms);
        stop_ = true;
    }};
    const auto report = play({{{.blocks = 1 << 20}}});
    user.join();
    EXPECT_LT(report.seconds, 15);
}

TEST_F(RunLive, RefusesWhatCannotStart) {
    EXPECT_THAT(error_of([&] {
                    (void)run_live(
                        at("gain.toml"), 1, []() -> std::unique_ptr<device::Card> { throw InputError("no such card"); },
                        {}, stop_);
                }),
                HasSubstr("no such card"));
    nn::test::write(at("bad.toml"), "[[stage]]\nkind = \"reverb\"\n");
    EXPECT_THAT(error_of([&] {
                    (void)run_live(
                        at("bad.toml"), 1, [] { return std::make_unique<device::SimCard>(device::SimSettings{}); }, {},
                        stop_);
                }),
                HasSubstr("bad.toml:2:"));
}

// ── changes and outages ─────────────────────────────────────────────────────────────────────────

TEST_F(RunLive, CardThatChangesItsFormatIsFollowed) {
    auto other = kFormat;
    other.rate_hz = 44'100;
    other.block_frames = other.max_block_frames = 441;
    const auto report = play({{{.blocks = 100}, {.format = other, .blocks = 200}}});
    EXPECT_EQ(report.blocks, 300U);
    EXPECT_EQ(report.rate_hz, 44'100U);
    EXPECT_EQ(report.block_frames, 441U);
    EXPECT_EQ(report.outages, 0U);
    EXPECT_THAT(messages_,
                Contains(HasSubstr("the card changed to 44100 Hz, 441 frames a block; made ready again in")));
}

TEST_F(RunLive, CardThatComesBackIsTakenUpAgain) {
    const auto report = play({{{.blocks = 100}}, {{.blocks = 100}}, {{.blocks = 100}}});
    EXPECT_EQ(report.blocks, 300U);
    EXPECT_EQ(report.outages, 2U);
    EXPECT_GT(report.longest_outage_ms, 0);
    EXPECT_THAT(messages_,
                Contains(HasSubstr("the card is gone (scripted card); waiting for it to come back")).Times(2));
    EXPECT_THAT(messages_, Contains(HasSubstr("sound resumed after")).Times(2));
    EXPECT_THAT(messages_, Not(Contains(HasSubstr("the card changed to"))));
}

TEST_F(RunLive, CardThatStaysAwayIsTriedAgainAndToldOfOnce) {
    const auto report = play({{{.blocks = 50}}, {{.blocks = 100}}}, 3);
    EXPECT_EQ(report.outages, 1U);
    EXPECT_GT(report.longest_outage_ms, 600) << "four tries, 250 ms apart";
    EXPECT_THAT(messages_, Contains("still waiting: scripted card: still away").Times(1));
    bool was_silent = false;
    for (const auto& status : statuses_) was_silent = was_silent || !status.sounding;
    EXPECT_TRUE(was_silent);
}

TEST_F(RunLive, CardThatComesBackWithAnotherRateIsTakenUpAgain) {
    auto other = kFormat;
    other.rate_hz = 16'000;
    const auto report = play({{{.blocks = 100}}, {{.format = other, .blocks = 100}}});
    EXPECT_EQ(report.blocks, 200U);
    EXPECT_EQ(report.rate_hz, 16'000U);
    EXPECT_EQ(report.outages, 1U);
}

// Headphones are unplugged, sound goes on through the loudspeakers, and the headphones come back.
TEST_F(RunLive, EachDeviceIsGivenItsOwnSettings) {
    const std::vector<std::string> names{"headphones", "loudspeakers", "headphones"};
    std::vector<std::string> asked;
    auto by_device = options();
    by_device.settings_of = [&](const std::string& device) -> std::vector<Change> {
        asked.push_back(device);
        if (device == "headphones") return {{"gain.gain_db", -20.0}};
        return {};
    };
    std::vector<float> loudest(3, -120.0F);
    by_device.on_status = [&](const LiveStatus& status) {
        if (status.sounding && status.output_peaks_dbfs[0] > -100) {
            loudest.at(asked.size() - 1) = status.output_peaks_dbfs[0];
        }
    };
    const auto report = run_live(
        at("gain.toml"), 1,
        [&] {
            return std::make_unique<ScriptedCard>(
                std::vector<ScriptedCard::Script>{{{.blocks = 500}}, {{.blocks = 500}}, {{.blocks = 500}}}, 0, names);
        },
        by_device, stop_);
    EXPECT_EQ(report.outages, 2U);
    EXPECT_EQ(asked, names);
    EXPECT_NEAR(loudest[0], -40, 0.5) << "of the last status";
    EXPECT_NEAR(loudest[1], -20, 0.5) << "what the chain file says";
    EXPECT_NEAR(loudest[2], -40, 0.5);
    EXPECT_THAT(messages_, Contains("1 settings of the profile of \"headphones\"").Times(2));
}

TEST_F(RunLive, ADeviceThatComesBackFindsWhatWasSetMeanwhile) {
    int asked = 0;
    auto by_device = options();
    by_device.settings_of = [&](const std::string&) -> std::vector<Change> {
        ++asked;
        return {};
    };
    (void)run_live(
        at("gain.toml"), 1,
        [&] {
            return std::make_unique<ScriptedCard>(std::vector<ScriptedCard::Script>{{{.blocks = 50}}, {{.blocks = 50}}},
                                                  0, std::vector<std::string>{"headphones", "headphones"});
        },
        by_device, stop_);
    EXPECT_EQ(asked, 1);
}

TEST_F(RunLive, AProfileThatCannotBeIsToldOfAndSoundGoesOn) {
    const auto play_with = [&](decltype(LiveOptions::settings_of) settings_of) {
        auto by_device = options();
        by_device.settings_of = std::move(settings_of);
        const auto report = run_live(
            at("gain.toml"), 1,
            [&] {
                return std::make_unique<ScriptedCard>(std::vector<ScriptedCard::Script>{{{.blocks = 100}}}, 0,
                                                      std::vector<std::string>{"headphones"});
            },
            by_device, stop_);
        EXPECT_EQ(report.blocks, 100U);
    };
    const auto is_told = [](const char* what) {
        return Contains(testing::AllOf(HasSubstr("profile of \"headphones\": "), HasSubstr(what)));
    };
    play_with([](const std::string&) -> std::vector<Change> { return {{"gain.gain_db", 1e9}}; });
    EXPECT_THAT(messages_, is_told("gain_db"));
    play_with([](const std::string&) -> std::vector<Change> {
        throw std::filesystem::filesystem_error{"no way in", std::make_error_code(std::errc::permission_denied)};
    });
    EXPECT_THAT(messages_, is_told("no way in"));
}

TEST_F(RunLive, GoesOverToTheDeviceThatIsTheDefaultNow) {
    const auto report = play({{{.blocks = 10'000}}, {{.blocks = 0}, {.blocks = 100}}});
    EXPECT_EQ(report.outages, 1U);
    EXPECT_LT(report.blocks, 9000U) << "it did not play to the first one's end";
    EXPECT_THAT(messages_, Contains("another device is the default now; going over to it"));
    EXPECT_THAT(messages_, Contains(HasSubstr("sound resumed after")));
}

// The real simulated card: what was recorded shows that speech was heard before and after.
TEST_F(RunLive, SoundResumesWhenTheSimulatedCardReturns) {
    device::SimSettings sim;
    sim.pacing = {.rate_hz = 48'000, .block_frames = 128};
    const auto noise = dsp::test::white_noise(48'000 * 2, 1, 0.1F);
    device::write_sound_file(at("in.wav"), {.rate_hz = 48'000, .channels = {noise}});
    sim.input_file = at("in.wav");
    sim.output_file = at("out.wav");
    sim.vanish_after_s = 0.5;
    sim.return_after_s = 0.3;
    const auto report = run_live(
        at("gain.toml"), 1, [&] { return std::make_unique<device::SimCard>(sim); }, options(), stop_);
    EXPECT_EQ(report.outages, 1U);
    EXPECT_GE(report.longest_outage_ms, 250);
    EXPECT_THAT(messages_, Contains(HasSubstr("sound resumed after")));
    const auto heard = device::read_sound_file(at("out.wav")).channels[0];
    ASSERT_EQ(heard.size(), noise.size());
    const auto stretch = [&](double from_s, double to_s) {
        return std::span(heard).subspan(static_cast<std::size_t>(from_s * 48'000),
                                        static_cast<std::size_t>((to_s - from_s) * 48'000));
    };
    EXPECT_GT(test::peak_of(stretch(0.1, 0.4)), 0.2F);
    EXPECT_EQ(test::peak_of(stretch(0.55, 0.75)), 0.0F) << "silence while it was away";
    EXPECT_GT(test::peak_of(stretch(1.8, 1.95)), 0.2F);
}

// ── counts ──────────────────────────────────────────────────────────────────────────────────────

// Also what came in the last moments, after the last look at the card.
TEST_F(RunLive, EverySampleThatIsNotFiniteIsInTheReport) {
    for (const int blocks : {1, 7, 40}) {
        const auto report =
            play({{{.blocks = 100}, {.blocks = blocks, .sample = std::numeric_limits<float>::quiet_NaN()}}});
        EXPECT_EQ(report.not_finite, static_cast<std::uint64_t>(blocks) * 480);
    }
}

}  // namespace
}  // namespace sidetone::engine
