// SPDX-License-Identifier: Apache-2.0
#include "speech/forced_alignment.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <functional>
#include <limits>
#include <random>
#include <string>
#include <vector>

#include "rt/guard.hpp"
#include "unit/speech/written_file.hpp"

namespace sidetone::speech {
namespace {

using Frame = std::array<float, kPhoneClassCount>;
using Frames = std::vector<Frame>;
using Random = std::mt19937;

int below(int count, Random& random) {
    return std::uniform_int_distribution<int>{0, count - 1}(random);
}

/// Probabilities of all classes, any of them.
Frame random_frame(Random& random) {
    Frame frame{};
    double sum = 0;
    std::normal_distribution<double> spread{0, 3};
    for (auto& value : frame) {
        value = static_cast<float>(spread(random));
        sum += std::exp(static_cast<double>(value));
    }
    for (auto& value : frame) value -= static_cast<float>(std::log(sum));
    return frame;
}

/// `probability` of `phone`, the rest for all others alike.
Frame frame_of(Phone phone, double probability = 0.9) {
    Frame frame{};
    frame.fill(static_cast<float>(std::log((1 - probability) / kPhoneCount)));
    frame[phone] = static_cast<float>(std::log(probability));
    return frame;
}

void push_all(ForcedAlignment& alignment, const Frames& frames, float speech = 0.5F) {
    for (const auto& frame : frames) alignment.push(frame, speech);
}

/// "3.1:0-4": phone, word and frames, for all.
std::string text_of(std::span<const AlignedPhone> phones) {
    std::string text;
    for (const auto& phone : phones)
        text += std::to_string(phone.phone) + '.' + std::to_string(phone.word) + ':' +
                std::to_string(phone.first_frame) + '-' + std::to_string(phone.end_frame) + ' ';
    return text;
}

// ── the definition ──────────────────────────────────────────────────────────────────────────────

/// Something that is said for one frame or more.
struct Unit {
    Phone phone = kBlank;
    int word = 0;
    int least_frames = 1;
};

struct Reading {
    double log_price = -std::numeric_limits<double>::infinity();
    std::string text;
};

/// Tries every reading of a prompt: words said in each way or left out, gaps there or not, in every timing.
class EveryReading {
public:
    EveryReading(const Prompt& prompt, const AlignmentSettings& settings, const Frames& frames, float speech)
        : prompt_(prompt), settings_(settings), frames_(frames), speech_(speech) {
        choose(0, 0, 0);
    }
    [[nodiscard]] const Reading& best() const { return best_; }
    /// The best that says something else, or at another time.
    [[nodiscard]] const Reading& second() const { return second_; }

private:
    double price(const Frame& frame, Phone phone) const {
        const double blank = settings_.blank_share * std::exp(static_cast<double>(frame[kBlank]));
        if (phone == kBlank) return std::log(std::max<double>(blank * (1 - speech_), settings_.gap_floor));
        const double own = std::exp(static_cast<double>(frame[phone]));
        return std::log(std::max<double>(own + blank * speech_, settings_.phone_floor));
    }

    double peak_price(const Frame& frame, Phone phone) const {
        return std::log(std::max<double>(std::exp(static_cast<double>(frame[phone])), settings_.phone_floor));
    }

    bool has_spoken() const {
        return std::ranges::any_of(units_, [](const Unit& unit) { return unit.phone != kBlank; });
    }

    // `skipped` words have been left out in a row. A word that is said again is not left out.
    void choose(std::size_t word, int skipped, double price, bool is_again = false) {
        if (word == prompt_.size()) {
            with_and_without_gap(skipped, price, [&](double now) { time(0, 0, now, {}); });
            return;
        }
        if (std::isfinite(settings_.prices.skip_word) && !is_again)
            choose(word + 1, skipped + 1, price + settings_.prices.skip_word);
        for (const auto& pronunciation : prompt_[word].pronunciations) {
            with_and_without_gap(skipped, price, [&](double now) {
                const auto before = units_.size();
                say(pronunciation, static_cast<int>(word));
                if (!has_repeat() && units_.size() <= frames_.size()) {
                    choose(word + 1, 0, now);
                    for (auto again = word + 1; std::isfinite(settings_.prices.repeat) && again-- > 0;)
                        choose(again, 0, now + settings_.prices.repeat, true);
                }
                units_.resize(before);
            });
        }
    }

