// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "device/card.hpp"
#include "device/sim_card.hpp"

namespace sidetone::device {

/// One line of `sidetone devices`.
struct CardInfo {
    std::string name = {};  ///< what CardRequest takes: "sim", "jack", "rtaudio:alsa/hw:1,0" …
    std::string description = {};
    std::uint32_t input_channels = 0, output_channels = 0;
    std::vector<std::uint32_t> rates_hz = {};  ///< empty: any
    bool is_default_input = false, is_default_output = false;
};

/// Makes the card that was asked for, without starting it.
///
/// Names: "sim"; "jack" or "jack:PATTERN" (a regular expression for port names); "rtaudio", "rtaudio:API" or
/// "rtaudio:[API/]NAME". Empty: jack when a server runs, else rtaudio. An `output` of another kind or another device is
/// joined to the input by a drift-compensating resampler. `sim` sets a simulated card up; what the request asks for
/// (rate, block, channels) overrules it. When the simulated card is only one side of a joined one, it gets only that
/// side's file; of two simulated ones ("sim:a", "sim:b") that are joined, only the input's clock is skewed.
///
/// Throws InputError: a name that is not known, listing those there are; a kind of card that this build lacks.
[[nodiscard]] std::unique_ptr<Card> open_card(const CardRequest& request, const SimSettings& sim);

/// Where the sound of such a card would go: what its `playback_name` will be, while the devices stay as they are.
/// Throws InputError: no such device.
[[nodiscard]] std::string playback_name(const CardRequest& request);

/// What there is: the JACK server if one runs, RtAudio's devices, the simulated card.
[[nodiscard]] std::vector<CardInfo> list_cards();

}  // namespace sidetone::device
