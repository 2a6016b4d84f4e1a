// SPDX-License-Identifier: Apache-2.0
#include "dsp/periodicity_kernels.hpp"

#include "dsp/vector_target.hpp"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "dsp/periodicity_kernels.cpp"
#include <hwy/foreach_target.h>  // includes this file once per target
#include <hwy/highway.h>

#include "dsp/vector_loop-inl.hpp"

HWY_BEFORE_NAMESPACE();
namespace sidetone::dsp::HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

void filter_symmetrically(std::span<const float> side, const float* x, float* out, std::size_t count) {
    const std::size_t reach = side.size() - 1;
    for_each_vector(count, [=](auto d, std::size_t n) HWY_ATTR {
        const float* middle = x + n + reach;
        auto sum = hn::Mul(hn::Set(d, side[0]), hn::LoadU(d, middle));
        for (std::size_t k = 1; k <= reach; ++k) {
            const auto both = hn::Add(hn::LoadU(d, middle - k), hn::LoadU(d, middle + k));
            sum = hn::MulAdd(hn::Set(d, side[k]), both, sum);
        }
        hn::StoreU(sum, d, out + n);
    });
}

}  // namespace sidetone::dsp::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace sidetone::dsp {

HWY_EXPORT(filter_symmetrically);

void symmetric_filter(std::span<const float> side, const float* x, float* out, std::size_t count) noexcept {
    HWY_DYNAMIC_DISPATCH(filter_symmetrically)(side, x, out, count);
}

}  // namespace sidetone::dsp
#endif
