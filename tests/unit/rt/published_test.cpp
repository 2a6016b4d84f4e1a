// SPDX-License-Identifier: Apache-2.0
#include "rt/published.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <cstdint>
#include <thread>
#include <vector>

#include "rt/guard.hpp"

namespace sidetone::rt {
namespace {

/// Tells of its death, and of one on the wrong thread.
class Settings {
public:
    explicit Settings(std::uint64_t number, std::vector<std::uint64_t>* freed = nullptr)
        : number_(number), inverse_(~number), freed_(freed), maker_(std::this_thread::get_id()) {}
    ~Settings() {
        if (std::this_thread::get_id() != maker_) freed_elsewhere.fetch_add(1);
        if (freed_ != nullptr) freed_->push_back(number_);
        number_ = inverse_ = 0;
    }
    Settings(const Settings&) = delete;
    Settings& operator=(const Settings&) = delete;

    [[nodiscard]] std::uint64_t number() const { return number_; }
    [[nodiscard]] bool is_whole() const { return number_ == ~inverse_; }

    static inline std::atomic<int> freed_elsewhere{0};

private:
    std::uint64_t number_, inverse_;
    std::vector<std::uint64_t>* freed_;
    std::thread::id maker_;
};

using Freed = std::vector<std::uint64_t>;

TEST(Published, OlderStatesAreFreedOnceTheAudioThreadHasMovedOn) {
    Freed freed;
    {
        Published<Settings> settings(std::make_unique<Settings>(1, &freed));
        EXPECT_EQ(settings.read().number(), 1U);
        settings.publish(std::make_unique<Settings>(2, &freed));
        EXPECT_EQ(freed, Freed{});
        EXPECT_EQ(settings.reclaim(), 1U);
        EXPECT_EQ(settings.newest().number(), 2U);
        EXPECT_EQ(settings.read().number(), 2U);
        EXPECT_EQ(freed, Freed{});
        EXPECT_EQ(settings.reclaim(), 0U);
        EXPECT_EQ(freed, Freed{1});
    }
    EXPECT_EQ(freed, (Freed{1, 2}));
}

TEST(Published, WhatWasNeverReadIsFreedByWhatIsNewer) {
    for (const bool has_read : {false, true}) {
        Freed freed;
        Published<Settings> settings(std::make_unique<Settings>(1, &freed));
        if (has_read) {
            EXPECT_EQ(settings.read().number(), 1U);
        }
        for (std::uint64_t i = 2; i < 10; ++i) settings.publish(std::make_unique<Settings>(i, &freed));
        EXPECT_EQ(freed, (Freed{2, 3, 4, 5, 6, 7, 8}));
        EXPECT_EQ(settings.read().number(), 9U);
        EXPECT_EQ(settings.reclaim(), 0U);
        EXPECT_EQ(freed.back(), 1U);
    }
}

TEST(Published, TheAudioThreadSeesWholeStatesInOrderAndFreesNone) {
    constexpr std::uint64_t kStates = 20'000;
    Settings::freed_elsewhere = 0;
    reset_realtime_counts();
    Published<Settings> settings(std::make_unique<Settings>(0));
    std::uint64_t wrong = 0;
    std::thread audio([&] {
        const RealtimeScope scope(RealtimeKind::audio);
        for (std::uint64_t last = 0; last < kStates;) {
            const Settings& now = settings.read();
            for (int use = 0; use < 4; ++use) {
                if (!now.is_whole() || now.number() < last) ++wrong;
            }
            last = now.number();
        }
    });
    for (std::uint64_t i = 1; i <= kStates; ++i) {
        settings.publish(std::make_unique<Settings>(i));
        if (i % 16 == 0) std::this_thread::yield();
    }
    audio.join();
    EXPECT_EQ(settings.reclaim(), 0U);
    EXPECT_EQ(wrong, 0U);
    EXPECT_EQ(Settings::freed_elsewhere, 0);
    EXPECT_EQ(realtime_counts(RealtimeKind::audio).heap_calls, 0U);
}

}  // namespace
}  // namespace sidetone::rt
