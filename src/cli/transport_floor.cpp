// SPDX-License-Identifier: Apache-2.0
#include "cli/transport_floor.hpp"

#include <fmt/format.h>

#include <array>
#include <cstdio>
#include <cstring>
#include <memory>
#include <sstream>
#include <utility>
#include <vector>

namespace sidetone::cli::transport {

bool EmptyPipeline::process(const device::CardBlock& block) noexcept {
    std::memset(block.output.data[0], 0,
                block.frames * dsp::bytes_per_sample(block.output.format) * block.output.channels);
    return false;
}

std::optional<CyclicTest> run_cyclictest(int seconds) {
    // The priority of the simulated card; one histogram bucket a microsecond, up to 2 ms.
    const auto command = fmt::format("cyclictest -q -m -t 1 -p 70 -i 1000 -h 2000 -D {} 2>/dev/null", seconds);
    const std::unique_ptr<FILE, int (*)(FILE*)> pipe{popen(command.c_str(), "r"), pclose};
    if (!pipe) return std::nullopt;
    std::string output;
    std::array<char, 4096> piece{};
    while (const auto got = std::fread(piece.data(), 1, piece.size(), pipe.get())) output.append(piece.data(), got);
    return read_cyclictest(output);
}

// Lines "000012 000345": 345 wakes were 12 us late. "# Max Latencies: 00123" has the largest, also beyond the
// histogram.
std::optional<CyclicTest> read_cyclictest(const std::string& output) {
    std::vector<std::pair<int, int>> buckets;
    CyclicTest result;
    std::istringstream lines{output};
    for (std::string line; std::getline(lines, line);) {
        int late_us = 0, wakes = 0, max_us = 0;
        if (std::sscanf(line.c_str(), "# Max Latencies: %d", &max_us) == 1) result.max_us = max_us;
        if (line.starts_with('#') || std::sscanf(line.c_str(), "%d %d", &late_us, &wakes) != 2) continue;
        buckets.emplace_back(late_us, wakes);
        result.wakes += wakes;
    }
    if (result.wakes == 0) return std::nullopt;
    const auto value_at = [&](double share) {
        double seen = 0;
        for (const auto& [late_us, wakes] : buckets) {
            seen += wakes;
            if (seen >= share * result.wakes) return static_cast<double>(late_us);
        }
        return result.max_us;
    };
    result.p50_us = value_at(0.5);
    result.p99_us = value_at(0.99);
    return result;
}

}  // namespace sidetone::cli::transport
