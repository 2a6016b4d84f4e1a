// SPDX-License-Identifier: Apache-2.0
#include "speech/voice_detector.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <utility>

#include "nn/backends.hpp"
#include "nn/graph_runner.hpp"
#include "nn/model_store.hpp"
#include "rt/arena.hpp"
#include "rt/error.hpp"

namespace sidetone::speech {
namespace {

const nn::Manifest& checked(const nn::Manifest& model) {
    const auto file = (model.folder / "model.toml").string();
    if (model.task != "vad") {
        throw InputError{fmt::format(R"({}: key "task": found "{}", expected "vad")", file, model.task)};
    }
    if (model.sample_rate_hz != 16'000 || model.front_end.hop != VoiceDetector::kFrame || model.graphs.size() != 1) {
        throw InputError{fmt::format("{}: found {} Hz and a hop of {} samples, expected one graph, 16000 Hz and {}",
                                     file, model.sample_rate_hz, model.front_end.hop, VoiceDetector::kFrame)};
    }
    return model;
}

// A window is the frame and what was before it: silence at first.
class NetworkDetector final : public VoiceDetector {
public:
    NetworkDetector(const nn::Manifest& model, nn::OpenedModel opened)
        : before_(model.front_end.length - kFrame),
          arena_(nn::GraphRunner::arena_bytes(model.graphs.front())),
          runner_(model.graphs.front(), std::move(opened.sessions.front()), arena_) {}

    float probability(std::span<const float, kFrame> samples) noexcept override {
        auto* window = runner_.input();
        std::copy_n(window + kFrame, before_, window);
        std::ranges::copy(samples, window + before_);
        const bool is_good = runner_.run() && std::isfinite(runner_.output()[0]);
        if (is_good) return std::clamp(runner_.output()[0], 0.0F, 1.0F);
        reset();
        return 0;
    }

    void reset() noexcept override {
        runner_.reset();
        std::fill_n(runner_.input(), before_ + kFrame, 0.0F);
    }

    [[nodiscard]] const char* name() const noexcept override { return "silero"; }

private:
    std::size_t before_;
    rt::Arena arena_;
    nn::GraphRunner runner_;
};

class IndifferentDetector final : public VoiceDetector {
public:
    [[nodiscard]] float probability(std::span<const float, kFrame> /*samples*/) noexcept override { return 1; }
    void reset() noexcept override {}
    [[nodiscard]] const char* name() const noexcept override { return "none"; }
};

class EnergyDetector final : public VoiceDetector {
public:
    float probability(std::span<const float, kFrame> samples) noexcept override {
        double energy = 0;
        for (const float sample : samples) energy += static_cast<double>(sample) * static_cast<double>(sample);
        if (!std::isfinite(energy)) return 0;
        const double level_db = 10 * std::log10(energy / kFrame + kQuietest);
        // The floor follows what is quieter at once, and what is louder so slowly that a sentence does not raise it.
        floor_db_ = std::min(level_db, floor_db_ + kRiseDb);
        const double above_db = level_db - std::max(floor_db_, kLeastFloorDb);
        return static_cast<float>(1 / (1 + std::exp((kEvenDb - above_db) / kSlopeDb)));
    }

    void reset() noexcept override { floor_db_ = kFirstFloorDb; }

    [[nodiscard]] const char* name() const noexcept override { return "energy"; }

private:
    static constexpr double kQuietest = 1e-10;      // -100 dB of full scale
    static constexpr double kLeastFloorDb = -70;    // below, no microphone is that quiet
    static constexpr double kFirstFloorDb = -45;    // before anything was heard
    static constexpr double kRiseDb = 1.0 * 0.032;  // 1 dB a second
    static constexpr double kEvenDb = 10, kSlopeDb = 2;

    double floor_db_ = kFirstFloorDb;
};

}  // namespace

std::unique_ptr<VoiceDetector> open_network_detector(const nn::Manifest& model) {
    const auto& good = checked(model);
    auto detector = std::make_unique<NetworkDetector>(good, nn::open_model(good, "auto"));
    detector->reset();
    return detector;
}

std::unique_ptr<VoiceDetector> make_indifferent_detector() {
    return std::make_unique<IndifferentDetector>();
}

std::unique_ptr<VoiceDetector> make_energy_detector() {
    return std::make_unique<EnergyDetector>();
}

std::unique_ptr<VoiceDetector> best_voice_detector() {
    const auto models = nn::list_models();
    const auto model = std::ranges::find(models, "silero-vad", &nn::Manifest::name);
    const bool is_there = model != models.end() && !nn::weights_candidates(*model, model->graphs.front()).empty();
    return is_there ? open_network_detector(*model) : make_energy_detector();
}

}  // namespace sidetone::speech
