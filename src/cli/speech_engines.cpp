// SPDX-License-Identifier: Apache-2.0
#include "cli/speech_engines.hpp"

#include <algorithm>
#include <array>
#include <utility>

#include "cli/decode_engines.hpp"
#include "cli/naive_features.hpp"
#include "dsp/log_mel.hpp"
#include "nn/backends.hpp"
#include "nn/graph_runner.hpp"
#include "rt/arena.hpp"
#include "rt/clock.hpp"
#include "rt/error.hpp"
#include "speech/heard_phones.hpp"
#include "speech/phoneme_recognizer.hpp"

namespace sidetone::cli::speaking {
namespace {

constexpr std::uint32_t kRowsPerRun = 8;
constexpr std::size_t kPhonesShown = 32;
constexpr std::size_t kMostPhones = 1000;

class Sidetone final : public Engine {
public:
    Sidetone(const nn::Manifest& model, std::size_t beam)
        : recognizer_(model, {.rows_per_run = kRowsPerRun}), heard_({.beam = beam, .language = nullptr}) {}

    [[nodiscard]] std::string_view name() const noexcept override { return "sidetone"; }
    void push(std::span<const float> chunk) override {
        parts_ = {};
        const auto began_ns = rt::now_ns();
        const auto network_ns = recognizer_.network_ns();
        recognizer_.push(chunk, [this](const speech::PhonemeAnswer& answer) noexcept {
            const auto before_ns = rt::now_ns();
            heard_.push(answer);
            parts_.decoder_ns += rt::now_ns() - before_ns;
        });
        const auto before_ns = rt::now_ns();
        const auto size = heard_.size();
        heard_.copy(size > kPhonesShown ? size - kPhonesShown : 0, shown_);
        const auto end_ns = rt::now_ns();
        parts_.decoder_ns += end_ns - before_ns;
        parts_.network_ns = recognizer_.network_ns() - network_ns;
        parts_.features_ns = end_ns - began_ns - parts_.network_ns - parts_.decoder_ns;
    }
    void reset() override {
        recognizer_.reset();
        heard_.reset();
    }
    [[nodiscard]] std::vector<speech::Phone> phones() const override {
        std::vector<speech::HeardPhone> heard(std::min<std::size_t>(heard_.size(), kMostPhones));
        heard.resize(heard_.copy(heard_.size() - heard.size(), heard));
        std::vector<speech::Phone> phones(heard.size());
        std::ranges::transform(heard, phones.begin(), &speech::HeardPhone::phone);
        return phones;
    }
    [[nodiscard]] const Parts* parts() const noexcept override { return &parts_; }

private:
    speech::PhonemeRecognizer recognizer_;
    speech::HeardPhones heard_;
    std::array<speech::HeardPhone, kPhonesShown> shown_{};
    Parts parts_;
};

class Naive final : public Engine {
public:
    Naive(const nn::Manifest& model, std::size_t beam)
        : model_(nn::with_rows(model, kRowsPerRun)),
          design_(dsp::LogMel::kaldi(model.sample_rate_hz, model.features.bands)),
          features_(design_),
          arena_(nn::GraphRunner::arena_bytes(graph())),
          runner_(graph(), nn::open_session("onnxruntime", model_, graph()), arena_),
          beam_(beam),
          search_(decode::make_map(beam)) {}

    [[nodiscard]] std::string_view name() const noexcept override { return "onnxruntime"; }
    void push(std::span<const float> chunk) override {
        for (auto& row : features_.push(chunk)) rows_.push_back(std::move(row));
        while (rows_.size() >= kRowsPerRun) run();
        shown_.resize(kPhonesShown);
        shown_.resize(search_->partial(shown_));
    }
    void reset() override {
        features_ = NaiveFeatures{design_};
        rows_.clear();
        runner_.reset();
        search_ = decode::make_map(beam_);
    }
    [[nodiscard]] std::vector<speech::Phone> phones() const override {
        std::vector<speech::Phone> phones(kMostPhones);
        phones.resize(search_->partial(phones));
        return phones;
    }

private:
    [[nodiscard]] const nn::GraphSpec& graph() const noexcept { return model_.graphs.front(); }
    void run() {
        auto* to = runner_.input();
        for (std::size_t n = 0; n < kRowsPerRun; ++n) to = std::copy(rows_[n].begin(), rows_[n].end(), to);
        rows_.erase(rows_.begin(), rows_.begin() + kRowsPerRun);
        if (!runner_.run()) throw InputError{runner_.session().last_error()};
        for (std::size_t n = 0; n < kRowsPerRun / model_.features.rows_per_answer; ++n)
            search_->step(runner_.output() + n * speech::kPhoneClassCount);
    }

    nn::Manifest model_;
    dsp::LogMel::Design design_;
    NaiveFeatures features_;
    std::vector<std::vector<float>> rows_;
    rt::Arena arena_;
    nn::GraphRunner runner_;
    std::size_t beam_;
    std::unique_ptr<decode::Engine> search_;
    std::vector<speech::Phone> shown_;
};

}  // namespace

std::unique_ptr<Engine> make_sidetone(const nn::Manifest& model, std::size_t beam) {
    return std::make_unique<Sidetone>(model, beam);
}

std::unique_ptr<Engine> make_naive(const nn::Manifest& model, std::size_t beam) {
    return std::make_unique<Naive>(model, beam);
}

}  // namespace sidetone::cli::speaking
