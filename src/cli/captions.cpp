// SPDX-License-Identifier: Apache-2.0
#include "cli/captions.hpp"

#include <fmt/format.h>

#include <nlohmann/json.hpp>
#include <utility>

#include "cli/caption_follower.hpp"
#include "cli/caption_page.hpp"
#include "cli/command.hpp"
#include "cli/live_listener.hpp"
#include "cli/phone_screen.hpp"
#include "engine/ledger.hpp"
#include "engine/report.hpp"

namespace sidetone::cli {

int show_captions(const CaptionArguments& arguments, std::unique_ptr<speech::VoiceDetector> detector,
                  std::optional<speech::HeardWords> words, std::unique_ptr<SpokenWords> texts) {
    if (!arguments.json.empty()) check_writable(arguments.json);
    engine::Ledger ledger;
    CaptionFollower follower{{.beam = arguments.beam, .language = arguments.language}, std::move(words), texts.get()};
    LiveListener listener{open_recognizer(arguments.model), std::move(detector), follower, ledger};
    CaptionPage page{
        follower, texts.get(), {.json_lines = arguments.json_lines, .keeps_utterances = !arguments.json.empty()}};
    PhoneScreen screen{listener, page, ledger};
    auto report = listen(arguments.listening, listener, screen, [] { return false; });
    if (texts) texts->finish();
    page.show_texts();

    for (const auto& line : ledger.lines()) report.lines.push_back(line);
    const auto shown = screen.shown_after_ms();
    const auto text_after = page.text_after_us();
    if (page.has_text()) {
        fmt::print("{}{}", engine::to_text(report), shown_text(shown, arguments.model.chunk_ms));
        if (text_after.count > 0) {
            fmt::print("a text is there {:.0f} ms (median; at most {:.0f}) after the end of its utterance was heard\n",
                       text_after.p50 / 1e3, text_after.max / 1e3);
        }
    }
    if (!arguments.json.empty()) {
        auto json = engine::to_json(report);
        json["model"] = model_called(arguments.model);
        json["detector"] = listener.detector();
        json["utterances"] = page.utterances();
        if (texts) json["text_after_us"] = engine::to_json(text_after);
        json["phone_shown_after_ms"] = engine::to_json(shown);
        write_json(arguments.json, json);
    }
    page.finish();
    return is_clean(report) ? kFine : kFellShort;
}

}  // namespace sidetone::cli
