// SPDX-License-Identifier: Apache-2.0
#include "speech/ctc_word_search.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <numbers>
#include <stdexcept>
#include <utility>

#include "speech/ctc_weights.hpp"

namespace sidetone::speech {
namespace {

/// Candidates for each hypothesis before the worst are given up.
constexpr std::size_t kCandidatesEach = 16;
constexpr std::size_t kFewestCandidates = 512;

void check(const char* name, std::size_t found, std::size_t least, std::size_t most) {
    if (found >= least && found <= most) return;
    throw std::invalid_argument(fmt::format("word search, {}: found {}, expected {} to {}", name, found, least, most));
}

CtcWordSearch::Settings checked(const CtcWordSearch::Settings& settings) {
    check("beam", settings.beam, 1, 1024);
    check("longest_doubt", settings.longest_doubt, 1, 256);
    check("kept_words", settings.kept_words, 1, std::size_t{1} << 20);
    if (!(settings.least_share >= 0 && settings.least_share < 1))
        throw std::invalid_argument("word search, least_share: expected 0 to 1");
    return settings;
}

}  // namespace

CtcWordSearch::CtcWordSearch(std::shared_ptr<const LexiconTrie> vocabulary,
                             std::shared_ptr<const WordLanguageModel> language, const Settings& settings,
                             std::shared_ptr<const HotWords> hot_words)
    : vocabulary_(std::move(vocabulary)),
      language_(std::move(language)),
      hot_words_(std::move(hot_words)),
      settings_(checked(settings)),
      history_(settings.beam, settings.longest_doubt, settings.kept_words),
      current_(settings.beam),
      next_(settings.beam),
      candidates_(std::max(kCandidatesEach * settings.beam, kFewestCandidates)),
      slots_(std::bit_ceil(4 * candidates_.size())),
      settling_(settings.longest_doubt + 2),
      weights_(kPhoneClassCount),
      logarithms_(kPhoneClassCount),
      tokens_(kPhoneClassCount) {
    phone_factor_ = std::exp(static_cast<double>(settings.phone_bonus));
    // A language score counts for 0 at most.
    const float most = std::min(settings.word_bonus + (hot_words_ ? hot_words_->most() : 0), kMostLogScore);
    most_ahead_ = std::max(1.0, std::exp(static_cast<double>(most)));
    for (Phone phone = 1; phone < kPhoneClassCount; ++phone) {
        const auto child = vocabulary_->child(LexiconTrie::kRoot, phone);
        if (child != LexiconTrie::kNone) most_ahead_ = std::max(most_ahead_, vocabulary_->look_ahead(child));
    }
    most_ahead_ *= phone_factor_;
    reset();
}

void CtcWordSearch::reset() noexcept {
    history_.reset(language_ ? language_->start() : 0);
    current_[0] = Hypothesis{};
    current_[0].sums.blank_sum = current_[0].sums.blank_best = 1;
    count_ = 1;
    log_scale_ = 0;
    exponent_ = 0;
    frames_ = 0;
}

void CtcWordSearch::step(const float* log_probs) noexcept {
    if (weigh(log_probs)) {
        clear_slots();
        candidate_count_ = 0;
        order_ = 0;
        choose_tokens(log_probs);
        gather_stays();
        raise_threshold();
        gather_extensions();
        keep_best_candidates();
        if (candidate_count_ > 0) {
            log_scale_ += log_largest_;
            for (std::size_t n = 0; n < candidate_count_; ++n) build(candidates_[n], next_[n]);
            take_over();
            rescale();
            settle();
            decide();
        }
    }
    ++frames_;
}

bool CtcWordSearch::weigh(const float* log_probs) noexcept {
    const auto largest = weigh_frame(log_probs, weights_);
    if (!largest) return false;
    log_largest_ = static_cast<double>(*largest);
    for (std::size_t c = 0; c < weights_.size(); ++c) logarithms_[c] = weights_[c] > 0 ? log_probs[c] : 0;
    return true;
}

void CtcWordSearch::choose_tokens(const float* log_probs) noexcept {
    token_count_ = 0;
    for (std::size_t c = 1; c < weights_.size(); ++c) {
        if (weights_[c] > 0 && log_probs[c] >= settings_.least_log_prob)
            tokens_[token_count_++] = static_cast<Phone>(c);
    }
    sort_by_weight(std::span(tokens_).first(token_count_), weights_);
}

/// Every hypothesis as it is: after a blank, or after its last phone again.
void CtcWordSearch::gather_stays() noexcept {
    for (std::size_t n = 0; n < count_; ++n) {
        const auto& now = current_[n];
        const double repeated = now.last == kBlank ? 0 : weights_[now.last];
        const Sums sums{now.sums.sum() * weights_[kBlank], now.sums.token_sum * repeated,
                        now.sums.best() * weights_[kBlank], now.sums.token_best * repeated};
        if (!(sums.sum() > kNothing)) continue;
        auto& candidate = insert({now.history, kNone, now.place, now.last}, vocabulary_->look_ahead(now.place));
        candidate.sums = sums;
        candidate.blank_from = candidate.token_from = static_cast<Index>(n);
        candidate.is_repeat = true;
    }
}

void CtcWordSearch::raise_threshold() noexcept {
    double best = 0;
    double least = std::numeric_limits<double>::infinity();
    for (std::size_t n = 0; n < candidate_count_; ++n) {
        best = std::max(best, candidates_[n].rank());
        least = std::min(least, candidates_[n].rank());
    }
    floor_ = std::max(best * settings_.least_share, kNothing);
    threshold_ = candidate_count_ == settings_.beam ? std::max(least, floor_) : floor_;
}

void CtcWordSearch::gather_extensions() noexcept {
    for (std::size_t n = 0; n < count_; ++n) {
        const double most = current_[n].sums.sum() * most_ahead_;
        for (std::size_t k = 0; k < token_count_; ++k) {
            if (most * weights_[tokens_[k]] <= floor_) break;  // the others are less likely still
            extend(static_cast<Index>(n), tokens_[k]);
        }
    }
}

/// A phone goes on with a word, or begins one; where it ends some, each of them has been said.
void CtcWordSearch::extend(Index from, Phone token) noexcept {
    const auto history = current_[from].history;
    const auto place = vocabulary_->child(current_[from].place, token);
    if (place == LexiconTrie::kNone) return;
    if (vocabulary_->has_children(place)) {
        begin_token({.key = {history, kNone, place, token}}, from, vocabulary_->look_ahead(place));
    }
    for (const auto word : vocabulary_->words_at(place)) begin_token(say(history, word, token), from, 1);
}

CtcWordSearch::Said CtcWordSearch::say(Index history, std::uint32_t word, Phone last) const noexcept {
    if (const auto known = history_.find(history, word); known != WordHistory::kNone) {
        return {.key = {known, kNone, LexiconTrie::kRoot, last}, .factor = history_.factor(known)};
    }
    Said said{.key = {history, word, LexiconTrie::kRoot, last}};
    float score = settings_.word_bonus;
    if (language_) {
        const auto number = vocabulary_->language_word(word);
        score +=
            settings_.language_weight * std::min(0.0F, language_->score(history_.state(history), number, said.state));
    }
    if (hot_words_) score += hot_words_->score(history_.hot(history), word, said.hot);
    said.factor = exponential(static_cast<double>(std::min(score, kMostLogScore)));
    return said;
}

void CtcWordSearch::begin_token(const Said& said, Index from, double look_ahead) noexcept {
    const auto token = said.key.last;
    const double weight = weights_[token] * said.factor * phone_factor_;
    const double sum = current_[from].sum_before(token) * weight;
    if (!(sum * look_ahead > floor_)) return;
    auto* candidate = find(said.key);
    if (candidate == nullptr) {
        if (!(sum * look_ahead > threshold_)) return;
        candidate = &insert(said.key, look_ahead);
        candidate->factor = said.factor;
        candidate->state = said.state;
        candidate->hot = said.hot;
    }
    candidate->sums.token_sum += sum;
    const double best = current_[from].best_before(token) * weight;
    if (best <= candidate->sums.token_best && candidate->token_from != kNone) return;
    candidate->sums.token_best = best;
    candidate->token_from = from;
    candidate->is_repeat = false;
}

// ── candidates by key ───────────────────────────────────────────────────────────────────────────

void CtcWordSearch::clear_slots() noexcept {
    std::fill(slots_.begin(), slots_.end(), kNone);
}

/// Where the candidate with this key is, or would be. There are four slots for each candidate, so one is empty.
std::size_t CtcWordSearch::slot_of(const Key& key) const noexcept {
    auto hash = (std::uint64_t{key.history} << 32U | key.place) * 0x9e3779b97f4a7c15U;
    hash ^= (std::uint64_t{key.word} << 8U | key.last) * 0xc2b2ae3d27d4eb4fU;
    hash ^= hash >> 29U;
    auto slot = static_cast<std::size_t>(hash) & (slots_.size() - 1);
    while (slots_[slot] != kNone && !(candidates_[slots_[slot]].key == key)) slot = (slot + 1) & (slots_.size() - 1);
    return slot;
}

CtcWordSearch::Candidate* CtcWordSearch::find(const Key& key) noexcept {
    const auto at = slots_[slot_of(key)];
    return at == kNone ? nullptr : &candidates_[at];
}

CtcWordSearch::Candidate& CtcWordSearch::insert(const Key& key, double look_ahead) noexcept {
    if (candidate_count_ == candidates_.size()) make_room();
    slots_[slot_of(key)] = static_cast<Index>(candidate_count_);
    auto& candidate = candidates_[candidate_count_++];
    candidate = Candidate{};
    candidate.key = key;
    candidate.look_ahead = look_ahead;
    candidate.order = order_++;
    return candidate;
}

/// Those that are among the best stay; what ranks below them is no news any more.
void CtcWordSearch::make_room() noexcept {
    keep_best_candidates();
    clear_slots();
    for (std::size_t n = 0; n < candidate_count_; ++n) {
        slots_[slot_of(candidates_[n].key)] = static_cast<Index>(n);
    }
    double least = std::numeric_limits<double>::infinity();
    for (std::size_t n = 0; n < candidate_count_; ++n) least = std::min(least, candidates_[n].rank());
    threshold_ = std::max(threshold_, least);
}

/// Leaves at most `beam` candidates. Of equal ones the earlier: every machine keeps the same.
void CtcWordSearch::keep_best_candidates() noexcept {
    if (candidate_count_ <= settings_.beam) return;
    const auto at = [this](std::size_t n) { return candidates_.begin() + static_cast<std::ptrdiff_t>(n); };
    std::nth_element(at(0), at(settings_.beam), at(candidate_count_), [](const Candidate& a, const Candidate& b) {
        return a.rank() != b.rank() ? a.rank() > b.rank() : a.order < b.order;
    });
    candidate_count_ = settings_.beam;
}

// ── from candidates to hypotheses ───────────────────────────────────────────────────────────────

void CtcWordSearch::build(const Candidate& candidate, Hypothesis& next) noexcept {
    next.history = candidate.key.history;
    if (candidate.key.word != kNone) {
        // Another candidate may have made it: the same word, with another last phone.
        const auto made = history_.find(next.history, candidate.key.word);
        next.history = made != WordHistory::kNone ? made
                                                  : history_.add(next.history, candidate.key.word, candidate.factor,
                                                                 candidate.state, candidate.hot);
    }
    next.place = candidate.key.place;
    next.last = candidate.key.last;
    next.sums = candidate.sums;
    next.sums.blank_sum = told_from_zero(next.sums.blank_sum);
    next.sums.token_sum = told_from_zero(next.sums.token_sum);
    if (candidate.token_from != kNone) next.token_path = token_path(candidate);
    next.blank_path = candidate.blank_from != kNone ? current_[candidate.blank_from].path() : next.token_path;
}

CtcWordSearch::Path CtcWordSearch::token_path(const Candidate& candidate) const noexcept {
    const auto& from = current_[candidate.token_from];
    const auto token = candidate.key.last;
    const auto now = static_cast<std::int64_t>(frames_);
    const float value = logarithms_[token];
    if (candidate.is_repeat) {
        Path path = from.token_path;
        path.last_frame = now;
        path.peaks += std::max(value - path.peak, 0.0F);
        path.peak = std::max(value, path.peak);
        return path;
    }
    const Path& before = token == from.last ? from.blank_path : from.path();
    Path path = before;
    if (from.place == LexiconTrie::kRoot) path = {.before = time_of(before), .first_frame = now};
    path.last_frame = now;
    path.peak = value;
    path.peaks += value;
    ++path.phones;
    return path;
}

WordTime CtcWordSearch::time_of(const Path& path) const noexcept {
    if (path.phones == 0) return {};
    return {path.first_frame, path.last_frame, std::exp(path.peaks / static_cast<float>(path.phones))};
}

/// The kept candidates become the hypotheses, the best first.
void CtcWordSearch::take_over() noexcept {
    std::size_t best = 0;
    for (std::size_t n = 1; n < candidate_count_; ++n) {
        if (candidates_[n].rank() > candidates_[best].rank()) best = n;
    }
    std::swap(next_[0], next_[best]);
    for (std::size_t n = candidate_count_; n-- > 0;) {
        history_.hold(next_[n].history);
        if (next_[n].place == LexiconTrie::kRoot) history_.set_before(next_[n].history, next_[n].path().before);
    }
    for (std::size_t n = 0; n < count_; ++n) history_.let_go(current_[n].history);
    std::swap(current_, next_);
    count_ = candidate_count_;
}

/// By powers of two, which loses nothing. The likeliest paths get a scale of their own: the sums outgrow them.
void CtcWordSearch::rescale() noexcept {
    double best = 0;
    for (std::size_t n = 0; n < count_; ++n) best = std::max(best, current_[n].sums.best());
    const int exponent = exponent_of(current_[0].sums.sum());
    const double factor = power_of_two(-exponent);
    const double best_factor = best > 0 ? power_of_two(-exponent_of(best)) : 1.0;
    exponent_ += exponent;
    for (std::size_t n = 0; n < count_; ++n) {
        auto& sums = current_[n].sums;
        sums.blank_sum *= factor;
        sums.token_sum *= factor;
        sums.blank_best = told_from_zero(sums.blank_best * best_factor);
        sums.token_best = told_from_zero(sums.token_best * best_factor);
    }
}

/// Words that all hypotheses begin with are settled, with the times they have in the best one; but the last of them may
/// still last.
void CtcWordSearch::settle() noexcept {
    const auto to = history_.common();
    if (to == history_.root()) return;
    const auto settled = history_.settled();
    const auto count = static_cast<std::size_t>(history_.length(to) - 1 - settled);
    std::size_t copied = 0;
    CtcWord word;
    for (; copied < count && copy(settled + copied, {&word, 1}) == 1; ++copied) {
        settling_[copied] = {word.word, word.time};
    }
    history_.settle(to, std::span{settling_}.first(copied));
}

/// Where hypotheses have differed for too long, those that do not begin as the best does are dropped.
void CtcWordSearch::decide() noexcept {
    const auto shortest = stable_length();
    std::uint64_t longest = 0;
    for (std::size_t n = 0; n < count_; ++n) longest = std::max(longest, length(n));
    if (longest - shortest <= settings_.longest_doubt) return;
    std::swap(current_[0], current_[guide()]);
    const auto decided = history_.ancestor(current_[0].history, shortest + 1);
    std::size_t kept = 0;
    for (std::size_t n = 0; n < count_; ++n) {
        const auto history = current_[n].history;
        if (history_.length(history) > shortest && history_.ancestor(history, shortest + 1) == decided) {
            std::swap(current_[kept++], current_[n]);
        } else {
            history_.let_go(history);
        }
    }
    count_ = kept;
    settle();
}

/// The best hypothesis that has more words than all share.
std::size_t CtcWordSearch::guide() const noexcept {
    const auto shortest = stable_length();
    std::size_t guide = 0;
    while (length(guide) == shortest) ++guide;
    for (std::size_t n = guide + 1; length(0) == shortest && n < count_; ++n) {
        if (length(n) > shortest && rank(current_[n]) > rank(current_[guide])) guide = n;
    }
    return guide;
}

double CtcWordSearch::log_probability(std::size_t rank) const noexcept {
    return std::log(current_[rank].sums.sum()) + static_cast<double>(exponent_) * std::numbers::ln2 + log_scale_;
}

std::optional<std::size_t> CtcWordSearch::best_end() const noexcept {
    std::optional<std::size_t> best;
    double most = 0;
    for (std::size_t n = 0; n < count_; ++n) {
        if (current_[n].place != LexiconTrie::kRoot) continue;
        const auto history = current_[n].history;
        float score = language_ ? settings_.language_weight * language_->score_of_end(history_.state(history)) : 0;
        if (hot_words_) score -= hot_words_->pending(history_.hot(history));
        const double sum = current_[n].sums.sum() * std::exp(static_cast<double>(std::min(score, kMostLogScore)));
        if (best && sum <= most) continue;
        best = n;
        most = sum;
    }
    return best;
}

std::size_t CtcWordSearch::copy(std::uint64_t first, std::span<CtcWord> out, std::size_t rank) const noexcept {
    const auto& hypothesis = current_[rank];
    const auto end = std::min<std::uint64_t>(length(rank), first + out.size());
    if (first >= end) return 0;
    const auto settled = history_.settled();
    const auto after_settled = settled == 0 ? 0 : history_.settled_word(settled - 1).time.last_frame + 1;
    const bool is_between = hypothesis.place == LexiconTrie::kRoot;
    auto node = hypothesis.history;
    const auto& path = hypothesis.path();
    auto own = is_between ? time_of(path) : path.before;
    auto before = is_between ? path.before : history_.before(node);
    auto latest = is_between ? static_cast<std::int64_t>(frames_) : path.first_frame - 1;
    while (node != WordHistory::kNone && history_.length(node) > settled) {
        const auto number = history_.length(node) - 1;
        const auto earliest = after_settled + static_cast<std::int64_t>(number - settled);
        own.last_frame = std::min(own.last_frame, latest);
        own.first_frame = std::max(std::min(own.first_frame, own.last_frame), earliest);
        own.last_frame = std::max(own.last_frame, own.first_frame);
        if (number >= first && number < end) out[number - first] = {history_.word(node), own};
        latest = own.first_frame - 1;
        node = history_.parent(node);
        own = before;
        if (node != WordHistory::kNone) before = history_.before(node);
    }
    for (auto number = first; number < std::min(end, settled); ++number) {
        const auto& kept = history_.settled_word(number);
        out[number - first] = {kept.word, kept.time};
    }
    return static_cast<std::size_t>(end - first);
}

}  // namespace sidetone::speech
