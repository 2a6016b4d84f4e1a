// SPDX-License-Identifier: Apache-2.0
#include "device/jack_card.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <jack/jack.h>
#include <pthread.h>

#include <algorithm>
#include <cstdlib>
#include <exception>
#include <utility>

#include "device/clock_reading.hpp"
#include "device/jack_messages.hpp"
#include "device/silence.hpp"
#include "rt/clock.hpp"
#include "rt/error.hpp"
#include "rt/thread.hpp"

namespace sidetone::device {

namespace {

std::string server_name(const std::string& asked) {
    if (!asked.empty()) return asked;
    const char* const from_environment = std::getenv("JACK_DEFAULT_SERVER");
    return from_environment != nullptr ? from_environment : "default";
}

jack_client_t* open_client(const std::string& client, const std::string& server) {
    jack_status_t status{};
    const auto options = static_cast<jack_options_t>(JackNoStartServer | JackServerName);
    return jack_client_open(client.c_str(), options, &status, server.c_str());
}

std::vector<std::string> ports_matching(jack_client_t* client, const std::string& pattern, unsigned long flags) {
    std::vector<std::string> names;
    const char** const found =
        jack_get_ports(client, pattern.empty() ? nullptr : pattern.c_str(), JACK_DEFAULT_AUDIO_TYPE, flags);
    if (found == nullptr) return names;
    for (const char** name = found; *name != nullptr; ++name) {
        if (!jack_port_is_mine(client, jack_port_by_name(client, *name))) names.emplace_back(*name);
    }
    jack_free(found);
    return names;
}

std::uint32_t latency_of(jack_client_t* client, const std::vector<std::string>& ports,
                         jack_latency_callback_mode_t mode) {
    std::uint32_t most = 0;
    for (const auto& name : ports) {
        jack_latency_range_t range{};
        jack_port_get_latency_range(jack_port_by_name(client, name.c_str()), mode, &range);
        most = std::max(most, range.max);
    }
    return most;
}

/// Runs `callback` with the thread's cancellation off. libjack ends its threads with an asynchronous pthread_cancel
/// when a client closes or the server dies; that unwinds the stack, which in one of our `noexcept` callbacks would be
/// std::terminate. What is pending takes effect in the last call here, so neither this function nor what libjack calls
/// may be `noexcept`, nor may a destructor make that call.
template <class Callback>
void without_cancellation(const Callback& callback) {
    int outer = PTHREAD_CANCEL_ENABLE;
    pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &outer);
    callback();
    pthread_setcancelstate(outer, nullptr);
}

}  // namespace

// ── the client ──────────────────────────────────────────────────────────────────────────────────

class JackCard::Client {
public:
    Client(JackCard& card, CardUser& user);
    ~Client();
    Client(const Client&) = delete;
    Client& operator=(const Client&) = delete;

    void activate();

private:
    void check_server();
    void register_ports();
    void find_partners();
    void describe_format(std::uint32_t rate_hz, std::uint32_t block_frames);
    void set_callbacks();
    void connect_ports();
    void connect(const std::string& from, const std::string& to);

    void change_format(std::uint32_t rate_hz, std::uint32_t block_frames) noexcept;
    void report_lost() noexcept;
    void process(jack_nframes_t frames) noexcept SIDETONE_REALTIME;
    void fetch_buffers(jack_nframes_t frames) noexcept SIDETONE_REALTIME;
    void stamp(CardBlock& block) noexcept SIDETONE_REALTIME;
    void pass_latency_on(jack_latency_callback_mode_t mode) noexcept;

    static Client& self(void* data) noexcept { return *static_cast<Client*>(data); }

    JackCard& card_;
    CardUser& user_;
    jack_client_t* client_ = nullptr;
    std::vector<jack_port_t*> inputs_, outputs_;
    std::vector<const void*> input_buffers_;
    std::vector<void*> output_buffers_;
    std::vector<std::string> capture_partners_, playback_partners_;
    ProcessGate gate_;
    std::mutex changing_;  // JACK's notification thread against `start`; never the audio thread of JACK 2
    std::atomic<bool> lost_{false};
    // Audio thread only.
    jack_nframes_t expected_frame_ = 0;
    bool frame_is_known_ = false;
};

