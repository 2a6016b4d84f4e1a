// SPDX-License-Identifier: Apache-2.0
#include "cli/convolve_slice.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <cstring>

#include "rt/clock.hpp"
#include "rt/error.hpp"
#include "rt/thread.hpp"

namespace sidetone::cli::convolve {
namespace {

constexpr double kSettleSeconds = 0.2;
constexpr int kPriority = 70;
constexpr std::size_t kCheckedFrames = 64;
constexpr double kSilenceDb = -300;

float noise_at(std::uint64_t index) {
    // SplitMix64's finalizer (Steele, Lea and Flood, 2014).
    auto z = (index + 1) * 0x9E3779B97F4A7C15ULL;
    z = (z ^ (z >> 30U)) * 0xBF58476D1CE4E5B9ULL;
    z = (z ^ (z >> 27U)) * 0x94D049BB133111EBULL;
    return static_cast<float>(z >> 40U) / 8388608.0F - 1.0F;
}

using Channels = std::vector<std::vector<float>>;

/// Blocks of `signals`, one after the other, into an engine.
class Feed {
public:
    Feed(const Job& job, Channels signals)
        : job_(job),
          signals_(std::move(signals)),
          in_(job.inputs),
          block_(job.outputs, std::vector<float>(job.block)),
          out_(job.outputs) {
        for (std::uint32_t o = 0; o < job.outputs; ++o) out_[o] = block_[o].data();
    }

