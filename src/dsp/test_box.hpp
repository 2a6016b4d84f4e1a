// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <optional>
#include <span>
#include <vector>

namespace sidetone::dsp {

/// What comes out of a device for what goes in: as many samples, the device's constant delay taken off, from silence
/// each time. Full scale is 1.
using DeviceUnderTest = std::function<std::vector<float>(std::span<const float> input)>;

/// The sound pressure level of a sound whose root mean square is 1, at the microphone and at the ear. A sine of full
/// scale is 3 dB below.
struct FullScale {
    double input_db_spl = 120, output_db_spl = 120;
};

/// How a device follows a tone whose level goes up and down again in one step.
struct StepResponse {
    /// From the step until the output stays within 3 dB of where it settles at the high level, and within 4 dB of where
    /// it settles at the low one (ANSI S3.22). Nothing: it did not settle.
    std::optional<double> attack_ms, release_ms;
    double low_db_spl = 0, high_db_spl = 0;  ///< where the output settles
    double up_ms = 0, down_ms = 0;           ///< when the steps come
    std::vector<double> time_ms, output_db_spl;
};

/// The share of a tone that comes out at multiples of its frequency.
struct HarmonicDistortion {
    double frequency_hz = 0, input_db_spl = 0;
    double share = 0;  ///< root of the sum of the harmonics' powers, relative to the fundamental: 0.01 is 1 %
    /// The response rises by 12 dB or more from the tone to its second harmonic: the standard then asks for no figure.
    bool is_exempt = false;
};

/// The digital counterpart of the box that hearing aids are measured in: presents tones at sound pressure levels and
/// measures what comes out. There is no coupler and no transducer in it, only numbers. Control thread; throws what the
/// device throws.
class TestBox {
public:
    TestBox(DeviceUnderTest device, double rate_hz, FullScale full_scale);

    /// Whether tones of this frequency can be measured at this rate.
    [[nodiscard]] bool reaches(double frequency_hz) const noexcept { return frequency_hz < 0.45 * rate_hz_; }

    /// Output level (root mean square) of each tone, one after the other.
    [[nodiscard]] std::vector<double> output_db_spl(std::span<const double> frequency_hz, double input_db_spl) const;

    /// Output level of one tone at each input level, one after the other.
    [[nodiscard]] std::vector<double> input_output_db_spl(double frequency_hz,
                                                          std::span<const double> input_db_spl) const;

    [[nodiscard]] HarmonicDistortion harmonic_distortion(double frequency_hz, double input_db_spl) const;

    /// Output level between 200 and 5000 Hz without any input; -infinity when nothing comes out.
    [[nodiscard]] double noise_db_spl() const;

    [[nodiscard]] StepResponse step_response(double frequency_hz, double low_db_spl, double high_db_spl) const;

private:
    struct Tone {
        double frequency_hz, input_db_spl, seconds;
    };
    [[nodiscard]] std::vector<float> present(std::span<const Tone> tones) const;
    /// The end of each tone, by which the device has settled.
    [[nodiscard]] std::vector<double> settled_db_spl(std::span<const Tone> tones) const;
    [[nodiscard]] std::size_t frames(double seconds) const noexcept;
    [[nodiscard]] double to_db_spl(double mean_square) const noexcept;

    DeviceUnderTest device_;
    double rate_hz_;
    FullScale full_scale_;
};

}  // namespace sidetone::dsp
