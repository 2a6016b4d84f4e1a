// SPDX-License-Identifier: Apache-2.0
#include "cli/card_calibration.hpp"

#include "engine/calibration_file.hpp"

namespace sidetone::cli {

stage::Calibration stored_calibration(const std::string& input, const std::string& output) {
    const auto named = [](const std::string& card) { return card.empty() ? std::string{"default"} : card; };
    return engine::calibration_of(engine::read_calibrations(engine::calibration_file()), named(input), named(output));
}

}  // namespace sidetone::cli
