// SPDX-License-Identifier: Apache-2.0
#include "cli/decode_engines.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <fstream>
#include <limits>
#include <random>
#include <string>
#include <unordered_map>
#include <utility>

#include "rt/error.hpp"
#include "speech/ctc_beam_search.hpp"
#include "speech/ctc_word_search.hpp"
#include "speech/vocabulary.hpp"

namespace sidetone::cli::decode {
namespace {

constexpr std::size_t kClasses = speech::kPhoneClassCount;
constexpr float kNever = -std::numeric_limits<float>::infinity();

class Sidetone final : public Engine {
public:
    /// No prefix of the bench's utterances is so long that the search would have to decide what the map leaves open.
    explicit Sidetone(std::size_t beam) : search_({.beam = beam, .longest_doubt = 1024}) {}

    [[nodiscard]] std::string_view name() const noexcept override { return "sidetone"; }
    void step(const float* log_probs) override { search_.step(log_probs); }
    std::size_t partial(std::span<speech::Phone> out) override {
        const auto wanted = std::min(out.size(), tokens_.size());
        const auto first = search_.length() > wanted ? search_.length() - wanted : 0;
        const std::size_t count = search_.copy(first, std::span(tokens_).first(wanted));
        for (std::size_t n = 0; n < count; ++n) out[n] = tokens_[n].token;
        return count;
    }

private:
    speech::CtcBeamSearch search_;
    std::array<speech::CtcToken, 64> tokens_{};
};

class Words final : public Engine {
public:
    Words(std::shared_ptr<const speech::LexiconTrie> words, std::size_t beam)
        : search_(std::move(words), nullptr, {.beam = beam, .phone_bonus = speech::Vocabulary::Weights{}.phone_bonus}) {
    }

    [[nodiscard]] std::string_view name() const noexcept override { return "words"; }
    void step(const float* log_probs) override { search_.step(log_probs); }
    std::size_t partial(std::span<speech::Phone> /*out*/) override {
        const auto first = search_.length() > words_.size() ? search_.length() - words_.size() : 0;
        search_.copy(std::max<std::uint64_t>(first, search_.first_kept()), words_);
        return 0;
    }

private:
    speech::CtcWordSearch search_;
    std::array<speech::CtcWord, 16> words_{};
};

float log_of_sum(float a, float b) {
    if (a < b) std::swap(a, b);
    return b == kNever ? a : a + std::log1p(std::exp(b - a));
}

/// Of the paths of a prefix that end with a blank, and with its last token.
struct Sums {
    float blank = kNever, token = kNever;
    [[nodiscard]] float both() const { return log_of_sum(blank, token); }
};

class Map final : public Engine {
public:
    explicit Map(std::size_t beam) : beam_(beam) {}

    [[nodiscard]] std::string_view name() const noexcept override { return "map"; }
    void step(const float* log_probs) override {
        std::unordered_map<std::string, Sums> next;
        for (const auto& [prefix, now] : beam_now_) {
            add(next[prefix].blank, now.both() + log_probs[0]);
            for (std::size_t c = 1; c < kClasses; ++c) {
                const bool repeat = !prefix.empty() && prefix.back() == static_cast<char>(c);
                if (repeat) add(next[prefix].token, now.token + log_probs[c]);
                add(next[prefix + static_cast<char>(c)].token, (repeat ? now.blank : now.both()) + log_probs[c]);
            }
        }
        beam_now_.assign(next.begin(), next.end());
        const auto kept = std::min(beam_, beam_now_.size());
        std::partial_sort(beam_now_.begin(), beam_now_.begin() + static_cast<std::ptrdiff_t>(kept), beam_now_.end(),
                          [](const auto& a, const auto& b) { return a.second.both() > b.second.both(); });
        beam_now_.resize(kept);
    }
    std::size_t partial(std::span<speech::Phone> out) override {
        const auto& best = beam_now_.front().first;
        const auto count = std::min(out.size(), best.size());
        std::copy(best.end() - static_cast<std::ptrdiff_t>(count), best.end(), out.begin());
        return count;
    }

private:
    static void add(float& sum, float term) { sum = log_of_sum(sum, term); }

    std::size_t beam_;
    std::vector<std::pair<std::string, Sums>> beam_now_{{"", {0, kNever}}};
};

}  // namespace

std::vector<float> peaky_posteriors(std::size_t frames, std::uint32_t seed) {
    std::mt19937 random(seed);
    const auto share = [&] { return static_cast<float>(random()) / 4294967296.0F; };
    std::vector<float> rows(frames * kClasses);
    std::size_t phone = 0;
    std::size_t rival = 0;
    int left = 0;
    for (std::size_t t = 0; t < frames; ++t) {
        if (left-- == 0) {
            const bool blank = phone != 0 && share() < 0.7F;
            phone = blank ? 0 : 1 + random() % speech::kPhoneCount;
            rival = 1 + random() % speech::kPhoneCount;
            left = static_cast<int>(blank ? random() % 5 : random() % 3);
        }
        const std::span row(rows.data() + t * kClasses, kClasses);
        float sum = 0;
        for (auto& value : row) sum += value = std::exp(-9 + 4 * share());
        sum += row[phone] += 1;
        if (share() < 0.3F) sum += row[rival] += share();
        for (auto& value : row) value = std::log(value / sum);
    }
    return rows;
}

std::vector<float> read_posteriors(const std::filesystem::path& file, std::size_t frames) {
    constexpr std::size_t kRowBytes = kClasses * sizeof(float);
    std::ifstream stream(file, std::ios::binary | std::ios::ate);
    const auto bytes = stream ? static_cast<std::streamoff>(stream.tellg()) : std::streamoff{-1};
    if (bytes < 0) throw InputError(fmt::format("{}: cannot be read, expected rows of posteriors", file.string()));
    if (bytes == 0 || static_cast<std::size_t>(bytes) % kRowBytes != 0) {
        throw InputError(fmt::format("{}: found {} bytes, expected rows of {} ({} floats)", file.string(), bytes,
                                     kRowBytes, kClasses));
    }
    std::vector<float> rows(std::min(frames, static_cast<std::size_t>(bytes) / kRowBytes) * kClasses);
    stream.seekg(0);
    stream.read(reinterpret_cast<char*>(rows.data()), static_cast<std::streamsize>(rows.size() * sizeof(float)));
    if (!stream) throw InputError(fmt::format("{}: cannot be read, expected rows of posteriors", file.string()));
    return rows;
}

std::unique_ptr<Engine> make_sidetone(std::size_t beam) {
    return std::make_unique<Sidetone>(beam);
}

std::unique_ptr<Engine> make_map(std::size_t beam) {
    return std::make_unique<Map>(beam);
}

std::shared_ptr<const speech::LexiconTrie> words_of_lexicon() {
    const auto file = speech::default_lexicon_file();
    if (file.empty()) return nullptr;
    return speech::vocabulary_of(speech::Lexicon::read(file), nullptr, nullptr, {}).trie;
}

std::unique_ptr<Engine> make_words(std::shared_ptr<const speech::LexiconTrie> words, std::size_t beam) {
    return std::make_unique<Words>(std::move(words), beam);
}

}  // namespace sidetone::cli::decode
