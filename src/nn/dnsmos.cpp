// SPDX-License-Identifier: Apache-2.0
#include "nn/dnsmos.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>
#include <vector>

#include "dsp/polyphase_resampler.hpp"
#include "nn/backends.hpp"
#include "nn/graph_runner.hpp"
#include "nn/model_store.hpp"
#include "rt/arena.hpp"
#include "rt/error.hpp"

namespace sidetone::nn {
namespace {

// From the model's raw scores to the scale of opinions: the publisher's polynomials (dnsmos_local.py of the model's
// source), a + b x + c x².
struct Polynomial {
    double a, b, c;
    [[nodiscard]] double operator()(double x) const { return a + x * (b + x * c); }
};
constexpr Polynomial kSpeech{0.0052439, 1.22083953, -0.08397278};
constexpr Polynomial kBackground{-0.39604546, 1.60915514, -0.13166888};
constexpr Polynomial kOverall{0.04602535, 1.11546468, -0.06766283};

}  // namespace

struct Dnsmos::Parts {
    Parts(const Manifest& model, OpenedModel opened)
        : window(model.front_end.length),
          hop(model.front_end.hop),
          rate_hz(model.sample_rate_hz),
          arena(GraphRunner::arena_bytes(model.graphs.front())),
          runner(model.graphs.front(), std::move(opened.sessions.front()), arena) {}

    std::size_t window, hop;
    std::uint32_t rate_hz;
    rt::Arena arena;
    GraphRunner runner;
};

Dnsmos::Dnsmos(std::unique_ptr<Parts> parts) : parts_(std::move(parts)) {}
Dnsmos::~Dnsmos() = default;
Dnsmos::Dnsmos(Dnsmos&&) noexcept = default;
Dnsmos& Dnsmos::operator=(Dnsmos&&) noexcept = default;

std::optional<Dnsmos> Dnsmos::open() {
    const auto models = list_models();
    const auto model = std::ranges::find(models, "dnsmos", &Manifest::name);
    if (model == models.end() || weights_candidates(*model, model->graphs.front()).empty()) return std::nullopt;
    return Dnsmos{std::make_unique<Parts>(*model, open_model(*model, "auto"))};
}

OpinionScores Dnsmos::score(std::span<const float> samples, std::uint32_t rate_hz) {
    auto sound = dsp::resampled(samples, dsp::PolyphaseResampler{rate_hz, parts_->rate_hz});
    if (sound.empty()) throw InputError{"DNSMOS: found no sound to rate"};
    const auto once = sound.size();
    while (sound.size() < parts_->window) sound.push_back(sound[sound.size() - once]);

    OpinionScores mean;
    const auto windows = (sound.size() - parts_->window) / parts_->hop + 1;
    for (std::size_t i = 0; i < windows; ++i) {
        std::copy_n(sound.data() + i * parts_->hop, parts_->window, parts_->runner.input());
        if (!parts_->runner.run())
            throw InputError{fmt::format("DNSMOS: the model failed: {}", parts_->runner.session().last_error())};
        const float* raw = parts_->runner.output();
        const auto share = 1.0 / static_cast<double>(windows);
        mean.speech += share * kSpeech(static_cast<double>(raw[0]));
        mean.background += share * kBackground(static_cast<double>(raw[1]));
        mean.overall += share * kOverall(static_cast<double>(raw[2]));
    }
    return mean;
}

}  // namespace sidetone::nn
