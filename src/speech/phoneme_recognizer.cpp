// SPDX-License-Identifier: Apache-2.0
#include "speech/phoneme_recognizer.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <bit>
#include <optional>
#include <utility>

#include "dsp/log_mel.hpp"
#include "nn/backends.hpp"
#include "nn/graph_runner.hpp"
#include "rt/arena.hpp"
#include "rt/clock.hpp"
#include "rt/error.hpp"
#include "rt/thread.hpp"
#include "speech/level_normaliser.hpp"

namespace sidetone::speech {
namespace {

constexpr std::size_t kSamplesAtOnce = 64;  // fewer than a hop: they complete one row at most
constexpr float kImpossible = -100;         // as a natural logarithm, where the network has failed

// By bits, so that no compiler's idea of arithmetic removes it: an exponent of all ones is infinity or not-a-number.
bool is_finite(float value) noexcept {
    constexpr std::uint32_t kExponent = 0x7F800000;
    return (std::bit_cast<std::uint32_t>(value) & kExponent) != kExponent;
}

const nn::Manifest& checked(const nn::Manifest& model) {
    const auto file = (model.folder / "model.toml").string();
    if (model.task != "phonemes") {
        throw InputError{fmt::format(R"({}: key "task": found "{}", expected "phonemes")", file, model.task)};
    }
    if (model.sample_rate_hz != PhonemeRecognizer::kRateHz) {
        throw InputError{fmt::format(R"({}: key "sample_rate_hz": found {}, expected {})", file, model.sample_rate_hz,
                                     PhonemeRecognizer::kRateHz)};
    }
    const auto& classes = model.features.classes;
    for (std::size_t i = 0; i < std::max<std::size_t>(classes.size(), kPhoneClassCount); ++i) {
        const std::string found = i < classes.size() ? classes[i] : "nothing";
        const std::string expected{i < kPhoneClassCount ? phone_name(static_cast<Phone>(i)) : "nothing"};
        if (found == expected) continue;
        throw InputError{
            fmt::format(R"({}: key "features.classes": found {} at {}, expected {})", file, found, i, expected)};
    }
    return model;
}

dsp::LogMel::Design features_of(const nn::Manifest& model) {
    return dsp::LogMel::kaldi(model.sample_rate_hz, model.features.bands);
}

std::optional<LevelNormaliser> level_of(const nn::Manifest& model) {
    if (!model.features.speech_level) return std::nullopt;
    return LevelNormaliser{*model.features.speech_level};
}

}  // namespace

struct PhonemeRecognizer::Parts {
    Parts(const nn::Manifest& with_rows, nn::OpenedModel opened)
        : features(features_of(with_rows)),
          bands(with_rows.features.bands),
          rows_per_answer(with_rows.features.rows_per_answer),
          rows_per_run(with_rows.front_end.hop / (with_rows.sample_rate_hz / 100)),
          look_ahead(with_rows.features.look_ahead_answers),
          row_length(static_cast<std::int64_t>(features_of(with_rows).length)),
          row_hop(static_cast<std::int64_t>(features_of(with_rows).hop)),
          level(level_of(with_rows)),
          arena(nn::GraphRunner::arena_bytes(with_rows.graphs.front())),
          runner(with_rows.graphs.front(), std::move(opened.sessions.front()), arena),
          backend(std::move(opened.backend)),
          answers_to_come(0) {}

    void run() noexcept;
    void fill_rows() noexcept;
    void warm_up();
    [[nodiscard]] std::uint64_t rows_waiting() const noexcept { return features.frames() - rows_used; }
    [[nodiscard]] std::size_t answers_per_run() const noexcept { return rows_per_run / rows_per_answer; }

