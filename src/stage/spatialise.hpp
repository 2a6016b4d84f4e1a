// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <atomic>
#include <filesystem>
#include <memory>
#include <vector>

#include "dsp/convolver.hpp"
#include "dsp/hrir_set.hpp"
#include "dsp/response_resampler.hpp"
#include "dsp/speaker_layout.hpp"
#include "rt/single_writer_single_reader_ring.hpp"
#include "stage/stage.hpp"

namespace sidetone::stage {

struct SpatialiseSettings {
    dsp::HrirSet set;
    std::vector<dsp::Speaker> speakers;  ///< one for each channel
    dsp::Orientation head;
    double lfe_db = 0;  ///< what the low-frequency channel gets; it goes to both ears alike
    double fade_ms = 20;
    double balance_db = 0;            ///< what the left ear loses; negative: the right one
    bool same_loudness = false;       ///< as loud as a plain downmix (loudness_headroom.hpp), else as the responses are
    bool helper = false;              ///< long partitions are a helper thread's work (dsp/convolver.hpp); never offline
    std::filesystem::path hrir = {};  ///< where the set is from
};

/// Loudspeakers around a head, heard through headphones: each channel through the responses from its speaker's
/// direction to both ears, without delay. The ears are the first two channels; the others, if there are any, become
/// silent.
///
/// Responses are changed while sound runs: the new ones get a convolver of their own, which takes part in the sound for
/// as long as its responses are, and then takes over by a cross-fade of equal power. What comes while a fade runs
/// waits for its end; of several, the last counts.
class SpatialiseStage final : public Stage, public Changeable {
public:
    explicit SpatialiseStage(SpatialiseSettings settings);
    ~SpatialiseStage() override;

    [[nodiscard]] const char* kind() const noexcept override { return "spatialise"; }
    void prepare(const StageContext& context) override;
    void process(const float* const* in, float* const* out, std::uint32_t frames,
                 const BlockTime& time) noexcept SIDETONE_REALTIME override;
    [[nodiscard]] std::string decision() const override;
    /// Blocks of long partitions that the helper did not get done in time.
    [[nodiscard]] std::uint64_t misses() const noexcept override { return misses_.load(std::memory_order_relaxed); }

    [[nodiscard]] Changeable* changeable() noexcept override { return this; }
    [[nodiscard]] std::span<const std::string_view> changeable_keys() const noexcept override;
    /// A file of responses is read before anything else changes.
    void change(const Settings& settings) override;

    /// Control thread, at any time once prepared, also while `process` runs.
    void turn_head(const dsp::Orientation& head);
    /// The same for another set of responses, at its own rate.
    void change_set(dsp::HrirSet set);

private:
    /// A convolver and what its turn at the ears needs; immutable for the control thread once it is offered.
    struct Renderer {
        std::unique_ptr<dsp::Convolver> convolver;
        std::uint64_t late_blocks = 0;  ///< told so far
        std::size_t length = 0;         ///< of its responses, in frames
        std::size_t fade_frames = 1;
        double alike = 0;         ///< correlation of its responses with those before, 0 to 1
        std::vector<float> taps;  ///< all of them, for the next one's `alike`
    };

    [[nodiscard]] std::unique_ptr<Renderer> make_renderer() const;
    [[nodiscard]] std::size_t length() const noexcept;
    void settle_loudness();
    void offer();
    void free_retired();
    void take_offer() noexcept;
    void finish_fade() noexcept;
    void mix(float* const* out, std::uint32_t frames) noexcept;
    void note_late_blocks() noexcept;

    SpatialiseSettings settings_;
    std::uint32_t rate_hz_ = 0, channels_ = 0, usual_frames_ = 0, index_ = 0;
    bool offline_ = false;
    bool has_helper_ = false;  // what was offered last
    rt::EventLog* events_ = nullptr;
    std::optional<dsp::ResponseResampler> resampler_;  // from the set's rate to the chain's
    std::optional<rt::Arena> arena_;
    double loudness_gain_db_ = 0;
    std::vector<float> last_taps_;  // of what was offered last

    std::unique_ptr<Renderer> current_, next_;  // audio thread's, once sound runs
    std::atomic<Renderer*> offered_{nullptr};
    std::optional<rt::SingleWriterSingleReaderRing<Renderer*>> retired_;
    std::vector<float> next_ears_;
    std::array<float*, 2> next_out_{};
    std::size_t primed_ = 0, faded_ = 0;
    std::atomic<std::uint64_t> misses_{0};
};

}  // namespace sidetone::stage
