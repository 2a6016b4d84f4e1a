// SPDX-License-Identifier: Apache-2.0
#include "nn/native/window_geometry.hpp"

#include <algorithm>
#include <string>

namespace sidetone::nn::native {
namespace {

using Integers = std::vector<std::int64_t>;

// Pads so that there are as many outputs as strides fit into the input; what is odd goes to one side.
void pad_to_same(WindowExtent& e, std::ptrdiff_t reach, bool odd_before) {
    e.out = (e.in + e.stride - 1) / e.stride;
    const auto all = std::max<std::ptrdiff_t>((e.out - 1) * e.stride + reach + 1 - e.in, 0);
    e.pad = odd_before ? (all + 1) / 2 : all / 2;
    e.pad_after = all - e.pad;
}

void count_outputs(WindowExtent& e, std::ptrdiff_t reach, bool rounds_up) {
    const auto room = e.in + e.pad + e.pad_after - reach - 1;
    e.out = room < 0 ? 0 : room / e.stride + 1;
    // A last window that is not whole counts as long as it does not start behind the input and its padding before.
    if (rounds_up && room > 0 && room % e.stride != 0 && e.out * e.stride < e.in + e.pad) ++e.out;
}

}  // namespace

WindowGeometry window_geometry(const NodeLowering& node, const Shape& x, const std::vector<std::int64_t>& taps) {
    const auto count = taps.size();
    WindowGeometry geometry;
    if (x.size() != count + 2 || count < 1 || count > geometry.size() || elements_of(x) == 0) {
        node.refuse("shape " + shape_text(x) + " with windows of " + std::to_string(count) +
                    " dimensions is not in the native executor");
    }
    const auto strides = node.attribute_or("strides", Integers(count, 1));
    const auto dilations = node.attribute_or("dilations", Integers(count, 1));
    const auto pads = node.attribute_or("pads", Integers(2 * count, 0));
    const auto automatic = node.attribute_or<std::string>("auto_pad", "NOTSET");
    const bool rounds_up = node.attribute_or<std::int64_t>("ceil_mode", 0) != 0;
    if (strides.size() != count || dilations.size() != count || pads.size() != 2 * count) {
        node.refuse("its attributes are not one for every dimension");
    }
    const auto bounded = [&](std::int64_t value, std::int64_t least) {
        constexpr std::int64_t kMost = 1 << 20;
        if (value < least || value > kMost) node.refuse("an attribute is out of range");
        return static_cast<std::ptrdiff_t>(value);
    };
    std::ptrdiff_t all_taps = 1;
    for (std::size_t i = 0; i < count; ++i) {
        auto& e = geometry[i + geometry.size() - count];
        e.in = static_cast<std::ptrdiff_t>(x[i + 2]);
        e.taps = bounded(taps[i], 1);
        constexpr std::ptrdiff_t kMostTaps = 1 << 24;
        all_taps *= e.taps;
        if (all_taps > kMostTaps) node.refuse("its windows are beyond the limits");
        e.stride = bounded(strides[i], 1);
        e.dilation = bounded(dilations[i], 1);
        const auto reach = (e.taps - 1) * e.dilation;
        if (automatic == "SAME_UPPER" || automatic == "SAME_LOWER") {
            pad_to_same(e, reach, automatic == "SAME_LOWER");
        } else if (automatic == "NOTSET" || automatic == "VALID") {
            if (automatic == "NOTSET") {
                e.pad = bounded(pads[i], 0);
                e.pad_after = bounded(pads[i + count], 0);
            }
            count_outputs(e, reach, rounds_up);
        } else {
            node.refuse("auto_pad \"" + one_line(automatic) + "\" is none");
        }
        if (e.out <= 0) node.refuse("its output is empty");
    }
    return geometry;
}

}  // namespace sidetone::nn::native
