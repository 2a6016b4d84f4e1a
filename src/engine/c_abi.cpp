// SPDX-License-Identifier: Apache-2.0
#include <cstring>
#include <exception>
#include <string>
#include <vector>

#include "sidetone/chain.hpp"
#include "sidetone/sidetone.h"

struct sidetone_chain {
    sidetone::Chain chain;
};

namespace {

void tell(const char* message, char* error, std::size_t error_size) noexcept {
    if (error == nullptr || error_size == 0) return;
    std::strncpy(error, message, error_size - 1);
    error[error_size - 1] = '\0';
}

sidetone::Change change_from(const sidetone_change& change) {
    if (change.name == nullptr || (change.text == nullptr && change.numbers == nullptr && change.count > 0)) {
        throw sidetone::InputError("sidetone_chain_change: found NULL, expected a name, and a text or numbers");
    }
    if (change.text != nullptr) return {change.name, std::string{change.text}};
    if (change.count == 1) return {change.name, *change.numbers};
    return {change.name, std::vector<double>(change.numbers, change.numbers + change.count)};
}

}  // namespace

extern "C" {

sidetone_chain* sidetone_chain_open(const char* chain_file, const sidetone_chain_format* format, char* error,
                                    size_t error_size) {
    if (chain_file == nullptr || format == nullptr) {
        tell("sidetone_chain_open: found NULL, expected a chain file and a format", error, error_size);
        return nullptr;
    }
    try {
        const sidetone::ChainFormat wanted{.rate_hz = format->rate_hz,
                                           .block_frames = format->block_frames,
                                           .max_block_frames = format->max_block_frames,
                                           .fixed_block = format->fixed_block != 0,
                                           .channels = format->channels,
                                           .offline = format->offline != 0};
        return new sidetone_chain{sidetone::Chain{chain_file, wanted}};
    } catch (const std::exception& failure) {
        tell(failure.what(), error, error_size);
        return nullptr;
    }
}

void sidetone_chain_close(sidetone_chain* chain) {
    delete chain;
}

void sidetone_chain_process(sidetone_chain* chain, const float* const* inputs, float* const* outputs, uint32_t frames) {
    if (chain != nullptr) chain->chain.process(inputs, outputs, frames);
}

int sidetone_chain_change(sidetone_chain* chain, const sidetone_change* changes, size_t count, char* error,
                          size_t error_size) {
    if (chain == nullptr || (changes == nullptr && count > 0)) {
        tell("sidetone_chain_change: found NULL, expected a chain and changes", error, error_size);
        return 1;
    }
    try {
        std::vector<sidetone::Change> all;
        for (std::size_t i = 0; i < count; ++i) all.push_back(change_from(changes[i]));
        chain->chain.change(all);
        return 0;
    } catch (const std::exception& failure) {
        tell(failure.what(), error, error_size);
        return 1;
    }
}

uint32_t sidetone_chain_delay_frames(const sidetone_chain* chain) {
    return chain != nullptr ? chain->chain.delay_frames() : 0;
}

uint64_t sidetone_chain_misses(const sidetone_chain* chain) {
    return chain != nullptr ? chain->chain.misses() : 0;
}

const char* sidetone_version(void) {
    return SIDETONE_VERSION;
}

}  // extern "C"