    void aim_at(std::size_t first) noexcept {
        for (std::uint32_t i = 0; i < job_.inputs; ++i) in_[i] = signals_[i].data() + first;
    }
    [[nodiscard]] const float* const* in() const noexcept { return in_.data(); }
    [[nodiscard]] float* const* out() const noexcept { return out_.data(); }
    [[nodiscard]] const Channels& block() const noexcept { return block_; }
    [[nodiscard]] const Channels& signals() const noexcept { return signals_; }

private:
    const Job& job_;
    Channels signals_;
    std::vector<const float*> in_;
    Channels block_;
    std::vector<float*> out_;
};

Channels make_noise(const Job& job, std::size_t frames, std::size_t silent) {
    Channels signals(job.inputs, std::vector<float>(frames));
    for (std::uint32_t i = 0; i < job.inputs; ++i) {
        for (std::size_t n = silent; n < frames; ++n) signals[i][n] = 0.1F * noise_at(n * job.inputs + i);
    }
    return signals;
}

double frame_of(const Job& job, const Channels& responses, const Channels& signals, std::uint32_t output,
                std::size_t frame) {
    double sum = 0;
    for (std::uint32_t i = 0; i < job.inputs; ++i) {
        const auto& taps = responses[i * job.outputs + output];
        for (std::size_t n = 0; n < std::min<std::size_t>(frame + 1, taps.size()); ++n) {
            sum += static_cast<double>(taps[n]) * static_cast<double>(signals[i][frame - n]);
        }
    }
    return sum;
}

/// Sends an impulse and then noise through: the impulse says how late the output is, the noise how exact.
void check(const Job& job, const Channels& responses, Engine& engine, Slice& slice) {
    const std::size_t silent = std::size_t{4} * job.block + 256;
    const std::size_t blocks = (silent + job.taps) / job.block + 12;
    auto signals = make_noise(job, blocks * job.block, silent);
    signals[0][0] = 1;
    Feed feed(job, std::move(signals));
    Channels heard(job.outputs);
    for (std::size_t k = 0; k < blocks; ++k) {
        feed.aim_at(k * job.block);
        engine.process_unpaced(feed.in(), feed.out());
        for (std::uint32_t o = 0; o < job.outputs; ++o) {
            heard[o].insert(heard[o].end(), feed.block()[o].begin(), feed.block()[o].end());
        }
    }
    const float first = std::abs(responses[0].front()) / 2;
    const auto begin = std::ranges::find_if(heard[0], [=](float sample) { return std::abs(sample) > first; });
    slice.added_frames = static_cast<std::uint32_t>(begin - heard[0].begin());
    double error = 0;
    double energy = 0;
    for (std::size_t n = 0; n < kCheckedFrames; ++n) {
        const std::size_t frame = blocks * job.block - 1 - slice.added_frames - n * 3;
        for (std::uint32_t o = 0; o < job.outputs; ++o) {
            const double expected = frame_of(job, responses, feed.signals(), o, frame);
            error += std::pow(static_cast<double>(heard[o][frame + slice.added_frames]) - expected, 2);
            energy += expected * expected;
        }
    }
    slice.error_db = error > 0 ? 10 * std::log10(error / energy) : kSilenceDb;
}

void run_paced(const Job& job, Engine& engine, Slice& slice) {
    constexpr std::size_t kVariety = 16;  // blocks of noise, over and over
    Feed feed(job, make_noise(job, kVariety * job.block, 0));
    const double period_ns = 1e9 * job.block / job.rate_hz;
    const auto settle = static_cast<std::size_t>(kSettleSeconds * 1e9 / period_ns);
    const auto blocks = settle + static_cast<std::size_t>(job.seconds * 1e9 / period_ns);
    slice.caller_ns.resize(blocks - settle);
    const std::int64_t begin = rt::monotonic_ns();
    double cpu_before = 0;
    double wall_before = 0;
    for (std::size_t k = 0; k < blocks; ++k) {
        if (k == settle) {
            cpu_before = static_cast<double>(rt::process_cpu_ns());
            wall_before = static_cast<double>(rt::monotonic_ns());
        }
        feed.aim_at(k % kVariety * job.block);
        rt::sleep_until_monotonic(begin + static_cast<std::int64_t>(static_cast<double>(k + 1) * period_ns));
        const auto entered = rt::now_ns();
        engine.process(feed.in(), feed.out());
        if (k >= settle) slice.caller_ns[k - settle] = rt::now_ns() - entered;
    }
    slice.cpu_ns = static_cast<double>(rt::process_cpu_ns()) - cpu_before;
    slice.wall_ns = static_cast<double>(rt::monotonic_ns()) - wall_before;
    slice.late_blocks = engine.late_blocks();
}

/// Why an engine cannot keep up; empty when it can.
std::string too_slow(const Job& job, Engine& engine) {
    constexpr double kShare = 0.5;
    Feed feed(job, make_noise(job, job.block, 0));
    feed.aim_at(0);
    std::array<std::int64_t, 5> times{};
    for (auto& time : times) {
        const auto entered = rt::now_ns();
        engine.process(feed.in(), feed.out());
        time = rt::now_ns() - entered;
    }
    std::ranges::sort(times);
    const double share = static_cast<double>(times[2]) * job.rate_hz / (1e9 * job.block);
    return share < kShare ? "" : fmt::format("takes {:.0f} % of a period", 100 * share);
}

}  // namespace

std::vector<std::vector<float>> make_responses(const Job& job) {
    Channels responses(std::size_t{job.inputs} * job.outputs, std::vector<float>(job.taps));
    for (std::size_t r = 0; r < responses.size(); ++r) {
        for (std::size_t n = 0; n < job.taps; ++n) {
            const auto decay = std::pow(10.0F, -3.0F * static_cast<float>(n) / static_cast<float>(job.taps));
            responses[r][n] = n == 0 ? 1.0F : 0.5F * decay * noise_at(n * responses.size() + r + 7'777'777);
        }
    }
    return responses;
}

void run_slice(const Job& job, const MakeEngine& make, bool checked) {
    rt::calibrate_clock();
    Slice slice;
    {
        const auto engine = make(job);
        slice.skipped = too_slow(job, *engine);
    }
    if (slice.skipped.empty()) {
        if (checked) check(job, make_responses(job), *make(job), slice);
        const auto engine = make(job);
        rt::RealtimeThread thread({.name = "convolve", .priority = kPriority}, [&] {
            const rt::ScopedFlushDenormals flush;
            run_paced(job, *engine, slice);
        });
        thread.join();
    }
    fmt::print("skipped {}\nadded_frames {}\nerror_db {}\ncpu_ns {}\nwall_ns {}\nlate_blocks {}\n", slice.skipped,
               slice.added_frames, slice.error_db, slice.cpu_ns, slice.wall_ns, slice.late_blocks);
    for (const auto time : slice.caller_ns) fmt::print("{}\n", time);
}

Slice slice_from(const std::string& command) {
    const std::unique_ptr<std::FILE, int (*)(std::FILE*)> pipe(popen(command.c_str(), "r"), pclose);
    if (pipe == nullptr) throw InputError(fmt::format("cannot start: {}", command));
    Slice slice;
    std::array<char, 512> line{};
    const auto next = [&](const char* key) {
        const std::size_t length = std::strlen(key);
        if (std::fgets(line.data(), line.size(), pipe.get()) == nullptr ||
            std::strncmp(line.data(), key, length) != 0) {
            throw InputError(fmt::format("no figures came from: {}", command));
        }
        std::string value(line.data() + length + 1);
        while (!value.empty() && value.back() == '\n') value.pop_back();
        return value;
    };
    slice.skipped = next("skipped");
    slice.added_frames = static_cast<std::uint32_t>(std::stoul(next("added_frames")));
    slice.error_db = std::stod(next("error_db"));
    slice.cpu_ns = std::stod(next("cpu_ns"));
    slice.wall_ns = std::stod(next("wall_ns"));
    slice.late_blocks = std::stoull(next("late_blocks"));
    while (std::fgets(line.data(), line.size(), pipe.get()) != nullptr)
        slice.caller_ns.push_back(std::stoll(line.data()));
    return slice;
}

}  // namespace sidetone::cli::convolve
