// SPDX-License-Identifier: Apache-2.0
#include "device/rtaudio_card.hpp"

#include <RtAudio.h>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <mutex>
#include <optional>
#include <utility>

#include "device/clock_reading.hpp"
#include "device/default_watch.hpp"
#include "device/rtaudio_devices.hpp"
#include "rt/clock.hpp"
#include "rt/delay_locked_loop.hpp"
#include "rt/error.hpp"
#include "rt/thread.hpp"

namespace sidetone::device {

namespace {

constexpr std::uint32_t kUsualRateHz = 48'000, kUsualBlockFrames = 128;
constexpr double kClockBandwidthHz = 1;

RtAudioFormat rtaudio_format(dsp::SampleFormat format) {
    switch (format) {
        case dsp::SampleFormat::s16:
            return RTAUDIO_SINT16;
        case dsp::SampleFormat::s24:
            return RTAUDIO_SINT24;
        case dsp::SampleFormat::s32:
            return RTAUDIO_SINT32;
        default:
            return RTAUDIO_FLOAT32;
    }
}

/// What RtAudio last complained of on this thread.
std::string& last_error() {
    thread_local std::string text;
    return text;
}

/// The values of `a` that `b` has too; an absent device has everything.
template <class T>
std::vector<T> in_common(const std::vector<T>* a, const std::vector<T>* b) {
    if (a == nullptr) return *b;
    if (b == nullptr) return *a;
    std::vector<T> both;
    for (const auto& value : *a) {
        if (std::find(b->begin(), b->end(), value) != b->end()) both.push_back(value);
    }
    return both;
}

}  // namespace

// ── the stream ──────────────────────────────────────────────────────────────────────────────────

class RtAudioCard::Stream {
public:
    Stream(RtAudioCard& card, CardUser& user);
    ~Stream();
    Stream(const Stream&) = delete;
    Stream& operator=(const Stream&) = delete;

    void start();
    [[nodiscard]] bool default_has_moved() const noexcept;

private:
    /// RtAudio's error callback carries no user data, so all that are alive are asked whether it was theirs.
    struct Streams {
        std::mutex guard;
        std::vector<Stream*> streams;
    };

    void find_devices();
    [[nodiscard]] std::uint32_t choose_rate() const;
    void choose_layout();
    void open(std::uint32_t rate_hz);
    void describe_format(std::uint32_t rate_hz, std::uint32_t block_frames);
    void watch_defaults();
    void report_lost() noexcept;
    static void on_error(RtAudioError::Type type, const std::string& text) noexcept;
    static Streams& alive();
    void process(void* output, void* input, unsigned int frames, RtAudioStreamStatus status) noexcept SIDETONE_REALTIME;

