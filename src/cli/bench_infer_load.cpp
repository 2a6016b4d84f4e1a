// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <fstream>
#include <vector>

#include "cli/bench_infer_model.hpp"
#include "rt/clock.hpp"
#include "rt/error.hpp"

namespace sidetone::cli::infer {
namespace {

constexpr int kTrials = 3;

// What a child tells its parent through a pipe; less than PIPE_BUF, so it comes whole or not at all.
struct Answer {
    LoadCost cost;
    bool loaded = false;
    std::array<char, 1024> error{};
};

std::uint64_t resident_bytes() {
    std::ifstream statm{"/proc/self/statm"};
    std::uint64_t pages = 0, resident = 0;
    statm >> pages >> resident;
    return resident * static_cast<std::uint64_t>(sysconf(_SC_PAGESIZE));
}

Answer load_here(const nn::Manifest& model, const std::string& backend) {
    Answer answer;
    try {
        const auto before = resident_bytes();
        const auto start = rt::monotonic_ns();
        LoadedModel loaded{model, backend};
        answer.loaded = loaded.run() && loaded.run();
        answer.cost.load_ms = static_cast<double>(rt::monotonic_ns() - start) / 1e6;
        answer.cost.resident_bytes = std::max(resident_bytes(), before) - before;
    } catch (const std::exception& error) {
        std::snprintf(answer.error.data(), answer.error.size(), "%s", error.what());
    }
    return answer;
}

Answer load_in_child(const nn::Manifest& model, const std::string& backend) {
    std::array<int, 2> ends{};
    if (pipe(ends.data()) != 0) throw InputError{"cannot make a pipe"};
    const auto child = fork();
    if (child < 0) throw InputError{"cannot make a process"};
    if (child == 0) {
        const auto answer = load_here(model, backend);
        const auto written = write(ends[1], &answer, sizeof answer);
        _exit(written == static_cast<ssize_t>(sizeof answer) ? 0 : 1);
    }
    close(ends[1]);
    Answer answer;
    const auto got = read(ends[0], &answer, sizeof answer);
    close(ends[0]);
    waitpid(child, nullptr, 0);
    if (got != static_cast<ssize_t>(sizeof answer)) answer = Answer{};
    return answer;
}

}  // namespace

LoadCost measure_load(const nn::Manifest& model, const std::string& backend) {
    std::vector<double> load_ms;
    std::vector<std::uint64_t> resident;
    for (int trial = 0; trial < kTrials; ++trial) {
        const auto answer = load_in_child(model, backend);
        if (!answer.loaded) {
            throw InputError{answer.error[0] != '\0'
                                 ? std::string{answer.error.data()}
                                 : fmt::format("model \"{}\" does not run with {}", model.name, backend)};
        }
        load_ms.push_back(answer.cost.load_ms);
        resident.push_back(answer.cost.resident_bytes);
    }
    std::ranges::sort(load_ms);
    std::ranges::sort(resident);
    return {load_ms[kTrials / 2], resident[kTrials / 2]};
}

}  // namespace sidetone::cli::infer
