// SPDX-License-Identifier: Apache-2.0
#include "dsp/pitch_path_kernels.hpp"

#include "dsp/vector_target.hpp"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "dsp/pitch_path_kernels.cpp"
#include <hwy/foreach_target.h>  // includes this file once per target
#include <hwy/highway.h>

#include <hwy/contrib/math/math-inl.h>

#include "dsp/vector_loop-inl.hpp"

HWY_BEFORE_NAMESPACE();
namespace sidetone::dsp::HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

void find_best_neighbours(std::span<const float> costs, const float* scores, float* best, std::int32_t* from,
                          std::size_t count) {
    const std::size_t reach = costs.size() - 1;
    for_each_vector(count, [=](auto d, std::size_t n) HWY_ATTR {
        const hn::RebindToSigned<decltype(d)> di;
        const float* middle = scores + n + reach;
        auto most = hn::LoadU(d, middle);
        auto moved = hn::Zero(di);
        const auto take = [&](const float* values, float cost, std::int32_t move) HWY_ATTR {
            const auto value = hn::Sub(hn::LoadU(d, values), hn::Set(d, cost));
            const auto is_better = hn::Gt(value, most);
            most = hn::IfThenElse(is_better, value, most);
            moved = hn::IfThenElse(hn::RebindMask(di, is_better), hn::Set(di, move), moved);
        };
        for (std::size_t k = 1; k <= reach; ++k) {
            const auto move = static_cast<std::int32_t>(k);
            take(middle - k, costs[k], -move);
            take(middle + k, costs[k], move);
        }
        hn::StoreU(most, d, best + n);
        hn::StoreU(hn::Add(moved, hn::Iota(di, static_cast<std::int32_t>(n))), di, from + n);
    });
}

void find_logarithms(const float* x, float added, float* out, std::size_t count) {
    for_each_vector(count, [=](auto d, std::size_t n) HWY_ATTR {
        hn::StoreU(hn::Log(d, hn::Add(hn::LoadU(d, x + n), hn::Set(d, added))), d, out + n);
    });
}

}  // namespace sidetone::dsp::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace sidetone::dsp {

HWY_EXPORT(find_best_neighbours);
HWY_EXPORT(find_logarithms);

void best_neighbours(std::span<const float> costs, const float* scores, float* best, std::int32_t* from,
                     std::size_t count) noexcept {
    HWY_DYNAMIC_DISPATCH(find_best_neighbours)(costs, scores, best, from, count);
}

void logarithms(const float* x, float added, float* out, std::size_t count) noexcept {
    HWY_DYNAMIC_DISPATCH(find_logarithms)(x, added, out, count);
}

}  // namespace sidetone::dsp
#endif
