// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "nn/dynamic_session.hpp"
#include "nn/word_model.hpp"
#include "speech/token_pieces.hpp"

namespace sidetone::speech {

/// The words of an utterance, once all of it has been heard: an encoder that sees the whole sound, and a decoder that
/// says one token after the other, the most probable each time, remembering what it said (Jeffries et al., "Moonshine:
/// Speech Recognition for Live Transcription and Voice Commands", 2024).
///
/// Ordinary threads, one at a time, never that of live sound: it allocates, and takes as long as there are words.
class Moonshine {
public:
    static constexpr std::uint32_t kRateHz = 16'000;

    /// Verifies and loads its files. Throws InputError: files that are missing or not the manifest's, tensors that are
    /// not those of such a model.
    explicit Moonshine(nn::WordModel model);

    /// The text of samples at 16 kHz; what is longer than half a minute is heard in parts that end where it is quiet.
    /// Empty where nothing was said. Throws std::runtime_error: the backend failed.
    [[nodiscard]] std::string text_of(std::span<const float> samples);

private:
    [[nodiscard]] std::vector<std::int64_t> tokens_of(std::span<const float> samples);
    [[nodiscard]] nn::Tensor encoded(std::span<const float> samples);
    void check_tensors();
    void check_floats() const;

    nn::WordModel model_;
    TokenPieces pieces_;
    nn::DynamicSession encoder_, decoder_;
    std::size_t layers_ = 0;
    std::vector<std::string> remembered_of_all_, remembered_of_tokens_;  // outputs of the first step, of the others
    std::vector<float> padded_;
};

/// Where to end a part of `samples` that is at most `most` long: in the quietest tenth of a second of its last third.
[[nodiscard]] std::size_t quiet_end(std::span<const float> samples, std::size_t most) noexcept;

/// How many of `tokens` to keep of a decoder that has begun to say the same over and over: all, unless they end with
/// four times the same up to 16 tokens, 12 tokens in all at least; then one of these is kept.
[[nodiscard]] std::size_t length_without_loop(std::span<const std::int64_t> tokens) noexcept;

}  // namespace sidetone::speech
