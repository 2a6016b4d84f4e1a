// SPDX-License-Identifier: Apache-2.0
#include "engine/live.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <exception>
#include <memory>
#include <optional>
#include <thread>

#include "engine/calibration_file.hpp"
#include "engine/engine.hpp"
#include "engine/tally.hpp"
#include "rt/clock.hpp"
#include "rt/error.hpp"
#include "rt/guard.hpp"
#include "rt/shallow_idle.hpp"
#include "rt/stall_watch.hpp"

namespace sidetone::engine {
namespace {

constexpr auto kPoll = std::chrono::milliseconds{20};
constexpr int kPollsPerStatus = 5;
// Of the cards' threads that ask for one themselves. JACK's are below, unless its server was told otherwise.
constexpr int kCardPriority = 70;
constexpr std::int64_t kRetryNs = 250'000'000;
constexpr std::int64_t kLinesEveryNs = 1'000'000'000;  // a run in trouble is not to bury its user

std::vector<float> decibels(const std::vector<float>& peaks) {
    std::vector<float> levels;
    levels.reserve(peaks.size());
    for (const float peak : peaks) levels.push_back(peak <= 1e-6F ? -120.0F : 20 * std::log10(peak));
    return levels;
}

// Peaks of each channel, since the last status and of the whole run.
struct Meters {
    std::vector<float> lately, ever;

    void see(const std::vector<float>& peaks) {
        for (auto* of : {&lately, &ever}) {
            of->resize(std::max(of->size(), peaks.size()));
            for (std::size_t c = 0; c < peaks.size(); ++c) (*of)[c] = std::max((*of)[c], peaks[c]);
        }
    }
    [[nodiscard]] std::vector<float> take() {
        auto levels = decibels(lately);
        std::ranges::fill(lately, 0.0F);
        return levels;
    }
};

// However a run ends, nothing from outside reaches an engine that is no more.
class RemoteGuard {
public:
    explicit RemoteGuard(Remote* remote) : remote_(remote) {}
    ~RemoteGuard() {
        if (remote_ != nullptr) remote_->stop();
    }
    RemoteGuard(const RemoteGuard&) = delete;
    RemoteGuard& operator=(const RemoteGuard&) = delete;

private:
    Remote* remote_;
};

std::unique_ptr<rt::StallWatch> watch_of(const LiveOptions& options) {
    if (!options.watch_stalls) return nullptr;
    std::string why;
    auto watch = rt::StallWatch::start_or_say(kCardPriority, why);
    if (watch == nullptr && options.on_message) options.on_message("stalls are not watched: " + why);
    return watch;
}

// The control thread of one run.
class LiveRun {
public:
    LiveRun(Engine& engine, const CardOpener& open_card, const LiveOptions& options)
        : shallow_idle_(options.deep_idle ? nullptr : std::make_unique<rt::ShallowIdle>()),
          engine_(engine),
          watch_(watch_of(options)),
          tally_(engine, rt::stall_finder(watch_.get())),
          open_card_(open_card),
          options_(options) {}

    Report run(const std::atomic<bool>& stop);

private:
    void begin_counting();
    void poll(std::int64_t now_ns);
    void tell_troubles();
    void follow_default(std::int64_t now_ns);
    void lose_card(std::int64_t now_ns);
    void interrupt(std::int64_t now_ns, const std::string& line);
    void try_again(std::int64_t now_ns);
    void tell(const std::string& line) const {
        if (options_.on_message) options_.on_message(line);
    }
    void settle_device();
    void watch_clocks();
    void note_clocks(const device::JoinedClocks& clocks);
    void show_status(std::int64_t now_ns);
    [[nodiscard]] Report report(std::int64_t now_ns);
    [[nodiscard]] Latency latency() const;
    [[nodiscard]] std::uint64_t page_faults() const;

