// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <span>
#include <string_view>

#include "stage/settings.hpp"

namespace sidetone::stage {

/// A stage, or a link of a filter bank, some of whose settings may change while sound runs.
class Changeable {
public:
    virtual ~Changeable() = default;

    /// The keys of its table that may change; where a key holds tables, all that is in them.
    [[nodiscard]] virtual std::span<const std::string_view> changeable_keys() const noexcept = 0;

    /// Control thread, also while `process` runs, but never beside `prepare` or itself: the sound goes, without a
    /// click, to what `settings` says, and later calls of `prepare` begin there. `settings` is the whole table, as the
    /// chain file might have it, and differs from the last one in keys that may change. Throws InputError, and then
    /// nothing has changed.
    virtual void change(const Settings& settings) = 0;
};

}  // namespace sidetone::stage
