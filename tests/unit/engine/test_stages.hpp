// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <atomic>
#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <utility>

#include "engine/chain_file.hpp"
#include "stage/stage.hpp"

namespace sidetone::engine::test {

/// Passes the sound through and calls `on_block` on the audio thread.
class HookStage : public stage::Stage {
public:
    explicit HookStage(std::function<void()> on_block) : on_block_(std::move(on_block)) {}
    [[nodiscard]] const char* kind() const noexcept override { return "hook"; }
    void prepare(const stage::StageContext& context) override { context_ = context; }
    void process(const float* const* in, float* const* out, std::uint32_t frames,
                 const stage::BlockTime& /*time*/) noexcept override {
        if (on_block_) on_block_();
        for (std::uint32_t c = 0; c < context_.channels; ++c) {
            if (in[c] != out[c]) std::copy_n(in[c], frames, out[c]);
        }
    }

protected:
    stage::StageContext context_;

private:
    std::function<void()> on_block_;
};

/// A stage whose work holds the worker up for as long as `holds` is set.
class WorkerHoldingStage final : public HookStage, public stage::WorkSource {
public:
    explicit WorkerHoldingStage(std::atomic<bool>& holds) : HookStage({}), holds_(holds) {}
    [[nodiscard]] stage::WorkSource* work() noexcept override { return this; }
    bool run_next() noexcept override {
        while (holds_.load()) std::this_thread::sleep_for(std::chrono::milliseconds{1});
        return false;
    }

private:
    std::atomic<bool>& holds_;
};

/// A chain of one stage.
[[nodiscard]] inline ChainFile chain_of(std::unique_ptr<stage::Stage> stage, std::uint32_t channels = 1) {
    ChainFile file;
    file.path = "made-by-test.toml";
    file.channels = channels;
    std::string name = stage->kind();
    file.stages.push_back({.name = std::move(name), .budget_us = 0, .stage = std::move(stage)});
    return file;
}

}  // namespace sidetone::engine::test