    dsp::LogMel features;
    std::size_t bands, rows_per_answer, rows_per_run, look_ahead;
    std::int64_t row_length, row_hop;
    std::optional<LevelNormaliser> level;  // where the model says what its voices had
    float offset = 0;                      // of the last row
    rt::Arena arena;
    nn::GraphRunner runner;
    std::string backend;
    std::uint64_t rows_used = 0;     // of the features, by runs so far
    std::int64_t answers_made = 0;   // by runs so far
    std::int64_t answers_given = 0;  // to the caller
    std::int64_t answers_to_come;    // in all, once the end is known
    bool is_over = false;
    std::int64_t failed_runs = 0;
    std::int64_t network_ns = 0;
};

// The rows that wait into the tensor; where they are too few the last one again, as in training.
void PhonemeRecognizer::Parts::fill_rows() noexcept {
    const auto waiting = static_cast<std::size_t>(std::min<std::uint64_t>(rows_waiting(), rows_per_run));
    for (std::size_t row = 0; row < rows_per_run; ++row) {
        const auto from = features.frame(row < waiting ? rows_used + row : features.frames() - 1);
        if (level && row < waiting) offset = level->offset_for(from);
        std::ranges::transform(from, runner.input() + row * bands,
                               [this](float value) { return is_finite(value) ? value + offset : 0.0F; });
    }
    rows_used += waiting;
}

void PhonemeRecognizer::Parts::run() noexcept {
    const rt::ScopedFlushDenormals flush;  // answers must not depend on the thread's own mode
    fill_rows();
    const std::span answers{runner.output(), answers_per_run() * kPhoneClassCount};
    const auto began_ns = rt::now_ns();
    const bool is_good = runner.run() && std::ranges::all_of(answers, is_finite);
    network_ns += rt::now_ns() - began_ns;
    if (!is_good) {
        ++failed_runs;
        runner.reset();
        for (std::size_t i = 0; i < answers.size(); ++i) answers[i] = i % kPhoneClassCount == kBlank ? 0 : kImpossible;
    }
    answers_made += static_cast<std::int64_t>(answers_per_run());
}

// Backends plan and grow their memory in the first run of each of the two bindings.
void PhonemeRecognizer::Parts::warm_up() {
    std::fill_n(runner.input(), rows_per_run * bands, 0.0F);
    for (int i = 0; i < 2; ++i) {
        if (!runner.run()) throw InputError{fmt::format("{}: {}", backend, runner.session().last_error())};
    }
    runner.reset();
}

PhonemeRecognizer::PhonemeRecognizer(const nn::Manifest& model, const Settings& settings) {
    const auto with_rows = nn::with_rows(checked(model), settings.rows_per_run);
    parts_ = std::make_unique<Parts>(with_rows, nn::open_model(with_rows, settings.backend));
    parts_->warm_up();
    rt::calibrate_clock();
}
PhonemeRecognizer::~PhonemeRecognizer() = default;
PhonemeRecognizer::PhonemeRecognizer(PhonemeRecognizer&&) noexcept = default;
PhonemeRecognizer& PhonemeRecognizer::operator=(PhonemeRecognizer&&) noexcept = default;

bool PhonemeRecognizer::advance(std::span<const float>& samples) noexcept {
    std::array<float, kSamplesAtOnce> finite{};
    while (!samples.empty()) {
        const auto some = samples.first(std::min(samples.size(), finite.size()));
        samples = samples.subspan(some.size());
        std::ranges::transform(some, finite.begin(), [](float sample) { return is_finite(sample) ? sample : 0.0F; });
        parts_->features.push(std::span{finite}.first(some.size()));
        if (parts_->rows_waiting() < parts_->rows_per_run) continue;
        parts_->run();
        return true;
    }
    return false;
}

bool PhonemeRecognizer::advance_to_end() noexcept {
    auto& parts = *parts_;
    const auto rows = parts.features.frames();
    if (!parts.is_over) {
        parts.is_over = true;
        const auto answered = (rows + parts.rows_per_answer - 1) / parts.rows_per_answer;
        parts.answers_to_come = rows == 0 ? 0 : static_cast<std::int64_t>(answered + parts.look_ahead);
    }
    if (parts.answers_made >= parts.answers_to_come) return false;
    parts.run();
    return true;
}

PhonemeAnswer PhonemeRecognizer::next() noexcept {
    auto& parts = *parts_;
    const auto end = parts.is_over ? std::min(parts.answers_made, parts.answers_to_come) : parts.answers_made;
    if (parts.answers_given >= end) return {};
    const auto number = parts.answers_given++;
    const auto in_run = static_cast<std::size_t>(number) % parts.answers_per_run();
    return {.log_probabilities = {parts.runner.output() + in_run * kPhoneClassCount, kPhoneClassCount},
            .number = number,
            .first_sample = first_sample(number)};
}

void PhonemeRecognizer::reset() noexcept {
    auto& parts = *parts_;
    parts.features.reset();
    parts.runner.reset();
    if (parts.level) parts.level->reset();
    parts.offset = 0;
    parts.rows_used = 0;
    parts.answers_made = parts.answers_given = parts.answers_to_come = 0;
    parts.is_over = false;
}

std::int64_t PhonemeRecognizer::answers() const noexcept {
    return parts_->answers_given;
}
std::int64_t PhonemeRecognizer::hop() const noexcept {
    return parts_->row_hop * static_cast<std::int64_t>(parts_->rows_per_answer);
}
std::int64_t PhonemeRecognizer::samples_per_run() const noexcept {
    return parts_->row_hop * static_cast<std::int64_t>(parts_->rows_per_run);
}

// An answer's last row hears up to the end of its window; the stretch ends half a hop after that window's middle.
std::int64_t PhonemeRecognizer::look_ahead_samples() const noexcept {
    const auto ahead = static_cast<std::int64_t>(parts_->look_ahead) * hop();
    return ahead + parts_->row_length / 2 - hop() / 2;
}

// Training asks, of each answer, for the phone in the middle of its last row, `look_ahead` answers ago.
std::int64_t PhonemeRecognizer::first_sample(std::int64_t number) const noexcept {
    const auto& parts = *parts_;
    const auto last_row = (static_cast<std::int64_t>(parts.rows_per_answer) - 1) * parts.row_hop;
    return (number - static_cast<std::int64_t>(parts.look_ahead)) * hop() + last_row + parts.row_length / 2 - hop() / 2;
}

std::int64_t PhonemeRecognizer::network_ns() const noexcept {
    return parts_->network_ns;
}
std::int64_t PhonemeRecognizer::failed_runs() const noexcept {
    return parts_->failed_runs;
}
const std::string& PhonemeRecognizer::backend() const noexcept {
    return parts_->backend;
}

}  // namespace sidetone::speech
