// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace sidetone::cli {

/// A picture in sixteen shades: 0 is black, 15 white; rows from the top.
struct GreyImage {
    std::size_t width = 0, height = 0;
    std::vector<std::uint8_t> shades;
};

/// A PNG file of it (ISO/IEC 15948), not compressed, as a `data:` URI for an SVG image.
[[nodiscard]] std::string png_uri(const GreyImage& image);

}  // namespace sidetone::cli
