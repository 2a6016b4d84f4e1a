// SPDX-License-Identifier: Apache-2.0
#include "nn/session.hpp"

namespace sidetone::nn {

std::size_t bytes_per_element(ElementType type) noexcept {
    switch (type) {
        case ElementType::i64:
            return 8;
        case ElementType::i8:
        case ElementType::u8:
            return 1;
        default:
            return 4;
    }
}

std::size_t TensorInfo::elements() const noexcept {
    std::size_t product = 1;
    for (const auto dimension : shape) product *= static_cast<std::size_t>(dimension);
    return product;
}

}  // namespace sidetone::nn