    void with_and_without_gap(int skipped, double price, const std::function<void(double)>& go_on) {
        if (skipped < 2) go_on(price);
        const bool is_pause = has_spoken();
        units_.push_back({.word = -1, .least_frames = std::max(skipped, 1)});
        go_on(price + (is_pause ? settings_.prices.pause : 0));
        units_.pop_back();
    }

    void say(const Pronunciation& pronunciation, int word) {
        for (std::size_t i = 0; i < pronunciation.size(); ++i) {
            if (i > 0 && pronunciation[i] == pronunciation[i - 1]) units_.push_back({.word = word});
            units_.push_back({.phone = pronunciation[i], .word = word});
        }
    }

    // The same phone twice without a gap.
    bool has_repeat() const {
        const auto same = [](const Unit& a, const Unit& b) { return a.phone == b.phone; };
        return std::ranges::adjacent_find(units_, same) != units_.end();
    }

    void time(std::size_t unit, std::size_t frame, double now, const std::string& text) {
        if (unit == units_.size()) {
            if (frame == frames_.size()) keep(now, text);
            return;
        }
        const auto& what = units_[unit];
        double for_peak = what.phone == kBlank ? 0 : -std::numeric_limits<double>::infinity();
        for (auto end = frame + 1; end <= frames_.size(); ++end) {
            const auto& last = frames_[end - 1];
            now += price(last, what.phone);
            if (what.phone != kBlank)
                for_peak = std::max(for_peak, peak_price(last, what.phone) - price(last, what.phone));
            if (end - frame < static_cast<std::size_t>(what.least_frames)) continue;
            const AlignedPhone phone{.phone = what.phone,
                                     .word = what.word,
                                     .first_frame = static_cast<std::int64_t>(frame),
                                     .end_frame = static_cast<std::int64_t>(end)};
            time(unit + 1, end, now + for_peak, what.phone == kBlank ? text : text + text_of({&phone, 1}));
        }
    }

    void keep(double price, const std::string& text) {
        if (text == best_.text && std::isfinite(best_.log_price)) {
            best_.log_price = std::max(best_.log_price, price);
        } else if (price > best_.log_price) {
            second_ = best_;
            best_ = {price, text};
        } else if (price > second_.log_price) {
            second_ = {price, text};
        }
    }

