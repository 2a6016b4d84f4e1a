// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "nn/manifest.hpp"
#include "nn/session.hpp"
#include "rt/arena.hpp"
#include "rt/realtime.hpp"
#include "rt/rehearsal.hpp"

namespace sidetone::nn {

class DeepFilter;

/// A streaming enhancement model: one window of samples in, one hop of finished samples out, one channel. It holds the
/// front end (windows, transforms, overlap-add), the graphs, and their states; transforms write into the graphs'
/// tensors and read out of them.
///
/// A model that looks ahead has a window longer than its frames by so much. `process` call k (from 0) takes the window
/// that ends with hop k's newest sample and writes the samples [k·hop - delay, k·hop - delay + hop) with delay = length
/// - hop, all in samples at the model's rate.
class HopModel {
public:
    /// `backend`: "auto" or a backend's name; anything else, or a backend that cannot run this model, throws
    /// InputError. Verifies the weights' hashes.
    HopModel(const Manifest& manifest, const std::string& backend);
    ~HopModel();
    HopModel(HopModel&&) noexcept;
    HopModel& operator=(HopModel&&) noexcept;

    [[nodiscard]] const Manifest& manifest() const noexcept;
    [[nodiscard]] std::uint32_t sample_rate_hz() const noexcept;
    [[nodiscard]] std::uint32_t hop() const noexcept;
    [[nodiscard]] std::uint32_t length() const noexcept;
    [[nodiscard]] std::uint32_t delay() const noexcept { return length() - hop(); }
    [[nodiscard]] const char* backend() const noexcept;
    [[nodiscard]] bool is_realtime_safe() const noexcept;

    /// `window`: the newest length() samples, contiguous; `out`: hop() samples. One thread at a time. False when a
    /// backend failed; `out` is then silence. Non-finite results count as failure, as do samples beyond ±10¹², and the
    /// states are reset so that the next hop can recover.
    [[nodiscard]] bool process(const float* window, float* out) noexcept SIDETONE_REALTIME;

    /// Whether `process_gains` can be used: the first graph works on the spectrum.
    [[nodiscard]] bool has_gains() const noexcept;
    /// Of the front end's frames.
    [[nodiscard]] std::uint32_t bins() const noexcept;

    /// Instead of `process`: what the first graph makes of the window's spectrum, as one real gain from 0 to 1 for each
    /// of bins() bins. Of a complex spectrum it is the part in phase with the input, which is what comes nearest to it
    /// without changing the phase. The window is weighted towards its newest samples, whatever the front end has, so
    /// that the gains are fresh. What graphs after the first one change scales the gains: by what they made of each bin
    /// in the last 160 ms. Fails as `process` does; all gains are then one.
    [[nodiscard]] bool process_gains(const float* window, float* gains) noexcept SIDETONE_REALTIME;

    /// The network behind `process_gains` of a model with a table [deep_filter], for training; else null.
    [[nodiscard]] const DeepFilter* deep_filter() const noexcept;

    /// Goes through the next `process` or `process_gains`, whose results stay what they would have been
    /// (rt/rehearsal.hpp). Its thread's.
    void rehearse(const rt::Rehearsal& rehearsal) noexcept SIDETONE_REALTIME;

    /// States and overlap to zero. Not while `process` runs.
    void reset() noexcept;

    /// Why "auto" took the backend it took; for people.
    [[nodiscard]] const std::string& backend_reason() const noexcept;

    /// One line when "auto" tried a better backend first and that would not have the model: which, and the operator,
    /// node and opset that it lacks. Empty when nothing was refused.
    [[nodiscard]] const std::string& backend_refusal() const noexcept;

private:
    struct Parts;
    std::unique_ptr<Parts> parts_;
};

}  // namespace sidetone::nn
