// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>

#include "dsp/aligned_vector.hpp"
#include "rt/realtime.hpp"

namespace sidetone::dsp {

/// Solves Σ x[j] · r[|i - j|] = p[i] for x, where r is a correlation: Levinson's recursion (Golub and Van Loan, "Matrix
/// Computations", section 4.7.3), 2 n² multiply-adds, in single precision. Good to a few parts in a thousand while
/// the power spectrum behind r spans no more than some 40 dB.
///
/// Built on the control thread, used by one thread at a time.
class ToeplitzSolver {
public:
    explicit ToeplitzSolver(std::size_t size);

    /// r[0 … size - 1] with r[0] > 0, p[0 … size - 1]. The result stays until the next call.
    [[nodiscard]] const float* solve(const float* r, const float* p) noexcept SIDETONE_REALTIME;

private:
    std::size_t size_;
    // The predictor, r and the mirrored predictor as the recursion reads them: mirrored[size - k] = predictor[k].
    AlignedVector<float> predictor_, mirrored_, backwards_, solution_;
};

}  // namespace sidetone::dsp
