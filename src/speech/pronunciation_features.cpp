// SPDX-License-Identifier: Apache-2.0
#include "speech/pronunciation_features.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

namespace sidetone::speech {
namespace {

/// No word may be left out: whether it was said is for the scorer to say. Its weights were learnt from features of
/// alignments at these prices.
std::vector<AlignedPhone> align(std::span<const float> log_probabilities, const Prompt& prompt) {
    AlignmentSettings settings{.prices = {}, .blank_share = 0.1F, .phone_floor = 1e-4F};
    settings.prices.skip_word = -std::numeric_limits<float>::infinity();
    settings.lag_frames = 500;
    ForcedAlignment alignment{prompt, settings};
    for (std::size_t at = 0; at < log_probabilities.size(); at += kPhoneClassCount) {
        alignment.push(log_probabilities.subspan(at, kPhoneClassCount));
    }
    const auto finished = alignment.finish();
    if (!finished.is_complete) return {};
    return {finished.phones.begin(), finished.phones.end()};
}

float log_of_frames(std::int64_t frames) {
    return std::log(static_cast<float>(std::max<std::int64_t>(frames, 1)));
}

/// The expected phone's own ratio is 0, so the sum of all is 1 and more.
float log_probability_among_all(const PhoneGoodness& ratios) {
    double all = 0;
    for (const float ratio : ratios) all += std::exp(std::clamp(static_cast<double>(ratio), -50.0, 50.0));
    return static_cast<float>(-std::log(all));
}

PhoneFeatures features_of(const PhoneGoodness& ratios, const AlignedPhone& phone, std::int64_t pause_frames) {
    PhoneFeatures features{};
    float largest = -std::numeric_limits<float>::infinity();
    for (std::size_t c = 0; c < kPhoneClassCount; ++c) {
        features[c] = std::clamp(ratios[c], -12.0F, 6.0F) / 6;
        if (c != phone.phone) largest = std::max(largest, ratios[c]);
    }
    auto* const more = &features[kPhoneClassCount];
    more[0] = std::max(log_probability_among_all(ratios), -12.0F) / 4;
    more[1] = std::clamp(largest, -12.0F, 12.0F) / 4;
    more[2] = std::clamp(phone.peak_log_probability, -10.0F, 0.0F) / 4;
    more[3] = std::clamp(phone.sum_log_probability / static_cast<float>(phone.frames()), -10.0F, 0.0F) / 4;
    more[4] = log_of_frames(phone.frames()) / 2;
    more[5] = log_of_frames(pause_frames + 1) / 2;
    return features;
}

UtteranceFeatures features_of(std::span<const AlignedPhone> phones, std::span<const PhoneGoodness> goodness) {
    const auto count = static_cast<float>(phones.size());
    const auto whole = static_cast<float>(phones.back().end_frame - phones.front().first_frame);
    float spoken = 0;
    float mean = 0;
    float squares = 0;
    float probability = 0;
    for (std::size_t n = 0; n < phones.size(); ++n) {
        const float length = log_of_frames(phones[n].frames());
        spoken += static_cast<float>(phones[n].frames());
        mean += length / count;
        squares += length * length / count;
        probability += std::max(log_probability_among_all(goodness[n]), -12.0F) / count;
    }
    return {std::log(count / whole), mean / 2, std::sqrt(std::max(squares - mean * mean, 0.0F)), 1 - spoken / whole,
            probability / 4};
}

}  // namespace

std::optional<PronunciationFeatures> pronunciation_features(std::span<const float> log_probabilities,
                                                            const Prompt& prompt) {
    PronunciationFeatures all;
    all.alignment = align(log_probabilities, prompt);
    if (all.alignment.empty()) return std::nullopt;
    Pronunciation phones;
    for (const auto& aligned : all.alignment) phones.push_back(aligned.phone);
    all.goodness = goodness_of_pronunciation(log_probabilities, phones).phones;
    if (all.goodness.empty()) return std::nullopt;
    for (std::size_t n = 0; n < phones.size(); ++n) {
        const auto pause = n == 0 ? 0 : all.alignment[n].first_frame - all.alignment[n - 1].end_frame;
        all.phones.push_back(features_of(all.goodness[n], all.alignment[n], pause));
    }
    all.utterance = features_of(all.alignment, all.goodness);
    return all;
}

}  // namespace sidetone::speech