JackCard::Client::Client(JackCard& card, CardUser& user) : card_(card), user_(user) {
    const auto server = server_name(card.settings_.server);
    client_ = open_client(card.settings_.client_name, server);
    if (client_ == nullptr) {
        throw InputError(
            fmt::format("no JACK server \"{}\" runs; start one with: jackd -R -d alsa -r 48000 -p 128 "
                        "(without a sound card: jackd -R -d dummy -r 48000 -p 128)",
                        server));
    }
    try {
        check_server();
        register_ports();
        find_partners();
        describe_format(jack_get_sample_rate(client_), jack_get_buffer_size(client_));
        user_.prepare(card_.format_);
    } catch (...) {
        jack_client_close(client_);
        throw;
    }
    set_callbacks();
}

JackCard::Client::~Client() {
    jack_client_close(client_);
}

void JackCard::Client::check_server() {
    const auto& asked = card_.settings_;
    const auto rate_hz = jack_get_sample_rate(client_);
    if (asked.rate_hz != 0 && asked.rate_hz != rate_hz) {
        throw InputError(fmt::format(
            "JACK server \"{}\": found {} Hz, asked for {} Hz; restart the server with -r {}, or ask for {} Hz",
            server_name(asked.server), rate_hz, asked.rate_hz, asked.rate_hz, rate_hz));
    }
    const auto frames = jack_get_buffer_size(client_);
    if (asked.block_frames != 0 && asked.block_frames != frames) {
        card_.warnings_.push_back(fmt::format(
            "JACK server \"{}\" runs blocks of {} frames, not {}; change it for all its clients with: jack_bufsize {}",
            server_name(asked.server), frames, asked.block_frames, asked.block_frames));
    }
}

void JackCard::Client::register_ports() {
    const auto make = [&](const char* prefix, std::uint32_t count, unsigned long flags) {
        std::vector<jack_port_t*> ports;
        for (std::uint32_t i = 1; i <= count; ++i) {
            const auto name = fmt::format("{}_{}", prefix, i);
            auto* const port = jack_port_register(client_, name.c_str(), JACK_DEFAULT_AUDIO_TYPE, flags, 0);
            if (port == nullptr)
                throw InputError(fmt::format("JACK server \"{}\" has no room for port {}",
                                             server_name(card_.settings_.server), name));
            ports.push_back(port);
        }
        return ports;
    };
    inputs_ = make("in", card_.settings_.input_channels, JackPortIsInput);
    outputs_ = make("out", card_.settings_.output_channels, JackPortIsOutput);
    input_buffers_.resize(inputs_.size());
    output_buffers_.resize(outputs_.size());
}

void JackCard::Client::find_partners() {
    const auto find = [&](const std::string& pattern, unsigned long flag, bool wanted, const char* what) {
        if (!wanted) return std::vector<std::string>{};
        auto ports = ports_matching(client_, pattern, pattern.empty() ? flag | JackPortIsPhysical : flag);
        if (!ports.empty()) return ports;
        if (!pattern.empty()) {
            const auto all = ports_matching(client_, "", flag);
            throw InputError(fmt::format("JACK server \"{}\": no {} port matches \"{}\"; there are: {}",
                                         server_name(card_.settings_.server), what, pattern,
                                         all.empty() ? "none" : fmt::format("{}", fmt::join(all, ", "))));
        }
        card_.warnings_.push_back(fmt::format("JACK server \"{}\" has no physical {} ports; nothing is connected",
                                              server_name(card_.settings_.server), what));
        return ports;
    };
    capture_partners_ = find(card_.settings_.capture_pattern, JackPortIsOutput, !inputs_.empty(), "capture");
    playback_partners_ = find(card_.settings_.playback_pattern, JackPortIsInput, !outputs_.empty(), "playback");
}

void JackCard::Client::describe_format(std::uint32_t rate_hz, std::uint32_t block_frames) {
    card_.format_ = {.rate_hz = rate_hz,
                     .block_frames = block_frames,
                     .max_block_frames = block_frames,
                     .fixed_block = true,
                     .input_channels = card_.settings_.input_channels,
                     .output_channels = card_.settings_.output_channels,
                     .format = dsp::SampleFormat::f32,
                     .interleaved = false,
                     .capture_latency_frames = latency_of(client_, capture_partners_, JackCaptureLatency),
                     .playback_latency_frames = latency_of(client_, playback_partners_, JackPlaybackLatency)};
}

