// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <vector>

namespace sidetone::dsp {

/// Neighbouring bands of frequency, lowest first: n bands have n + 1 edges, and one centre in each.
struct FrequencyBands {
    std::vector<double> edges_hz, centres_hz;

    [[nodiscard]] std::size_t count() const noexcept { return centres_hz.size(); }
};

/// The number of equivalent rectangular bandwidths below `frequency_hz`, and back: Glasberg and Moore, "Derivation of
/// auditory filter shapes from notched-noise data", Hearing Research 47, 1990, eq. 4.
[[nodiscard]] double erb_number(double frequency_hz) noexcept;
[[nodiscard]] double frequency_of_erb_number(double number) noexcept;

/// `count` bands, equally wide in equivalent rectangular bandwidths. Control thread, like all of these.
[[nodiscard]] FrequencyBands erb_bands(std::size_t count, double lowest_hz, double highest_hz);

/// With edges that rise; the centres lie half-way between them in equivalent rectangular bandwidths.
[[nodiscard]] FrequencyBands bands_between(std::vector<double> edges_hz);

/// With centres that rise, two or more; the edges lie at their geometric means, and as far outside of the outer
/// centres.
[[nodiscard]] FrequencyBands bands_around(std::vector<double> centres_hz);

}  // namespace sidetone::dsp
