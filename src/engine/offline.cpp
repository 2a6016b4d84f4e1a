// SPDX-License-Identifier: Apache-2.0
#include "engine/offline.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <vector>

#include "device/sound_file.hpp"
#include "engine/calibration_file.hpp"
#include "engine/chain.hpp"
#include "engine/chain_file.hpp"
#include "rt/clock.hpp"
#include "rt/error.hpp"
#include "rt/guard.hpp"
#include "rt/thread.hpp"

namespace sidetone::engine {
namespace {

// One block of planar floats in and out, the way a card would bring it.
class FileBlock {
public:
    FileBlock(std::uint32_t channels, std::uint32_t frames) : input_(channels), output_(channels) {
        for (std::uint32_t c = 0; c < channels; ++c) {
            input_[c].resize(frames);
            output_[c].resize(frames);
            input_planes_.push_back(input_[c].data());
            input_bytes_.push_back(input_[c].data());
            output_bytes_.push_back(output_[c].data());
        }
    }

    // The next frames of the file, then silence.
    void fill(device::SoundFileReader& reader, std::uint32_t frames) {
        const auto got = reader.read(input_planes_, frames);
        for (auto& channel : input_) std::fill(channel.begin() + static_cast<std::ptrdiff_t>(got), channel.end(), 0.0F);
    }

    [[nodiscard]] device::CardBlock card_block(std::uint32_t frames, double period_ns) const {
        const auto now = rt::now_ns();
        const auto channels = static_cast<std::uint32_t>(input_.size());
        return {.input = {.data = input_bytes_.data(), .channels = channels},
                .output = {.data = output_bytes_.data(), .channels = channels},
                .frames = frames,
                .due_ns = now,
                .entered_ns = now,
                .due_monotonic_ns = rt::monotonic_ns(),
                .period_ns = period_ns};
    }

    void write(device::SoundFileWriter& writer, std::size_t channels, std::size_t first, std::size_t frames) const {
        std::vector<const float*> planes;
        for (std::size_t c = 0; c < channels; ++c) planes.push_back(output_[c].data() + first);
        writer.write(planes, frames);
    }

private:
    std::vector<std::vector<float>> input_, output_;
    std::vector<float*> input_planes_;
    std::vector<const void*> input_bytes_;
    std::vector<void*> output_bytes_;
};

Report make_report(const ChainFile& file, const device::CardFormat& format, const Chain& chain, const Ledger& ledger) {
    Report report;
    report.chain = file.path.string();
    report.card = "file";
    report.rate_hz = format.rate_hz;
    report.block_frames = format.block_frames;
    report.channels = file.channels;
    report.delay_frames = chain.delay_frames();
    report.not_finite = chain.not_finite();
    report.latency.chain_ms = 1000.0 * chain.delay_frames() / format.rate_hz;
    report.lines = ledger.lines();
    for (const auto& link : file.stages) {
        report.misses += link.stage->misses();
        if (auto decision = link.stage->decision(); !decision.empty()) report.decisions.push_back(std::move(decision));
        for (const auto& part : link.stage->parts()) {
            report.lines.push_back({link.name + ": " + part.name, part.histogram->distribution_us(), part.budget_us});
        }
    }
    for (const auto& line : report.lines) {
        if (line.name == "callback") report.latency.compute_ms = line.us.p99 / 1000;
    }
    return report;
}

}  // namespace

Report process_file(const std::filesystem::path& chain_path, const std::filesystem::path& input,
                    const std::filesystem::path& output, const OfflineOptions& options,
                    const std::function<void(double)>& progress) {
    std::error_code error;
    if (std::filesystem::equivalent(input, output, error)) {
        throw InputError(
            fmt::format("{}: is the input as well, expected another file for the output", output.string()));
    }
    device::SoundFileReader reader{input};
    if (options.channels > reader.channels()) {
        throw InputError(fmt::format("{}: found {} channels, expected at least the {} that are to be written",
                                     input.string(), reader.channels(), options.channels));
    }
    const auto channels = options.channels == 0 ? reader.channels() : options.channels;
    auto file = read_chain(chain_path, reader.channels());
    file.calibration = options.calibration;
    if (const auto warning = calibration_warning(file); !warning.empty() && options.on_message) {
        options.on_message(warning);
    }
    device::CardFormat format;
    format.rate_hz = reader.rate_hz();
    format.block_frames = format.max_block_frames = options.block_frames;
    format.input_channels = format.output_channels = reader.channels();
    Ledger ledger;
    Chain chain{file, format, ledger, {.offline = true}};
    device::SoundFileWriter writer{output, reader.rate_hz(), channels, device::FileFormat::f32};

    const rt::ScopedFlushDenormals flush;
    rt::reset_realtime_counts();
    const auto total = reader.frames() + chain.delay_frames();
    const auto cpu_started = rt::process_cpu_ns();
    const auto started = rt::monotonic_ns();
    FileBlock block{reader.channels(), options.block_frames};
    std::uint64_t skip = options.align ? chain.delay_frames() : 0, blocks = 0;
    for (std::uint64_t done = 0; done < total; ++blocks) {
        block.fill(reader, options.block_frames);
        {
            const rt::RealtimeScope scope{rt::RealtimeKind::audio};
            chain.process(block.card_block(options.block_frames, 1e9 * options.block_frames / format.rate_hz));
        }
        const auto frames = std::min<std::uint64_t>(options.block_frames, total - done);
        const auto skipped = std::min(skip, frames);
        block.write(writer, channels, skipped, frames - skipped);
        skip -= skipped;
        done += frames;
        if (progress && blocks % 64 == 0) progress(static_cast<double>(done) / static_cast<double>(total));
    }
    writer.commit();
    if (progress) progress(1);

    auto report = make_report(file, format, chain, ledger);
    report.blocks = blocks;
    report.seconds = static_cast<double>(reader.frames()) / format.rate_hz;
    const auto wall = static_cast<double>(rt::monotonic_ns() - started);
    report.cpu_share = wall > 0 ? static_cast<double>(rt::process_cpu_ns() - cpu_started) / wall : 0;
    if (rt::interposer_is_present()) {
        report.heap_calls = rt::realtime_counts(rt::RealtimeKind::audio).heap_calls;
        report.locks = rt::realtime_counts(rt::RealtimeKind::audio).locks;
    }
    return report;
}

}  // namespace sidetone::engine