void JackCard::Client::set_callbacks() {
    jack_set_process_callback(
        client_,
        [](jack_nframes_t frames, void* data) {
            without_cancellation([&] { self(data).process(frames); });
            return 0;
        },
        this);
    jack_set_thread_init_callback(
        client_,
        [](void* data) {
            without_cancellation(
                [&] { self(data).card_.kernel_id_.store(rt::this_thread_kernel_id(), std::memory_order_relaxed); });
        },
        this);
    jack_set_buffer_size_callback(
        client_,
        [](jack_nframes_t frames, void* data) {
            without_cancellation([&] { self(data).change_format(self(data).card_.format_.rate_hz, frames); });
            return 0;
        },
        this);
    jack_set_sample_rate_callback(
        client_,
        [](jack_nframes_t rate_hz, void* data) {
            without_cancellation([&] { self(data).change_format(rate_hz, self(data).card_.format_.block_frames); });
            return 0;
        },
        this);
    jack_set_xrun_callback(
        client_,
        [](void* data) {
            without_cancellation([&] { self(data).user_.on_event(CardEvent::xrun); });
            return 0;
        },
        this);
    jack_set_latency_callback(
        client_,
        [](jack_latency_callback_mode_t mode, void* data) {
            without_cancellation([&] { self(data).pass_latency_on(mode); });
        },
        this);
    jack_on_info_shutdown(
        client_,
        [](jack_status_t, const char*, void* data) { without_cancellation([&] { self(data).report_lost(); }); }, this);
}

void JackCard::Client::activate() {
    gate_.open();
    if (jack_activate(client_) != 0) {
        throw InputError(fmt::format("JACK server \"{}\" does not take the client \"{}\"",
                                     server_name(card_.settings_.server), jack_get_client_name(client_)));
    }
    connect_ports();
}

void JackCard::Client::connect(const std::string& from, const std::string& to) {
    if (jack_connect(client_, from.c_str(), to.c_str()) != 0) {
        card_.warnings_.push_back(fmt::format("JACK does not connect {} to {}", from, to));
    }
}

void JackCard::Client::connect_ports() {
    for (std::size_t i = 0; i < std::min(inputs_.size(), capture_partners_.size()); ++i) {
        connect(capture_partners_[i], jack_port_name(inputs_[i]));
    }
    for (std::size_t i = 0; i < std::min(outputs_.size(), playback_partners_.size()); ++i) {
        connect(jack_port_name(outputs_[i]), playback_partners_[i]);
    }
    // One voice is for both ears.
    if (outputs_.size() == 1 && playback_partners_.size() > 1)
        connect(jack_port_name(outputs_[0]), playback_partners_[1]);
}

// ── what JACK calls ─────────────────────────────────────────────────────────────────────────────

void JackCard::Client::change_format(std::uint32_t rate_hz, std::uint32_t block_frames) noexcept {
    const std::lock_guard lock(changing_);
    if (rate_hz == card_.format_.rate_hz && block_frames == card_.format_.block_frames) return;
    gate_.close();
    try {
        describe_format(rate_hz, block_frames);
        user_.prepare(card_.format_);
        gate_.open();
    } catch (const std::exception&) {
        report_lost();  // the gate stays shut, so the outputs are silent until `stop`
    }
}

void JackCard::Client::report_lost() noexcept {
    if (!lost_.exchange(true, std::memory_order_acq_rel)) user_.on_event(CardEvent::lost);
}

void JackCard::Client::pass_latency_on(jack_latency_callback_mode_t mode) noexcept {
    const bool downstream = mode == JackCaptureLatency;
    jack_latency_range_t all{.min = 0, .max = 0};
    bool first = true;
    for (auto* const port : downstream ? inputs_ : outputs_) {
        jack_latency_range_t range{};
        jack_port_get_latency_range(port, mode, &range);
        all.min = first ? range.min : std::min(all.min, range.min);
        all.max = std::max(all.max, range.max);
        first = false;
    }
    const auto delay = user_.delay_frames();
    all.min += delay;
    all.max += delay;
    for (auto* const port : downstream ? outputs_ : inputs_) jack_port_set_latency_range(port, mode, &all);
}

