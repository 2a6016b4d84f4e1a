// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <gtest/gtest.h>
#include <sndfile.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <optional>
#include <string>
#include <vector>

#include "nn/model_store.hpp"
#include "rt/error.hpp"
#include "unit/rt/temporary_folder.hpp"

namespace sidetone::nn::test {

inline const std::filesystem::path kSource{SIDETONE_SOURCE_DIR};

/// Sets an environment variable for as long as it lives.
class ScopedVariable {
public:
    ScopedVariable(std::string name, const std::string& value) : name_(std::move(name)) {
        if (const char* before = std::getenv(name_.c_str())) before_ = before;
        ::setenv(name_.c_str(), value.c_str(), 1);
    }
    ~ScopedVariable() {
        if (before_) {
            ::setenv(name_.c_str(), before_->c_str(), 1);
        } else {
            ::unsetenv(name_.c_str());
        }
    }
    ScopedVariable(const ScopedVariable&) = delete;
    ScopedVariable& operator=(const ScopedVariable&) = delete;

private:
    std::string name_;
    std::optional<std::string> before_;
};

using sidetone::test::contents_of;
using sidetone::test::TemporaryFolder;
using sidetone::test::write;

/// The message of the InputError that `act` throws; empty, and a failure, when it throws none.
template <class Act>
std::string error_of(Act&& act) {
    try {
        act();
    } catch (const InputError& error) {
        const std::string message = error.what();
        EXPECT_EQ(message.find('\n'), std::string::npos) << "an error is one line: " << message;
        return message;
    }
    ADD_FAILURE() << "no InputError was thrown";
    return {};
}

/// Publishers' weights that the repository does not hold: $SIDETONE_DATA/models, or ../shared/data/models.
inline std::filesystem::path published_weights() {
    const char* data = std::getenv("SIDETONE_DATA");
    return (data != nullptr ? std::filesystem::path{data} : kSource.parent_path() / "shared" / "data") / "models";
}

/// While alive, published weights are found. `has` says whether a model's are there.
class PublishedWeights {
public:
    PublishedWeights() : folders_("SIDETONE_MODELS", published_weights().string()) {}
    [[nodiscard]] static bool has(const Manifest& model) {
        for (const auto& graph : model.graphs) {
            if (weights_candidates(model, graph).empty()) return false;
        }
        return true;
    }

private:
    ScopedVariable folders_;
};

/// Skips the running test when the weights of model NAME are on neither path.
#define SIDETONE_REQUIRE_WEIGHTS(model)                                                                    \
    if (!::sidetone::nn::test::PublishedWeights::has(model)) {                                             \
        GTEST_SKIP() << "the weights of " << (model).name << " are neither set up nor in "                 \
                     << ::sidetone::nn::test::published_weights() << " (set SIDETONE_DATA, or pull them)"; \
    }

/// One channel of real speech at 16 kHz, as set-up brings it.
inline std::vector<float> speech(const std::string& name = "4507-16021-0012") {
    const auto file = kSource / "deps" / "audio" / "speech" / (name + ".wav");
    SF_INFO info{};
    SNDFILE* sound = sf_open(file.c_str(), SFM_READ, &info);
    if (sound == nullptr || info.channels != 1 || info.samplerate != 16'000) {
        throw std::runtime_error{file.string() + ": no speech at 16 kHz; run scripts/setup"};
    }
    std::vector<float> samples(static_cast<std::size_t>(info.frames));
    sf_readf_float(sound, samples.data(), info.frames);
    sf_close(sound);
    return samples;
}

/// A model's name as part of a test's: without hyphens.
inline std::string name_of_case(const testing::TestParamInfo<const char*>& info) {
    std::string name = info.param;
    std::ranges::replace(name, '-', '_');
    return name;
}

}  // namespace sidetone::nn::test
