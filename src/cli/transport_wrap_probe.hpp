// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "cli/transport_copies.hpp"
#include "nn/graph_runner.hpp"
#include "nn/manifest.hpp"
#include "rt/arena.hpp"

namespace sidetone::cli::transport {

/// Measures what it takes Sidetone to make a tensor of samples that lie in their slot: from there to the entry of the
/// backend's run. It has the model's graphs once more, bound as nn::HopModel binds them, with sessions that note when
/// they are entered and run nothing. To be called right after the model has run, so that caches are as it leaves them.
class WrapProbe {
public:
    /// Throws InputError.
    WrapProbe(const nn::Manifest& manifest, const std::string& backend);

    /// Nanoseconds over all graphs of one hop; the reading of the clock is in it. One thread at a time.
    [[nodiscard]] std::int64_t measure_ns() noexcept;

    /// What the backend moves inside one hop's runs: its operators' business, no transport.
    [[nodiscard]] const CopyCount& copies_of_backend() const noexcept { return copies_of_backend_; }

private:
    rt::Arena arena_;
    CopyCount copies_of_backend_;
    std::vector<nn::GraphRunner> runners_;
    std::vector<const std::int64_t*> entered_ns_;
};

}  // namespace sidetone::cli::transport
