// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "nn/manifest.hpp"
#include "nn/session.hpp"
#include "rt/arena.hpp"
#include "rt/realtime.hpp"
#include "rt/rehearsal.hpp"

namespace sidetone::nn {

/// Where a tensor of f32 lies, 64-byte aligned.
struct TensorPlace {
    std::string name;
    float* memory = nullptr;
};

/// One graph with its tensors' memory and its streaming states. States ping-pong between two bindings: what one run
/// writes the next one reads, and nothing is copied.
///
/// Built and reset on the control thread; `run` on one thread at a time.
class GraphRunner {
public:
    /// Arena bytes that a runner of `graph` takes.
    [[nodiscard]] static std::size_t arena_bytes(const GraphSpec& graph);

    /// Memory comes from `arena`, which must outlive the runner, but for inputs that are `shared`. States start as
    /// zeros, constants have their values.
    GraphRunner(const GraphSpec& graph, std::unique_ptr<Session> session, rt::Arena& arena,
                std::span<const TensorPlace> shared = {});

    /// The signal's tensors.
    [[nodiscard]] float* input() noexcept { return input_; }
    [[nodiscard]] float* output() noexcept { return output_; }
    /// An input or output by its name, which is no state; null when there is none.
    [[nodiscard]] float* tensor(const std::string& name) const;

    /// Runs the graph once and steps the states on. False when the backend failed: reset before the next run.
    [[nodiscard]] bool run() noexcept SIDETONE_REALTIME;

    /// Goes through the next `run` (nn/session.hpp): its inputs and states stay as they are, its outputs do not.
    void rehearse(const rt::Rehearsal& rehearsal) noexcept SIDETONE_REALTIME {
        session_->rehearse(bindings_[turn_], rehearsal);
    }

    /// States to zero. Not while `run` runs.
    void reset() noexcept SIDETONE_REALTIME;

    [[nodiscard]] const Session& session() const noexcept { return *session_; }

private:
    std::unique_ptr<Session> session_;
    float* input_ = nullptr;
    float* output_ = nullptr;
    std::vector<TensorPlace> tensors_;  // all that stay where they are
    std::vector<std::span<std::byte>> states_;
    std::array<int, 2> bindings_{};  // the second has every state's input and output exchanged
    std::size_t turn_ = 0;
};

}  // namespace sidetone::nn