void JackCard::Client::fetch_buffers(jack_nframes_t frames) noexcept {
    for (std::size_t i = 0; i < inputs_.size(); ++i) input_buffers_[i] = jack_port_get_buffer(inputs_[i], frames);
    for (std::size_t i = 0; i < outputs_.size(); ++i) output_buffers_[i] = jack_port_get_buffer(outputs_[i], frames);
}

void JackCard::Client::stamp(CardBlock& block) noexcept {
    block.entered_ns = rt::now_ns();
    const auto clocks = read_clocks([] { return static_cast<std::int64_t>(jack_get_time()); });
    jack_nframes_t first_frame = 0;
    jack_time_t began_us = 0, next_us = 0;
    float period_us = 0;
    if (jack_get_cycle_times(client_, &first_frame, &began_us, &next_us, &period_us) != 0) {
        block.due_monotonic_ns = clocks.monotonic_ns;
        block.due_ns = block.entered_ns;
        block.period_ns = 1e9 * block.frames / card_.format_.rate_hz;
        frame_is_known_ = false;
        return;
    }
    // JACK's own clock, smoothed by its delay-locked loop. Which clock it is depends on the build (CLOCK_MONOTONIC_RAW
    // here): only differences are taken from it.
    block.due_monotonic_ns = clocks.monotonic_ns - (clocks.card - static_cast<std::int64_t>(began_us)) * 1000;
    block.due_ns = clocks.to_stamp_ns(block.due_monotonic_ns);
    block.period_ns = static_cast<double>(period_us) * 1e3;
    // The frame count wraps after 2^32 frames; differences do not mind. Backward steps are no loss.
    const auto skipped = static_cast<std::int32_t>(first_frame - expected_frame_);
    block.lost_frames = frame_is_known_ && skipped > 0 ? static_cast<std::uint64_t>(skipped) : 0;
    expected_frame_ = first_frame + block.frames;
    frame_is_known_ = true;
}

void JackCard::Client::process(jack_nframes_t frames) noexcept {
    const rt::ScopedFlushDenormals flush;
    fetch_buffers(frames);
    CardBlock block{.input = {.data = input_buffers_.data(), .channels = static_cast<std::uint32_t>(inputs_.size())},
                    .output = {.data = output_buffers_.data(), .channels = static_cast<std::uint32_t>(outputs_.size())},
                    .frames = frames};
    if (!gate_.try_enter()) {
        fill_with_silence(block.output, frames);
        frame_is_known_ = false;
        return;
    }
    stamp(block);
    user_.process(block);
    gate_.leave();
}

// ── the card ────────────────────────────────────────────────────────────────────────────────────

JackCard::JackCard(JackSettings settings) : settings_(std::move(settings)) {
    keep_jack_messages();
}

JackCard::~JackCard() {
    stop();
}

void JackCard::start(CardUser& user) {
    stop();
    (void)take_jack_messages();
    warnings_.clear();
    messages_.clear();
    kernel_id_.store(0, std::memory_order_relaxed);
    rt::calibrate_clock();
    client_ = std::make_unique<Client>(*this, user);
    try {
        client_->activate();
    } catch (...) {
        client_.reset();
        throw;
    }
}

void JackCard::stop() noexcept {
    client_.reset();
}

std::string JackCard::description() const {
    return fmt::format("JACK server \"{}\", {} Hz, {} frames", server_name(settings_.server), format_.rate_hz,
                       format_.block_frames);
}

std::vector<std::string> JackCard::warnings() const {
    for (auto& line : take_jack_messages()) messages_.push_back("libjack: " + line);
    auto all = warnings_;
    all.insert(all.end(), messages_.begin(), messages_.end());
    return all;
}

std::unique_ptr<JackServer> find_jack_server() {
    keep_jack_messages();
    const auto name = server_name("");
    const std::unique_ptr<jack_client_t, int (*)(jack_client_t*)> client(open_client("sidetone-list", name),
                                                                         jack_client_close);
    (void)take_jack_messages();
    if (!client) return nullptr;
    return std::make_unique<JackServer>(
        JackServer{.name = name,
                   .rate_hz = jack_get_sample_rate(client.get()),
                   .block_frames = jack_get_buffer_size(client.get()),
                   .capture_ports = ports_matching(client.get(), "", JackPortIsOutput),
                   .playback_ports = ports_matching(client.get(), "", JackPortIsInput)});
}

}  // namespace sidetone::device
