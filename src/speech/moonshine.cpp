// SPDX-License-Identifier: Apache-2.0
#include "speech/moonshine.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <limits>
#include <numeric>
#include <string>
#include <utility>

#include "rt/error.hpp"
#include "rt/thread.hpp"

namespace sidetone::speech {
namespace {

constexpr std::size_t kMostSamples = std::size_t{30} * Moonshine::kRateHz;
constexpr std::size_t kLeastSamples = Moonshine::kRateHz / 2;  // less is filled up with silence
constexpr std::size_t kQuietWindow = Moonshine::kRateHz / 10;
constexpr std::size_t kMostOfLoop = 16, kLoops = 4, kLeastOfLoops = 12;

// Inputs of the decoder by the names that Hugging Face's exporter gives.
constexpr auto kTokenInput = "input_ids", kSoundInput = "encoder_hidden_states", kMemoryFlag = "use_cache_branch";
constexpr std::array kMemories{"decoder.key", "decoder.value", "encoder.key", "encoder.value"};
constexpr auto kLogits = "logits";
constexpr std::size_t kDimensionsOfMemory = 4;  // utterances, heads, tokens or frames of sound, channels
constexpr std::size_t kMemoriesOfTokens = 2;    // the first of them grow; the others are the sound's

std::string memory_name(std::size_t layer, std::size_t memory) {
    return fmt::format("past_key_values.{}.{}", layer, kMemories[memory]);
}

}  // namespace

Moonshine::Moonshine(nn::WordModel model)
    : model_(std::move(model)),
      pieces_(nn::verified_file(model_, model_.pieces)),
      encoder_(nn::verified_file(model_, model_.encoder)),
      decoder_(nn::verified_file(model_, model_.decoder)) {
    check_tensors();
    remembered_of_all_ = remembered_of_tokens_ = {kLogits};
    for (std::size_t layer = 0; layer < layers_; ++layer) {
        for (std::size_t memory = 0; memory < kMemories.size(); ++memory) {
            const auto name = fmt::format("present.{}.{}", layer, kMemories[memory]);
            remembered_of_all_.push_back(name);
            if (memory < kMemoriesOfTokens) remembered_of_tokens_.push_back(name);
        }
    }
    check_floats();
    padded_.reserve(kLeastSamples);
}

// The decoder's inputs are tokens, sound, four memories of each layer, and whether there are any: in this order.
void Moonshine::check_tensors() {
    const auto& inputs = decoder_.inputs();
    const auto others = std::size_t{3};
    layers_ = inputs.size() < others ? 0 : (inputs.size() - others) / kMemories.size();
    std::vector<std::string> expected{kTokenInput, kSoundInput};
    for (std::size_t layer = 0; layer < layers_; ++layer) {
        for (std::size_t memory = 0; memory < kMemories.size(); ++memory)
            expected.push_back(memory_name(layer, memory));
    }
    expected.emplace_back(kMemoryFlag);
    if (inputs == expected && layers_ > 0 && encoder_.inputs().size() == 1 && encoder_.outputs().size() == 1) return;
    throw InputError{fmt::format("{}: found {} inputs of other names, expected \"{}\", \"{}\", the memories and \"{}\"",
                                 model_.manifest().string(), inputs.size(), kTokenInput, kSoundInput, kMemoryFlag)};
}

// Memories begin empty in their first dimension, so they must have one.
void Moonshine::check_floats() const {
    const auto check = [this](const std::string& file, const std::string& name, const nn::DeclaredTensor& found,
                              std::size_t dimensions) {
        if (found.has_floats && (dimensions == 0 || found.shape.size() == dimensions)) return;
        throw InputError{fmt::format("{}: {}, \"{}\": found {} dimensions of {}, expected {} of floats",
                                     model_.manifest().string(), file, name, found.shape.size(),
                                     found.has_floats ? "floats" : "other values",
                                     dimensions == 0 ? "any" : std::to_string(dimensions))};
    };
    check(model_.encoder.file, encoder_.outputs().front(), encoder_.output(encoder_.outputs().front()), 0);
    for (const auto& name : remembered_of_all_) {
        check(model_.decoder.file, name, decoder_.output(name), name == kLogits ? 0 : kDimensionsOfMemory);
    }
    for (std::size_t layer = 0; layer < layers_; ++layer) {
        for (std::size_t memory = 0; memory < kMemories.size(); ++memory) {
            const auto name = memory_name(layer, memory);
            check(model_.decoder.file, name, decoder_.input(name), kDimensionsOfMemory);
        }
    }
}

std::string Moonshine::text_of(std::span<const float> samples) {
    const rt::ScopedFlushDenormals flush;
    std::string text;
    while (!samples.empty()) {
        const auto part = samples.first(quiet_end(samples, kMostSamples));
        samples = samples.subspan(part.size());
        const auto tokens = tokens_of(part);
        const auto of_part = pieces_.text_of(tokens);
        text += (text.empty() || of_part.empty() ? "" : " ") + of_part;
    }
    return text;
}

nn::Tensor Moonshine::encoded(std::span<const float> samples) {
    if (samples.size() < kLeastSamples) {
        padded_.assign(samples.begin(), samples.end());
        padded_.resize(kLeastSamples);
        samples = padded_;
    }
    const std::array shape{std::int64_t{1}, static_cast<std::int64_t>(samples.size())};
    const std::array input{nn::Tensor::view(samples, shape)};
    return encoder_.run(input, encoder_.outputs()).front();
}

std::vector<std::int64_t> Moonshine::tokens_of(std::span<const float> samples) {
    const auto seconds = static_cast<double>(samples.size()) / kRateHz;
    const auto most = static_cast<std::size_t>(seconds * model_.most_tokens_per_second);
    constexpr std::array kOne{std::int64_t{1}, std::int64_t{1}};
    std::array latest{model_.begin_token};
    std::vector<nn::Tensor> inputs(decoder_.inputs().size());
    inputs[0] = nn::Tensor::view(std::span<const std::int64_t>{latest}, kOne);
    inputs[1] = encoded(samples);
    for (std::size_t layer = 0; layer < layers_; ++layer) {
        for (std::size_t memory = 0; memory < kMemories.size(); ++memory) {
            auto shape = decoder_.input(memory_name(layer, memory)).shape;
            shape[0] = 0;  // nothing is remembered yet
            std::ranges::replace(shape, std::int64_t{-1}, std::int64_t{1});
            inputs[2 + layer * kMemories.size() + memory] = nn::Tensor::view(std::span<const float>{}, shape);
        }
    }
    std::vector<std::int64_t> said;
    while (said.size() < most) {
        const bool is_first = said.empty();
        inputs.back() = nn::Tensor::flag(!is_first);
        auto made = decoder_.run(inputs, is_first ? remembered_of_all_ : remembered_of_tokens_);
        const auto likely = made.front().values();
        latest[0] = std::ranges::max_element(likely) - likely.begin();
        if (latest[0] == model_.end_token) break;
        said.push_back(latest[0]);
        if (const auto length = length_without_loop(said); length < said.size()) {
            said.resize(length);
            break;
        }
        const auto count = is_first ? kMemories.size() : kMemoriesOfTokens;
        for (std::size_t layer = 0; layer < layers_; ++layer) {
            for (std::size_t memory = 0; memory < count; ++memory) {
                inputs[2 + layer * kMemories.size() + memory] = std::move(made[1 + layer * count + memory]);
            }
        }
    }
    return said;
}

std::size_t quiet_end(std::span<const float> samples, std::size_t most) noexcept {
    if (samples.size() <= most) return samples.size();
    auto best = most;
    auto least = std::numeric_limits<double>::infinity();
    for (auto begin = most - most / 3; begin + kQuietWindow <= most; begin += kQuietWindow / 4) {
        const auto window = samples.subspan(begin, kQuietWindow);
        const auto power = std::inner_product(window.begin(), window.end(), window.begin(), 0.0);
        if (power < least) {
            least = power;
            best = begin + kQuietWindow / 2;
        }
    }
    return best;
}

std::size_t length_without_loop(std::span<const std::int64_t> tokens) noexcept {
    for (std::size_t period = 1; period <= kMostOfLoop; ++period) {
        const auto loops = std::max(kLoops, (kLeastOfLoops + period - 1) / period);
        if (tokens.size() < loops * period) continue;
        const auto tail = tokens.last(loops * period);
        if (std::ranges::equal(tail.first(tail.size() - period), tail.last(tail.size() - period))) {
            return tokens.size() - (loops - 1) * period;
        }
    }
    return tokens.size();
}

}  // namespace sidetone::speech
