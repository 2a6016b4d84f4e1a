// SPDX-License-Identifier: Apache-2.0
#include "cli/phone_screen.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>

#include "cli/terminal.hpp"
#include "rt/clock.hpp"

namespace sidetone::cli {
namespace {

using speech::PhonemeRecognizer;

constexpr int kPriority = 30;  // below any card's and worker's

constexpr double kDispatchUs = 5'000, kRenderUs = 5'000, kTotalUs = 100'000;
constexpr std::size_t kPhonesOfLine = 24;
constexpr std::int64_t kAnswerSamples = 320;
constexpr std::int64_t kSameSamples = 800;  // a phone that moves by less is the same phone

const char* colour_of(float confidence) {
    if (confidence >= 0.7F) return kGreen;
    return confidence >= 0.4F ? kYellow : kRed;
}

}  // namespace

std::string phones_line(const HeardNow& news, bool has_colours) {
    const auto from = news.count > kPhonesOfLine ? news.count - kPhonesOfLine : 0;
    if (news.count == 0) return "…";
    std::string line =
        fmt::format("{:7.2f} s ", PhonemeRecognizer::seconds_of(news.phones[news.count - 1].first_sample));
    for (auto i = from; i < news.count; ++i) {
        const auto& heard = news.phones[i];
        const bool may_change = news.first + i >= news.settled;
        if (has_colours) line += may_change ? kDim : colour_of(heard.confidence);
        line += fmt::format(" {}", speech::phone_name(heard.phone));
        if (has_colours) line += kPlain;
    }
    return line;
}

PhoneLine::PhoneLine() : is_terminal_(isatty(STDOUT_FILENO) != 0) {}

void PhoneLine::show(const HeardNow& news) {
    if (is_terminal_) {
        std::fputs(fmt::format("{}{}{}", kClearLine, phones_line(news, true), news.is_over ? "\n" : "").c_str(),
                   stdout);
        std::fflush(stdout);
        return;
    }
    std::string line;
    const auto end = news.is_over ? news.first + news.count : std::min(news.settled, news.first + news.count);
    for (auto number = std::max(printed_, news.first); number < end; ++number) {
        const auto& heard = news.phones[number - news.first];
        line += line.empty() ? fmt::format("{:7.2f} s ", PhonemeRecognizer::seconds_of(heard.first_sample)) : "";
        line += fmt::format(" {}", speech::phone_name(heard.phone));
    }
    printed_ = std::max(printed_, end);
    if (line.empty()) return;
    std::puts(line.c_str());
    std::fflush(stdout);
}

PhoneScreen::PhoneScreen(LiveListener& listener, Page& page, engine::Ledger& ledger)
    : listener_(listener),
      page_(page),
      dispatch_(ledger.line("dispatch", kDispatchUs)),
      render_(ledger.line("render-ready", kRenderUs)),
      total_(ledger.line("sound to screen", kTotalUs)) {}

void PhoneScreen::start() {
    thread_ = rt::RealtimeThread{{.name = "screen", .priority = kPriority}, [this] { run(); }};
}

void PhoneScreen::finish() {
    if (thread_.joinable()) thread_.join();
}

void PhoneScreen::run() {
    for (;;) {
        const auto news = listener_.next();
        const auto taken_ns = rt::now_ns();
        page_.show(news);
        const auto shown_ns = rt::now_ns();
        remember(news, shown_ns);
        if (news.is_over) break;
        dispatch_.record(taken_ns - news.decided_ns);
        render_.record(shown_ns - taken_ns);
        total_.record(shown_ns - news.heard_ns);
    }
}

void PhoneScreen::remember(const HeardNow& news, std::int64_t now_ns) {
    const auto first = std::max(news.first, first_shown_);
    const auto end = std::max(news.first + news.count, first);
    shown_.resize(static_cast<std::size_t>(end - first_shown_));
    for (auto number = first; number < end; ++number) {
        auto& shown = shown_[static_cast<std::size_t>(number - first_shown_)];
        const auto& heard = news.phones[static_cast<std::size_t>(number - news.first)];
        const bool is_new = shown.shown_ns == 0 || shown.phone != heard.phone ||
                            std::abs(shown.first_sample - heard.first_sample) > kSameSamples;
        if (is_new) {
            shown.shown_ns = now_ns;
            shown.sample_at_zero = news.sample_at_zero;
        }
        shown.phone = heard.phone;
        shown.first_sample = heard.first_sample;
    }
    if (news.ends_utterance || news.is_over) count_shown();
}

// One that never stood on the screen, since news were lost, has no delay.
void PhoneScreen::count_shown() {
    for (const auto& shown : shown_) {
        if (shown.shown_ns == 0) continue;
        const auto heard_at = shown.first_sample + kAnswerSamples;
        const auto heard_ns = shown.sample_at_zero + heard_at * 1'000'000'000 / PhonemeRecognizer::kRateHz;
        shown_after_.record(shown.shown_ns - heard_ns);
    }
    first_shown_ += shown_.size();
    shown_.clear();
}

rt::Distribution PhoneScreen::shown_after_ms() const {
    auto delays = shown_after_.distribution_us();
    for (auto* of : {&delays.p50, &delays.p95, &delays.p99, &delays.p999, &delays.max, &delays.mean}) *of /= 1e3;
    return delays;
}

std::string shown_text(const rt::Distribution& shown_after_ms, std::uint32_t chunk_ms) {
    return fmt::format(
        "a phone stands on the screen {:.0f} ms (median; p95 {:.0f}) after it sounded: look-ahead 43 ms, chunks of {} "
        "ms, and the ledger's parts\n",
        shown_after_ms.p50, shown_after_ms.p95, chunk_ms);
}

}  // namespace sidetone::cli
