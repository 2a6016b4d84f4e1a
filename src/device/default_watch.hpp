// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <memory>

namespace sidetone::device {

/// Asks once a second, on a thread of its own, whether something has moved, until it has. A sound system that does not
/// answer thus holds up nobody: the thread is not waited for.
class DefaultWatch {
public:
    /// `has_moved` is called by that thread only, and may outlive this: it must own what it looks at.
    explicit DefaultWatch(std::function<bool()> has_moved);
    ~DefaultWatch();
    DefaultWatch(const DefaultWatch&) = delete;
    DefaultWatch& operator=(const DefaultWatch&) = delete;

    [[nodiscard]] bool has_moved() const noexcept;

private:
    struct Shared;
    std::shared_ptr<Shared> shared_;
};

}  // namespace sidetone::device
