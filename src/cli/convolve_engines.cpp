// SPDX-License-Identifier: Apache-2.0
#include "cli/convolve_engines.hpp"

#include <algorithm>

#include "dsp/convolver.hpp"

namespace sidetone::cli::convolve {
namespace {

dsp::ResponseMatrix matrix_of(const Job& job, const std::vector<std::vector<float>>& responses) {
    dsp::ResponseMatrix matrix{.inputs = job.inputs, .outputs = job.outputs, .responses = {}};
    for (std::uint32_t i = 0; i < job.inputs; ++i) {
        for (std::uint32_t o = 0; o < job.outputs; ++o) {
            matrix.responses.push_back({i, o, responses[i * job.outputs + o]});
        }
    }
    return matrix;
}

class Sidetone final : public Engine {
public:
    explicit Sidetone(const Job& job) : block_(job.block), convolver_(matrix_of(job, make_responses(job)), job.block) {}
    Sidetone(const Job& job, const dsp::ConvolverHelper::Settings& helper)
        : block_(job.block), convolver_(matrix_of(job, make_responses(job)), job.block, helper) {}
    void process(const float* const* in, float* const* out) noexcept override { convolver_.process(in, out, block_); }
    void process_unpaced(const float* const* in, float* const* out) noexcept override {
        process(in, out);
        convolver_.wait_for_helper();
    }

    [[nodiscard]] std::uint64_t late_blocks() const noexcept override { return convolver_.late_blocks(); }

private:
    std::size_t block_;
    dsp::Convolver convolver_;
};

class Direct final : public Engine {
public:
    explicit Direct(const Job& job)
        : job_(job), responses_(make_responses(job)), past_(job.inputs, std::vector<float>(job.taps + job.block)) {}

    void process(const float* const* in, float* const* out) noexcept override {
        for (std::uint32_t o = 0; o < job_.outputs; ++o) std::fill_n(out[o], job_.block, 0.0F);
        for (std::uint32_t i = 0; i < job_.inputs; ++i) {
            auto& past = past_[i];
            std::copy(past.begin() + job_.block, past.end(), past.begin());
            std::copy_n(in[i], job_.block, past.end() - job_.block);
            for (std::uint32_t o = 0; o < job_.outputs; ++o) add(past, responses_[i * job_.outputs + o], out[o]);
        }
    }

private:
    void add(const std::vector<float>& past, const std::vector<float>& taps, float* out) const noexcept {
        for (std::size_t n = 0; n < job_.taps; ++n) {
            const float* from = past.data() + job_.taps - n;
            for (std::size_t frame = 0; frame < job_.block; ++frame) out[frame] += taps[n] * from[frame];
        }
    }

    Job job_;
    std::vector<std::vector<float>> responses_, past_;
};

class Floor final : public Engine {
public:
    void process(const float* const* /*in*/, float* const* /*out*/) noexcept override {}
};

}  // namespace

std::unique_ptr<Engine> make_sidetone(const Job& job) {
    return std::make_unique<Sidetone>(job);
}

std::unique_ptr<Engine> make_sidetone_with_helper(const Job& job) {
    return std::make_unique<Sidetone>(job, dsp::ConvolverHelper::Settings{.rate_hz = job.rate_hz});
}

bool has_helper(const Job& job) {
    const std::vector<std::vector<float>> responses(std::size_t{job.inputs} * job.outputs,
                                                    std::vector<float>(job.taps));
    const auto plan = dsp::plan_convolver(matrix_of(job, responses), job.block);
    return dsp::ConvolverHelper::first_helped(plan.tails, job.block, job.rate_hz) < plan.tails.size();
}

std::unique_ptr<Engine> make_direct(const Job& job) {
    return std::make_unique<Direct>(job);
}

std::unique_ptr<Engine> make_floor(const Job& /*job*/) {
    return std::make_unique<Floor>();
}

}  // namespace sidetone::cli::convolve
