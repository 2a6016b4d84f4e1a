// SPDX-License-Identifier: Apache-2.0
#include "dsp/products.hpp"

#include "dsp/vector_target.hpp"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "dsp/products.cpp"
#include <hwy/foreach_target.h>  // includes this file once per target
#include <hwy/highway.h>

#include "dsp/vector_loop-inl.hpp"

HWY_BEFORE_NAMESPACE();
namespace sidetone::dsp::HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

[[gnu::hot]] void multiply_vectors(const float* a, const float* b, float* out, std::size_t count) {
    for_each_live_vector(count, [=](auto d, std::size_t n) HWY_ATTR {
        hn::StoreU(hn::Mul(hn::LoadU(d, a + n), hn::LoadU(d, b + n)), d, out + n);
    });
}

[[gnu::hot]] void multiply_add_vectors(const float* a, const float* b, float* sum, std::size_t count) {
    for_each_live_vector(count, [=](auto d, std::size_t n) HWY_ATTR {
        hn::StoreU(hn::MulAdd(hn::LoadU(d, a + n), hn::LoadU(d, b + n), hn::LoadU(d, sum + n)), d, sum + n);
    });
}

void add_vectors(const float* a, float* sum, std::size_t count) {
    for_each_live_vector(count, [=](auto d, std::size_t n) HWY_ATTR {
        hn::StoreU(hn::Add(hn::LoadU(d, a + n), hn::LoadU(d, sum + n)), d, sum + n);
    });
}

[[gnu::hot]] void set_vectors(float value, float* out, std::size_t count) {
    for_each_live_vector(count, [=](auto d, std::size_t n) HWY_ATTR { hn::StoreU(hn::Set(d, value), d, out + n); });
}

void magnitude_of_vectors(const float* spectrum, float* out, std::size_t count) {
    for_each_live_vector(count, [=](auto d, std::size_t k) HWY_ATTR {
        hn::Vec<decltype(d)> re;
        hn::Vec<decltype(d)> im;
        hn::LoadInterleaved2(d, spectrum + 2 * k, re, im);
        hn::StoreU(hn::Sqrt(hn::MulAdd(re, re, hn::Mul(im, im))), d, out + k);
    });
}

void power_of_vectors(const float* spectrum, float* out, std::size_t count) {
    for_each_live_vector(count, [=](auto d, std::size_t k) HWY_ATTR {
        hn::Vec<decltype(d)> re;
        hn::Vec<decltype(d)> im;
        hn::LoadInterleaved2(d, spectrum + 2 * k, re, im);
        hn::StoreU(hn::MulAdd(re, re, hn::Mul(im, im)), d, out + k);
    });
}

[[gnu::hot]] void power_of_gained_vectors(const float* spectrum, const float* gain, float* out, std::size_t count) {
    for_each_live_vector(count, [=](auto d, std::size_t k) HWY_ATTR {
        hn::Vec<decltype(d)> re;
        hn::Vec<decltype(d)> im;
        hn::LoadInterleaved2(d, spectrum + 2 * k, re, im);
        const auto factor = hn::LoadU(d, gain + k);
        const auto power = hn::MulAdd(re, re, hn::Mul(im, im));
        hn::StoreU(hn::Mul(power, hn::Mul(factor, factor)), d, out + k);
    });
}

[[gnu::hot]] void apply_gains_to_vectors(const float* gain, float* spectrum, std::size_t count) {
    for_each_live_vector(count, [=](auto d, std::size_t k) HWY_ATTR {
        hn::Vec<decltype(d)> re;
        hn::Vec<decltype(d)> im;
        hn::LoadInterleaved2(d, spectrum + 2 * k, re, im);
        const auto factor = hn::LoadU(d, gain + k);
        hn::StoreInterleaved2(hn::Mul(re, factor), hn::Mul(im, factor), d, spectrum + 2 * k);
    });
}

void apply_mask_to_vectors(const float* mask, float* spectrum, std::size_t count) {
    for_each_live_vector(count, [=](auto d, std::size_t k) HWY_ATTR {
        hn::Vec<decltype(d)> re;
        hn::Vec<decltype(d)> im;
        hn::LoadInterleaved2(d, spectrum + 2 * k, re, im);
        hn::Vec<decltype(d)> mask_re;
        hn::Vec<decltype(d)> mask_im;
        hn::LoadInterleaved2(d, mask + 2 * k, mask_re, mask_im);
        hn::StoreInterleaved2(hn::NegMulAdd(im, mask_im, hn::Mul(re, mask_re)),
                              hn::MulAdd(re, mask_im, hn::Mul(im, mask_re)), d, spectrum + 2 * k);
    });
}

}  // namespace sidetone::dsp::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace sidetone::dsp {

HWY_EXPORT(multiply_vectors);
HWY_EXPORT(multiply_add_vectors);
HWY_EXPORT(add_vectors);
HWY_EXPORT(set_vectors);
HWY_EXPORT(magnitude_of_vectors);
HWY_EXPORT(power_of_vectors);
HWY_EXPORT(power_of_gained_vectors);
HWY_EXPORT(apply_gains_to_vectors);
HWY_EXPORT(apply_mask_to_vectors);

[[gnu::hot]] void multiply(const float* a, const float* b, float* out, std::size_t count) noexcept {
    HWY_DYNAMIC_DISPATCH(multiply_vectors)(a, b, out, count);
}

[[gnu::hot]] void multiply_add(const float* a, const float* b, float* sum, std::size_t count) noexcept {
    HWY_DYNAMIC_DISPATCH(multiply_add_vectors)(a, b, sum, count);
}

void add_samples(const float* a, float* sum, std::size_t count) noexcept {
    HWY_DYNAMIC_DISPATCH(add_vectors)(a, sum, count);
}

[[gnu::hot]] void set_samples(float value, float* out, std::size_t count) noexcept {
    HWY_DYNAMIC_DISPATCH(set_vectors)(value, out, count);
}

void magnitude(const std::complex<float>* spectrum, float* out, std::size_t count) noexcept {
    HWY_DYNAMIC_DISPATCH(magnitude_of_vectors)(reinterpret_cast<const float*>(spectrum), out, count);
}

void power(const std::complex<float>* spectrum, float* out, std::size_t count) noexcept {
    HWY_DYNAMIC_DISPATCH(power_of_vectors)(reinterpret_cast<const float*>(spectrum), out, count);
}

[[gnu::hot]] void power_with_gains(const std::complex<float>* spectrum, const float* gain, float* out,
                                   std::size_t count) noexcept {
    HWY_DYNAMIC_DISPATCH(power_of_gained_vectors)(reinterpret_cast<const float*>(spectrum), gain, out, count);
}

[[gnu::hot]] void apply_gains(const float* gain, std::complex<float>* spectrum, std::size_t count) noexcept {
    HWY_DYNAMIC_DISPATCH(apply_gains_to_vectors)(gain, reinterpret_cast<float*>(spectrum), count);
}

void apply_mask(const std::complex<float>* mask, std::complex<float>* spectrum, std::size_t count) noexcept {
    HWY_DYNAMIC_DISPATCH(apply_mask_to_vectors)
    (reinterpret_cast<const float*>(mask), reinterpret_cast<float*>(spectrum), count);
}

}  // namespace sidetone::dsp
#endif