    const Prompt& prompt_;
    const AlignmentSettings& settings_;
    const Frames& frames_;
    float speech_;
    std::vector<Unit> units_;
    Reading best_, second_;
};

Prompt random_prompt(Random& random) {
    Prompt prompt(static_cast<std::size_t>(1 + below(3, random)));
    for (auto& word : prompt) {
        word.pronunciations.resize(static_cast<std::size_t>(1 + below(2, random)));
        for (auto& pronunciation : word.pronunciations) {
            pronunciation.resize(static_cast<std::size_t>(1 + below(2, random)));
            for (auto& phone : pronunciation) phone = static_cast<Phone>(1 + below(3, random));
        }
    }
    return prompt;
}

TEST(ForcedAlignment, FindsTheBestOfAllReadings) {
    int complete = 0, incomplete = 0, compared = 0, with_skips = 0, with_repeats = 0;
    for (unsigned seed = 0; seed < 600; ++seed) {
        Random random{seed};
        const auto prompt = random_prompt(random);
        AlignmentSettings settings;
        settings.prices.skip_word = seed % 3 == 0 ? -std::numeric_limits<float>::infinity() : -2.0F;
        settings.prices.pause = seed % 2 == 0 ? -0.5F : -2.0F;
        if (seed % 5 < 3) settings.prices.repeat = seed % 5 < 2 ? 2.0F : -1.0F;
        const float speech = static_cast<float>(below(11, random)) / 10;
        Frames frames(static_cast<std::size_t>(1 + below(7, random)));
        for (auto& frame : frames) frame = random_frame(random);

        ForcedAlignment alignment{prompt, settings};
        push_all(alignment, frames, speech);
        const auto found = alignment.finish();
        const EveryReading every{prompt, settings, frames, speech};
        ASSERT_EQ(found.is_complete, std::isfinite(every.best().log_price)) << "seed " << seed;
        EXPECT_LE(found.end_log_ratio, 0);
        ++(found.is_complete ? complete : incomplete);
        if (!found.is_complete) continue;
        EXPECT_NEAR(found.log_price, every.best().log_price, 2e-5) << "seed " << seed;
        if (every.best().log_price - every.second().log_price < 1e-4) continue;
        EXPECT_EQ(text_of(found.phones), every.best().text) << "seed " << seed;
        ++compared;
        std::vector<int> words;
        for (const auto& phone : found.phones) words.push_back(phone.word);
        words.erase(std::unique(words.begin(), words.end()), words.end());
        if (words.size() < prompt.size()) ++with_skips;
        if (!std::is_sorted(words.begin(), words.end())) ++with_repeats;
    }
    EXPECT_GT(complete, 300);
    EXPECT_GT(incomplete, 20);
    EXPECT_GT(compared, 300);
    EXPECT_GT(with_skips, 30);
    EXPECT_GT(with_repeats, 10);
}

// ── readings ────────────────────────────────────────────────────────────────────────────────────

Prompt numbered_prompt(int words) {
    Prompt prompt;
    for (int word = 0; word < words; ++word) {
        const auto first = static_cast<Phone>(1 + word * 2 % (kPhoneCount - 1));
        prompt.push_back({"word " + std::to_string(word), {{first, static_cast<Phone>(first + 1)}}});
    }
    return prompt;
}

struct Heard {
    Frame frame{};
    float speech = 0.5F;
};

/// Each phone peaks for a frame and fades through blanks for two, and after a word is a gap of four.
std::vector<Heard> reading_of(const Prompt& prompt) {
    std::vector<Heard> heard;
    for (const auto& word : prompt) {
        for (const auto phone : word.pronunciations.front()) {
            heard.push_back({frame_of(phone), 0.9F});
            for (int i = 0; i < 2; ++i) {
                heard.push_back({frame_of(kBlank), 0.9F});
                heard.back().frame[phone] = std::log(0.05F);
            }
        }
        for (int i = 0; i < 4; ++i) heard.push_back({frame_of(kBlank), 0.05F});
    }
    return heard;
}

void push_all(ForcedAlignment& alignment, const std::vector<Heard>& all) {
    for (const auto& heard : all) alignment.push(heard.frame, heard.speech);
}

TEST(ForcedAlignment, GivingUpOldWaysLosesNothingOfAClearReading) {
    const auto prompt = numbered_prompt(40);
    const auto frames = reading_of(prompt);
    ForcedAlignment whole{prompt, {.lag_frames = 1000}}, short_lag{prompt, {.lag_frames = 12}};
    push_all(whole, frames);
    push_all(short_lag, frames);
    const auto all = whole.finish();
    const auto pruned = short_lag.finish();
    EXPECT_EQ(text_of(all.phones), text_of(pruned.phones));
    EXPECT_EQ(all.phones.size(), 80U);
    EXPECT_NEAR(all.log_price, pruned.log_price, 1e-2);
    EXPECT_EQ(whole.settled(), 0U);
    EXPECT_GT(short_lag.settled(), 70U);
    for (std::size_t i = 0; i < all.phones.size(); ++i) {
        const auto first = static_cast<std::int64_t>(i / 2 * 10 + i % 2 * 3);
        EXPECT_EQ(all.phones[i].peak_frame, first);
        EXPECT_EQ(all.phones[i].first_frame, first);
        EXPECT_EQ(all.phones[i].end_frame, first + 3);
        EXPECT_FLOAT_EQ(all.phones[i].sum_log_probability, pruned.phones[i].sum_log_probability);
    }
}

// Three times as probable as the other in one frame, an eighth in the next: logarithms cross between their middles.
TEST(ForcedAlignment, PhonesMeetWhereBothAreEquallyProbable) {
    Frames frames(6, frame_of(1));
    frames[2][1] = std::log(0.6F);
    frames[2][2] = std::log(0.2F);
    frames[3][1] = std::log(0.1F);
    for (std::size_t n = 3; n < 6; ++n) frames[n][2] = std::log(0.8F);
    for (std::size_t n = 4; n < 6; ++n) frames[n][1] = std::log(0.01F);
    ForcedAlignment alignment{{{.text = "word", .pronunciations = {{1, 2}}}}, {.blank_share = 0}};
    push_all(alignment, frames);
    const auto phones = alignment.finish().phones;
    ASSERT_EQ(text_of(phones), "1.0:0-3 2.0:3-6 ");
    EXPECT_EQ(phones[0].begin_offset, 0);
    EXPECT_NEAR(phones[1].begin_offset, std::log(3.0) / (std::log(3.0) + std::log(8.0)) - 0.5, 1e-5);
}

TEST(ForcedAlignment, WhatIsSettledNeverChanges) {
    for (unsigned seed = 0; seed < 20; ++seed) {
        Random random{seed};
        const auto prompt = numbered_prompt(12);
        ForcedAlignment alignment{prompt, {.lag_frames = 3 + static_cast<int>(seed)}};
        std::string before;
        std::size_t settled = 0;
        for (int frame = 0; frame < 200; ++frame) {
            alignment.push(random_frame(random));
            const auto phones = alignment.partial();
            ASSERT_LE(settled, alignment.settled());
            ASSERT_EQ(text_of(phones.first(settled)), before) << "seed " << seed;
            settled = alignment.settled();
            before = text_of(phones.first(settled));
        }
        const auto end = alignment.finish();
        EXPECT_GT(settled, 0U) << "seed " << seed;
        EXPECT_EQ(text_of(end.phones.first(settled)), before);
        for (std::size_t i = 1; i < end.phones.size(); ++i)
            EXPECT_GE(end.phones[i].first_frame, end.phones[i - 1].end_frame);
    }
}

TEST(ForcedAlignment, TellsAReadingThatWasBrokenOff) {
    const auto prompt = numbered_prompt(8);
    auto frames = reading_of(prompt);
    ForcedAlignment whole{prompt}, half{prompt};
    push_all(whole, frames);
    frames.resize(frames.size() / 2);
    push_all(half, frames);
    EXPECT_TRUE(whole.finish().is_complete);
    EXPECT_EQ(whole.finish().end_log_ratio, 0);
    EXPECT_TRUE(half.finish().is_complete);
    EXPECT_LT(half.finish().end_log_ratio, -10);
    EXPECT_EQ(half.partial().size(), 8U) << "half of the phones";
}

TEST(ForcedAlignment, HasNoEndWithFewerFramesThanPhones) {
    const auto prompt = numbered_prompt(8);
    ForcedAlignment alignment{prompt};
    EXPECT_FALSE(alignment.finish().is_complete);
    EXPECT_TRUE(alignment.partial().empty());
    auto frames = reading_of(prompt);
    frames.resize(5);
    push_all(alignment, frames);
    const auto end = alignment.finish();
    EXPECT_FALSE(end.is_complete);
    EXPECT_EQ(text_of(end.phones), text_of(alignment.partial()));
}

TEST(ForcedAlignment, LeavesOutAWordThatWasNotSaid) {
    const auto prompt = numbered_prompt(5);
    for (int missing = 0; missing < 5; ++missing) {
        auto said = prompt;
        said.erase(said.begin() + missing);
        ForcedAlignment alignment{prompt, {.prices = {.skip_word = -4}}};
        push_all(alignment, reading_of(said));
        const auto end = alignment.finish();
        EXPECT_EQ(end.phones.size(), 8U) << missing;
        EXPECT_TRUE(std::ranges::none_of(end.phones, [&](const auto& phone) { return phone.word == missing; }));
    }
}

// ── what goes wrong ─────────────────────────────────────────────────────────────────────────────

TEST(ForcedAlignment, TakesWhatIsNoNumberForImpossible) {
    const auto prompt = numbered_prompt(3);
    const auto frames = reading_of(prompt);
    constexpr auto kNan = std::numeric_limits<float>::quiet_NaN();
    constexpr auto kInfinity = std::numeric_limits<float>::infinity();
    ForcedAlignment alignment{prompt};
    const auto push_strange = [&] {
        for (const float value : {kNan, kInfinity, -kInfinity}) {
            Frame frame{};
            frame.fill(value);
            alignment.push(frame, value);
        }
    };
    push_strange();
    push_all(alignment, frames);
    push_strange();
    const auto end = alignment.finish();
    EXPECT_TRUE(end.is_complete);
    EXPECT_TRUE(std::isfinite(end.log_price));
    ASSERT_EQ(end.phones.size(), 6U);
    for (std::size_t i = 0; i < 6; ++i) {
        EXPECT_EQ(end.phones[i].peak_frame, static_cast<std::int64_t>(3 + i / 2 * 10 + i % 2 * 3));
        EXPECT_TRUE(std::isfinite(end.phones[i].sum_log_probability));
    }
}

TEST(ForcedAlignment, FindsWordsThatAreSaidAgainAndWhatIsSaidBeside) {
    Random random{7};
    const auto prompt = numbered_prompt(5);
    AlignmentSettings settings;
    settings.prices.repeat = -6;
    settings.prices.insert = -12;
    ForcedAlignment alignment{prompt, settings};
    // Words by their numbers; -1 for other phones.
    for (const int word : {0, 1, 1, 2, 0, 1, 2, 3, -1, 4}) {
        const auto spoken =
            word < 0 ? Pronunciation{30, 31, 32} : prompt[static_cast<std::size_t>(word)].pronunciations[0];
        for (const auto phone : spoken)
            push_all(alignment, Frames{frame_of(phone), frame_of(phone), frame_of(kBlank)}, 1);
    }
    std::vector<int> words;
    for (const auto& phone : alignment.finish().phones) {
        if (phone.phone == kBlank) {
            EXPECT_EQ(phone.word, 4);
            EXPECT_GE(phone.frames(), 7);
            words.push_back(-1);
        } else if (phone.position == 0) {
            words.push_back(phone.word);
        }
    }
    EXPECT_EQ(words, (std::vector<int>{0, 1, 1, 2, 0, 1, 2, 3, -1, 4}));
}

TEST(ForcedAlignment, TakesNoMoreMemoryForOneWhoBeginsAgainForHours) {
    const auto prompt = numbered_prompt(4);
    AlignmentSettings settings{.prices = {}, .lag_frames = 20};
    settings.prices.repeat = -6;
    ForcedAlignment alignment{prompt, settings};
    const auto frames = reading_of(prompt);
    std::size_t most = 0;
    rt::reset_realtime_counts();
    {
        const rt::RealtimeScope scope(rt::RealtimeKind::audio);
        for (int n = 0; n < 2000; ++n) {
            push_all(alignment, frames);
            most = std::max(most, alignment.partial().size());
        }
    }
    if (rt::interposer_is_present()) {
        EXPECT_EQ(rt::realtime_counts(rt::RealtimeKind::audio).heap_calls, 0U);
    }
    EXPECT_LT(most, 200U);
    const auto end = alignment.finish();
    ASSERT_GE(end.phones.size(), 8U);
    EXPECT_EQ(end.phones.back().word, 3);
    EXPECT_GT(end.phones.back().end_frame, alignment.frames() - static_cast<std::int64_t>(frames.size()));
}

TEST(ForcedAlignment, StartsAnewAfterReset) {
    Random random{6};
    const auto prompt = numbered_prompt(6);
    const auto frames = reading_of(prompt);
    ForcedAlignment fresh{prompt, {.lag_frames = 8}}, used{prompt, {.lag_frames = 8}};
    for (int i = 0; i < 99; ++i) used.push(random_frame(random));
    (void)used.finish();
    used.reset();
    EXPECT_TRUE(used.partial().empty());
    push_all(fresh, frames);
    push_all(used, frames);
    EXPECT_EQ(text_of(fresh.finish().phones), text_of(used.finish().phones));
    EXPECT_EQ(fresh.finish().log_price, used.finish().log_price);
    EXPECT_EQ(fresh.settled(), used.settled());
}

TEST(ForcedAlignment, RunsForAnHourWithoutTheHeap) {
    if (!rt::interposer_is_present()) GTEST_SKIP() << "heap calls are not counted in this build";
    const auto prompt = numbered_prompt(10);
    const auto frames = reading_of(prompt);
    const auto silence = frame_of(kBlank, 0.99);
    ForcedAlignment alignment{prompt};
    rt::reset_realtime_counts();
    FinishedAlignment end;
    constexpr std::int64_t kHour = 3600 * 50;
    {
        const rt::RealtimeScope scope(rt::RealtimeKind::audio);
        push_all(alignment, frames);
        while (alignment.frames() < kHour) {
            alignment.push(silence, 0.1F);
            if (alignment.frames() % 500 == 0) (void)alignment.partial();
        }
        end = alignment.finish();
    }
    EXPECT_EQ(rt::realtime_counts(rt::RealtimeKind::audio).heap_calls, 0U);
    EXPECT_EQ(alignment.frames(), kHour);
    EXPECT_TRUE(end.is_complete);
    EXPECT_TRUE(std::isfinite(end.log_price));
    ASSERT_EQ(end.phones.size(), 20U);
    EXPECT_LT(end.phones.back().end_frame, static_cast<std::int64_t>(frames.size()));
}

TEST(ForcedAlignment, RefusesAPromptThatIsNone) {
    using test::complaint_of;
    using testing::HasSubstr;
    const auto complaint = [](const Prompt& prompt) {
        return complaint_of([&] { const ForcedAlignment alignment{prompt}; });
    };
    EXPECT_THAT(complaint({}), HasSubstr("found no words"));
    EXPECT_THAT(complaint({{"a", {{1}}}, {"b", {}}}), HasSubstr("word \"b\" has no pronunciation"));
    EXPECT_THAT(complaint({{"a", {{1}, {}}}}), HasSubstr("word \"a\" has a pronunciation that is none"));
    EXPECT_THAT(complaint({{"a", {{1, kBlank}}}}), HasSubstr("word \"a\" has a pronunciation that is none"));
    EXPECT_THAT(complaint({{"a", {{kPhoneClassCount}}}}), HasSubstr("word \"a\" has a pronunciation that is none"));
    EXPECT_THAT(complaint({{"a", std::vector<Pronunciation>(255, {1})}}), HasSubstr("too many pronunciations"));
    EXPECT_THAT(complaint(Prompt(300, {"a", {Pronunciation(300, 1)}})), HasSubstr("too long"));
}

}  // namespace
}  // namespace sidetone::speech
