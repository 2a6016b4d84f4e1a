// SPDX-License-Identifier: Apache-2.0
#include "cli/transport_check.hpp"

#include <algorithm>
#include <cmath>
#include <cstdlib>

#include "dsp/sample_conversion.hpp"
#include "rt/clock.hpp"
#include "rt/thread.hpp"

namespace sidetone::cli::transport {
namespace {

std::vector<std::int16_t> in_16_bits(std::span<const float> sound) {
    std::vector<std::int16_t> samples(sound.size());
    void* plane = samples.data();
    const dsp::SampleSink sink{.data = &plane, .format = dsp::SampleFormat::s16, .interleaved = true, .channels = 1};
    dsp::from_float(sound.data(), sink, 0, 0, sound.size());
    return samples;
}

// What comes out of a pipeline, its delay taken off.
std::vector<std::int16_t> output_of(Pipeline& pipeline, const device::CardFormat& format,
                                    std::vector<std::int16_t> input) {
    const rt::ScopedFlushDenormals flush;  // as on a card's thread
    const auto figures = std::make_unique<Figures>();
    pipeline.start(format, *figures);
    input.resize((input.size() + pipeline.delay_frames()) / format.block_frames * format.block_frames, 0);
    std::vector<std::int16_t> output(input.size());
    for (std::size_t frame = 0; frame < input.size(); frame += format.block_frames) {
        const void* in = input.data() + frame;
        void* out = output.data() + frame;
        const auto now = rt::now_ns();
        const device::CardBlock block{
            .input = {.data = &in, .format = dsp::SampleFormat::s16, .interleaved = true, .channels = 1},
            .output = {.data = &out, .format = dsp::SampleFormat::s16, .interleaved = true, .channels = 1},
            .frames = format.block_frames,
            .due_ns = now,
            .entered_ns = now,
            .due_monotonic_ns = rt::monotonic_ns(),
            .period_ns = 1e9 * format.block_frames / format.rate_hz};
        pipeline.before_block(block);
        (void)pipeline.process(block);
        pipeline.after_block();
        pipeline.wait_until_idle();
    }
    const auto delay = pipeline.delay_frames();
    pipeline.stop();
    output.erase(output.begin(), output.begin() + std::min<std::ptrdiff_t>(delay, std::ssize(output)));
    return output;
}

}  // namespace

CheckResult check_equal_work(std::span<const std::unique_ptr<Pipeline>> pipelines, std::uint32_t rate_hz,
                             std::uint32_t block_frames, std::span<const float> sound) {
    const device::CardFormat format{.rate_hz = rate_hz,
                                    .block_frames = block_frames,
                                    .max_block_frames = block_frames,
                                    .input_channels = 1,
                                    .output_channels = 1,
                                    .format = dsp::SampleFormat::s16,
                                    .interleaved = true};
    const auto input = in_16_bits(sound);
    CheckResult result{.block_frames = block_frames};
    const auto reference = output_of(*pipelines.back(), format, input);
    for (const auto sample : reference) result.loudest = std::max(result.loudest, std::abs(int{sample}));
    for (const auto& pipeline : pipelines.first(pipelines.size() - 1)) {
        const auto output = output_of(*pipeline, format, input);
        const auto count = std::min(output.size(), reference.size());
        for (std::size_t i = 0; i < count; ++i) {
            const auto difference = std::abs(int{output[i]} - int{reference[i]});
            if (difference <= result.max_difference) continue;
            result.max_difference = difference;
            result.between = pipeline->name();
        }
    }
    return result;
}

}  // namespace sidetone::cli::transport
