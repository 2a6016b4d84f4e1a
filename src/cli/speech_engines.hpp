// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "nn/manifest.hpp"
#include "speech/phones.hpp"

/// What `sidetone bench speech` compares: ways from samples at 16 kHz to phones, a chunk at a time.
namespace sidetone::cli::speaking {

inline constexpr std::size_t kChunkSamples = 1280;  // 80 ms

/// Time that a chunk took, by what it was for.
struct Parts {
    std::int64_t features_ns = 0, network_ns = 0, decoder_ns = 0;
};

class Engine {
public:
    virtual ~Engine() = default;
    [[nodiscard]] virtual std::string_view name() const noexcept = 0;
    /// The next kChunkSamples; afterwards a partial result is there, as for a screen.
    virtual void push(std::span<const float> chunk) = 0;
    virtual void reset() = 0;
    /// All phones since the start.
    [[nodiscard]] virtual std::vector<speech::Phone> phones() const = 0;
    /// Of the last chunk; nothing where the engine does not say.
    [[nodiscard]] virtual const Parts* parts() const noexcept { return nullptr; }
};

/// Sidetone's own, with a beam of `beam`.
[[nodiscard]] std::unique_ptr<Engine> make_sidetone(const nn::Manifest& model, std::size_t beam);

/// The pieces that one puts together first: plain features, ONNX Runtime, a beam search over a map.
[[nodiscard]] std::unique_ptr<Engine> make_naive(const nn::Manifest& model, std::size_t beam);

/// sherpa-onnx on what tools/train/phoneme_ctc/for_sherpa.py wrote into `folder`; it has no beam for such networks, but
/// takes the best class of each answer. Throws InputError: no such files, or set-up has not brought the library.
[[nodiscard]] std::unique_ptr<Engine> make_sherpa(const std::filesystem::path& folder);

}  // namespace sidetone::cli::speaking
