// SPDX-License-Identifier: Apache-2.0
#include "rt/interruptions.hpp"

#include "rt/clock.hpp"

namespace sidetone::rt {

Watch watch_interruptions(std::int64_t for_ns, std::int64_t least_ns, std::size_t most) {
    Watch watch;
    watch.interruptions.resize(most);  // touches each page
    watch.interruptions.clear();
    watch.began_ns = watch.end_ns = now_ns();
    while (watch.end_ns - watch.began_ns < for_ns && watch.interruptions.size() < most) {
        const auto now = now_ns();
        if (now - watch.end_ns >= least_ns) watch.interruptions.push_back({watch.end_ns, now - watch.end_ns});
        watch.end_ns = now;
    }
    watch.interruptions.shrink_to_fit();
    return watch;
}

void record_stretched(std::span<const Watch> watches, std::int64_t job_ns, std::int64_t every_ns, Histogram& taken) {
    for (const auto& watch : watches) {
        auto next = watch.interruptions.begin();
        for (auto begin = watch.began_ns;; begin += every_ns) {
            while (next != watch.interruptions.end() && next->began_ns + next->length_ns <= begin) ++next;
            if (next != watch.interruptions.end() && next->began_ns < begin) continue;  // the thread did not run
            auto end = begin + job_ns;
            for (auto met = next; met != watch.interruptions.end() && met->began_ns < end; ++met) end += met->length_ns;
            if (end > watch.end_ns) break;
            taken.record(end - begin);
        }
    }
}

}  // namespace sidetone::rt
