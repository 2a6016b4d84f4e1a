// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string_view>

#include "dsp/glide.hpp"
#include "rt/realtime.hpp"

namespace sidetone::stage {

/// What is heard in place of a hop whose result did not come in time.
enum class MissPolicy : std::uint8_t {
    hold,     ///< the dry signal with the last known gain, which then ramps to unity
    repeat,   ///< the last hop again, softer each time
    bypass,   ///< the dry signal
    silence,  ///< nothing
};
[[nodiscard]] const char* to_string(MissPolicy policy) noexcept;

/// Renders one channel of a model's finished hops: mixes wet and dry, and covers hops that are missing. Whenever what
/// is heard changes its source, the step between them is faded out over 2 ms, so that neither a miss nor its end
/// clicks. Audio thread.
class MissConcealment {
public:
    struct Settings {
        MissPolicy policy = MissPolicy::hold;
        float dry_share = 0;  ///< linear share of the dry signal always kept (maximum attenuation)
        std::uint32_t rate_hz = 16000;
    };

    MissConcealment() = default;
    explicit MissConcealment(const Settings& settings) noexcept;

    /// `wet`: the model's hop, nullptr when missed. `dry`: the same instants of the input. `previous`: the `count`
    /// samples rendered last. `out` may not alias any of them.
    void render(const float* wet, const float* dry, const float* previous, float* out,
                std::uint32_t count) noexcept SIDETONE_REALTIME;

    /// Another share of the dry signal, from the next hop on; it glides there.
    void go_to_dry_share(float share) noexcept SIDETONE_REALTIME { dry_share_.go_to(share); }

private:
    enum class Source : std::uint8_t { model, substitute };

    void mix(const float* wet, const float* dry, float* out, std::uint32_t count) noexcept;
    void cover(const float* dry, const float* previous, float* out, std::uint32_t count) noexcept;
    void follow_gain(const float* heard, const float* dry, std::uint32_t count) noexcept;

    Settings settings_;
    dsp::Glide dry_share_;
    Source source_ = Source::model;
    float gain_ = 1;        // broad-band gain of the model, followed while it delivers
    float step_ = 0;        // what is left of the step at the last change of source
    float step_decay_ = 0;  // per sample
    float ramp_per_sample_ = 0;
    std::uint32_t held_ = 0;  // samples since the miss began
    std::uint32_t hold_samples_ = 0;
};

}  // namespace sidetone::stage