    std::unique_ptr<rt::ShallowIdle> shallow_idle_;  // null: processors may sleep as deeply as they like
    Engine& engine_;
    std::unique_ptr<rt::StallWatch> watch_;
    Tally tally_;
    const CardOpener& open_card_;
    const LiveOptions& options_;
    std::unique_ptr<device::Card> card_;
    std::string description_;
    std::optional<std::string> device_;  // where sound goes, or went
    std::int64_t started_ns_ = 0, cpu_started_ns_ = 0;
    std::int64_t lost_at_ns_ = 0, next_try_ns_ = 0, next_lines_ns_ = 0;
    std::uint64_t blocks_before_loss_ = 0;
    bool resuming_ = false;
    std::string last_refusal_;
    std::uint64_t outages_ = 0, faults_before_ = 0;
    double longest_outage_ms_ = 0;
    std::optional<ClockReport> clocks_;
    Meters input_, output_;
    std::uint32_t changes_seen_ = 0;
    std::uint64_t xruns_seen_ = 0;
};

void LiveRun::begin_counting() {
    rt::reset_realtime_counts();
    faults_before_ = page_faults();
    started_ns_ = rt::monotonic_ns();
    cpu_started_ns_ = rt::process_cpu_ns();
    tally_.poll(card_->audio_thread_id());  // what the scheduler did before this is no excuse
}

Report LiveRun::run(const std::atomic<bool>& stop) {
    card_ = open_card_();
    card_->start(engine_);
    description_ = card_->description();
    settle_device();
    begin_counting();
    tell(description_);
    for (const auto& warning : card_->warnings()) tell(warning);
    for (const auto& warning : engine_.warnings()) tell(warning);
    for (const auto& decision : engine_.decisions()) tell(decision);
    if (options_.remote != nullptr) options_.remote->start(engine_);
    for (int polls = 1; !stop.load() && !engine_.is_finished(); ++polls) {
        std::this_thread::sleep_for(kPoll);
        const auto now = rt::monotonic_ns();
        poll(now);
        if (polls % kPollsPerStatus == 0) show_status(now);
        if (options_.seconds > 0 && static_cast<double>(now - started_ns_) >= options_.seconds * 1e9) break;
    }
    const auto ended = rt::monotonic_ns();
    auto result = report(ended);
    if (card_) card_->stop();
    if (options_.remote != nullptr) options_.remote->stop();
    poll(ended);
    tell_troubles();
    result.input_peaks_dbfs = decibels(input_.ever);
    result.output_peaks_dbfs = decibels(output_.ever);
    result.not_finite = tally_.not_finite_in() + tally_.not_finite_out();
    result.model_failures = tally_.model_failures();
    result.misses = tally_.misses(Cause::ours);
    result.misses_card = tally_.misses(Cause::card);
    result.misses_stolen = tally_.misses(Cause::stolen);
    return result;
}

void LiveRun::poll(std::int64_t now_ns) {
    if (watch_) watch_->collect();
    tally_.poll(card_ ? card_->audio_thread_id() : 0);
    if (options_.remote != nullptr) {
        for (const auto& line : options_.remote->take_lines()) tell(line);
    }
    watch_clocks();
    input_.see(engine_.take_input_peaks());
    output_.see(engine_.take_output_peaks());
    if (now_ns >= next_lines_ns_) {
        next_lines_ns_ = now_ns + kLinesEveryNs;
        tell_troubles();
    }
    if (const auto changes = engine_.changes(); changes != changes_seen_ && !resuming_) {
        changes_seen_ = changes;
        const auto format = engine_.format();
        tell(fmt::format("the card changed to {} Hz, {} frames a block; made ready again in {:.1f} ms", format.rate_hz,
                         format.block_frames, static_cast<double>(engine_.prepare_ns()) / 1e6));
    }
    if (engine_.take_lost()) lose_card(now_ns);
    if (lost_at_ns_ == 0) follow_default(now_ns);
    if (lost_at_ns_ != 0 && !resuming_ && now_ns >= next_try_ns_) try_again(now_ns);
    if (resuming_ && engine_.blocks() > blocks_before_loss_) {
        const auto outage_ms = static_cast<double>(now_ns - lost_at_ns_) / 1e6;
        longest_outage_ms_ = std::max(longest_outage_ms_, outage_ms);
        changes_seen_ = engine_.changes();
        tell(fmt::format("sound resumed after {:.0f} ms: {}", outage_ms, description_));
        resuming_ = false;
        lost_at_ns_ = 0;
    }
}

// A device that comes back finds what was set while it was there; another one gets its own.
void LiveRun::settle_device() {
    const auto device = card_->playback_name();
    if (!options_.settings_of || device_ == device) return;
    device_ = device;
    try {
        const auto settings = options_.settings_of(device);
        engine_.restore(settings);
        if (!settings.empty()) tell(fmt::format("{} settings of the profile of \"{}\"", settings.size(), device));
    } catch (const std::exception& error) {  // whatever is wrong with it, sound goes on
        tell(fmt::format("profile of \"{}\": {}", device, error.what()));
    }
}

void LiveRun::watch_clocks() {
    if (!card_) return;
    const auto clocks = card_->clocks();
    if (clocks.has_value()) note_clocks(*clocks);
}

void LiveRun::note_clocks(const device::JoinedClocks& clocks) {
    const auto rate_hz = engine_.format().rate_hz;
    if (rate_hz == 0 || clocks.delay_frames <= 0) return;  // the input has not come yet
    const auto ms = [&](double frames) { return 1000 * frames / rate_hz; };
    const auto delay_ms = ms(clocks.delay_frames);
    if (!clocks_) clocks_ = ClockReport{.least_delay_ms = delay_ms, .most_delay_ms = delay_ms};
    clocks_->correction_ppm = clocks.correction_ppm;
    clocks_->target_ms = ms(clocks.target_delay_frames);
    clocks_->least_delay_ms = std::min(clocks_->least_delay_ms, delay_ms);
    clocks_->most_delay_ms = std::max(clocks_->most_delay_ms, delay_ms);
    clocks_->under_runs = clocks.under_runs;
    clocks_->recentres = clocks.recentres;
    clocks_->dropped_frames = clocks.dropped_frames;
}

void LiveRun::tell_troubles() {
    for (const auto& line : tally_.take_lines()) tell(line);
    const auto xruns = engine_.xruns();
    if (xruns != xruns_seen_) tell(fmt::format("{} x under- or over-run reported by the card", xruns - xruns_seen_));
    xruns_seen_ = xruns;
}

void LiveRun::follow_default(std::int64_t now_ns) {
    if (!card_->default_has_moved()) return;
    interrupt(now_ns, "another device is the default now; going over to it");
    next_try_ns_ = now_ns;
}

void LiveRun::lose_card(std::int64_t now_ns) {
    interrupt(now_ns, fmt::format("the card is gone ({}); waiting for it to come back", description_));
}

void LiveRun::interrupt(std::int64_t now_ns, const std::string& line) {
    if (lost_at_ns_ == 0) {
        ++outages_;
        lost_at_ns_ = now_ns;
        tell(line);
    }
    if (card_) card_->stop();
    resuming_ = false;
    next_try_ns_ = now_ns + kRetryNs;
}

void LiveRun::try_again(std::int64_t now_ns) {
    next_try_ns_ = now_ns + kRetryNs;
    try {
        blocks_before_loss_ = engine_.blocks();
        card_->start(engine_);
        description_ = card_->description();
        resuming_ = true;
        last_refusal_.clear();
        settle_device();
    } catch (const InputError& error) {
        if (last_refusal_ != error.what()) tell(fmt::format("still waiting: {}", error.what()));
        last_refusal_ = error.what();
    }
}

Latency LiveRun::latency() const {
    const auto format = engine_.format();
    if (format.rate_hz == 0) return {};
    const auto ms = [&](double frames) { return 1000 * frames / format.rate_hz; };
    Latency latency;
    latency.capture_ms = ms(std::max(format.capture_latency_frames, format.block_frames));
    latency.playback_ms = ms(std::max(format.playback_latency_frames, format.block_frames));
    latency.chain_ms = ms(engine_.delay_frames());
    return latency;
}

void LiveRun::show_status(std::int64_t now_ns) {
    if (!options_.on_status) return;
    const auto format = engine_.format();
    LiveStatus status;
    status.seconds = static_cast<double>(now_ns - started_ns_) / 1e9;
    status.input_peaks_dbfs = input_.take();
    status.output_peaks_dbfs = output_.take();
    for (const auto& line : engine_.ledger()) {
        if (line.name == "callback")
            status.load = line.us.p99 * format.rate_hz / (1e6 * std::max(1U, format.block_frames));
    }
    status.misses = tally_.misses(Cause::ours);
    status.latency_ms = latency().total_ms();
    status.sounding = lost_at_ns_ == 0;
    options_.on_status(status);
}

std::uint64_t LiveRun::page_faults() const {
    std::uint64_t faults = 0;
    for (const auto id : {card_ ? card_->audio_thread_id() : 0, engine_.worker_id()}) {
        if (id == 0) continue;
        const auto pressure = rt::thread_pressure(id);
        faults += pressure.minor_faults + pressure.major_faults;
    }
    return faults;
}

Report LiveRun::report(std::int64_t now_ns) {
    const auto format = engine_.format();
    Report r;
    r.chain = engine_.file().path.string();
    r.card = description_;
    r.rate_hz = format.rate_hz;
    r.block_frames = format.block_frames;
    r.channels = engine_.file().channels;
    r.delay_frames = engine_.delay_frames();
    r.seconds = static_cast<double>(now_ns - started_ns_) / 1e9;
    r.blocks = engine_.blocks();
    r.xruns = engine_.xruns();
    r.outages = outages_;
    r.longest_outage_ms = longest_outage_ms_;
    if (rt::interposer_is_present()) {
        const auto audio = rt::realtime_counts(rt::RealtimeKind::audio);
        const auto worker = rt::realtime_counts(rt::RealtimeKind::worker);
        r.heap_calls = audio.heap_calls;
        r.locks = audio.locks;
        r.worker_heap_calls = worker.heap_calls;
        r.worker_locks = worker.locks;
    }
    // Threads that were replaced on the way took their counts with them.
    if (outages_ == 0 && engine_.changes() == 0 && card_ && card_->audio_thread_id() != 0) {
        const auto faults = page_faults();
        r.page_faults = faults >= faults_before_ ? faults - faults_before_ : 0;
    }
    r.cpu_share = static_cast<double>(rt::process_cpu_ns() - cpu_started_ns_) /
                  std::max<double>(1, static_cast<double>(now_ns - started_ns_));
    r.events_dropped = engine_.dropped_events();
    if (watch_)
        r.stalls =
            StallReport{.count = watch_->stalls(), .longest_ms = static_cast<double>(watch_->longest_ns()) / 1e6};
    r.clocks = clocks_;
    r.lines = engine_.ledger();
    r.decisions = engine_.decisions();
    r.latency = latency();
    for (const auto& line : r.lines) {
        if (line.name == "callback") r.latency.compute_ms = line.us.p99 / 1000;
    }
    return r;
}

// Calls, whichever way a scope is left.
struct AtEnd {
    const std::function<void()>& call;
    ~AtEnd() {
        if (call) call();
    }
};

}  // namespace

Report run_live(const std::filesystem::path& chain_path, std::uint32_t channels, const CardOpener& open_card,
                const LiveOptions& options, const std::atomic<bool>& stop) {
    auto file = read_chain(chain_path, channels);
    file.calibration = options.calibration;
    if (options.on_chain) options.on_chain(file);
    if (const auto warning = calibration_warning(file); !warning.empty() && options.on_message) {
        options.on_message(warning);
    }
    Engine engine{std::move(file)};
    const AtEnd at_end{options.on_end};
    const RemoteGuard guard{options.remote};
    return LiveRun{engine, open_card, options}.run(stop);
}

}  // namespace sidetone::engine
