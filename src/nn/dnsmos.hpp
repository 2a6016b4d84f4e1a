// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>

namespace sidetone::nn {

/// Opinions from 1 (bad) to 5 (excellent), as listeners give them by ITU-T P.835.
struct OpinionScores {
    double speech = 0, background = 0, overall = 0;
};

/// Predicts how people would rate speech in noise (Reddy, Gopal and Cutler, "DNSMOS P.835: A non-intrusive perceptual
/// objective speech quality metric to evaluate noise suppressors", ICASSP 2022): the mean over windows of 9.01 s, one
/// second apart; a shorter recording is repeated until it fills one. Needs no clean reference. Never on an audio
/// thread.
class Dnsmos {
public:
    /// Nothing when the model's weights are not on this machine. Throws InputError when they are there and bad.
    [[nodiscard]] static std::optional<Dnsmos> open();
    ~Dnsmos();
    Dnsmos(Dnsmos&&) noexcept;
    Dnsmos& operator=(Dnsmos&&) noexcept;

    /// Any rate from 8 to 192 kHz; samples finite, at least one. Throws InputError when the backend fails.
    [[nodiscard]] OpinionScores score(std::span<const float> samples, std::uint32_t rate_hz);

private:
    struct Parts;
    explicit Dnsmos(std::unique_ptr<Parts> parts);
    std::unique_ptr<Parts> parts_;
};

}  // namespace sidetone::nn
