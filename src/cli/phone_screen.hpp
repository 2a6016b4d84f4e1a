// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "cli/live_listener.hpp"
#include "engine/ledger.hpp"
#include "rt/histogram.hpp"
#include "rt/thread.hpp"

namespace sidetone::cli {

/// Phones as a line: on a terminal coloured by confidence, those that may still change dimmed.
[[nodiscard]] std::string phones_line(const HeardNow& news, bool has_colours);

/// What phones are written on while they are spoken. The screen's thread.
class Page {
public:
    virtual ~Page() = default;
    virtual void show(const HeardNow& news) = 0;
};

/// On a terminal one line that is written again and again, elsewhere a line whenever some more have settled.
class PhoneLine final : public Page {
public:
    PhoneLine();
    void show(const HeardNow& news) override;

private:
    bool is_terminal_;
    std::uint64_t printed_ = 0;  // phones, where there is no terminal
};

/// The thread that shows phones while they are spoken. Times go into the ledger: dispatch (from the decoder to this
/// thread) and render-ready (until they are written), and the whole way from the newest sound that was needed.
class PhoneScreen {
public:
    /// All of them must outlive it.
    PhoneScreen(LiveListener& listener, Page& page, engine::Ledger& ledger);
    ~PhoneScreen() { finish(); }
    PhoneScreen(const PhoneScreen&) = delete;
    PhoneScreen& operator=(const PhoneScreen&) = delete;

    void start();
    /// After the listener's `finish`: shows what is left, and ends.
    void finish();

    /// After `finish`: of each of the phones that were heard in the end, how long after its peak had passed it first
    /// stood on the screen, in milliseconds, to stay.
    [[nodiscard]] rt::Distribution shown_after_ms() const;

private:
    /// A phone on the screen, and since when.
    struct Shown {
        speech::Phone phone = speech::kBlank;
        std::int64_t first_sample = 0;
        std::int64_t sample_at_zero = 0;  // as it was then: sound that the card loses later moves it
        std::int64_t shown_ns = 0;
    };

    void run();
    void remember(const HeardNow& news, std::int64_t now_ns);
    void count_shown();

    LiveListener& listener_;
    Page& page_;
    rt::Histogram &dispatch_, &render_, &total_;
    std::vector<Shown> shown_;       // of the utterance that is spoken
    std::uint64_t first_shown_ = 0;  // number of the first of them
    rt::Histogram shown_after_;      // of utterances that are over
    rt::RealtimeThread thread_;
};

/// `shown_after_ms` as a line for people; the network runs on `chunk_ms` at a time.
[[nodiscard]] std::string shown_text(const rt::Distribution& shown_after_ms, std::uint32_t chunk_ms);

}  // namespace sidetone::cli
