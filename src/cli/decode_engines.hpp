// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "speech/lexicon_trie.hpp"
#include "speech/phones.hpp"

/// What `sidetone bench decode` compares.
namespace sidetone::cli::decode {

/// Natural logarithms of posteriors of the phones, a row per frame, as a trained phoneme model makes them: blanks or
/// one phone for a few frames with nearly all the probability, and every few phones a doubtful one. Equal seeds, equal
/// rows.
[[nodiscard]] std::vector<float> peaky_posteriors(std::size_t frames, std::uint32_t seed);

/// The first rows of a file of them, at most `frames`: 32-bit floats of this machine. Throws InputError.
[[nodiscard]] std::vector<float> read_posteriors(const std::filesystem::path& file, std::size_t frames);

class Engine {
public:
    virtual ~Engine() = default;
    [[nodiscard]] virtual std::string_view name() const noexcept = 0;
    virtual void step(const float* log_probs) = 0;
    /// Puts the latest tokens of the best hypothesis into `out`; returns how many.
    virtual std::size_t partial(std::span<speech::Phone> out) = 0;
};

[[nodiscard]] std::unique_ptr<Engine> make_sidetone(std::size_t beam);
/// The same search as textbooks write it: an std::unordered_map from prefixes to logarithms, all extensions, a sort.
[[nodiscard]] std::unique_ptr<Engine> make_map(std::size_t beam);

/// The words of a lexicon, all as likely; empty where there is none on this machine.
[[nodiscard]] std::shared_ptr<const speech::LexiconTrie> words_of_lexicon();
/// The search for these words, as `sidetone transcribe` makes it. It puts no phones out.
[[nodiscard]] std::unique_ptr<Engine> make_words(std::shared_ptr<const speech::LexiconTrie> words, std::size_t beam);

}  // namespace sidetone::cli::decode
