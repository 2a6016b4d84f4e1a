// SPDX-License-Identifier: GPL-3.0-or-later
// zita-convolver for `sidetone bench convolve`, which starts this program. Because of that library's licence it is a
// program of its own, so that neither the library nor `sidetone` is linked with it, and it is not installed.
//
//     bench_convolve_zita INPUTS OUTPUTS TAPS BLOCK RATE SECONDS

#include <sched.h>
#include <zita-convolver.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <stdexcept>

#include "cli/convolve_slice.hpp"

namespace {

using namespace sidetone::cli::convolve;

constexpr std::uint32_t kLargestPartition = 8192;  // the library's own limit
constexpr int kPriority = 70;

/// Partitions from the block on, each level's thread below the caller's priority: as its author's jconvolver sets it
/// up.
class Zita final : public Engine {
public:
    explicit Zita(const Job& job) : job_(job) {
        const auto smallest = std::max<std::uint32_t>(job.block, Convproc::MINPART);
        auto responses = make_responses(job);
        int failed = convolver_.configure(job.inputs, job.outputs, job.taps, job.block, smallest, kLargestPartition, 0);
        for (std::uint32_t i = 0; i < job.inputs; ++i) {
            for (std::uint32_t o = 0; o < job.outputs; ++o) {
                failed |= convolver_.impdata_create(i, o, 1, responses[i * job.outputs + o].data(), 0,
                                                    static_cast<std::int32_t>(job.taps));
            }
        }
        failed |= convolver_.start_process(kPriority, SCHED_FIFO);
        if (failed != 0) throw std::runtime_error("zita-convolver refused this job");
    }
    ~Zita() override {
        convolver_.stop_process();
        convolver_.cleanup();
    }
    Zita(const Zita&) = delete;
    Zita& operator=(const Zita&) = delete;

    void process(const float* const* in, float* const* out) noexcept override { run(in, out, false); }
    void process_unpaced(const float* const* in, float* const* out) noexcept override { run(in, out, true); }

private:
    void run(const float* const* in, float* const* out, bool wait) noexcept {
        for (std::uint32_t i = 0; i < job_.inputs; ++i) std::copy_n(in[i], job_.block, convolver_.inpdata(i));
        convolver_.process(wait);
        for (std::uint32_t o = 0; o < job_.outputs; ++o) std::copy_n(convolver_.outdata(o), job_.block, out[o]);
    }

    Job job_;
    Convproc convolver_;
};

}  // namespace

int main(int count, char** arguments) {
    if (count != 7) {
        std::fprintf(stderr, "usage: %s INPUTS OUTPUTS TAPS BLOCK RATE SECONDS\n", arguments[0]);
        return 2;
    }
    const auto number = [&](int n) { return static_cast<std::uint32_t>(std::strtoul(arguments[n], nullptr, 10)); };
    const Job job{.inputs = number(1),
                  .outputs = number(2),
                  .taps = number(3),
                  .block = number(4),
                  .rate_hz = number(5),
                  .seconds = std::strtod(arguments[6], nullptr)};
    try {
        run_slice(job, [](const Job& of) { return std::make_unique<Zita>(of); });
    } catch (const std::exception& error) {
        std::fprintf(stderr, "%s: %s\n", arguments[0], error.what());
        return 1;
    }
    return 0;
}
