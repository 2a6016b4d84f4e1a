// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <complex>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "dsp/real_fft.hpp"
#include "dsp/sliding_window.hpp"

namespace sidetone::cli {

/// The power of a sound over time and frequency.
struct Spectrogram {
    double hz_a_bin = 1;
    std::size_t bins = 0;
    std::vector<float> power;  ///< columns of `bins`, evenly over the sound's length

    [[nodiscard]] std::size_t columns() const { return bins == 0 ? 0 : power.size() / bins; }
};

/// Makes the spectrogram of a stream of any length, of at most 1800 columns: when there are too many, two neighbours
/// become one, which has the greater power of both.
class SpectrogramMaker {
public:
    explicit SpectrogramMaker(std::uint32_t rate_hz);

    void push(std::span<const float> samples);
    [[nodiscard]] Spectrogram take();

private:
    void add(const float* window);
    void halve();

    double hz_a_bin_;
    dsp::SlidingWindow windows_;
    dsp::RealFft transform_;
    std::vector<float> shape_, weighted_, column_;
    std::vector<std::complex<float>> spectrum_;
    std::size_t windows_a_column_ = 1, windows_in_column_ = 0;
    std::vector<float> power_;
};

}  // namespace sidetone::cli
