// SPDX-License-Identifier: Apache-2.0
#include "cli/transport_wrap_probe.hpp"

#include "nn/backends.hpp"
#include "nn/session.hpp"
#include "rt/clock.hpp"

namespace sidetone::cli::transport {
namespace {

class EnteredSession final : public nn::Session {
public:
    explicit EnteredSession(std::unique_ptr<nn::Session> inner) : inner_(std::move(inner)) {}

    [[nodiscard]] std::span<const nn::TensorInfo> inputs() const noexcept override { return inner_->inputs(); }
    [[nodiscard]] std::span<const nn::TensorInfo> outputs() const noexcept override { return inner_->outputs(); }
    [[nodiscard]] int bind(std::span<const nn::TensorMemory> inputs,
                           std::span<const nn::TensorMemory> outputs) override {
        return inner_->bind(inputs, outputs);
    }
    [[nodiscard]] bool run(int binding) noexcept override {
        entered_ns = rt::now_ns();
        if (copies == nullptr) return true;
        const CopyScope scope{copies};
        return inner_->run(binding);
    }
    [[nodiscard]] const char* last_error() const noexcept override { return inner_->last_error(); }
    [[nodiscard]] const char* backend() const noexcept override { return inner_->backend(); }
    [[nodiscard]] bool is_realtime_safe() const noexcept override { return inner_->is_realtime_safe(); }

    std::int64_t entered_ns = 0;
    CopyCount* copies = nullptr;  // given: the backend is run, and what it moves is added here

private:
    std::unique_ptr<nn::Session> inner_;
};

std::size_t arena_bytes(const nn::Manifest& manifest) {
    std::size_t bytes = rt::kCacheLine;
    for (const auto& graph : manifest.graphs) bytes += nn::GraphRunner::arena_bytes(graph);
    return bytes;
}

}  // namespace

WrapProbe::WrapProbe(const nn::Manifest& manifest, const std::string& backend) : arena_(arena_bytes(manifest)) {
    auto opened = nn::open_model(manifest, backend);
    runners_.reserve(manifest.graphs.size());
    for (std::size_t i = 0; i < manifest.graphs.size(); ++i) {
        const auto& graph = manifest.graphs[i];
        auto session = std::make_unique<EnteredSession>(std::move(opened.sessions[i]));
        auto& entered = *session;
        entered_ns_.push_back(&entered.entered_ns);
        auto& runner = runners_.emplace_back(graph, std::move(session), arena_);
        CopyCount planning;  // a backend's first run of each binding may also set things up
        for (auto* copies : {&planning, &planning, &copies_of_backend_}) {
            entered.copies = copies;
            (void)runner.run();
        }
        entered.copies = nullptr;
    }
}

std::int64_t WrapProbe::measure_ns() noexcept {
    std::int64_t sum = 0;
    for (std::size_t i = 0; i < runners_.size(); ++i) {
        // Once each of the two bindings for the cache: the model's own runner and session are there, and what fetching
        // them takes is in inference.
        for (int binding = 0; binding < 2; ++binding) (void)runners_[i].run();
        const auto ready = rt::now_ns();
        (void)runners_[i].run();
        sum += *entered_ns_[i] - ready;
    }
    return sum;
}

}  // namespace sidetone::cli::transport
