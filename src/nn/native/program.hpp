// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "nn/native/epilogue.hpp"
#include "nn/native/program_memory.hpp"
#include "nn/native/tensor.hpp"

namespace sidetone::nn::native {

using Bytes = ProgramVector<std::byte>;

/// Memory that values lie in: the caller's for inputs (and outputs, once planned), the arena's for what is in between,
/// its own for constants.
struct Storage {
    enum class Kind : std::uint8_t { arena, input, output, constant };

    Kind kind = Kind::arena;
    std::size_t bytes = 0;
    std::size_t index = 0;   ///< which input or output
    std::size_t offset = 0;  ///< in the arena
    Bytes constant;
};

/// A tensor: contiguous, row-major, and maybe only a part of its storage.
struct Value {
    DataType type = DataType::f32;
    Shape shape;
    std::size_t storage = 0;
    std::size_t offset_bytes = 0;

    [[nodiscard]] std::size_t elements() const noexcept { return elements_of(shape); }
    [[nodiscard]] std::size_t bytes() const noexcept { return elements() * bytes_of(type); }
};

using ValueId = std::size_t;

/// Stands for a type of kernels: each has an address of its own.
template <class Kernel>
inline constexpr char kKernelType = 0;

/// A kernel and the values it works on. `run` gets the pointers of `operands` in their order.
struct Step {
    void (*run)(const void* kernel, void* const* operands) noexcept = nullptr;
    std::shared_ptr<const void> kernel;
    const void* kernel_type = nullptr;
    std::vector<ValueId> operands;
    std::size_t reads = 0;  ///< the first `reads` operands are only read, the others wholly written
    std::string operation, node;
    std::uint64_t multiply_adds = 0;   ///< that the operator's definition asks for; 0: about one operation an element
    std::size_t weight_bytes = 0;      ///< that the kernel holds itself and reads in each run
    std::string_view weight_type;      ///< how it holds them; empty: it holds none
    std::size_t vectors = 1;           ///< of a product, that share one reading of them
    bool may_overwrite_input = false;  ///< the first output may lie where the first input does
    std::optional<Epilogue> epilogue;  ///< all that the step does, where it is no more than one
    /// Makes the kernel also do an epilogue before it stores its first output; false where it cannot.
    bool (*absorb)(Step& step, const Epilogue& epilogue) = nullptr;
    std::size_t absorbed = 0;  ///< so many epilogues
    /// Makes the kernel hold its weights in 24 bits; null where it cannot.
    void (*round_weights)(Step& step) = nullptr;
    /// The same kernel in the memory whose scope the caller is in.
    std::shared_ptr<const void> (*clone)(const void* kernel) = nullptr;
    std::vector<std::size_t> part_offsets;  ///< of a concatenation, where every input may lie in the output, in bytes
};

/// A graph lowered to kernels.
struct Program {
    // Above the steps, which it has to outlive: programs are made and moved, but never assigned to.
    std::shared_ptr<ProgramMemory> memory;  ///< what the steps' kernels lie in, once they are settled
    std::vector<Storage> storages;
    std::deque<Value> values;  // lowering holds references to values while it adds others
    std::vector<Step> steps;
    std::vector<ValueId> outputs;
    std::size_t arena_bytes = 0;
};

template <class Kernel>
void describe_weights(Step& step, const Kernel& kernel) {
    if constexpr (requires { kernel.weight_bytes(); }) {
        step.weight_bytes = kernel.weight_bytes();
        step.weight_type = "float32";
    }
    if constexpr (requires { kernel.weight_type(); }) step.weight_type = kernel.weight_type();
}

/// A step that calls `kernel(operands)`. What a kernel has besides is asked for here: `multiply_adds()`,
/// `weight_bytes()` and `weight_type()`, without which weights are floats of 32 bits, say what plans and profiles tell;
/// `round_weights()` holds the weights in 24 bits, where `vectors()`, without which it is one, are few enough;
/// `may_overwrite_input()` and `part_offsets()` let values share storage, `epilogue()` and `with(epilogue)`, which is
/// the kernel with an epilogue or none, let steps become one.
template <class Kernel>
[[nodiscard]] Step make_step(Kernel kernel) {
    static_assert(noexcept(kernel(static_cast<void* const*>(nullptr))), "kernels run on the audio thread");
    Step step;
    step.run = [](const void* self, void* const* operands) noexcept { (*static_cast<const Kernel*>(self))(operands); };
    if constexpr (requires { kernel.multiply_adds(); }) step.multiply_adds = kernel.multiply_adds();
    describe_weights(step, kernel);
    if constexpr (requires { kernel.vectors(); }) step.vectors = kernel.vectors();
    if constexpr (requires { kernel.may_overwrite_input(); }) step.may_overwrite_input = kernel.may_overwrite_input();
    if constexpr (requires { kernel.part_offsets(); }) step.part_offsets = kernel.part_offsets();
    if constexpr (requires { kernel.epilogue(); }) step.epilogue = kernel.epilogue();
    if constexpr (requires(const Epilogue& epilogue) { kernel.with(epilogue); }) {
        step.absorb = [](Step& self, const Epilogue& epilogue) {
            auto made = static_cast<const Kernel*>(self.kernel.get())->with(epilogue);
            if (!made) return false;
            self.kernel = std::make_shared<const Kernel>(*std::move(made));
            return true;
        };
    }
    if constexpr (requires(Kernel made) { made.round_weights(); }) {
        step.round_weights = [](Step& self) {
            auto made = *static_cast<const Kernel*>(self.kernel.get());
            made.round_weights();
            describe_weights(self, made);
            self.kernel = std::make_shared<const Kernel>(std::move(made));
        };
    }
    step.clone = [](const void* self) -> std::shared_ptr<const void> {
        return std::allocate_shared<const Kernel>(ProgramAllocator<Kernel>{ProgramMemory::current()},
                                                  *static_cast<const Kernel*>(self));
    };
    step.kernel = std::make_shared<const Kernel>(std::move(kernel));
    step.kernel_type = &kKernelType<Kernel>;
    return step;
}

/// The step's kernel where it is of this type, else null.
template <class Kernel>
[[nodiscard]] const Kernel* kernel_of(const Step& step) {
    return step.kernel_type == &kKernelType<Kernel> ? static_cast<const Kernel*>(step.kernel.get()) : nullptr;
}

}  // namespace sidetone::nn::native