    RtAudioCard& card_;
    CardUser& user_;
    std::optional<RtAudioDevice> input_, output_;
    bool follows_input_ = false, follows_output_ = false;  // the default was asked for
    RtAudioDefaults opened_defaults_;
    std::optional<DefaultWatch> defaults_;
    dsp::SampleFormat format_ = dsp::SampleFormat::f32;
    bool interleaved_ = true;
    std::optional<RtAudio> system_;
    std::vector<const void*> input_pointers_;
    std::vector<void*> output_pointers_;
    rt::DelayLockedLoop clock_{1e9, kClockBandwidthHz};
    std::atomic<bool> lost_{false};
    std::atomic<bool> flowing_{false};
};

RtAudioCard::Stream::Stream(RtAudioCard& card, CardUser& user) : card_(card), user_(user) {
    find_devices();
    const auto rate_hz = choose_rate();
    choose_layout();
    open(rate_hz);
    user_.prepare(card_.format_);
    const std::lock_guard lock(alive().guard);
    alive().streams.push_back(this);
}

RtAudioCard::Stream::~Stream() {
    flowing_.store(false, std::memory_order_relaxed);
    {
        const std::lock_guard lock(alive().guard);
        std::erase(alive().streams, this);
    }
    try {
        if (system_ && system_->isStreamRunning()) system_->abortStream();
        if (system_ && system_->isStreamOpen()) system_->closeStream();
    } catch (const RtAudioError&) {
        // The device is gone, and with it what was to be stopped.
    }
}

void RtAudioCard::Stream::find_devices() {
    const auto devices = list_rtaudio_devices();
    const auto& asked = card_.settings_;
    const auto& output_name = asked.output.empty() ? asked.input : asked.output;
    if (asked.input_channels > 0) input_ = find_rtaudio_device(devices, asked.input, Direction::input);
    if (asked.output_channels > 0) output_ = find_rtaudio_device(devices, output_name, Direction::output);
    if (!input_ && !output_) throw InputError("rtaudio: asked for a card with neither inputs nor outputs");
    if (input_ && output_ && input_->api != output_->api) {
        throw InputError(
            fmt::format("rtaudio: input \"{}/{}\" and output \"{}/{}\" belong to different sound systems; name the "
                        "output apart, they are then joined",
                        input_->api, input_->name, output_->api, output_->name));
    }
    const auto check = [](const RtAudioDevice& device, std::uint32_t there, std::uint32_t wanted, const char* what) {
        if (there >= wanted) return;
        throw InputError(
            fmt::format("rtaudio: device \"{}\" has {} {} channels, asked for {}", device.name, there, what, wanted));
    };
    if (input_) check(*input_, input_->input_channels, asked.input_channels, "input");
    if (output_) check(*output_, output_->output_channels, asked.output_channels, "output");
    follows_input_ = input_ && asks_for_default(devices, asked.input);
    follows_output_ = output_ && asks_for_default(devices, output_name);
    if (follows_input_ || follows_output_)
        opened_defaults_ = default_rtaudio_devices((input_ ? input_ : output_)->api_number, devices);
    card_.playback_name_ = output_ ? fmt::format("rtaudio:{}/{}", output_->api, output_->name) : std::string{};
    card_.device_names_ = !output_ || (input_ && input_->name == output_->name)
                              ? fmt::format("{}/{}", input_->api, input_->name)
                          : input_ ? fmt::format("{}/{} and {}", input_->api, input_->name, output_->name)
                                   : fmt::format("{}/{}", output_->api, output_->name);
}

std::uint32_t RtAudioCard::Stream::choose_rate() const {
    const auto rates = in_common(input_ ? &input_->rates_hz : nullptr, output_ ? &output_->rates_hz : nullptr);
    const auto has = [&](std::uint32_t rate_hz) {
        return std::find(rates.begin(), rates.end(), rate_hz) != rates.end();
    };
    const auto asked = card_.settings_.rate_hz;
    if (asked != 0 && !has(asked)) {
        throw InputError(fmt::format("rtaudio: device \"{}\" does not run at {} Hz; it has {} Hz", card_.device_names_,
                                     asked, fmt::join(rates, ", ")));
    }
    if (asked != 0) return asked;
    if (rates.empty()) throw InputError(fmt::format("rtaudio: {} have no rate in common", card_.device_names_));
    return has(kUsualRateHz) ? kUsualRateHz : rates.front();
}

void RtAudioCard::Stream::choose_layout() {
    const auto formats =
        in_common(input_ ? &input_->native_formats : nullptr, output_ ? &output_->native_formats : nullptr);
    format_ = formats.empty() ? dsp::SampleFormat::f32 : formats.front();
    // JACK's buffers are planar; RtAudio's other systems hand over frames.
    interleaved_ = (input_ ? input_ : output_)->api != "jack";
}

void RtAudioCard::Stream::open(std::uint32_t rate_hz) {
    const auto& asked = card_.settings_;
    RtAudio::StreamParameters in, out;
    if (input_) in.deviceId = input_->id, in.nChannels = asked.input_channels;
    if (output_) out.deviceId = output_->id, out.nChannels = asked.output_channels;
    RtAudio::StreamOptions options;
    options.flags = RTAUDIO_SCHEDULE_REALTIME | (interleaved_ ? 0U : RTAUDIO_NONINTERLEAVED);
    options.numberOfBuffers = 2;
    options.streamName = "sidetone";
    options.priority = asked.priority;
    unsigned int frames = asked.block_frames != 0 ? asked.block_frames : kUsualBlockFrames;
    const auto call = [](void* output, void* input, unsigned int count, double, RtAudioStreamStatus status,
                         void* data) {
        static_cast<Stream*>(data)->process(output, input, count, status);
        return 0;
    };
    system_.emplace(static_cast<RtAudio::Api>((input_ ? input_ : output_)->api_number));
    system_->showWarnings(false);
    last_error().clear();
    system_->openStream(output_ ? &out : nullptr, input_ ? &in : nullptr, rtaudio_format(format_), rate_hz, &frames,
                        call, this, &options, &Stream::on_error);
    if (!system_->isStreamOpen())
        throw InputError(fmt::format("rtaudio: {} does not open: {}", card_.device_names_, last_error()));
    describe_format(rate_hz, frames);
}

void RtAudioCard::Stream::describe_format(std::uint32_t rate_hz, std::uint32_t block_frames) {
    const auto& asked = card_.settings_;
    const auto sum = static_cast<std::uint32_t>(std::max(0L, system_->getStreamLatency()));
    const auto share = input_ && output_ ? sum / 2 : sum;
    card_.format_ = {.rate_hz = rate_hz,
                     .block_frames = block_frames,
                     .max_block_frames = block_frames,
                     .fixed_block = true,
                     .input_channels = input_ ? asked.input_channels : 0,
                     .output_channels = output_ ? asked.output_channels : 0,
                     .format = format_,
                     .interleaved = interleaved_,
                     .capture_latency_frames = !input_ ? 0 : std::max(share, block_frames),
                     .playback_latency_frames = !output_ ? 0 : std::max(share, block_frames)};
    input_pointers_.resize(interleaved_ ? 1 : card_.format_.input_channels);
    output_pointers_.resize(interleaved_ ? 1 : card_.format_.output_channels);
    clock_.reset(1e9 * block_frames / rate_hz);
}

void RtAudioCard::Stream::start() {
    flowing_.store(true, std::memory_order_release);  // with all that was made ready
    last_error().clear();
    system_->startStream();
    if (!system_->isStreamRunning())
        throw InputError(fmt::format("rtaudio: {} does not start: {}", card_.device_names_, last_error()));
    watch_defaults();
}

// ── the default device ──────────────────────────────────────────────────────────────────────────

bool RtAudioCard::Stream::default_has_moved() const noexcept {
    return defaults_ && defaults_->has_moved();
}

// To a device that could be played on as the present one is. A sound system that does not answer has not said that its
// default is another.
void RtAudioCard::Stream::watch_defaults() {
    if (!follows_input_ && !follows_output_) return;
    struct Watched {
        int api;
        CardFormat format;
        bool input, output;
        RtAudioDefaults seen;

        [[nodiscard]] bool serves(const std::optional<RtAudioDevice>& device, std::uint32_t wanted,
                                  std::uint32_t RtAudioDevice::*channels) const {
            if (!device) return true;  // not known before it is opened
            const auto& rates = device->rates_hz;
            return (*device).*channels >= wanted &&
                   std::find(rates.begin(), rates.end(), format.rate_hz) != rates.end();
        }
        bool operator()() {
            auto now = default_rtaudio_devices(api);
            const auto is_another = [](const std::string& before, const std::string& after) {
                return !before.empty() && !after.empty() && before != after;
            };
            return (input && is_another(seen.input_mark, now.input_mark) &&
                    serves(now.input, format.input_channels, &RtAudioDevice::input_channels)) ||
                   (output && is_another(seen.output_mark, now.output_mark) &&
                    serves(now.output, format.output_channels, &RtAudioDevice::output_channels));
        }
    };
    const auto api = (input_ ? input_ : output_)->api_number;
    defaults_.emplace(Watched{api, card_.format_, follows_input_, follows_output_, opened_defaults_});
}

// ── what RtAudio calls ──────────────────────────────────────────────────────────────────────────

RtAudioCard::Stream::Streams& RtAudioCard::Stream::alive() {
    static Streams streams;
    return streams;
}

void RtAudioCard::Stream::on_error(RtAudioError::Type type, const std::string& text) noexcept {
    last_error() = text;
    // An unplugged ALSA card is but a warning to RtAudio, repeated for ever.
    const bool unplugged = text.find("No such device") != std::string::npos;
    const bool harmless = type == RtAudioError::WARNING || type == RtAudioError::DEBUG_WARNING;
    if (harmless && !unplugged) return;
    const std::lock_guard lock(alive().guard);
    for (auto* const stream : alive().streams) {
        // RtAudio has stopped the stream whose error it was.
        if (unplugged || !stream->system_->isStreamRunning()) stream->report_lost();
    }
}

void RtAudioCard::Stream::report_lost() noexcept {
    if (flowing_.load(std::memory_order_relaxed) && !lost_.exchange(true)) user_.on_event(CardEvent::lost);
}

void RtAudioCard::Stream::process(void* output, void* input, unsigned int frames, RtAudioStreamStatus status) noexcept {
    const auto entered_ns = rt::now_ns();
    // RtAudio's threads exist before the stream is started, and need not take a lock to see that it was.
    (void)flowing_.load(std::memory_order_acquire);
    const auto clocks = read_clocks();
    if (card_.kernel_id_.load(std::memory_order_relaxed) == 0) {
        // Once: RtAudio makes the thread, and tells nobody.
        card_.kernel_id_.store(rt::this_thread_kernel_id(), std::memory_order_relaxed);
    }
    const rt::ScopedFlushDenormals flush;
    clock_.update(clocks.to_monotonic_ns(entered_ns));
    if (status != 0) user_.on_event(CardEvent::xrun);

    const std::size_t step = frames * dsp::bytes_per_sample(format_);  // planar buffers lie back to back
    for (std::size_t i = 0; i < input_pointers_.size(); ++i)
        input_pointers_[i] = static_cast<const std::byte*>(input) + i * step;
    for (std::size_t i = 0; i < output_pointers_.size(); ++i)
        output_pointers_[i] = static_cast<std::byte*>(output) + i * step;
    const auto due_monotonic_ns = static_cast<std::int64_t>(clock_.current_ns());
    user_.process({.input = {.data = input_pointers_.data(),
                             .format = format_,
                             .interleaved = interleaved_,
                             .channels = card_.format_.input_channels},
                   .output = {.data = output_pointers_.data(),
                              .format = format_,
                              .interleaved = interleaved_,
                              .channels = card_.format_.output_channels},
                   .frames = frames,
                   .due_ns = clocks.to_stamp_ns(due_monotonic_ns),
                   .entered_ns = entered_ns,
                   .due_monotonic_ns = due_monotonic_ns,
                   .period_ns = clock_.period_ns(),
                   .lost_frames = 0});
}

// ── the card ────────────────────────────────────────────────────────────────────────────────────

RtAudioCard::RtAudioCard(RtAudioSettings settings) : settings_(std::move(settings)) {}

RtAudioCard::~RtAudioCard() {
    stop();
}

void RtAudioCard::start(CardUser& user) {
    stop();
    warnings_.clear();
    kernel_id_.store(0, std::memory_order_relaxed);
    rt::calibrate_clock();
    if (!rt::may_use_realtime_priority()) {
        warnings_.emplace_back("rtaudio: no right to real-time priority, the sound may click (see `sidetone doctor`)");
    }
    stream_ = std::make_unique<Stream>(*this, user);
    if (settings_.block_frames != 0 && settings_.block_frames != format_.block_frames) {
        warnings_.push_back(fmt::format("rtaudio: {} gives blocks of {} frames, not {}", device_names_,
                                        format_.block_frames, settings_.block_frames));
    }
    try {
        stream_->start();
    } catch (...) {
        stream_.reset();
        throw;
    }
}

void RtAudioCard::stop() noexcept {
    stream_.reset();
}

bool RtAudioCard::default_has_moved() {
    return stream_ != nullptr && stream_->default_has_moved();
}

std::string RtAudioCard::description() const {
    return fmt::format("{} (RtAudio), {} Hz, {} frames, {}", device_names_, format_.rate_hz, format_.block_frames,
                       dsp::to_string(format_.format));
}

std::vector<std::string> RtAudioCard::warnings() const {
    return warnings_;
}

}  // namespace sidetone::device
