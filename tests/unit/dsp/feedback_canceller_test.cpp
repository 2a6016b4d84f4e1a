// SPDX-License-Identifier: Apache-2.0
#include "dsp/feedback_canceller.hpp"

#include <gtest/gtest.h>
#include <sndfile.h>

#include <cstdlib>
#include <filesystem>
#include <limits>
#include <stdexcept>

#include "dsp/polyphase_resampler.hpp"
#include "rt/guard.hpp"
#include "unit/dsp/closed_loop.hpp"
#include "unit/dsp/signals.hpp"

namespace sidetone::dsp {
namespace {

constexpr std::size_t kBulk = 128;

// What is left of `path` when the canceller's idea of it is taken off.
std::vector<double> left_over(std::vector<double> path, FeedbackCanceller& canceller) {
    const auto found = canceller.impulse_response();
    path.resize(std::max(path.size(), found.size()));
    for (std::size_t n = 0; n < found.size(); ++n) path[n] -= static_cast<double>(found[n]);
    return path;
}

double decibels(double ratio) {
    return 20 * std::log10(ratio);
}

double power(std::span<const float> signal) {
    double sum = 0;
    for (const float sample : signal) sum += static_cast<double>(sample) * sample;
    return sum / static_cast<double>(signal.size());
}

// ── without a loop ──────────────────────────────────────────────────────────────────────────────

struct OpenLoop {
    std::vector<float> played, microphone;
};

// White noise is played and comes back by `path`; `own` is all that the microphone hears else.
OpenLoop open_loop(std::size_t count, const std::vector<double>& path, float own) {
    OpenLoop result{.played = test::white_noise(count, 3, 0.1F), .microphone = test::white_noise(count, 4, own)};
    for (std::size_t n = kBulk; n < count; ++n) {
        double feedback = 0;
        for (std::size_t k = 0; k < path.size() && n >= kBulk + k; ++k)
            feedback += path[k] * static_cast<double>(result.played[n - kBulk - k]);
        result.microphone[n] += static_cast<float>(feedback);
    }
    return result;
}

std::vector<float> cancel(FeedbackCanceller& canceller, const OpenLoop& loop, std::size_t block) {
    std::vector<float> out(loop.played.size());
    for (std::size_t at = 0; at < out.size(); at += block) {
        const auto frames = std::min(block, out.size() - at);
        canceller.cancel(&loop.microphone[at], &out[at], frames);
        canceller.play(&loop.played[at], frames);
    }
    return out;
}

TEST(FeedbackCanceller, LearnsAPathFromNoise) {
    for (const double rate : {16'000.0, 48'000.0}) {
        const auto path = test::acoustic_path(rate, 7);
        const auto loop = open_loop(static_cast<std::size_t>(4 * rate), path, 1e-4F);
        FeedbackCanceller canceller{{.rate_hz = rate, .bulk_delay_frames = kBulk, .taps = path.size()}};
        const auto out = cancel(canceller, loop, 64);
        const auto last = out.size() - static_cast<std::size_t>(rate);
        EXPECT_GT(decibels(test::largest_response(path) / test::largest_response(left_over(path, canceller))), 30);
        EXPECT_LT(power(std::span{out}.subspan(last)), 0.01 * power(std::span{loop.microphone}.subspan(last)));
        EXPECT_EQ(canceller.divergences(), 0U);
    }
}

TEST(FeedbackCanceller, LetsThroughWithoutDelayWhatDoesNotComeFromTheEar) {
    FeedbackCanceller canceller{{.bulk_delay_frames = kBulk}};
    const OpenLoop loop{.played = std::vector<float>(48'000), .microphone = test::white_noise(48'000, 1, 0.1F)};
    EXPECT_EQ(cancel(canceller, loop, 64), loop.microphone);
}

TEST(FeedbackCanceller, BlockSizeChangesNothing) {
    const auto path = test::acoustic_path(48'000, 7);
    const auto loop = open_loop(20'000, path, 1e-3F);
    FeedbackCanceller first{{.bulk_delay_frames = kBulk}};
    const auto expected = cancel(first, loop, 64);
    for (const std::size_t block : {1U, 48U, 97U}) {
        FeedbackCanceller canceller{{.bulk_delay_frames = kBulk}};
        EXPECT_EQ(cancel(canceller, loop, block), expected) << block << " frames";
    }
}

TEST(FeedbackCanceller, RefusesWhatItCannotModel) {
    EXPECT_THROW(FeedbackCanceller({.bulk_delay_frames = kBulk, .taps = 0}), std::invalid_argument);
    EXPECT_THROW(FeedbackCanceller({.bulk_delay_frames = FeedbackCanceller::kHop - 1}), std::invalid_argument);
}

// ── in its own feedback ─────────────────────────────────────────────────────────────────────────

struct NoCanceller {
    static void cancel(const float* in, float* out, std::size_t frames) { std::copy_n(in, frames, out); }
    static void play(const float*, std::size_t) {}
};

constexpr double kRate = 48'000;

// The gain at which the loop just rings is the inverse of the path's strongest response (what the phase is there is a
// matter of a few hertz, with a delay this long).
test::ClosedLoop loop_beyond_ringing(const std::vector<double>& path, double beyond_db) {
    const double ringing = 1 / test::largest_response(path);
    return {.path = path,
            .gain = ringing * std::pow(10.0, beyond_db / 20),
            .first_gain = ringing / 2,
            .ramp = static_cast<std::size_t>(2 * kRate)};
}

double clipped_share(std::span<const float> played) {
    const auto clipped = std::count_if(played.begin(), played.end(), [](float y) { return std::fabs(y) >= 1; });
    return static_cast<double>(clipped) / static_cast<double>(played.size());
}

constexpr std::size_t kFrom = 3 * 48'000;

// 15 dB beyond the gain at which the aid without the canceller rings, from the third second on: the loop does not reach
// full scale, and the added stable gain is 12 dB. Without the canceller it howls at full scale.
//
// Added stable gain is what the path's strongest response falls by when the canceller's idea of the path is taken off,
// since the loop is stable below the inverse of that, whatever its phase: the maximum stable gain with the canceller
// less that without (van Waterschoot and Moonen, "Fifty years of acoustic feedback control", Proc. IEEE 99(2), 2011).
// Mean over the seconds.
test::ClosedLoop::Outcome expect_12_db_more_gain(std::span<const float> source, std::uint64_t most_divergences) {
    const auto path = test::acoustic_path(kRate, 7);
    const auto loop = loop_beyond_ringing(path, 15);
    NoCanceller none;
    const auto howl = loop.run(source, none, [](std::size_t) {});
    EXPECT_GT(clipped_share(std::span{howl.played}.last(48'000)), 0.3);

    FeedbackCanceller canceller{{.rate_hz = kRate, .bulk_delay_frames = loop.bulk_delay}};
    double added_db = 0, seconds = 0;
    const auto outcome = loop.run(source, canceller, [&](std::size_t frames) {
        if (frames < kFrom || frames % 48'000 != 0) return;
        added_db += decibels(test::largest_response(path) / test::largest_response(left_over(path, canceller)));
        ++seconds;
    });
    EXPECT_GE(added_db / seconds, 12);
    EXPECT_LE(canceller.divergences(), most_divergences);
    EXPECT_LT(clipped_share(std::span{outcome.played}.subspan(kFrom)), 0.01);
    return outcome;
}

// The same, and what is heard is the source.
void expect_12_db_more_gain_unheard(std::span<const float> source) {
    const auto outcome = expect_12_db_more_gain(source, 0);
    std::vector<float> difference(outcome.cleaned.begin() + kFrom, outcome.cleaned.end());
    const auto wanted = source.subspan(kFrom, difference.size());
    for (std::size_t n = 0; n < difference.size(); ++n) difference[n] -= wanted[n];
    EXPECT_GT(10 * std::log10(power(wanted) / power(difference)), 5);
}

TEST(FeedbackCanceller, AddsTwelveDecibelsOfStableGainForAVoice) {
    expect_12_db_more_gain_unheard(test::gliding_voice(kRate, 10, 1));
}

std::vector<float> recording(const std::filesystem::path& file) {
    SF_INFO info{};
    SNDFILE* sound = sf_open(file.c_str(), SFM_READ, &info);
    if (sound == nullptr) return {};
    std::vector<float> samples(static_cast<std::size_t>(info.frames) * static_cast<std::size_t>(info.channels));
    samples.resize(static_cast<std::size_t>(sf_read_float(sound, samples.data(), std::ssize(samples))));
    sf_close(sound);
    if (info.channels != 1) return {};
    const PolyphaseResampler resampler{static_cast<std::uint32_t>(info.samplerate), static_cast<std::uint32_t>(kRate)};
    auto result = resampled(samples, resampler);
    for (auto& sample : result) sample *= 0.003F;  // far from full scale behind the gain
    return result;
}

TEST(FeedbackCanceller, AddsTwelveDecibelsOfStableGainForARecordedVoice) {
    const auto folder = std::filesystem::path{SIDETONE_SOURCE_DIR} / "deps" / "audio" / "speech";
    std::vector<float> source;
    for (const auto* const name : {"4507-16021-0012.wav", "2830-3980-0043.wav", "8455-210777-0068.wav"}) {
        const auto speech = recording(folder / name);
        source.insert(source.end(), speech.begin(), speech.end());
    }
    if (source.size() < 5 * 48'000) GTEST_SKIP() << "no recordings in " << folder;
    expect_12_db_more_gain_unheard(source);
}

// Voices of many speakers, some of them children, none of which anything was tuned on.
TEST(FeedbackCanceller, AddsTwelveDecibelsOfStableGainForManySpeakers) {
    const char* data = std::getenv("SIDETONE_DATA");
    if (data == nullptr) GTEST_SKIP() << "SIDETONE_DATA is not set";
    const auto folder = std::filesystem::path{data} / "speechocean762" / "test";
    std::vector<std::filesystem::path> files;
    std::error_code error;
    for (const auto& entry : std::filesystem::directory_iterator{folder, error}) files.push_back(entry.path());
    if (files.empty()) GTEST_SKIP() << "no recordings in " << folder;
    std::ranges::sort(files);
    for (std::size_t first = 17; first < 1217; first += 100) {
        std::vector<float> source;
        for (auto at = first; at < files.size() && source.size() < 10 * 48'000; at += 531) {
            const auto speech = recording(files[at]);
            source.insert(source.end(), speech.begin(), speech.end());
        }
        ASSERT_GT(source.size(), kFrom + 48'000) << "from recording " << first;
        SCOPED_TRACE(testing::Message() << "from recording " << first);
        (void)expect_12_db_more_gain(source, 2);  // it may have to begin anew, but not again and again
    }
}

TEST(FeedbackCanceller, FollowsAPathThatChanges) {
    const auto voice = test::gliding_voice(kRate, 12, 1);
    auto loop = loop_beyond_ringing(test::acoustic_path(kRate, 7), 12);
    loop.path_from = 6 * 48'000;
    loop.later_path = test::acoustic_path(kRate, 8);
    FeedbackCanceller canceller{{.rate_hz = kRate, .bulk_delay_frames = loop.bulk_delay}};
    const auto outcome = loop.run(voice, canceller, [](std::size_t) {});
    EXPECT_LT(clipped_share(std::span{outcome.played}.last(2 * 48'000)), 0.01);
    EXPECT_GT(decibels(test::largest_response(loop.later_path) /
                       test::largest_response(left_over(loop.later_path, canceller))),
              12);
}

// ── when things go wrong ────────────────────────────────────────────────────────────────────────

TEST(FeedbackCanceller, ForgetsAPathThatIsGoneAndBeginsAnew) {
    const auto path = test::acoustic_path(kRate, 7);
    auto loop = open_loop(9 * 48'000, path, 1e-5F);
    // The path vanishes, and what was learned of it is all that is heard, for four seconds.
    for (std::size_t n = 2 * 48'000; n < 6 * 48'000; ++n) loop.microphone[n] *= 1e-3F;
    FeedbackCanceller canceller{{.bulk_delay_frames = kBulk}};
    const auto out = cancel(canceller, loop, 64);
    EXPECT_GE(canceller.divergences(), 1U);
    EXPECT_LE(canceller.divergences(), 10U);
    const std::span last{out.data() + out.size() - 4800, 4800};
    EXPECT_LT(power(last), 0.03 * power(std::span{loop.microphone}.last(4800)));
}

TEST(FeedbackCanceller, StaysFiniteWhateverComesAndRecovers) {
    constexpr float kNan = std::numeric_limits<float>::quiet_NaN(), kInfinity = std::numeric_limits<float>::infinity();
    const auto path = test::acoustic_path(kRate, 7);
    auto loop = open_loop(4 * 48'000, path, 1e-4F);
    std::size_t at = 48'000;
    for (const float value : {kNan, kInfinity, -kInfinity, 1e30F, -1e30F, 3.4e38F, 1e-40F}) {
        for (std::size_t n = at; n < at + 500; ++n) loop.microphone[n] = n % 3 == 0 ? -value : value;
        for (std::size_t n = at + 1000; n < at + 1500; ++n) loop.played[n] = value;
        at += 3000;
    }
    FeedbackCanceller canceller{{.bulk_delay_frames = kBulk}};
    const auto out = cancel(canceller, loop, 64);
    EXPECT_TRUE(std::all_of(out.begin(), out.end(), [](float y) { return std::isfinite(y); }));
    EXPECT_LT(power(std::span{out}.last(4800)), 0.01 * power(std::span{loop.microphone}.last(4800)));
    EXPECT_GT(decibels(test::largest_response(path) / test::largest_response(left_over(path, canceller))), 20);
}

TEST(FeedbackCanceller, MakesNoHeapCall) {
    if (!rt::interposer_is_present()) GTEST_SKIP() << "heap calls are not counted in this build";
    const auto loop = open_loop(9600, test::acoustic_path(kRate, 7), 1e-4F);
    FeedbackCanceller canceller{{.bulk_delay_frames = kBulk}};
    std::vector<float> out(9600);
    rt::reset_realtime_counts();
    {
        const rt::RealtimeScope scope{rt::RealtimeKind::audio};
        canceller.cancel(loop.microphone.data(), out.data(), 96);
        canceller.play(loop.played.data(), 96);
    }
    EXPECT_EQ(rt::realtime_counts(rt::RealtimeKind::audio).heap_calls, 0U);
}

}  // namespace
}  // namespace sidetone::dsp
