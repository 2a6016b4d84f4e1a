// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <complex>
#include <cstddef>
#include <vector>

#include "dsp/aligned_vector.hpp"
#include "dsp/real_fft_kernels.hpp"
#include "rt/realtime.hpp"

namespace sidetone::dsp {

/// Discrete Fourier transform of real signals, sizes n = 2^a · 3^b and 2^a · 3^b · 5 from 64 to 4096 with a >= 5: a
/// complex transform of half the length (Stockham, radices 4, 3, 2, 5) and a split step; Google Highway. Built on the
/// control thread; `forward` and `inverse` are const but share the object's scratch: one thread at a time.
class RealFft {
public:
    /// Throws std::invalid_argument for a size that is not supported.
    explicit RealFft(std::size_t size);

    [[nodiscard]] static bool supports(std::size_t size) noexcept;
    [[nodiscard]] std::size_t size() const noexcept { return size_; }
    [[nodiscard]] std::size_t bins() const noexcept { return size_ / 2 + 1; }

    /// out[k] = Σ in[n] exp(-2πi kn/N), k = 0 … N/2. `in` holds size() samples, `out` bins() values; any alignment; not
    /// in place.
    void forward(const float* in, std::complex<float>* out) noexcept SIDETONE_REALTIME;

    /// out[n] = (1/N) Σ over the full spectrum, so that inverse(forward(x)) = x. The imaginary parts of bins 0 and N/2
    /// are ignored.
    void inverse(const std::complex<float>* in, float* out) noexcept SIDETONE_REALTIME;

private:
    [[nodiscard]] FftPlan plan() noexcept;

    std::size_t size_;
    std::vector<FftPass> passes_;
    AlignedVector<float> twiddles_, split_, scratch_;
};

}  // namespace sidetone::dsp
