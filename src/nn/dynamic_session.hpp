// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <vector>

namespace sidetone::nn {

/// A tensor that a DynamicSession takes or has made: a shape of its own, and memory that its copies share. What one run
/// has made goes into the next without being copied.
class Tensor {
public:
    Tensor() = default;

    /// Views of the caller's memory, which must outlive the tensor; as many values as `shape` says. Throws
    /// std::runtime_error with what the backend said: there are fewer.
    [[nodiscard]] static Tensor view(std::span<const float> values, std::span<const std::int64_t> shape);
    [[nodiscard]] static Tensor view(std::span<const std::int64_t> values, std::span<const std::int64_t> shape);
    /// One boolean, of shape [1].
    [[nodiscard]] static Tensor flag(bool value);

    /// Throws std::runtime_error: it is no tensor of floats.
    [[nodiscard]] std::span<const float> values() const;
    [[nodiscard]] std::vector<std::int64_t> shape() const;

private:
    friend class DynamicSession;
    struct Value;
    std::shared_ptr<Value> value_;
};

/// What a graph says of one of its inputs or outputs.
struct DeclaredTensor {
    bool has_floats = false;
    std::vector<std::int64_t> shape;  ///< -1 where a dimension varies; empty for what is no tensor, too
};

/// A graph whose tensors change their shapes from run to run, such as a decoder with a memory that grows: by ONNX
/// Runtime, one thread, no pool. Not for live sound: every run allocates. Where shapes stay, use a Session.
///
/// Ordinary threads, one at a time.
class DynamicSession {
public:
    /// Throws InputError naming the file. Its SHA-256 must have been verified (nn/session.hpp says why).
    explicit DynamicSession(const std::filesystem::path& file);
    ~DynamicSession();
    DynamicSession(DynamicSession&&) noexcept;
    DynamicSession& operator=(DynamicSession&&) noexcept;

    /// In the file's order.
    [[nodiscard]] const std::vector<std::string>& inputs() const noexcept { return inputs_; }
    [[nodiscard]] const std::vector<std::string>& outputs() const noexcept { return outputs_; }
    /// Throws InputError: there is none.
    [[nodiscard]] DeclaredTensor input(const std::string& name) const;
    [[nodiscard]] DeclaredTensor output(const std::string& name) const;

    /// Runs on all `inputs`, in the file's order, and makes the outputs called `wanted`. Throws std::runtime_error with
    /// what the backend said.
    [[nodiscard]] std::vector<Tensor> run(std::span<const Tensor> inputs, std::span<const std::string> wanted);

private:
    struct Parts;
    [[nodiscard]] DeclaredTensor declared(const std::string& name, bool is_input) const;

    std::filesystem::path file_;
    std::vector<std::string> inputs_, outputs_;
    std::unique_ptr<Parts> parts_;
};

}  // namespace sidetone::nn
